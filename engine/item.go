package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/bom"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// itemKinds are the kinds of types by what a BOM may say as itemType.
var itemKinds = map[string]string{
	"entity": catalog.Entity, "application": catalog.Entity, "template": catalog.Entity,
	"policy": catalog.Policy, "enricher": catalog.Enricher, "initializer": catalog.Initializer,
	"strategy": catalog.Strategy, "location": catalog.Location, "bean": catalog.Bean,
}

// read makes a bundle with its types from what a client sent. Names of types
// are looked up only to find out what kind of type an item is. With an error,
// the bundle has what could be read, or is nil.
func (e *Engine) readBOM(types *catalog.Registry, file string, content []byte, modules []*module.Module) (*catalog.Bundle, error) {
	read, err := bom.Parse(cmp.Or(file, "catalog"), content, bom.Options{YAML: e.cfg.Limits.Blueprint})
	if err != nil {
		return nil, err
	}
	b := &catalog.Bundle{
		Name: read.Name, Version: cmp.Or(read.Version, catalog.DefaultVersion), Format: read.Format, IconURL: read.IconURL,
		Checksum: checksum(content), Content: content, Created: time.Now().UTC(),
	}
	if b.Name == "" { // the same text is the same bundle
		b.Name = "catalog-bom-" + b.Checksum[:12]
	}
	include(b, modules)
	if types, err = types.With(b.Types...); err != nil {
		return nil, err
	}
	r := &itemReader{types: types, bundle: b, items: read.Distinct()}
	r.kinds = make([]string, len(r.items))
	r.classify()
	for i, item := range r.items {
		if t := r.item(item, r.kinds[i]); t != nil {
			b.Types = append(b.Types, t)
		}
	}
	return b, r.errs.Err()
}

// itemReader turns the items of a bundle into types.
type itemReader struct {
	types  *catalog.Registry
	bundle *catalog.Bundle
	items  []*bom.Item
	kinds  []string
	errs   yamlpos.Errors
}

// classify finds the kind of each item: as it says, as its plan shows, or that
// of the type which its plan starts from, which may be another item.
func (r *itemReader) classify() {
	for changed := true; changed; {
		changed = false
		for i, item := range r.items {
			if r.kinds[i] == "" {
				r.kinds[i] = r.kindOf(item)
				changed = changed || r.kinds[i] != ""
			}
		}
	}
	for i, item := range r.items {
		if r.kinds[i] == "" {
			r.kinds[i] = catalog.Entity // the error for an unknown type tells the rest
			if item.Type != "" {
				r.errs.Add(item.Pos, "item %s: unknown itemType %q%s", item.ID, item.Type, nearest.Hint(item.Type, sortedKeys(itemKinds)))
			}
		}
	}
}

func (r *itemReader) kindOf(item *bom.Item) string {
	if item.Type != "" {
		return itemKinds[strings.ToLower(item.Type)]
	}
	ref := superOf(item.Plan)
	if ref == "" {
		return catalog.Entity
	}
	for j, other := range r.items {
		if name, _ := blueprint.SplitType(ref); other != item && other.ID == name {
			return r.kinds[j]
		}
	}
	for _, kind := range catalog.Kinds {
		if _, err := r.types.Find(kind, ref, nil); err == nil {
			return kind
		}
	}
	return ""
}

// superOf gives the type that a plan names, "" when it has services or names
// none.
func superOf(plan *yamlpos.Node) string {
	if plan == nil {
		return ""
	}
	if plan.Kind == yamlpos.Scalar {
		return strings.TrimSpace(plan.Text)
	}
	for _, key := range []string{"type", "serviceType", "service_type", "policyType", "policy_type", "enricherType", "enricher_type"} {
		if n := plan.Get(key); n != nil && n.Kind == yamlpos.Scalar {
			return strings.TrimPrefix(n.Text, "java:")
		}
	}
	return ""
}

