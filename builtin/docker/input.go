package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// input reads the keys of a step. It keeps the first error, which names the
// step and the key, and gives zero values after it.
type input struct {
	step string
	keys map[string]any
	err  error
}

// newInput refuses keys that the step does not have.
func newInput(step string, keys map[string]any, allowed ...string) *input {
	in := &input{step: step, keys: keys}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(allowed, k) {
			in.fail(k, "unknown key, expected one of %s", strings.Join(allowed, ", "))
		}
	}
	return in
}

func (in *input) fail(key, format string, args ...any) {
	if in.err == nil {
		in.err = fault.New(fault.Invalid, "%s: %s: %s", in.step, key, fmt.Sprintf(format, args...))
	}
}

// required is text that must not be empty.
func (in *input) required(key string) string {
	s := in.text(key)
	if s == "" {
		in.fail(key, "missing")
	}
	return s
}

func (in *input) text(key string) string {
	switch v := in.keys[key].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		in.fail(key, "must be a string, is %v", v)
		return ""
	}
}

func (in *input) flag(key string) bool {
	switch v := in.keys[key].(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		in.fail(key, "must be true or false, is %v", v)
		return false
	}
}

// integer accepts the forms that a whole number takes on its way through
// JSON, YAML and strings.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func (in *input) count(key string) int64 {
	v := in.keys[key]
	if v == nil {
		return 0
	}
	n, ok := integer(v)
	if !ok || n < 0 {
		in.fail(key, "must be a whole number from 0, is %v", v)
		return 0
	}
	return n
}

func (in *input) port(key string, v any) int {
	n, ok := integer(v)
	if !ok || n < 1 || n > 65535 {
		in.fail(key, "must be a port from 1 to 65535, is %v", v)
		return 0
	}
	return int(n)
}

func (in *input) duration(key string, def time.Duration) time.Duration {
	s := in.text(key)
	if s == "" {
		return def
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		in.fail(key, "must be a duration like 10s, is %q", s)
		return def
	}
	return d
}

func (in *input) list(key string) []any {
	switch v := in.keys[key].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		in.fail(key, "must be a list, is %v", v)
		return nil
	}
}

func (in *input) texts(key string) []string {
	var list []string
	for i, v := range in.list(key) {
		s, ok := v.(string)
		if !ok {
			in.fail(fmt.Sprintf("%s[%d]", key, i), "must be a string, is %v", v)
		}
		list = append(list, s)
	}
	return list
}

func (in *input) object(key string) map[string]any {
	switch v := in.keys[key].(type) {
	case nil:
		return nil
	case map[string]any:
		return v
	default:
		in.fail(key, "must be a map, is %v", v)
		return nil
	}
}

// scalars is a map whose values are strings or what prints as one.
func (in *input) scalars(key string) map[string]string {
	m := map[string]string{}
	for k, v := range in.object(key) {
		switch v := v.(type) {
		case nil:
			m[k] = ""
		case string:
			m[k] = v
		case float64:
			m[k] = strconv.FormatFloat(v, 'f', -1, 64)
		case bool, int, int64, uint64, json.Number:
			m[k] = fmt.Sprint(v)
		default:
			in.fail(key+"."+k, "must be a string, is %v", v)
		}
	}
	return m
}
