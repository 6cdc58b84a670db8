package engine

import (
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

// Decide asks the policy's implementation, with its config resolved.
func (e policing) Decide(ctx context.Context, r *adjunct.Record, c *hook.PolicyCall) (*hook.Decision, error) {
	t, err := e.types.Load().Get(catalog.Policy, r.Type)
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
	} else if c.Config, err = partConfig(ctx, ent, t, r.Config, r.Scopes); err != nil {
		return nil, fault.Wrap(err, "policy", r.Name)
	}
	if err := bring(ctx, t, r); err != nil {
		return nil, fault.Wrap(err, "policy", r.Name)
	}
	c.State = r.State
	c.Seed = seed(r.ID + c.Now)
	return t.Policy.Event(ctx, c)
}

// Events gives the sensors that a policy's type listens to.
func (e policing) Events(r *adjunct.Record) ([]catalog.Trigger, error) {
	t, err := e.types.Load().Get(catalog.Policy, r.Type)
	if err != nil {
		return nil, err
	}
	var out []catalog.Trigger
	for _, ev := range t.Events {
		if ev.Sensor != "" {
			out = append(out, catalog.Trigger{Sensor: ev.Sensor})
			continue
		}
		name := r.Config[ev.SensorFrom]
		if name == nil {
			for i := range t.Config {
				if t.Config[i].Name == ev.SensorFrom {
					name = t.Config[i].Default
				}
			}
		}
		triggers, err := catalog.ReadTriggers(name)
		if err != nil {
			return nil, err
		}
		out = append(out, triggers...)
	}
	return out, nil
}

// Carry stores the policy's new state together with the steps it decided on,
// and starts these.
func (e policing) Carry(ctx context.Context, ent *entity.Entity, r *adjunct.Record, d *hook.Decision, b *store.Batch) error {
	if len(d.Steps) == 0 {
		// A crash before this is written lets the policy decide once more.
		e.store.Enqueue(b)
		ent.Update(d.Sensors)
		return nil
	}
	id := task.NewID()
	rec := &workflow.Record{
		ID: workflow.ID(id), Task: id, Application: string(ent.Application()), Entity: r.Entity,
		Name: r.Name, Adjunct: r.ID, Decided: true, Steps: d.Steps,
	}
	if t, err := e.types.Load().Get(catalog.Policy, r.Type); err == nil && t.Flow != nil {
		rec.Decided, rec.Steps, rec.Args = false, nil, d.Steps[0].Input
		rec.Flow, rec.Scope = &workflow.Flow{Definition: definitionOf(t, r.Config)}, scopeOf(r.Scopes)
	}
	ent.Update(d.Sensors)
	_, err := e.launch(ctx, ent, rec, b)
	return err
}

// Adjuncts gives the policies of an entity.
func (e *Engine) Adjuncts(ent *entity.Entity) []adjunct.Info { return e.policies.Of(string(ent.ID())) }

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
