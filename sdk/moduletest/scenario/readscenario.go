package scenario

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// scenario reads one. What it is about decides which keys its calls may have;
// without the key calls it is itself the only call.
func (r *reader) scenario(n *yamlpos.Node, now time.Time) *Scenario {
	s := &Scenario{Pos: posOf(n), now: now, seed: 1, files: map[string]string{}, tests: map[*yamlpos.Node]*predicate.Predicate{}}
	if n.Kind != yamlpos.Map {
		r.errs.Add(s.Pos, "a scenario: expected a map, got %s", kindOf(n))
		return s
	}
	if !r.about(s, n) {
		return s // which keys may be there is not known
	}
	c := &call{pos: n.Pos, only: true}
	var config, calls *yamlpos.Node
	known := fields{"calls": func(n *yamlpos.Node) { calls = n }}
	if n.Get("calls") == nil {
		known = r.callFields(s, c)
	}
	maps.Copy(known, r.surroundings(s))
	known["config"] = func(n *yamlpos.Node) { config = n }
	if s.kind == "" {
		delete(known, "config")
	} else {
		known[s.kind] = func(*yamlpos.Node) {} // read by about
	}
	c.given = r.fields(n, "a scenario", known)
	if s.Name == "" {
		r.errs.Add(n.Pos, "a scenario needs a name")
	}
	r.place(s, config)
	if calls == nil {
		s.calls = []*call{c}
		r.complete(s, c)
		return s
	}
	for _, item := range r.list(calls, "calls") {
		c := &call{pos: item.Pos}
		c.given = r.fields(item, "a call of "+article(s.kind)+" scenario", r.callFields(s, c))
		r.complete(s, c)
		s.calls = append(s.calls, c)
	}
	return s
}

func article(kind string) string {
	switch {
	case kind == "":
		return "a"
	case strings.Contains("aeiou", kind[:1]):
		return "an " + kind
	}
	return "a " + kind
}

// about finds the type that a scenario is about: the one key of a kind whose
// value is a text. An entity and a strategy may also be a map, and strategies a list. It
// reports whether there is such a type, or the hook of a raw call.
func (r *reader) about(s *Scenario, n *yamlpos.Node) bool {
	var at *yamlpos.Node
	for _, kind := range kinds {
		v := n.Get(kind)
		if v == nil || (v.Kind == yamlpos.Map || v.Kind == yamlpos.List) && kind != catalog.Strategy {
			continue
		}
		if s.kind != "" {
			r.errs.Add(v.Pos, "a scenario is about one type, this one has %s and %s", s.kind, kind)
			return false
		}
		s.kind, at = kind, v
	}
	raw := n.Get("hook") != nil
	switch {
	case raw && s.kind != "":
		r.errs.Add(n.Pos, "a scenario has a hook or %s, not both", s.kind)
		return false
	case raw:
	case s.kind == "" && n.Get(catalog.Entity) != nil:
		s.kind, at = catalog.Entity, n.Get(catalog.Entity)
	case s.kind == "":
		for _, e := range n.Entries {
			if hint := nearest.Hint(e.Key, kinds); hint != "" {
				r.errs.Add(e.KeyPos, "unknown key %q in a scenario%s", e.Key, hint)
				return false
			}
		}
		r.errs.Add(n.Pos, "a scenario needs the type that it is about, in %s, or a hook", strings.Join(kinds, ", "))
		return false
	}
	if at != nil {
		r.subject(s, at)
	}
	return true
}

func (r *reader) subject(s *Scenario, at *yamlpos.Node) {
	switch {
	case s.kind == catalog.Strategy && (at.Kind == yamlpos.List || at.Kind == yamlpos.Map):
		items := at.Items
		if at.Kind == yamlpos.Map {
			items = []*yamlpos.Node{at}
		}
		for _, item := range items {
			if item.Kind != yamlpos.Map {
				s.chain = append(s.chain, &part{typ: r.text(item, "strategy"), pos: item.Pos})
				continue
			}
			p := &part{pos: item.Pos}
			r.fields(item, "a strategy", fields{
				"type":   func(n *yamlpos.Node) { p.typ, p.pos = r.text(n, "type"), n.Pos },
				"config": func(n *yamlpos.Node) { p.config = n },
			})
			s.chain = append(s.chain, p)
		}
		if len(s.chain) == 0 {
			r.errs.Add(at.Pos, "strategy: expected at least one")
		}
	case at.Kind == yamlpos.Map: // an entity
		s.own = r.being(at)
		s.subject = &part{typ: s.own.typ, pos: at.Pos, config: at.Get("config")}
		if t := at.Get("type"); t != nil {
			s.subject.pos = t.Pos
		} else {
			r.errs.Add(at.Pos, "the entity needs a type")
		}
	default:
		s.subject = &part{typ: r.text(at, s.kind), pos: at.Pos}
	}
}

