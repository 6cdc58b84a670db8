package blueprint

import (
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Format writes a spec in its one canonical form, which is YAML that dsl/camp
// reads back. It serves golden tests and comparisons between languages;
// positions and Source are left out.
func Format(s *Spec) string { return yamlpos.Format(s.node()) }

// fields collects the entries of a map; empty values are left out.
type fields []yamlpos.Entry

func (f *fields) add(key string, n *yamlpos.Node) {
	*f = append(*f, yamlpos.Entry{Key: key, Value: n})
}

func (f *fields) text(key, value string) {
	if value != "" {
		f.add(key, textNode(value))
	}
}

func (f *fields) table(key string, c Config) {
	if len(c) > 0 {
		f.add(key, tableNode(c))
	}
}

func addList[T any](f *fields, key string, items []T, node func(T) *yamlpos.Node) {
	if len(items) == 0 {
		return
	}
	list := &yamlpos.Node{Kind: yamlpos.List}
	for _, item := range items {
		list.Items = append(list.Items, node(item))
	}
	f.add(key, list)
}

func textNode(s string) *yamlpos.Node { return yamlpos.FromAny(s, yamlpos.Pos{}) }

func tableNode(entries []yamlpos.Entry) *yamlpos.Node {
	return &yamlpos.Node{Kind: yamlpos.Map, Entries: entries}
}

func same(n *yamlpos.Node) *yamlpos.Node { return n }

func (s *Spec) node() *yamlpos.Node {
	var f fields
	f.text("type", s.TypeRef())
	f.text("id", s.ID)
	f.text("name", s.Name)
	f.text("description", s.Description)
	f.text("iconUrl", s.IconURL)
	if s.WrappedApp != nil {
		f.add("wrappedApp", yamlpos.FromAny(*s.WrappedApp, yamlpos.Pos{}))
	}
	addList(&f, "locations", s.Locations, Location.node)
	f.table("brooklyn.config", s.Config)
	f.table("brooklyn.flags", s.Flags)
	f = append(f, s.Extra...)
	addList(&f, "brooklyn.parameters", s.Parameters, (*Parameter).node)
	addList(&f, "brooklyn.initializers", s.Initializers, (*Adjunct).node)
	addList(&f, "brooklyn.policies", s.Policies, (*Adjunct).node)
	addList(&f, "brooklyn.enrichers", s.Enrichers, (*Adjunct).node)
	addList(&f, "brooklyn.tags", s.Tags, same)
	switch {
	case s.Type != "":
		addList(&f, "brooklyn.children", s.Children, (*Spec).node)
	case len(s.Children) == 0:
		f.add("services", &yamlpos.Node{Kind: yamlpos.List})
	default:
		addList(&f, "services", s.Children, (*Spec).node)
	}
	return tableNode(f)
}

func (l Location) node() *yamlpos.Node {
	if len(l.Config) == 0 {
		return textNode(l.Spec)
	}
	return tableNode([]yamlpos.Entry{{Key: l.Spec, Value: tableNode(l.Config)}})
}

func (a *Adjunct) node() *yamlpos.Node {
	var f fields
	f.text("type", a.TypeRef())
	f.text("id", a.ID)
	f.text("name", a.Name)
	f.table("brooklyn.config", a.Config)
	return tableNode(append(f, a.Extra...))
}

func (p *Parameter) node() *yamlpos.Node {
	var f fields
	f.text("name", p.Name)
	if p.Label != p.Name {
		f.text("label", p.Label)
	}
	if p.Description != p.Name {
		f.text("description", p.Description)
	}
	f.text("type", p.Type)
	if p.Default != nil {
		f.add("default", p.Default)
	}
	if !p.Pinned {
		f.add("pinned", yamlpos.FromAny(false, yamlpos.Pos{}))
	}
	addList(&f, "constraints", p.Constraints, same)
	f.text("inheritance.type", p.Inheritance.Type)
	f.text("inheritance.runtime", p.Inheritance.Runtime)
	return tableNode(f)
}
