package main

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// reader reads config. It keeps the first error, which names the key, the
// value and what was expected, and gives zero values after it.
type reader struct {
	config gowanus.Values
	err    error
}

func (r *reader) fail(key string, value any, expected string) {
	if r.err == nil {
		r.err = &gowanus.Error{Kind: "invalid", Message: key + ": expected " + expected + ", got " + string(gowanus.State(value)), At: key}
	}
}

// element names an element of a list.
func element(key string, i int) string { return key + "[" + strconv.Itoa(i) + "]" }

// scalar gives a text, number or truth value as text.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func (r *reader) text(key string) string {
	s, ok := scalar(r.config[key])
	if !ok {
		r.fail(key, r.config[key], "a text")
	}
	return strings.TrimSpace(s)
}

func (r *reader) flag(key string) bool {
	switch v := r.config[key].(type) {
	case nil:
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
		r.fail(key, v, "true or false")
	default:
		r.fail(key, v, "true or false")
	}
	return false
}

// number is a whole number above 0, or 0 when the key is absent.
func (r *reader) number(key, expected string) float64 {
	v := r.config[key]
	if v == nil {
		return 0
	}
	n, ok := whole(v)
	if !ok || n < 1 || n > 1<<53 {
		r.fail(key, v, expected)
		return 0
	}
	return n
}

func whole(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, v == math.Trunc(v) && !math.IsInf(v, 0)
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 53)
		return float64(n), err == nil
	}
	return 0, false
}

// list gives the items of a list; a single value is a list of one, and text
// with commas a list of its parts if split.
func (r *reader) list(key string, split bool) []any {
	switch v := r.config[key].(type) {
	case nil:
		return nil
	case []any:
		return v
	case map[string]any:
		r.fail(key, v, "a list")
		return nil
	case string:
		if !split {
			return []any{v}
		}
		var items []any
		for _, part := range strings.Split(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, part)
			}
		}
		return items
	default:
		return []any{v}
	}
}

func (r *reader) texts(key string) []string {
	var texts []string
	for i, item := range r.list(key, false) {
		s, ok := scalar(item)
		if !ok || item == nil {
			r.fail(element(key, i), item, "a text")
		}
		texts = append(texts, s)
	}
	return texts
}

func (r *reader) object(key string) map[string]any {
	switch v := r.config[key].(type) {
	case nil:
	case map[string]any:
		return v
	default:
		r.fail(key, v, "a map")
	}
	return nil
}

func (r *reader) port(key string, value any) int {
	n, ok := whole(value)
	if !ok || n < 1 || n > 65535 {
		r.fail(key, value, "a port from 1 to 65535")
		return 0
	}
	return int(n)
}

// ports gives the ports of a list, in its order, each once.
func (r *reader) ports(key string) []int {
	var ports []int
	for i, item := range r.list(key, true) {
		if p := r.port(element(key, i), item); !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	return ports
}

// bindings gives host ports and the container ports that they lead to. Direct
// ports count only when there are no bindings.
func (r *reader) bindings() map[int]int {
	bindings := map[int]int{}
	given := r.object(keyPortBindings)
	for _, host := range slices.Sorted(maps.Keys(given)) {
		key := keyPortBindings + "." + host
		bindings[r.port(key, host)] = r.port(key, given[host])
	}
	if len(bindings) > 0 {
		return bindings
	}
	for _, p := range r.ports(keyDirectPorts) {
		bindings[p] = p
	}
	return bindings
}

func (r *reader) environment() map[string]any {
	env := map[string]any{}
	given := r.object(keyEnv)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		s, ok := scalar(given[name])
		switch {
		case !ok:
			r.fail(keyEnv+"."+name, given[name], "a text")
		case name == "" || strings.ContainsAny(name, "=\x00"):
			r.fail(keyEnv, name, "names of environment variables, without =")
		}
		env[name] = s
	}
	return env
}

// mounts gives host folders and where the container sees them.
func (r *reader) mounts() map[string]any {
	mounts := map[string]any{}
	for i, item := range r.texts(keyVolumes) {
		host, container, mapped := strings.Cut(item, ":")
		if !mapped {
			container = host
		}
		r.mount(element(keyVolumes, i), item, host, container, mounts)
	}
	given := r.object(keyMappings)
	for _, host := range slices.Sorted(maps.Keys(given)) {
		container, _ := scalar(given[host])
		r.mount(keyMappings+"."+host, given[host], host, container, mounts)
	}
	return mounts
}

func (r *reader) mount(key string, value any, host, container string, mounts map[string]any) {
	if !strings.HasPrefix(host, "/") || !strings.HasPrefix(container, "/") {
		r.fail(key, value, "absolute paths on the host and in the container")
	}
	mounts[host] = container
}
