// Package coerce converts values to the type that a config key, parameter or
// sensor declares, as Apache Brooklyn does.
//
// Values are plain: nil, bool, int64, float64, string, []any and
// map[string]any, so whatever comes out can be stored and sent as JSON.
// Durations and timestamps are therefore canonical text; Duration and
// Timestamp give them as Go types.
package coerce

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// maxShown is how much of a value an error quotes, in bytes.
const maxShown = 60

// maxDepth bounds generic types, nested values and nested text.
const maxDepth = 50

// To converts v to the type that typ names: string, boolean, char, byte,
// short, integer, long, float, double, duration, timestamp, port, bytes, map,
// list, set, list<T>, set<T>, map<string,T>, entity, any or object, or one of
// the Java names that blueprints use for them. An empty name is any. Null
// stays null whatever the type.
//
// It gives:
//   - byte, short, integer and long: int64 within the range of the type
//   - float and double: float64, finite
//   - duration: text as FormatDuration writes it
//   - timestamp: text of RFC 3339 in UTC
//   - port: int64 for one port, else text such as "8080+" or "30000-30010"
//   - bytes: int64, "512m" being 512 MiB
//   - entity: v itself; any and object too
//
// Errors are Invalid and quote the value. v itself is never changed.
func To(typ string, v any) (any, error) {
	t, err := parseType(typ, 0)
	if err != nil {
		return nil, err
	}
	return t.convert(plain(v, 0))
}

// Known tells whether To understands a type name.
func Known(typ string) bool {
	_, err := parseType(typ, 0)
	return err == nil
}

// kind is a type of the table: how it is called in errors, and its function.
type kind struct {
	name string
	to   func(v any) (any, error)
	elem *kind // of list, set and map; nil for any
}

// convert applies the kind. Null passes.
func (k *kind) convert(v any) (any, error) {
	if k == nil || v == nil {
		return v, nil
	}
	switch k.name {
	case "list", "set":
		return k.list(v)
	case "map":
		return k.table(v)
	}
	return k.to(v)
}

func pass(v any) (any, error) {
	switch v.(type) {
	case time.Duration, time.Time:
		return Text(v), nil
	}
	return v, nil
}

// simple gives the kind of a name without type arguments, nil when there is
// none.
func simple(name string) *kind {
	switch name {
	case "", "any", "object":
		return &kind{name: "any", to: pass}
	case "entity":
		return &kind{name: name, to: pass}
	case "string", "text", "charsequence", "uri", "url":
		return &kind{name: "string", to: func(v any) (any, error) { return Text(v), nil }}
	case "boolean", "bool":
		return &kind{name: "boolean", to: boolean}
	case "char", "character":
		return &kind{name: "char", to: char}
	case "byte":
		return integer(name, 8)
	case "short":
		return integer(name, 16)
	case "integer", "int":
		return integer("integer", 32)
	case "long", "biginteger":
		return integer("long", 64)
	case "float":
		return float(name, 32)
	case "double", "number", "bigdecimal":
		return float("double", 64)
	case "duration":
		return &kind{name: name, to: durationText}
	case "timestamp", "instant", "date":
		return &kind{name: "timestamp", to: timestampText}
	case "port", "portrange":
		return &kind{name: "port", to: port}
	case "bytes", "bytesize":
		return &kind{name: "bytes", to: size}
	case "list", "collection", "iterable":
		return &kind{name: "list"}
	case "set", "map":
		return &kind{name: name}
	}
	return nil
}

// javaPackages are those whose classes blueprints name for plain types.
var javaPackages = []string{
	"java.lang.", "java.util.", "java.time.", "java.math.", "java.net.",
	"org.apache.brooklyn.util.time.", "brooklyn.util.time.",
	"org.apache.brooklyn.api.location.", "brooklyn.location.",
	"org.apache.brooklyn.api.entity.", "brooklyn.entity.",
	"org.apache.brooklyn.util.text.",
}

// parseType reads a type name with its arguments.
func parseType(typ string, depth int) (*kind, error) {
	name, args, generic := strings.Cut(strings.TrimSpace(typ), "<")
	name = strings.TrimSpace(name)
	for _, pkg := range javaPackages {
		if simple, ok := strings.CutPrefix(name, pkg); ok {
			name = simple
			break
		}
	}
	k := simple(strings.ToLower(name))
	if k == nil || depth > maxDepth || generic && !k.setElem(args, depth) {
		return nil, fault.New(fault.Invalid, "unknown type %s", show(typ))
	}
	return k, nil
}

// setElem reads what follows the "<" of a list, set or map, and tells whether
// it can be.
func (k *kind) setElem(args string, depth int) bool {
	args, ok := strings.CutSuffix(args, ">")
	switch k.name {
	case "map":
		_, elem, two := strings.Cut(args, ",") // keys are text in any case
		args, ok = elem, ok && two
	case "list", "set":
	default:
		return false
	}
	if args = strings.TrimSpace(args); args == "?" || !ok {
		return ok
	}
	elem, err := parseType(args, depth+1)
	k.elem = elem
	return err == nil
}

// wrong is the error of a value that does not fit; why may be empty.
func wrong(v any, typ, why string, args ...any) error {
	if why != "" {
		why = ": " + fmt.Sprintf(why, args...)
	}
	return fault.New(fault.Invalid, "cannot read %s as %s%s", show(v), typ, why)
}

// show quotes a value for an error, shortened.
func show(v any) string {
	s, ok := v.(string)
	if !ok {
		s = Text(v)
	}
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	if ok {
		return strconv.Quote(s)
	}
	return s
}

// Text gives the text of a value: a string itself, numbers without needless
// digits, durations and timestamps as To writes them, lists and maps as JSON,
// "" for null.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Duration:
		return FormatDuration(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func boolean(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "yes", "y", "on", "t":
			return true, nil
		case "false", "no", "n", "off", "f":
			return false, nil
		}
	}
	return nil, wrong(v, "boolean", "expected true or false")
}

func char(v any) (any, error) {
	if s := Text(v); len([]rune(s)) == 1 {
		return s, nil
	}
	return nil, wrong(v, "char", "expected one character")
}
