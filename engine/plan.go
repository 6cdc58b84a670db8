package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/constraint"
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
	Format string // "" or "brooklyn-camp"
	ID     string // wanted id of the application; "" lets the engine choose
}

// plan is a checked blueprint, ready to come to life.
type plan struct {
	root     *entity.New
	policies []*adjunct.Record
}

// planner turns a spec into a plan and collects every problem on the way.
type planner struct {
	ctx      context.Context // bounds the evaluation of constants
	engine   *Engine
	errs     yamlpos.Errors
	parent   *entity.Entity  // where the plan will hang, nil for an application
	above    []*entity.New   // the entities around the one that is being planned
	ids      map[string]bool // plan ids of the blueprint
	entities int
	plan     plan
	compiled []compiled
}

// compiled is a declared config value whose references are to be checked once
// all plan ids are known.
type compiled struct {
	value *expr.Value
	pos   yamlpos.Pos
}

// Check finds all problems of a blueprint that can be known before anything
// runs. It has no effect. The error is a *yamlpos.Errors.
func (e *Engine) Check(ctx context.Context, r Request) error {
	spec, err := e.parse(r)
	if err != nil {
		return err
	}
	_, err = e.plan(ctx, spec, r.ID)
	return err
}

func (e *Engine) parse(r Request) (*blueprint.Spec, error) {
	if r.Format != "" && r.Format != "brooklyn-camp" && r.Format != "auto" {
		return nil, fault.New(fault.Invalid, "unknown blueprint format %q; expected brooklyn-camp", r.Format)
	}
	spec, err := camp.Parse(cmp.Or(r.File, "blueprint"), r.Text, e.cfg.Limits.Blueprint)
	if err != nil {
		return nil, err
	}
	return spec, nil
}

// plan makes the plan of an application.
func (e *Engine) plan(ctx context.Context, spec *blueprint.Spec, id string) (*plan, error) {
	return e.planOf(ctx, spec.Application(e.isApplication, basicApplication), id, nil)
}

// planOf makes the plan of one entity with all below it. parent is where it
// will hang, nil for an application.
func (e *Engine) planOf(ctx context.Context, spec *blueprint.Spec, id string, parent *entity.Entity) (*plan, error) {
	p := &planner{ctx: ctx, engine: e, parent: parent, ids: map[string]bool{}}
	if parent != nil {
		for _, other := range parent.Root().Descendants() {
			p.ids[other.PlanID()] = true
		}
	}
	p.plan.root = p.entity(spec, id)
	if parent == nil && p.plan.root != nil {
		p.plan.root.Source = spec.Source
	}
	p.checkReferences()
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	return &p.plan, nil
}

func (e *Engine) isApplication(name string) bool {
	t, err := e.types.Get(catalog.Entity, name)
	return err == nil && t.Application
}

func newID() string { return strings.ToLower(rand.Text()[:12]) }

func (p *planner) entity(s *blueprint.Spec, id string) *entity.New {
	if p.entities++; p.entities > p.engine.cfg.Limits.Entities {
		if p.entities == p.engine.cfg.Limits.Entities+1 {
			p.errs.Add(s.Pos, "the blueprint has more than %d entities (limit Entities)", p.engine.cfg.Limits.Entities)
		}
		return nil
	}
	t, err := p.engine.types.Get(catalog.Entity, s.TypeRef())
	if err != nil {
		p.errs.Append(s.TypePos, asPlain(err))
		t = &catalog.Type{Type: hook.Type{Name: s.Type, Kind: catalog.Entity}}
	}
	n := &entity.New{}
	n.ID = entity.ID(cmp.Or(id, newID()))
	n.Type, n.PlanID, n.IconURL = typeName(t, s), s.ID, s.IconURL
	n.Name = displayName(s, t, n)
	p.ids[s.ID] = true
	n.Parameters = p.parameters(s)
	n.Declaration = extend(p.engine.declaration(t), n.Parameters)
	n.Config = p.config(s, n.Declaration)
	p.constrain(s, n.Declaration, n.Config, p.inherited)
	if s.ID != "" {
		n.Config[planID] = s.ID
	}
	for _, l := range s.Locations {
		n.Locations = append(n.Locations, p.location(l))
	}
	for _, tag := range s.Tags {
		n.Tags = append(n.Tags, p.tag(tag))
	}
	p.adjuncts(s, n)
	p.above = append(p.above, n)
	for _, c := range s.Children {
		if child := p.entity(c, ""); child != nil {
			n.Children = append(n.Children, child)
		}
	}
	p.above = p.above[:len(p.above)-1]
	return n
}

// typeName is what the entity is said to be: the registered name, but for
// types that answer to a prefix what the blueprint says.
func typeName(t *catalog.Type, s *blueprint.Spec) string {
	if t.Prefix != "" && strings.HasPrefix(s.Type, t.Prefix) {
		return s.Type
	}
	return t.Name
}

func displayName(s *blueprint.Spec, t *catalog.Type, n *entity.New) string {
	if s.Name != "" && !expr.IsExpr(s.Name) {
		return s.Name
	}
	if t.Prefix != "" && s.ID != "" {
		return s.ID
	}
	simple := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	return simple + ":" + string(n.ID)[:min(4, len(n.ID))]
}

