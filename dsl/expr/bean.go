package expr

import (
	"slices"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// beans are the types of objects that are plain values, by the type that
// package coerce has for them.
var beans = map[string]string{
	"java.lang.String": "string", "java.lang.Boolean": "boolean",
	"java.lang.Integer": "integer", "java.lang.Long": "long", "java.lang.Short": "short", "java.lang.Byte": "byte",
	"java.lang.Double": "double", "java.lang.Float": "float",
	"org.apache.brooklyn.util.time.Duration": "duration", "brooklyn.util.time.Duration": "duration",
}

// makers are the factory methods of beans; each takes what the text of its
// value is.
var makers = []string{"of", "parse", "valueOf", "fromString"}

// bean makes the value that an object of a plain type is. made is false for
// every other object, and while expressions stand in its arguments: those are
// left to whoever uses it.
func bean(spec any) (v any, made bool, err error) {
	d, ok := entries(spec)
	if !ok {
		return nil, false, nil
	}
	name, _ := d.get("type").(string)
	if name == "" {
		name, _ = d.get("objectType").(string)
	}
	typ, known := beans[name]
	if !known {
		return nil, false, nil
	}
	key := "constructor.args"
	if method, ok := d.find("factoryMethod.name"); ok {
		if word, _ := method.(string); !slices.Contains(makers, word) {
			return nil, false, invalid("object of type %s: unknown factory method %v; expected one of of, parse, valueOf, fromString", name, method)
		}
		key = "factoryMethod.args"
	}
	args, _ := d.get(key).([]any)
	if len(args) != 1 {
		return nil, false, invalid("object of type %s: %s must be a list of one value", name, key)
	}
	if IsExpr(args[0]) {
		return nil, false, nil
	}
	out, err := coerce.To(typ, args[0])
	if err != nil {
		return nil, false, invalid("object of type %s: %w", name, err)
	}
	if typ == "duration" {
		out = coerce.Text(out)
	}
	return out, true, nil
}
