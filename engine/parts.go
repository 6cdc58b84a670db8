package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// adjuncts plans the initializers, policies and enrichers of all layers, those
// of the base first.
func (p *planner) adjuncts(layers []layer, n *entity.New) {
	for _, l := range slices.Backward(layers) {
		for _, a := range l.spec.Initializers {
			p.initializer(a, l, n)
		}
	}
	for _, l := range slices.Backward(layers) {
		for _, a := range l.spec.Policies {
			p.policy(a, l, n, catalog.Policy, catalog.Enricher)
		}
		for _, a := range l.spec.Enrichers {
			p.policy(a, l, n, catalog.Enricher, catalog.Policy)
		}
	}
}

// policy plans a policy or an enricher; kinds are what its type may be.
func (p *planner) policy(a *blueprint.Adjunct, l layer, n *entity.New, kinds ...string) {
	var found *part
	var err error
	for _, kind := range kinds {
		var e error
		if found, e = p.part(kind, a, l.from, n.ID); e == nil {
			break
		}
		err = cmp.Or(err, e)
	}
	if found == nil {
		p.errs.Append(a.TypePos, asPlain(err))
		return
	}
	t := found.native
	if t.Unbuilt != "" {
		p.unbuilt(a.TypePos, t)
		return
	}
	problems := len(p.errs.List())
	written := p.partConfig(found)
	p.checkFlow(found, a)
	if t.Initializer != nil && len(p.errs.List()) == problems {
		_, err := t.Initializer(written.config)
		if err != nil {
			p.errs.Append(a.Pos, asPlain(err))
		}
	}
	r := &adjunct.Record{
		Kind: t.Kind, ID: newID(), Entity: string(n.ID), Type: found.reference(), Name: found.name(), Config: written.config, Scopes: written.scopes,
		Tag: tagOf(found),
	}
	if r.Tag != "" { // the last one of a tag counts
		p.plan.policies = slices.DeleteFunc(p.plan.policies, func(old *adjunct.Record) bool { return old.Entity == r.Entity && old.Tag == r.Tag })
	}
	if w, is := t.Policy.(catalog.Waker); is {
		if after, ok := w.Wake(r.Config); ok {
			r.WakeAt = time.Now().UTC().Add(after)
		}
	}
	p.plan.policies = append(p.plan.policies, r)
}

func (p *planner) initializer(a *blueprint.Adjunct, l layer, n *entity.New) {
	found, err := p.part(catalog.Initializer, a, l.from, n.ID)
	if err != nil {
		p.errs.Append(a.TypePos, asPlain(err))
		return
	}
	known, problems := len(p.compiled), len(p.errs.List())
	written := p.partConfig(found)
	p.checkFlow(found, a)
	if len(p.errs.List()) > problems {
		return
	}
	p.compiled = p.compiled[:known] // what an effector refers to may come to be before it is called
	if _, named := written.config["name"]; !named && found.native.Flow != nil && p.engine.declaration(found.native).Key("name").Name == "name" {
		written.config["name"] = found.name()
	}
	i := entity.Initializer{Type: found.native.Name, Name: found.name(), Config: written.config, Scopes: written.scopes}
	c, err := contribution(found.native, i)
	if err != nil {
		p.errs.Append(a.Pos, asPlain(err))
		return
	}
	for _, s := range c.Sensors {
		s.Scope = written.scope()
		n.Sensors = append(n.Sensors, s)
	}
	n.Initializers = append(n.Initializers, i)
	n.Declaration = adding(n.Declaration, c, len(n.Initializers)-1)
}

// checkFlow reads the workflow that an adjunct's config is, for its errors. A
// workflow-effector without a name of its own has that of the adjunct.
func (p *planner) checkFlow(found *part, a *blueprint.Adjunct) {
	t := found.native
	if t.Flow == nil {
		return
	}
	n := &yamlpos.Node{Pos: a.Pos, Kind: yamlpos.Map}
	d := p.engine.declaration(t)
	for _, l := range found.layers {
		for _, entries := range []blueprint.Config{l.spec.Config, l.spec.Extra} {
			for _, entry := range entries {
				key := d.Key(entry.Key)
				if key == nil || slices.Contains(t.Flow.Own, key.Name) || n.Get(key.Name) != nil {
					continue
				}
				entry.Key = key.Name
				n.Entries = append(n.Entries, entry)
			}
		}
	}
	p.checkWorkflow(n, found.layers[0].from)
}

// checkWorkflow reads a workflow for its errors and warnings.
func (p *planner) checkWorkflow(n *yamlpos.Node, at origin) {
	warnings, err := step.Check(n, &stepTypes{&p.engine.flowDefinitions, p.types, at.bundle}, step.Limits{})
	if err != nil {
		p.errs.Append(n.Pos, err)
	}
	for _, w := range warnings.List() {
		p.warnings.Append(w.Pos, w)
	}
}

