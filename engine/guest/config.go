package guest

import (
	"maps"
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// settle gives the config of a policy or strategy as its type declares it: by
// full names instead of flags, coerced, with defaults. An unknown key, a value
// that does not fit or a missing one is fault.Invalid and names the type.
func settle(t *hook.Type, given map[string]any) (map[string]any, error) {
	out := map[string]any{}
	known := map[string]bool{}
	for i := range t.Config {
		k := &t.Config[i]
		known[k.Name] = true
		value, name := k.Default, k.Name
		for _, flag := range k.Flags {
			known[flag] = true
			if v, set := given[flag]; set {
				value, name = v, flag
			}
		}
		if v, set := given[k.Name]; set { // the full name counts more
			value, name = v, k.Name
		}
		value, err := coerce.To(k.Type, value)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s of %s: %w", name, t.Name, err)
		}
		if value != nil {
			out[k.Name] = value
		} else if k.Required {
			return nil, fault.New(fault.Invalid, "%s needs the config key %s", t.Name, k.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if known[name] {
			continue
		}
		if near := nearest.Word(name, slices.Sorted(maps.Keys(known))); near != "" {
			return nil, fault.New(fault.Invalid, "%s has no config key %q; did you mean %q?", t.Name, name, near)
		}
		return nil, fault.New(fault.Invalid, "%s has no config key %q", t.Name, name)
	}
	return out, nil
}

// Args gives the input of a step as its type declares it: by full names,
// coerced, with defaults. What the type reads of other entities by a key of its
// input need not be declared; nor need anything if the type declares nothing.
// An unknown key, a value that does not fit or a missing one is fault.Invalid
// and names the type.
func Args(t *hook.Type, given map[string]any) (map[string]any, error) {
	if len(t.Config) == 0 {
		return given, nil
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		k, known := InputKey(t, name)
		switch {
		case !known:
			return nil, fault.New(fault.Invalid, "%s has no input %q%s", t.Name, name, nearest.Hint(name, InputNames(t)))
		case k == nil:
			out[name] = given[name]
		case name == k.Name || given[k.Name] == nil: // the full name counts more
			out[k.Name] = given[name]
		}
	}
	for i := range t.Config {
		k := &t.Config[i]
		v := out[k.Name]
		if delete(out, k.Name); v == nil {
			v = k.Default
		}
		if !refers(v) {
			var err error
			if v, err = coerce.To(k.Type, v); err != nil {
				return nil, fault.New(fault.Invalid, "input %s of %s: %w", k.Name, t.Name, err)
			}
		}
		if v != nil {
			out[k.Name] = v
		} else if k.Required {
			return nil, fault.New(fault.Invalid, "%s needs the input %s", t.Name, k.Name)
		}
	}
	return out, nil
}

// InputKey finds a key of a step's input by one of its names. It is nil for one
// that is known only as what the type reads of others by.
func InputKey(t *hook.Type, name string) (k *hook.ConfigKey, known bool) {
	for i := range t.Config {
		if t.Config[i].Name == name || slices.Contains(t.Config[i].Flags, name) {
			return &t.Config[i], true
		}
	}
	for _, r := range t.Related {
		for _, of := range slices.Concat([]string{r.Of}, r.Sensors, r.Config) {
			if of == "config:"+name {
				return nil, true
			}
		}
	}
	return nil, false
}

// InputNames gives all names of the keys that a step declares.
func InputNames(t *hook.Type) (out []string) {
	for i := range t.Config {
		out = append(append(out, t.Config[i].Name), t.Config[i].Flags...)
	}
	return out
}

// refers tells whether an entity stands somewhere in a value.
func refers(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if v["$entity"] != nil {
			return true
		}
		for _, item := range v {
			if refers(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, refers)
	}
	return false
}
