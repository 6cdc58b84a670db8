package server

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// configSummary describes a config key. What only user interfaces look at is
// there for keys that are declared.
type configSummary struct {
	Name           string          `json:"name"`
	Type           string          `json:"type"`
	DefaultValue   any             `json:"defaultValue,omitempty"`
	Description    string          `json:"description,omitempty"`
	Reconfigurable bool            `json:"reconfigurable"`
	Label          string          `json:"label,omitempty"`
	Priority       int             `json:"priority,omitempty"` // of the keys that are pinned, in their order; clients want whole numbers
	PossibleValues []possibleValue `json:"possibleValues,omitempty"`
	Pinned         *bool           `json:"pinned,omitempty"`
	Constraints    []string        `json:"constraints,omitempty"`
	Links          *valueLinks     `json:"links,omitempty"`
}

type possibleValue struct {
	Value       string `json:"value"`
	Description string `json:"description"`
}

// keysOf describes the keys that a type declares, in their order.
func keysOf(keys []hook.ConfigKey) []configSummary {
	out := make([]configSummary, len(keys))
	pinned := 0
	for i := range keys {
		out[i] = keyOf(&keys[i])
		if !keys[i].Unpinned {
			pinned++
			out[i].Priority = pinned
		}
	}
	return out
}

func keyOf(k *hook.ConfigKey) configSummary {
	pinned := !k.Unpinned
	out := configSummary{
		Name: k.Name, Type: k.Type, DefaultValue: k.Default, Description: k.Description, Reconfigurable: true,
		Label: k.Label, Pinned: &pinned,
	}
	set(&out.Type, "any")
	if k.Required {
		out.Constraints = []string{"required"}
	}
	for _, c := range k.Constraints {
		out.Constraints = append(out.Constraints, coerce.Text(c))
	}
	for _, v := range k.Choices() {
		text := coerce.Text(v)
		out.PossibleValues = append(out.PossibleValues, possibleValue{text, text})
	}
	return out
}

// configOf gives the keys that are declared and those that have a value, in
// the order of their names.
func configOf(ent *entity.Entity) []configSummary {
	all := map[string]configSummary{}
	for _, name := range ent.ConfigKeys() {
		raw, _ := ent.RawConfig(name)
		all[name] = configSummary{Name: name, Type: typeOf(raw), Reconfigurable: true}
		if key := ent.Key(name); key != nil {
			all[name] = keyOf(key)
		}
	}
	for _, k := range keysOf(ent.Declaration().Config) {
		all[k.Name] = k
	}
	out := slices.SortedFunc(maps.Values(all), func(a, b configSummary) int { return strings.Compare(a.Name, b.Name) })
	for i := range out {
		links := linksOf(ent, "config", out[i].Name)
		out[i].Links = &links
	}
	return out
}

func linksOf(ent *entity.Entity, kind, name string) valueLinks {
	at := pathOf(ent)
	self := at + "/" + kind + "/" + url.PathEscape(name)
	return valueLinks{Self: self, Application: applicationPath(string(ent.Application())), Entity: at, Action: self}
}