// config takes the keys of a service under their full names: all of
// brooklyn.config, flags and other keys only if the type declares them.
func (p *planner) config(s *blueprint.Spec, d *entity.Declaration) map[string]any {
	out := map[string]any{}
	for _, entry := range s.Config {
		p.setting(out, d, entry)
	}
	for _, entry := range s.Flags {
		p.setting(out, d, entry)
	}
	for _, entry := range s.Extra {
		if d.Key(entry.Key) != nil {
			p.setting(out, d, entry)
		}
	}
	return out
}

func (p *planner) setting(out map[string]any, d *entity.Declaration, entry yamlpos.Entry) {
	name, key := entry.Key, d.Key(entry.Key)
	if key != nil {
		name = key.Name
	}
	value, err := expr.Compile(entry.Value, expr.Limits{})
	if err != nil {
		p.errs.Append(entry.KeyPos, err)
		return
	}
	raw := entry.Value.Any()
	if n := entry.Value; key != nil && key.Type == "string" && n.Kind == yamlpos.Scalar {
		raw = n.Text // "3.10" is not the number 3.1
	}
	out[name] = raw
	if key == nil {
		return
	}
	if value.Constant() {
		if err := entity.CheckConfig(key, raw); err != nil {
			p.errs.Add(entry.Value.Pos, "%s", err)
		}
		return
	}
	p.compiled = append(p.compiled, compiled{value, entry.Value.Pos})
}

// checkReferences refuses declared config that names an entity which is not
// there: the start would fail for it. Other config may name what comes later.
func (p *planner) checkReferences() {
	for _, c := range p.compiled {
		for _, ref := range c.value.Refs() {
			if ref.Kind != expr.RefEntity || ref.How != expr.Component || p.ids[ref.Name] {
				continue
			}
			if _, err := p.engine.tree.Get(entity.ID(ref.Name)); err == nil {
				continue
			}
			p.errs.Add(ref.Pos, "No entity matching id '%s' in this blueprint", ref.Name)
		}
	}
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

func (p *planner) location(l blueprint.Location) string {
	name := strings.TrimPrefix(l.Spec, "named:")
	if err := p.engine.places.known(name); err != nil {
		p.errs.Append(l.Pos, asPlain(err))
	}
	if len(l.Config) > 0 {
		p.errs.Add(l.Pos, "options of location %s are given in the server's configuration, not in the blueprint", name)
	}
	return name
}

func (p *planner) parameters(s *blueprint.Spec) []hook.ConfigKey {
	var out []hook.ConfigKey
	for _, q := range s.Parameters {
		k := hook.ConfigKey{Name: q.Name, Type: q.Type, Description: q.Description}
		if q.Default != nil {
			p.value(q.Default)
			k.Default = q.Default.Any()
		}
		if q.Inheritance.Runtime == "never" || q.Inheritance.Runtime == "none" {
			k.Inherit = "never"
		}
		var err error
		k.Required, k.Constraints, err = constraint.Read(q.Constraints)
		p.errs.Append(q.Pos, err)
		if err != nil {
			k.Constraints = nil
		}
		out = append(out, k)
	}
	return out
}

func (p *planner) adjuncts(s *blueprint.Spec, n *entity.New) {
	for _, a := range s.Policies {
		t, err := p.engine.types.Get(catalog.Policy, a.TypeRef())
		if err != nil {
			p.errs.Append(a.TypePos, asPlain(err))
			continue
		}
		p.policy(a, t, n)
	}
	for _, a := range s.Enrichers {
		// What only turns sensors into sensors may be implemented as a policy.
		t, err := p.engine.types.Get(catalog.Policy, a.TypeRef())
		if err != nil {
			p.errs.Add(a.TypePos, "unknown enricher type %q", a.Type)
			continue
		}
		p.policy(a, t, n)
	}
	for _, a := range s.Initializers {
		t, err := p.engine.types.Get(catalog.Initializer, a.TypeRef())
		if err != nil {
			p.errs.Append(a.TypePos, asPlain(err))
			continue
		}
		config := p.adjunctConfig(a, t)
		n.Sensors = append(n.Sensors, entity.StaticSensor{
			Name: text(config["name"]), Type: text(config["targetType"]), Value: config["static.value"],
		})
	}
}

func (p *planner) policy(a *blueprint.Adjunct, t *catalog.Type, n *entity.New) {
	p.plan.policies = append(p.plan.policies, &adjunct.Record{
		ID: newID(), Entity: string(n.ID), Type: t.Name, Name: cmp.Or(a.Name, a.ID, simpleName(t.Name)), Config: p.adjunctConfig(a, t),
	})
}

func (p *planner) adjunctConfig(a *blueprint.Adjunct, t *catalog.Type) map[string]any {
	s, d := &blueprint.Spec{Pos: a.Pos, Config: a.Config, Extra: a.Extra}, p.engine.declaration(t)
	out := p.config(s, d)
	p.constrain(s, d, out, nil)
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func simpleName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// asPlain takes an error out of its fault, so that positions are put before
// the bare message.
func asPlain(err error) error {
	if f, ok := err.(*fault.Error); ok && f.Op == "" && f.Err != nil {
		return f.Err
	}
	return err
}
