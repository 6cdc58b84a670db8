package workflow

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// The values of a run are plain ones, entities, durations and moments. In the
// store those that JSON does not have are maps of one key, and so is a map that
// would look like one.
const (
	entityKey   = "$entity"
	durationKey = "$duration" // nanoseconds
	instantKey  = "$instant"  // RFC 3339
	mapKey      = "$map"
)

// appendValue writes a value as JSON.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		return appendFloat(b, v)
	case string:
		return appendText(b, v), nil
	case []any:
		return appendList(b, v)
	case map[string]any:
		if special(v) {
			return appendMap(b, map[string]any{mapKey: unspecial(v)})
		}
		return appendMap(b, v)
	case time.Duration:
		return appendMap(b, map[string]any{durationKey: int64(v)})
	case time.Time:
		return appendMap(b, map[string]any{instantKey: v.Format(time.RFC3339Nano)})
	case expr.Entity:
		return appendMap(b, map[string]any{entityKey: v.EntityID()})
	}
	text, err := json.Marshal(v)
	if err != nil {
		return b, fault.New(fault.Invalid, "a value of %T cannot be stored: %w", v, err)
	}
	return append(b, text...), nil
}

// special tells whether a map would be read back as something else.
func special(m map[string]any) bool {
	if len(m) != 1 {
		return false
	}
	for key := range m {
		return key == durationKey || key == instantKey || key == mapKey || key == entityKey
	}
	return false
}

// unspecial gives a map as a list of its keys and values.
func unspecial(m map[string]any) []any {
	for key, v := range m {
		return []any{key, v}
	}
	return nil
}

func appendFloat(b []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return b, fault.New(fault.Invalid, "the number %v cannot be stored", v)
	}
	n := len(b)
	b = strconv.AppendFloat(b, v, 'g', -1, 64)
	if !bytes.ContainsAny(b[n:], ".e") {
		b = append(b, ".0"...) // or it would be read as an integer
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }) < 0 {
		return append(append(append(b, '"'), s...), '"')
	}
	text, _ := json.Marshal(s) // of text it cannot fail
	return append(b, text...)
}

func appendList(b []byte, l []any) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i, item := range l {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, item); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, m map[string]any) ([]byte, error) {
	var err error
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, key), ':')
		if b, err = appendValue(b, m[key]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// readValue reads what appendValue wrote. resolve gives the entity of an id, or
// nil when it is gone.
func readValue(text []byte, resolve func(id string) expr.Entity) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fault.New(fault.Internal, "a stored value cannot be read: %w", err)
	}
	return revive(v, resolve), nil
}

func revive(v any, resolve func(id string) expr.Entity) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = revive(v[i], resolve)
		}
	case map[string]any:
		if id, is := v[entityKey].(string); is {
			if e := resolve(id); e != nil {
				return e
			}
			return nil // like any reference to what is gone
		}
		for key := range v {
			v[key] = revive(v[key], resolve)
		}
		if len(v) == 1 {
			return reviveSpecial(v)
		}
	}
	return v
}

func reviveSpecial(m map[string]any) any {
	if ns, ok := m[durationKey].(int64); ok {
		return time.Duration(ns)
	}
	if text, ok := m[instantKey].(string); ok {
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t
		}
	}
	if pair, ok := m[mapKey].([]any); ok && len(pair) == 2 {
		if key, ok := pair[0].(string); ok {
			return map[string]any{key: pair[1]}
		}
	}
	return m
}

// values is a map of values that is never changed once it is made, with its
// JSON kept: a step's variables are stored again and again.
type values struct {
	m    map[string]any
	json []byte
}

func (v *values) get(name string) (any, bool) {
	if v == nil {
		return nil, false
	}
	x, ok := v.m[name]
	return x, ok
}

// with gives the values with one more, or another one.
func (v *values) with(name string, x any) *values {
	out := &values{m: make(map[string]any, v.len()+1)}
	if v != nil {
		maps.Copy(out.m, v.m)
	}
	out.m[name] = x
	return out
}

func (v *values) without(name string) *values {
	out := &values{m: maps.Clone(v.m)}
	delete(out.m, name)
	return out
}

func (v *values) len() int {
	if v == nil {
		return 0
	}
	return len(v.m)
}

func (v *values) append(b []byte) ([]byte, error) {
	if v == nil {
		return append(b, "{}"...), nil
	}
	if v.json == nil {
		text, err := appendMap(nil, v.m)
		if err != nil {
			return b, err
		}
		v.json = text
	}
	return append(b, v.json...), nil
}