// item makes the type of one item; nil when its plan cannot be read.
func (r *itemReader) item(item *bom.Item, kind string) *catalog.Type {
	t := &catalog.Type{
		Type:    hook.Type{Name: item.ID, Kind: kind, Description: item.Description, Icon: item.IconURL},
		Version: cmp.Or(item.Version, r.bundle.Version), Bundle: r.bundle,
		Title: item.Name, Deprecated: item.Deprecated, Disabled: item.Disabled, ItemType: strings.ToLower(item.Type),
		Plan: &catalog.Plan{Format: cmp.Or(item.Format, "brooklyn-camp"), Text: item.PlanText, Node: item.Plan},
	}
	for _, tag := range item.Tags {
		t.Tags = append(t.Tags, tag.Any())
	}
	if t.Title == t.Name {
		t.Title = ""
	}
	var err error
	switch kind {
	case catalog.Bean:
	case catalog.Entity:
		t.Plan.Spec, err = camp.ParseNode(item.Plan)
		t.Template = t.ItemType == "template" || t.ItemType == "application" || t.ItemType == "" && t.Plan.Spec != nil && t.Plan.Spec.Type == ""
	default:
		t.Plan.Part, err = camp.ParsePart(item.Plan, kind)
	}
	switch {
	case err != nil && (t.ItemType == "template" || t.ItemType == "application"):
		t.Plan.Err, t.Template = err, true // it may be a form to fill in
	case err != nil:
		r.errs.Append(item.Pos, err)
		return nil
	}
	if t.ItemType == "" {
		t.ItemType = kind
		if t.Template {
			t.ItemType = "template"
		}
	}
	return t
}

// examine resolves all that new types name, in the catalog as it would be, and
// gives every problem. Templates are only read: what they need may come later.
func (e *Engine) examine(ctx context.Context, types *catalog.Registry, added []*catalog.Type, found error) ([]*yamlpos.Error, error) {
	var errs, warnings yamlpos.Errors
	if found != nil {
		errs.Append(yamlpos.Pos{}, found)
	}
	for _, t := range added {
		if t.Plan == nil {
			continue // a module's
		}
		p := e.planner(ctx, nil)
		p.types, p.lenient, p.described = types, true, true
		at := origin{bundle: t.Bundle}
		switch {
		case t.Plan.Err != nil:
		case t.Plan.Part != nil && t.Kind != catalog.Location:
			p.examinePart(t, at)
		case t.Plan.Spec != nil:
			p.entity(&blueprint.Spec{Pos: t.Plan.Node.Pos, Type: t.Name, Version: t.Version, TypePos: t.Plan.Node.Pos}, at, "")
		}
		if err := p.errs.Err(); err != nil && (!t.Template || recursive(err)) {
			errs.Append(t.Plan.Node.Pos, err)
		}
		warnings.Append(t.Plan.Node.Pos, p.warnings.Err())
	}
	return warnings.List(), errs.Err()
}

func recursive(err error) bool { return strings.Contains(err.Error(), "recursive") }

func (p *planner) examinePart(t *catalog.Type, at origin) {
	found, err := p.part(t.Kind, &blueprint.Adjunct{Pos: t.Plan.Part.Pos, Type: t.Name, Version: t.Version}, at, "")
	if err != nil {
		p.errs.Append(t.Plan.Part.TypePos, asPlain(err))
		return
	}
	p.partConfig(found)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Shape gives what a type declares together with what it starts from: config
// keys, sensors and effectors. Of a type that leads nowhere it is its own.
func (e *Engine) Shape(t *catalog.Type) *hook.Type {
	out := t.Type
	if t.Plan == nil {
		return &out
	}
	p := e.planner(context.Background(), nil)
	p.described, p.lenient = true, true
	var d *entity.Declaration
	switch {
	case t.Plan.Spec != nil:
		n := &entity.New{}
		layers, native, err := p.layers(&blueprint.Spec{Type: t.Name, Version: t.Version}, origin{bundle: t.Bundle}, "")
		if err != nil {
			return &out
		}
		n.Declaration = e.declare(native, p.parameters(layers, &entity.Declaration{Type: native.Type}))
		p.adjuncts(layers, n)
		d = n.Declaration
	case t.Plan.Part != nil:
		found, err := p.part(t.Kind, &blueprint.Adjunct{Type: t.Name, Version: t.Version}, origin{bundle: t.Bundle}, "")
		if err != nil {
			return &out
		}
		d = e.declaration(found.native)
	default:
		return &out
	}
	out.Config, out.Sensors, out.Effectors = d.Config, d.Sensors, d.Effectors
	return &out
}