// place puts the config where it belongs.
func (r *reader) place(s *Scenario, config *yamlpos.Node) {
	if config == nil {
		return
	}
	if config.Kind != yamlpos.Map {
		r.errs.Add(config.Pos, "config: expected a map, got %s", kindOf(config))
		return
	}
	switch {
	case len(s.chain) > 0:
		r.errs.Add(config.Pos, "config: give each strategy of the list its own, as {type: …, config: …}")
	case s.subject == nil:
	case s.subject.config != nil:
		r.errs.Add(config.Pos, "config: the entity has config already, at %s", s.subject.config.Pos)
	default:
		s.subject.config = config
	}
}

// surroundings are the keys of what a scenario simulates.
func (r *reader) surroundings(s *Scenario) fields {
	f := fields{
		"name": func(n *yamlpos.Node) { s.Name = r.text(n, "name") },
		"now":  func(n *yamlpos.Node) { s.now = r.time(n, "now") },
		"seed": func(n *yamlpos.Node) { s.seed = r.integer(n, "seed") },
		"withhold": func(n *yamlpos.Node) {
			for _, e := range r.entries(n, "withhold") {
				r.withhold(s, e)
			}
		},
	}
	if s.kind == "" {
		return f
	}
	maps.Copy(f, fields{
		"entities": func(n *yamlpos.Node) {
			for _, item := range r.list(n, "entities") {
				s.others = append(s.others, r.being(item))
			}
		},
		"files": func(n *yamlpos.Node) {
			for _, e := range r.entries(n, "files") {
				s.files[e.Key] = r.anyText(e.Value, "files")
			}
		},
	})
	if s.kind != catalog.Entity {
		f["entity"] = func(n *yamlpos.Node) { s.own = r.being(n) }
	}
	if s.kind == catalog.Entity || s.kind == catalog.Step {
		f["location"] = func(n *yamlpos.Node) {
			s.location = &hook.Location{Kind: "docker"}
			r.fields(n, "location", fields{
				"name": func(n *yamlpos.Node) { s.location.Name = r.text(n, "name") },
				"kind": func(n *yamlpos.Node) { s.location.Kind = r.text(n, "kind") },
			})
		}
	}
	if s.kind == catalog.Strategy || s.kind == catalog.Network {
		f["hosts"] = func(n *yamlpos.Node) { s.hosts = n }
	}
	return f
}

func (r *reader) entries(n *yamlpos.Node, what string) []yamlpos.Entry {
	if n.Kind != yamlpos.Map && n.Kind != yamlpos.Null {
		r.errs.Add(n.Pos, "%s: expected a map, got %s", what, kindOf(n))
	}
	return n.Entries
}

// withhold reads the values of one kind of capability.
func (r *reader) withhold(s *Scenario, e yamlpos.Entry) {
	if !slices.Contains(hook.CapabilityKinds, e.Key) {
		r.errs.Add(e.KeyPos, "unknown kind of capability %q; expected %s%s", e.Key, strings.Join(hook.CapabilityKinds, ", "), nearest.Hint(e.Key, hook.CapabilityKinds))
		return
	}
	values := []*yamlpos.Node{e.Value}
	if e.Value.Kind == yamlpos.List {
		values = e.Value.Items
	}
	for _, v := range values {
		s.withhold = append(s.withhold, withheld{hook.Capability{Kind: e.Key, Value: r.text(v, "withhold")}, v.Pos})
	}
}

// being reads a simulated entity; a text is its id.
func (r *reader) being(n *yamlpos.Node) *being {
	b := &being{pos: n.Pos, sensors: map[string]any{}, config: map[string]any{}}
	if n.Kind == yamlpos.Scalar {
		b.id, b.bare = r.text(n, "an entity"), true
		return b
	}
	r.fields(n, "an entity", fields{
		"id":          func(n *yamlpos.Node) { b.id = r.text(n, "id") },
		"type":        func(n *yamlpos.Node) { b.typ = r.text(n, "type") },
		"name":        func(n *yamlpos.Node) { b.name = r.text(n, "name") },
		"planId":      func(n *yamlpos.Node) { b.planID = r.text(n, "planId") },
		"application": func(n *yamlpos.Node) { b.application = r.text(n, "application") },
		"parent":      func(n *yamlpos.Node) { b.parent = r.text(n, "parent") },
		"config":      func(n *yamlpos.Node) { b.config = r.mapping(n, "config") },
		"sensors":     func(n *yamlpos.Node) { b.sensors = r.mapping(n, "sensors") },
		"members":     func(n *yamlpos.Node) { b.members = r.beings(n, "members") },
		"children":    func(n *yamlpos.Node) { b.children = r.beings(n, "children") },
	})
	return b
}

func (r *reader) beings(n *yamlpos.Node, what string) (out []*being) {
	for _, item := range r.list(n, what) {
		out = append(out, r.being(item))
	}
	return out
}