// memberParts are config keys of policies that hold what members are given one
// day, with the kinds that it may be of.
var memberParts = map[string][]string{
	"member.policies":     {catalog.Policy, catalog.Enricher},
	"member.enrichers":    {catalog.Enricher, catalog.Policy},
	"member.initializers": {catalog.Initializer},
}

// rehearseParts plans policies, enrichers or initializers that are only
// described yet, for their errors. What they refer to is told apart at the
// entity that they come to, and what is no part at all by the type of the
// policy.
func (p *planner) rehearseParts(name string, n *yamlpos.Node, from origin) {
	kinds, described := memberParts[name]
	if !described {
		return
	}
	items := n.Items
	if n.Kind != yamlpos.List {
		items = []*yamlpos.Node{n}
	}
	kept, known := p.plan, len(p.compiled)
	for _, item := range items {
		a, err := camp.ParsePart(item, kinds[0])
		_, isText := item.Value.(string)
		if err != nil || a.Type == "" || item.Kind == yamlpos.Scalar && !isText || expr.IsExpr(item.Any()) || expr.IsExpr(a.TypeRef()) {
			continue
		}
		of := &entity.New{Declaration: &entity.Declaration{}}
		if kinds[0] == catalog.Initializer {
			p.initializer(a, layer{from: from}, of)
		} else {
			p.policy(a, layer{from: from}, of, kinds...)
		}
	}
	p.plan, p.compiled = kept, p.compiled[:known]
}

// contribution asks an initializer's type what it adds to an entity.
func contribution(t *catalog.Type, i entity.Initializer) (*catalog.Contribution, error) {
	if t.Initializer == nil {
		return nil, fault.New(fault.Invalid, "type %s cannot add anything to an entity", t.Name)
	}
	return t.Initializer(i.Config)
}

// partConfig merges the config of an adjunct's layers and checks it.
func (p *planner) partConfig(found *part) *settings {
	d := p.engine.declaration(found.native)
	layers := make([]layer, len(found.layers))
	for i, l := range found.layers {
		layers[i] = layer{spec: &blueprint.Spec{Pos: l.spec.Pos, Config: l.spec.Config, Extra: l.spec.Extra}, from: l.from}
	}
	written := p.config(layers, d)
	p.checkValues(found.native, layers, d)
	p.checkNames(found, d)
	p.constrain(found.layers[0].spec.Pos, d, written, nil)
	return written
}

// everyAdjunct are keys that mean something on each adjunct, whatever its type
// declares.
var everyAdjunct = []string{"id", "name", "displayName", "description", "uniqueTag", "unique_tag", "tags", "iconUrl"}

// checkNames warns of config keys that the adjunct's type does not have. Unlike
// those of an entity nobody inherits them, so they mean nothing; but Brooklyn
// takes them, and has keys that are not known here. What an item of the catalog
// says is told when that is added, not to whoever uses it.
func (p *planner) checkNames(found *part, d *entity.Declaration) {
	if len(d.Config) == 0 {
		return
	}
	known := slices.Clone(everyAdjunct)
	for i := range d.Config {
		known = append(append(known, d.Config[i].Name), d.Config[i].Flags...)
	}
	for _, l := range found.layers {
		if l.from.bundle != nil && !l.from.bundle.Native && !p.described {
			continue
		}
		for _, entry := range l.spec.Config {
			if !slices.Contains(known, entry.Key) {
				p.warnings.Add(entry.KeyPos, "%s has no config key %q%s", found.native.Name, entry.Key, nearest.Hint(entry.Key, known[len(everyAdjunct):]))
			}
		}
		for _, entry := range l.spec.Extra { // user interfaces write keys of their own there
			if near := nearest.Word(entry.Key, known); near != "" && !slices.Contains(known, entry.Key) {
				p.warnings.Add(entry.KeyPos, "%s has no config key %q; did you mean %q?", found.native.Name, entry.Key, near)
			}
		}
	}
}

// name gives the adjunct's display name: the first that its layers say.
func (f *part) name() string {
	for _, l := range f.layers {
		if name := cmp.Or(l.spec.Name, l.spec.ID); name != "" {
			return name
		}
	}
	if f.item != nil {
		return cmp.Or(f.item.Title, f.item.Name)
	}
	return simpleName(f.native.Name)
}

// scope gives the one scope of all values; there is more than one only where
// several items describe an adjunct, and the last one's counts then.
func (s *settings) scope() entity.Scope {
	for _, scope := range s.scopes {
		return scope
	}
	return entity.Scope{}
}

// entitySpec reads the argument of entitySpec: what a service is written as,
// or the name of a type.
func entitySpec(n *yamlpos.Node) (*blueprint.Spec, error) {
	spec, err := camp.ParseNode(n)
	if err != nil {
		return nil, fault.New(fault.Invalid, "entitySpec: %w", err)
	}
	return spec, nil
}
