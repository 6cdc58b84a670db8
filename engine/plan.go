package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// basicApplication is the type of the application that is put around several
// services.
const basicApplication = "org.apache.brooklyn.entity.stock.BasicApplication"

// planID is the config key that every entity with an id in its blueprint has.
const planID = "camp.plan.id"

// Request is a blueprint to deploy.
type Request struct {
	Text   []byte
	File   string // for error messages
	Format string // "brooklyn-camp", or a type of kind format; "" finds out by MediaType and File
	// MediaType of the text as a client told it; one that no format reads
	// counts for nothing.
	MediaType string
	ID        string // wanted id of the application; "" lets the engine choose
	// Lenient makes warnings of what is missing on this server but may be
	// there on another; only Check heeds it.
	Lenient bool
	// Warn is told what may be wrong with a blueprint that is accepted all the
	// same; Check has that in its Report. It may be nil.
	Warn func(w *yamlpos.Error)
}

// plan is a checked blueprint, ready to come to life.
type plan struct {
	root     *entity.New
	policies []*adjunct.Record // and enrichers
	warnings []*yamlpos.Error
}

// planner turns a spec into a plan and collects every problem on the way.
type planner struct {
	ctx       context.Context // bounds the evaluation of constants
	engine    *Engine
	types     *catalog.Registry
	errs      yamlpos.Errors
	warnings  yamlpos.Errors
	described bool            // nothing is to be made of it: config that is required may be missing, and names unknown
	lenient   bool            // what this server lacks, but another may have, is a warning
	parent    *entity.Entity  // where the plan will hang, nil for an application
	above     []*entity.New   // the entities around the one that is being planned
	expanding []*catalog.Type // the items that brought them
	rehearsed []*catalog.Type // the items of entities that are only described yet, around this one
	ids       map[string]bool // plan ids of the blueprint
	around    map[string]bool // those of the application that it becomes a part of; nil until somebody asks
	entities  int
	plan      plan
	compiled  []compiled
}

// compiled is a declared config value whose references are to be checked once
// all plan ids are known.
type compiled struct {
	value *expr.Value
	pos   yamlpos.Pos
}

func (e *Engine) parse(ctx context.Context, r Request) (*blueprint.Spec, error) {
	file := cmp.Or(r.File, "blueprint")
	format, err := e.format(r)
	if err != nil {
		return nil, err
	}
	if format != nil {
		if r.Text, err = translate(ctx, format, file, r.Text); err != nil {
			return nil, err
		}
	}
	return camp.Parse(file, r.Text, e.cfg.Limits.Blueprint)
}

// planner gives one for an entity below parent, nil for an application.
func (e *Engine) planner(ctx context.Context, parent *entity.Entity) *planner {
	p := &planner{ctx: ctx, engine: e, types: e.types.Load(), parent: parent, ids: map[string]bool{}}
	return p
}

// plan makes the plan of an application.
func (e *Engine) plan(ctx context.Context, spec *blueprint.Spec, id string) (*plan, error) {
	p := e.planner(ctx, nil)
	return p.run(spec.Application(p.isApplication(nil), basicApplication), id, origin{})
}

// planOf makes the plan of one entity with all below it, to hang below parent.
func (e *Engine) planOf(ctx context.Context, spec *blueprint.Spec, id string, parent *entity.Entity, at origin) (*plan, error) {
	return e.planner(ctx, parent).run(spec, id, at)
}

func (p *planner) run(spec *blueprint.Spec, id string, at origin) (*plan, error) {
	p.plan.root = p.entity(spec, at, entity.ID(id))
	if p.parent == nil && p.plan.root != nil {
		p.plan.root.Source = spec.Source
	}
	p.checkReferences()
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	p.plan.warnings = p.warnings.List()
	return &p.plan, nil
}

// rehearse plans an entity that is only described yet, for its errors. One that
// describes more of its own type is planned once: how deep they go in the end
// is not known.
func (p *planner) rehearse(spec *blueprint.Spec, at origin) {
	t, err := p.types.Find(catalog.Entity, spec.TypeRef(), at.bundle)
	if err == nil && t.Plan != nil {
		if slices.Contains(p.rehearsed, t) {
			return
		}
		p.rehearsed = append(p.rehearsed, t)
		defer func() { p.rehearsed = p.rehearsed[:len(p.rehearsed)-1] }()
	}
	above, kept := p.above, p.plan
	p.entity(spec, at, "")
	p.above, p.plan = above, kept
}

