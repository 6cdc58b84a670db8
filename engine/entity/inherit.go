package entity

import (
	"slices"

	"github.com/gowanus-project/gowanus/engine/hook"
)

// The modes in which a config value goes from an entity to those below it, as
// hook.ConfigKey.Inherit spells them; see Mode.
const (
	Overwrite      = "overwrite"       // seen below unless set again
	DeepMerge      = "deep_merge"      // maps of all levels become one; the nearest wins for each leaf
	Never          = "never"           // seen by its own entity only
	NotReinherited = "not_reinherited" // used by the first entity that declares the key, and not handed on
)

// Mode reads an inheritance mode as blueprints spell it; ok is false for an
// unknown one.
func Mode(word string) (mode string, ok bool) {
	switch word {
	case "", "overwrite", "always", "if_no_default":
		return Overwrite, true
	case "deep_merge", "merge":
		return DeepMerge, true
	case "never", "none":
		return Never, true
	case "not_reinherited", "not_reinherited_else_deep_merge":
		return NotReinherited, true
	}
	return "", false
}

// Modes are the words that Mode knows, for error messages.
var Modes = []string{"overwrite", "always", "deep_merge", "never", "none", "not_reinherited"}

// neverInherited are keys that no descendant sees, whatever its type says.
var neverInherited = []string{
	"id", "camp.plan.id", "defaultDisplayName",
	"dynamiccluster.memberspec", "dynamiccluster.firstmemberspec", "dynamicfabric.memberspec",
}

// Level is an entity, living or planned, as the config of itself and those
// below it sees it. Names of keys are full names.
type Level[L any] interface {
	Above() (L, bool)
	Declares(name string) *hook.ConfigKey
	Writes(name string) (raw any, ok bool)
}

// Sight is what a reader sees of a config key: whose values, nearest first,
// and whose default. There are several values only where they are merged.
type Sight[L any] struct {
	Key     *hook.ConfigKey // the declaration that counts; nil when there is none
	Values  []L
	Default L // whose declaration has the default; only with HasDefault

	HasDefault bool
}

// Look finds what a reader sees of a config key: its own value, else the
// nearest one above that its mode and the declarations on the way let through.
func Look[L Level[L]](reader L, name string) (s Sight[L]) {
	s.Key = reader.Declares(name)
	for at, own := reader, true; ; own = false {
		declared := at.Declares(name)
		if !own && (stops(declared, name) || declared != nil && s.mode(name) == NotReinherited) {
			return s
		}
		if s.Key == nil {
			s.Key = declared
		}
		if raw, ok := at.Writes(name); ok {
			if len(s.Values) > 0 && !isMap(raw) {
				return s
			}
			s.Values = append(s.Values, at)
			if s.mode(name) != DeepMerge || !isMap(raw) {
				return s
			}
		}
		if declared != nil && declared.Default != nil && !s.HasDefault {
			s.Default, s.HasDefault = at, true
		}
		if own && s.mode(name) == Never {
			return s
		}
		var ok bool
		if at, ok = at.Above(); !ok {
			return s
		}
	}
}

func (s *Sight[L]) mode(name string) string { return modeOf(s.Key, name) }

func modeOf(k *hook.ConfigKey, name string) string {
	switch {
	case slices.Contains(neverInherited, name):
		return Never
	case k == nil:
		return Overwrite
	}
	mode, _ := Mode(k.Inherit)
	return mode
}

// stops tells whether a declaration keeps the values at and above it from
// those below.
func stops(k *hook.ConfigKey, name string) bool {
	mode := modeOf(k, name)
	return mode == Never || mode == NotReinherited
}

// isMap tells whether a value is a map as written, not one that an expression
// in map form stands for.
func isMap(raw any) bool {
	_, ok := raw.(map[string]any)
	return ok && !plainExpression(raw)
}

// Merge gives a map with what over and under have; over wins for each leaf,
// and a null there takes the leaf away. Neither is changed.
func Merge(over, under map[string]any) map[string]any {
	out := make(map[string]any, len(over)+len(under))
	for k, v := range under {
		out[k] = v
	}
	for k, v := range over {
		below, isMap := out[k].(map[string]any)
		above, isMapToo := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case isMap && isMapToo:
			out[k] = Merge(above, below)
		default:
			out[k] = v
		}
	}
	return out
}
