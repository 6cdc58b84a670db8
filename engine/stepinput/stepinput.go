// Package stepinput knows what the steps of decisions take: their keys, which
// of them must be there, and what values fit.
package stepinput

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// Type is what a value must be. Null counts as no value.
type Type uint8

// The types of values.
const (
	Any      Type = iota
	Text          // a string
	Plain         // a string, a number, true or false
	Boolean       // true or false
	Integer       // a whole number from 0, or a text that is one
	Duration      // a text like 1m 30s, or a number of milliseconds
	List          // a list
	Map           // an object
	Entity        // an object with $entity, or an id
)

// Key is a key of a step's input.
type Key struct {
	Name     string
	Type     Type
	Required bool   // it must be there, and not be an empty text
	Or       string // the key that may be there instead of one that is required
	Secrets  Secrets
}

// Secrets says whether what stands for a secret, {"$secret": KEY}, may stand in a
// value or below it. Only steps that hand a value on without showing it take
// secrets: whoever may not see one would see it in a sensor, and one that was the
// name of a step would be known too late.
type Secrets uint8

// The ways to take secrets.
const (
	NoSecrets    Secrets = iota
	Carried              // anywhere in the value
	CarriedNamed         // at places whose name tells of a secret, so that it stays one
)

// Keys gives what a step takes; ok is false for a step that is not known, or
// that takes anything.
func Keys(step string) (keys []Key, ok bool) {
	keys, ok = table[step]
	return slices.Clone(keys), ok
}

// Check tells why a step cannot have an input: a key that it does not have, a
// value that does not fit, or that one is missing. It looks at the step itself,
// not at one that it runs. Nothing is said of a step that Keys does not know.
// The error is fault.Invalid and shows no values.
func Check(step string, input map[string]any) error {
	keys, known := table[step]
	names := slices.Sorted(maps.Keys(input))
	if !known {
		for _, name := range names {
			if len(handles(name, input[name])) > 0 {
				return refused(name)
			}
		}
		return nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			return fault.New(fault.Invalid, "it has no input %q%s", name, hint(name, keys))
		}
	}
	for _, k := range keys {
		v := input[k.Name]
		if v == nil || v == "" && k.Required {
			if k.Required && (k.Or == "" || input[k.Or] == nil || input[k.Or] == "") {
				return fault.New(fault.Invalid, "%s", missing(k))
			}
			continue
		}
		if want := k.Type.refuses(v); want != "" {
			return fault.New(fault.Invalid, "input %s: expected %s, not %s", k.Name, want, what(v))
		}
		for _, at := range k.secretsIn(step, input) {
			if k.Secrets == NoSecrets || k.Secrets == CarriedNamed && !secret.Named(at) {
				return refused(k.Name)
			}
		}
	}
	return nil
}

func refused(name string) error {
	return fault.New(fault.Invalid, "input %s: a secret cannot stand there, where it would be seen or decide what is done", name)
}

// Hands gives the places, of config or arguments, that an input puts secrets
// into so that whoever reads these can see them, if it may.
func Hands(step string, input map[string]any) (places []string) {
	for _, k := range table[step] {
		if k.Secrets == CarriedNamed {
			places = append(places, k.secretsIn(step, input)...)
		}
	}
	return places
}

// secretsIn gives the places of secrets in the value of a key: for what becomes
// config, below the name of that.
func (k *Key) secretsIn(step string, input map[string]any) []string {
	at := ""
	if step == "set-config" && k.Name == "value" {
		name := input["config"]
		if m, is := name.(map[string]any); is {
			name = m["name"]
		}
		if at = coerce.Text(name); name == nil {
			at = coerce.Text(input["name"])
		}
	}
	return handles(at, input[k.Name])
}

// handles gives the places in a value of what stands for secrets.
func handles(at string, v any) (places []string) {
	switch x := v.(type) {
	case map[string]any:
		if _, is := x["$secret"].(string); is && len(x) == 1 {
			return []string{at}
		}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			place := key
			if at != "" {
				place = at + "." + key
			}
			places = append(places, handles(place, x[key])...)
		}
	case []any:
		for i, item := range x {
			places = append(places, handles(at+"["+strconv.Itoa(i)+"]", item)...)
		}
	}
	return places
}

func missing(k Key) string {
	if k.Or != "" {
		return "it needs the input " + k.Name + " or " + k.Or
	}
	return "it needs the input " + k.Name
}

// hint gives the nearest key, or all of them.
func hint(name string, keys []Key) string {
	if len(keys) == 0 {
		return "; it has none"
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	if near := nearest.Hint(name, names); near != "" {
		return near
	}
	return "; expected one of " + strings.Join(names, ", ")
}

// refuses gives what a value should have been, "" for one that fits. What
// stands for a secret is one only later.
func (t Type) refuses(v any) string {
	m, isMap := v.(map[string]any)
	if _, hidden := m["$secret"]; hidden && len(m) == 1 {
		return ""
	}
	list, isList := v.([]any)
	switch t {
	case Text:
		if _, is := v.(string); !is {
			return "a text"
		}
	case Plain:
		if isMap || isList {
			return "a text, a number, true or false"
		}
	case Boolean:
		if _, is := v.(bool); !is {
			return "true or false"
		}
	case Integer:
		n, err := coerce.To("integer", v)
		if whole, is := n.(int64); err != nil || !is || whole < 0 {
			return "a whole number from 0"
		}
	case Duration:
		if _, err := coerce.Duration(v); err != nil {
			return `a duration such as "10s" or "1m 30s"`
		}
	case List:
		if list == nil && !isList {
			return "a list"
		}
	case Map:
		if !isMap {
			return "an object"
		}
	case Entity:
		id, isText := v.(string)
		if m["$entity"] == nil && (!isText || id == "") {
			return "an entity"
		}
	}
	return ""
}

// what names a value without showing it: it may be a secret.
func what(v any) string {
	switch v.(type) {
	case string:
		return "this text"
	case bool:
		return "a truth value"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