func newID() string { return strings.ToLower(rand.Text()[:12]) }

// entity plans one entity with all below it; nil when that cannot be.
func (p *planner) entity(s *blueprint.Spec, at origin, id entity.ID) *entity.New {
	if p.entities++; p.entities > p.engine.cfg.Limits.Entities {
		if p.entities == p.engine.cfg.Limits.Entities+1 {
			p.errs.Add(s.Pos, "the blueprint has more than %d entities (limit Entities)", p.engine.cfg.Limits.Entities)
		}
		return nil
	}
	n := &entity.New{}
	n.ID = cmp.Or(id, entity.ID(newID()))
	layers, t, err := p.layers(s, at, n.ID)
	if err == nil && t.Init != nil {
		layers, err = p.initial(layers, t, n)
	}
	switch {
	case err != nil:
		last := layers[len(layers)-1].spec
		p.errs.Append(last.TypePos, asPlain(err))
		t = &catalog.Type{Type: hook.Type{Name: s.Type, Kind: catalog.Entity}}
	case t.Unbuilt != "":
		p.unbuilt(s.TypePos, t)
	}
	p.describe(n, layers, t)
	n.Parameters = p.parameters(layers, &entity.Declaration{Type: t.Type})
	n.Declaration = p.engine.declare(t, n.Parameters)
	written := p.config(layers, n.Declaration)
	n.Config, n.Scopes = written.config, written.scopes
	p.checkValues(t, layers, n.Declaration)
	p.constrain(s.Pos, n.Declaration, written, p.seen(n))
	if n.PlanID != "" {
		n.Config[planID] = n.PlanID
	}
	p.adjuncts(layers, n)
	p.children(layers, n)
	return n
}

// unbuilt tells of a type that is only known by name.
func (p *planner) unbuilt(pos yamlpos.Pos, t *catalog.Type) {
	to := &p.errs
	if p.lenient {
		to = &p.warnings
	}
	to.Add(pos, "type %s is known but not built: %s", t.Name, t.Unbuilt)
}

// describe fills in what users see of an entity, and where it goes.
func (p *planner) describe(n *entity.New, layers []layer, t *catalog.Type) {
	s := layers[0].spec
	n.Type = t.Name
	if t.Prefix != "" && strings.HasPrefix(s.Type, t.Prefix) {
		n.Type = s.Type
	} else if last := layers[len(layers)-1].spec; t.Module != "" && last.Version != "" {
		n.Type = t.ID() // it stays with the version that it names
	}
	for _, l := range layers {
		if n.PlanID == "" {
			n.PlanID = l.spec.ID
		}
		if n.IconURL == "" {
			n.IconURL = l.spec.IconURL
			if n.IconURL == "" && l.item != nil {
				n.IconURL = l.item.Icon
			}
		}
		if l.item != nil && n.Item == "" {
			n.Item = l.item.ID()
		}
		if len(n.Locations) == 0 {
			for _, loc := range l.spec.Locations {
				n.Locations = append(n.Locations, p.location(loc, l.from))
			}
		}
	}
	for _, l := range slices.Backward(layers) {
		for _, tag := range l.spec.Tags {
			n.Tags = append(n.Tags, p.tag(tag))
		}
	}
	p.ids[n.PlanID] = true
	p.name(n, layers, t)
}

// name finds the display name; the first of the layers that says one counts,
// its text before the metadata of the item. An expression is kept for the
// time when the entity lives.
func (p *planner) name(n *entity.New, layers []layer, t *catalog.Type) {
	simple := simpleName(t.Name) + ":" + string(n.ID)[:min(4, len(n.ID))]
	if t.Prefix != "" && n.PlanID != "" {
		simple = n.PlanID
	}
	for _, l := range layers {
		name, scope := l.spec.Name, l.from.scope()
		if name == "" && l.item != nil {
			name = l.item.Title
		}
		if name == "" {
			for _, entry := range l.spec.Config {
				if entry.Key == defaultName {
					name = entry.Value.Text
				}
			}
		}
		if name == "" {
			continue
		}
		n.Name = name
		if expr.IsExpr(name) {
			n.Name = simple
			p.value(yamlpos.FromAny(name, l.spec.Pos))
			n.NameLater = &entity.Later{Value: name, Scope: scope}
		}
		return
	}
	n.Name = simple
}

