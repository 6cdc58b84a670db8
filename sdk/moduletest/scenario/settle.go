package scenario

import (
	"fmt"
	"slices"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// at is a problem at a place.
func at(pos yamlpos.Pos, format string, args ...any) error {
	return &yamlpos.Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
}

// settle gives the config of a type as the engine hands it to a module: by full
// names instead of flags, coerced, with defaults, entities completed.
func settle(t *hook.Type, n *yamlpos.Node, w *world) (map[string]any, error) {
	out := map[string]any{}
	var errs yamlpos.Errors
	var names []string
	for i := range t.Config {
		k := &t.Config[i]
		names = append(append(names, k.Name), k.Flags...)
		if v, err := coerce.To(k.Type, k.Default); err == nil && v != nil {
			out[k.Name] = v
		}
	}
	if n == nil {
		return out, nil
	}
	for _, e := range n.Entries {
		k := slices.IndexFunc(t.Config, func(k hook.ConfigKey) bool { return k.Name == e.Key || slices.Contains(k.Flags, e.Key) })
		if k < 0 {
			errs.Add(e.KeyPos, "%s has no config key %q%s", t.Name, e.Key, nearest.Hint(e.Key, names))
			continue
		}
		v, err := w.refer(e.Value.Any(), e.Value.Pos)
		if err != nil {
			errs.Append(e.Value.Pos, err)
			continue
		}
		if !refers(v) {
			if v, err = coerce.To(t.Config[k].Type, v); err != nil {
				errs.Add(e.Value.Pos, "%s of %s: %s", e.Key, t.Name, err)
				continue
			}
		}
		out[t.Config[k].Name] = v
	}
	return out, errs.Err()
}

// refers tells whether an entity stands somewhere in a value.
func refers(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if _, is := v["$entity"]; is {
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
