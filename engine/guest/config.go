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
