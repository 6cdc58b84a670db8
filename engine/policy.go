package engine

import (
	"cmp"
	"context"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// policing is what the engine is to the policies.
type policing struct{ *Engine }

// Decide asks the policy's implementation, with its config resolved and what
// its type reads of other entities.
func (e policing) Decide(ctx context.Context, r *adjunct.Record, c *hook.PolicyCall) (*hook.Decision, error) {
	t, err := e.adjunctType(r)
	if err != nil {
		return nil, err
	}
	if t.Policy == nil {
		return nil, fault.New(fault.Invalid, "type %s cannot decide anything", t.Name)
	}
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return nil, err
	}
	if t.Flow != nil {
		c.Config = r.Config
	} else if c.Config, err = adjunctConfig(ctx, ent, t, r); err != nil {
		return nil, err
	}
	if err := bring(ctx, t, r); err != nil {
		return nil, fault.Wrap(err, "policy", r.Name)
	}
	c.State = r.State
	c.Related = e.related(ctx, ent, t.Related, c.Config)
	c.Seed = seed(r.ID + c.Now)
	d, err := t.Policy.Event(ctx, c)
	if t.Flow != nil {
		return d, err // the steps of a workflow were checked with its text
	}
	given := []any{c.Config, c.Related, c.Entity.Config}
	if c.Event != nil {
		given = append(given, c.Event.Source)
	}
	return deciding(e).able(&asked{hook.PolicyEvent, t, ent, given}, d, err)
}

// adjunctType gives the type of a policy or enricher.
func (e policing) adjunctType(r *adjunct.Record) (*catalog.Type, error) {
	return e.types.Load().Get(cmp.Or(r.Kind, catalog.Policy), r.Type)
}

// Durable tells whether an enricher's type is implemented like a policy.
func (e policing) Durable(r *adjunct.Record) bool {
	t, err := e.adjunctType(r)
	return err == nil && t.Policy != nil
}

// adjunctConfig resolves the config of a policy; sensors in it go by name.
func adjunctConfig(ctx context.Context, ent *entity.Entity, t *catalog.Type, r *adjunct.Record) (map[string]any, error) {
	config, err := partConfig(ctx, ent, t, r.Config, r.Scopes)
	if err != nil {
		return nil, fault.Wrap(err, "policy", r.Name)
	}
	for key, v := range config {
		config[key] = sensorsByName(v)
	}
	return config, nil
}

// Carry stores the policy's new state together with the steps it decided on,
// and starts these.
func (e policing) Carry(ctx context.Context, ent *entity.Entity, r *adjunct.Record, d *hook.Decision, b *store.Batch) error {
	if err := e.keepable(ent, d.Sensors); err != nil {
		return err
	}
	if len(d.Steps) == 0 {
		// A crash before all is written lets the policy decide once more; the
		// state comes last, so that no sensor is lost.
		ent.Update(d.Sensors)
		e.store.Enqueue(b)
		return nil
	}
	id := task.NewID()
	rec := &workflow.Record{
		ID: workflow.ID(id), Task: id, Application: string(ent.Application()), Entity: r.Entity,
		Name: r.Name, Adjunct: r.ID, Decided: true, Steps: d.Steps,
	}
	if t, err := e.adjunctType(r); err == nil && t.Flow != nil {
		rec.Decided, rec.Steps, rec.Args = false, nil, d.Steps[0].Input
		rec.Flow, rec.Scope = &workflow.Flow{Definition: definitionOf(t, r.Config)}, scopeOf(r.Scopes)
	}
	ent.Update(d.Sensors)
	_, err := e.launch(ctx, ent, rec, b)
	return err
}

// Enrich sets up an enricher by what its type says.
func (e policing) Enrich(ctx context.Context, r *adjunct.Record, h catalog.EnricherHost) error {
	t, err := e.types.Load().Get(catalog.Enricher, r.Type)
	if err != nil {
		return err
	}
	if t.Enricher == nil {
		return fault.New(fault.Invalid, "type %s cannot make anything of sensors", t.Name)
	}
	return t.Enricher(ctx, h)
}

// PartConfig resolves one config value of an enricher.
func (e policing) PartConfig(ctx context.Context, ent *entity.Entity, r *adjunct.Record, key string) (any, error) {
	t, err := e.types.Load().Get(catalog.Enricher, r.Type)
	if err != nil {
		return nil, err
	}
	k := e.declaration(t).Key(key)
	if k == nil {
		return nil, fault.New(fault.Internal, "enricher type %s declares no config key %s", t.Name, key)
	}
	raw, set := r.Config[k.Name]
	if !set {
		raw = k.Default
	}
	if k.Type == rawType {
		return raw, nil
	}
	v, err := ent.EvaluateIn(ctx, raw, r.Scopes[k.Name])
	if err != nil || v == nil || k.Type == "any" {
		return v, err
	}
	out, err := coerce.To(k.Type, v)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Invalid value for %s of enricher %s: %w", k.Name, r.Name, err)
	}
	return out, nil
}
