package camp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

var (
	typeKeys = []string{"type", "serviceType", "service_type"}

	// commonKeys stand at the root and on every entity.
	commonKeys = []string{
		"id", "name", "description", "iconUrl", "location", "locations",
		"brooklyn.config", "brooklyn.flags", "brooklyn.parameters", "brooklyn.tags",
		"brooklyn.policies", "brooklyn.enrichers", "brooklyn.initializers",
	}
	rootKeys   = slices.Concat([]string{"services", "wrappedApp", "tags"}, commonKeys)
	entityKeys = slices.Concat(typeKeys, []string{"version", "brooklyn.children"}, commonKeys)
)

// entities reads a list of services or children.
func (r *reader) entities(e *yamlpos.Entry, own owner) []*blueprint.Spec {
	items := r.list(e)
	out := make([]*blueprint.Spec, 0, len(items))
	for _, item := range items {
		if item.Kind != yamlpos.Map {
			r.errs.Add(item.Pos, "an item of %s must be a map with a type, not %s", e.Key, what(item))
			continue
		}
		out = append(out, r.entity(item, own))
	}
	return out
}

// entity reads a map that has a type.
func (r *reader) entity(n *yamlpos.Node, own owner) *blueprint.Spec {
	keys := entityKeys
	if own == ownRoot {
		keys = slices.Concat(entityKeys, rootKeys)
	}
	s := r.common(n, keys)
	if e := r.oneOf(n, typeKeys...); e != nil {
		r.typeName(e.Value, &s.Type, &s.Version, &s.TypePos)
		r.version(n, &s.Type, &s.Version)
	} else {
		r.errs.Add(n.Pos, "%s", missingType(n, own))
	}
	if e := entry(n, "brooklyn.children"); e != nil {
		s.Children = r.entities(e, ownChildren)
	}
	return s
}

func missingType(n *yamlpos.Node, own owner) string {
	words := typeKeys
	msg := "a service must declare a type"
	switch own {
	case ownRoot:
		msg, words = "a blueprint must declare a type or services", append([]string{"services"}, typeKeys...)
	case ownChildren:
		msg = "No type defined for this child; expected the key \"type\""
	}
	for _, e := range n.Entries {
		if near := nearest.Word(e.Key, words); near != "" {
			return fmt.Sprintf("%s; is %q a slip for %q?", msg, e.Key, near)
		}
	}
	return msg
}

// common reads the keys that the root shares with entities. Keys that are
// not known go to Extra, but for those that cannot be config.
func (r *reader) common(n *yamlpos.Node, known []string) *blueprint.Spec {
	s := &blueprint.Spec{Pos: n.Pos}
	atRoot := slices.Contains(known, "services")
	if e := r.oneOf(n, "location", "locations"); e != nil {
		s.Locations = r.locations(e)
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		switch e.Key {
		case "id":
			r.text(e, &s.ID)
		case "name":
			r.text(e, &s.Name)
		case "description":
			r.text(e, &s.Description)
		case "iconUrl":
			r.text(e, &s.IconURL)
		case "location", "locations":
			// read above, where both together are refused
		case "brooklyn.config":
			s.Config = r.table(e)
		case "brooklyn.flags":
			s.Flags = r.table(e)
		case "brooklyn.parameters":
			s.Parameters = r.parameters(e)
		case "brooklyn.policies":
			s.Policies = r.adjuncts(e, policies)
		case "brooklyn.enrichers":
			s.Enrichers = r.adjuncts(e, enrichers)
		case "brooklyn.initializers":
			s.Initializers = r.adjuncts(e, initializers)
		case "brooklyn.tags":
			s.Tags = append(s.Tags, r.list(e)...)
		default:
			if !r.rootKey(e, s, atRoot) && !r.otherKey(e, known) {
				s.Extra = append(s.Extra, *e)
			}
		}
	}
	return s
}