// defaultName is the config key with the display name of entities that have
// no other.
const defaultName = "defaultDisplayName"

func (p *planner) children(layers []layer, n *entity.New) {
	p.above = append(p.above, n)
	defer func() { p.above = p.above[:len(p.above)-1] }()
	for _, l := range slices.Backward(layers) {
		if l.item != nil {
			if slices.Contains(p.expanding, l.item) {
				p.errs.Add(l.spec.Pos, "the type %s is recursive: it is below itself", l.item.ID())
				continue
			}
			p.expanding = append(p.expanding, l.item)
		}
		for _, c := range l.spec.Children {
			id := entity.ID("")
			if l.item != nil && l.from.root != n.ID { // the one service of a template
				id = l.from.root
			}
			if child := p.entity(c, l.from, id); child != nil {
				n.Children = append(n.Children, child)
			}
		}
		if l.item != nil {
			p.expanding = p.expanding[:len(p.expanding)-1]
		}
	}
}

// checkReferences refuses declared config that names an entity which is not
// there: the start would fail for it. Other config may name what comes later.
func (p *planner) checkReferences() {
	if p.described {
		return
	}
	for _, c := range p.compiled {
		for _, ref := range c.value.Refs() {
			if ref.Kind != expr.RefEntity || ref.How != expr.Component || p.ids[ref.Name] || p.isAround(ref.Name) {
				continue
			}
			if _, err := p.engine.tree.Get(entity.ID(ref.Name)); err == nil {
				continue
			}
			to := &p.errs
			if p.lenient { // it may be an excerpt
				to = &p.warnings
			}
			to.Add(ref.Pos, "No entity matching id '%s' in this blueprint", ref.Name)
		}
	}
}

// isAround tells whether the application that the plan will be a part of has an
// entity with a plan id. It is looked through only for a plan that asks.
func (p *planner) isAround(id string) bool {
	if p.parent == nil {
		return false
	}
	if p.around == nil {
		p.around = map[string]bool{}
		for _, other := range p.parent.Root().Descendants() {
			p.around[other.PlanID()] = true
		}
	}
	return p.around[id]
}

// value checks the expressions of a value and gives it back.
func (p *planner) value(n *yamlpos.Node) *yamlpos.Node {
	if _, err := expr.Compile(n, expr.Limits{}); err != nil {
		p.errs.Append(n.Pos, err)
	}
	return n
}

// tag gives a tag's value. An expression must be one that needs no entity.
func (p *planner) tag(n *yamlpos.Node) any {
	v, err := expr.Compile(n, expr.Limits{})
	if err != nil {
		p.errs.Append(n.Pos, err)
		return nil
	}
	if len(v.Refs()) > 0 {
		p.errs.Add(n.Pos, "a tag must be known at once; it cannot wait for what an expression refers to")
		return nil
	}
	out, err := entity.EvaluateAlone(p.ctx, v)
	p.errs.Append(n.Pos, err)
	return out
}

// location gives the name of a configured location, that a catalog item may
// stand for.
func (p *planner) location(l blueprint.Location, at origin) string {
	name := strings.TrimPrefix(l.Spec, "named:")
	if len(l.Config) > 0 {
		to := &p.errs
		if p.lenient {
			to = &p.warnings
		}
		to.Add(l.Pos, "options of location %s are given in the server's configuration, not in the blueprint", name)
	}
	err := p.engine.places.known(name)
	if err == nil {
		return name
	}
	ref, from := l.Spec, at.bundle
	for range maxChain {
		t, findErr := p.types.Find(catalog.Location, ref, from)
		if findErr != nil || t.Super() == "" {
			break
		}
		ref, from = t.Super(), t.Bundle
		if p.engine.places.known(ref) == nil {
			return ref
		}
	}
	if p.lenient {
		p.warnings.Append(l.Pos, asPlain(err))
	} else {
		p.errs.Append(l.Pos, asPlain(err))
	}
	return name
}

// asPlain takes an error out of its fault, so that positions are put before
// the bare message.
func asPlain(err error) error {
	if f, ok := err.(*fault.Error); ok && f.Op == "" && f.Err != nil {
		return f.Err
	}
	return err
}
