// Package camp reads blueprints in the CAMP YAML of Apache Brooklyn.
//
// It knows the keys of a blueprint, not the types: names of types, config
// keys and `$brooklyn:` expressions stay as they were written. All problems
// of a blueprint are reported at once, each with its place.
package camp

import (
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Parse reads the text of a blueprint: an application with its services, or a
// single entity with its type. The file only names the text in positions. The
// root of the spec keeps the text.
//
// Errors are *yamlpos.Error or *yamlpos.Errors.
func Parse(file string, text []byte, limits yamlpos.Limits) (*blueprint.Spec, error) {
	node, err := yamlpos.Parse(file, text, limits)
	if err != nil {
		return nil, err
	}
	if node.Kind == yamlpos.Scalar {
		return nil, &yamlpos.Error{Pos: node.Pos, Msg: "the blueprint is text; " + rootForm}
	}
	spec, err := ParseNode(node)
	if err != nil {
		return nil, err
	}
	spec.Source = string(text)
	return spec, nil
}

// ParseNode reads a blueprint that is a part of another text: the plan of a
// catalog item, or the argument of entitySpec. Text by itself is the name of
// a type.
func ParseNode(node *yamlpos.Node) (*blueprint.Spec, error) {
	r := &reader{}
	if node == nil {
		node = &yamlpos.Node{}
	}
	spec := r.root(node)
	if err := r.errs.Err(); err != nil {
		return nil, err
	}
	return spec, nil
}

// ParsePart reads the plan of a catalog item that is a part of an entity: a
// policy, an enricher, an initializer, or anything else that has a type and
// config. kind names it in errors. Text by itself is the name of a type.
func ParsePart(node *yamlpos.Node, kind string) (*blueprint.Adjunct, error) {
	r := &reader{}
	a := &blueprint.Adjunct{}
	if node != nil {
		a.Pos = node.Pos
	}
	switch {
	case node == nil || node.Kind == yamlpos.Null:
		r.errs.Add(a.Pos, "the plan of this %s is empty; expected the name of a type or a map with a type", kind)
	case kind == "location": // "docker:https://host" is an address, not an image
		r.place(node, a)
	case node.Kind == yamlpos.Scalar:
		r.typeName(node, &a.Type, &a.Version, &a.TypePos)
	case node.Kind == yamlpos.Map:
		r.adjunct(a, node, adjunctKind{kind, []string{"type", kind + "Type", kind + "_type"}})
	default:
		r.errs.Add(a.Pos, "the plan of this %s must be the name of a type or a map with a type, not %s", kind, what(node))
	}
	return a, r.errs.Err()
}

// place reads the plan of a location: its spec by itself, or under the key type.
func (r *reader) place(n *yamlpos.Node, a *blueprint.Adjunct) {
	e := &yamlpos.Entry{Key: "the plan of this location", Value: n}
	if n.Kind == yamlpos.Map {
		if e = entry(n, "type"); e == nil {
			r.errs.Add(n.Pos, "Missing key 'type' of this location")
			return
		}
		if config := entry(n, "brooklyn.config"); config != nil {
			a.Config = r.table(config)
		}
	}
	a.TypePos = e.Value.Pos
	if r.text(e, &a.Type); a.Type == "" {
		r.errs.Add(e.Value.Pos, "a location must be named")
	}
}

// reader collects the problems of one blueprint.
type reader struct{ errs yamlpos.Errors }

// owner is what an entity is for its parent; the wording of errors follows it.
type owner uint8

const (
	ownRoot owner = iota
	ownServices
	ownChildren
)

const rootForm = "expected a map with services, or with a type"

// root reads the top of a blueprint.
func (r *reader) root(n *yamlpos.Node) *blueprint.Spec {
	switch n.Kind {
	case yamlpos.Null:
		r.errs.Add(n.Pos, "the blueprint is empty; "+rootForm)
		return nil
	case yamlpos.List:
		r.errs.Add(n.Pos, "the blueprint is a list; "+rootForm)
		return nil
	case yamlpos.Scalar:
		s := &blueprint.Spec{Pos: n.Pos}
		r.typeName(n, &s.Type, &s.Version, &s.TypePos)
		return s
	}
	if e := entry(n, "brooklyn.catalog"); e != nil {
		r.errs.Add(e.KeyPos, "brooklyn.catalog makes this a catalog (BOM), not a blueprint; "+
			"add it to the catalog, and deploy a blueprint that uses its items")
		return nil
	}
	services := entry(n, "services")
	if services == nil {
		return r.entity(n, ownRoot)
	}
	s := r.common(n, rootKeys)
	for _, key := range slices.Concat(typeKeys, []string{"brooklyn.children"}) {
		if e := entry(n, key); e != nil {
			r.errs.Add(e.KeyPos, "%s and services cannot stand together; move %s into a service", key, key)
		}
	}
	s.Children = r.entities(services, ownServices)
	r.misspelt(s.Extra)
	return s
}

// misspelt refuses keys at the root that are nearly those of a blueprint. Any
// other key may be config of the application.
func (r *reader) misspelt(extra blueprint.Config) {
	for _, e := range extra {
		if near := nearest.Word(e.Key, rootKeys); near != "" {
			r.errs.Add(e.KeyPos, "unknown key %q of a blueprint; did you mean %q?", e.Key, near)
		}
	}
}

// entry finds a key of a map, nil when it is not there.
func entry(n *yamlpos.Node, key string) *yamlpos.Entry {
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return &n.Entries[i]
		}
	}
	return nil
}