// rootKey reads a key that has its meaning only at the root, and tells
// whether e is one, or is read or refused elsewhere.
func (r *reader) rootKey(e *yamlpos.Entry, s *blueprint.Spec, atRoot bool) bool {
	switch {
	case !atRoot:
		return false
	case e.Key == "tags":
		s.Tags = append(s.Tags, r.list(e)...)
	case e.Key == "wrappedApp":
		s.WrappedApp = r.boolean(e)
	default:
		return e.Key == "services" || slices.Contains(entityKeys, e.Key)
	}
	return true
}

// otherKey tells whether a key cannot be config: it is known, and read
// elsewhere, or it is misspelt, and refused. Below "brooklyn." there is
// config only with a further dot, as in brooklyn.ssh.config.user.
func (r *reader) otherKey(e *yamlpos.Entry, known []string) bool {
	if slices.Contains(known, e.Key) {
		return true
	}
	rest, ours := strings.CutPrefix(e.Key, "brooklyn.")
	if !ours || strings.Contains(rest, ".") {
		return false
	}
	r.unknownKey(e, known)
	return true
}

func (r *reader) unknownKey(e *yamlpos.Entry, known []string) {
	ours := slices.DeleteFunc(slices.Clone(known), func(key string) bool { return !strings.HasPrefix(key, "brooklyn.") })
	slices.Sort(ours)
	hint := nearest.Hint(e.Key, ours)
	if hint == "" {
		hint = "; expected one of " + strings.Join(slices.Compact(ours), ", ")
	}
	r.errs.Add(e.KeyPos, "unknown key %q%s", e.Key, hint)
}

// list gives the items of a list. An empty value is an empty list.
func (r *reader) list(e *yamlpos.Entry) []*yamlpos.Node {
	if e.Value.Kind != yamlpos.List && e.Value.Kind != yamlpos.Null {
		r.errs.Add(e.Value.Pos, "%s must be a list, not %s", e.Key, what(e.Value))
	}
	return e.Value.Items
}

// table gives the entries of a map. An empty value is an empty map.
func (r *reader) table(e *yamlpos.Entry) blueprint.Config {
	if e.Value.Kind != yamlpos.Map && e.Value.Kind != yamlpos.Null {
		r.errs.Add(e.Value.Pos, "%s must be a map, not %s", e.Key, what(e.Value))
	}
	return e.Value.Entries
}

// text reads a single value as it was written. An empty value is none.
func (r *reader) text(e *yamlpos.Entry, to *string) {
	switch e.Value.Kind {
	case yamlpos.Scalar:
		*to = e.Value.Text
	case yamlpos.Null:
	default:
		r.errs.Add(e.Value.Pos, "%s must be text, not %s", e.Key, what(e.Value))
	}
}

// boolean reads true or false; nil when there is none.
func (r *reader) boolean(e *yamlpos.Entry) *bool {
	v, err := coerce.To("boolean", e.Value.Any())
	if err != nil {
		r.errs.Add(e.Value.Pos, "%s: %s", e.Key, err)
	}
	if b, ok := v.(bool); ok {
		return &b
	}
	return nil
}

// oneOf finds the entry under one of several names of a key; it refuses two.
func (r *reader) oneOf(n *yamlpos.Node, keys ...string) *yamlpos.Entry {
	var found *yamlpos.Entry
	for i := range n.Entries {
		e := &n.Entries[i]
		if !slices.Contains(keys, e.Key) {
			continue
		}
		if found != nil {
			r.errs.Add(e.KeyPos, "%s and %s are the same key; keep one of them", found.Key, e.Key)
			continue
		}
		found = e
	}
	return found
}

// what names the kind of a value.
func what(n *yamlpos.Node) string {
	switch n.Kind {
	case yamlpos.List:
		return "a list"
	case yamlpos.Map:
		return "a map"
	case yamlpos.Null:
		return "empty"
	}
	switch v := n.Value.(type) {
	case string:
		if v == "" {
			return "empty"
		}
		return "text"
	case bool:
		return "a boolean"
	}
	return "a number"
}
