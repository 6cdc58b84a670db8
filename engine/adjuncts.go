package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Adjuncts gives the policies and enrichers of an entity.
func (e *Engine) Adjuncts(ent *entity.Entity) []adjunct.Info { return e.policies.Of(string(ent.ID())) }

// SuspendAdjunct ends a policy or enricher for the time being, durably. What
// happens meanwhile is not given to it later.
func (e *Engine) SuspendAdjunct(ctx context.Context, ent *entity.Entity, id string) error {
	return e.policies.Suspend(ctx, string(ent.ID()), id, "suspended by the user")
}

// ResumeAdjunct lets a suspended policy or enricher run again, durably.
func (e *Engine) ResumeAdjunct(ctx context.Context, ent *entity.Entity, id string) error {
	return e.policies.Resume(ctx, string(ent.ID()), id)
}

// RemoveAdjunct takes a policy or enricher away, durably.
func (e *Engine) RemoveAdjunct(ctx context.Context, ent *entity.Entity, id string) error {
	var b store.Batch
	if e.policies.DetachSome(string(ent.ID()), func(i adjunct.Info) bool { return i.ID == id }, &b) == 0 {
		return fault.New(fault.NotFound, "%s has no policy with the id %q", ent.Name(), id)
	}
	return e.store.Commit(ctx, &b)
}

func (e *Engine) suspendPolicyStep(ctx context.Context, c *action.Call) (any, error) {
	reason := "suspended by " + c.Entity.Name
	if c.Input["reason"] != nil {
		reason = coerce.Text(c.Input["reason"])
	}
	return nil, e.eachPolicy(c, func(ent *entity.Entity, id string) error {
		return e.policies.Suspend(ctx, string(ent.ID()), id, reason)
	})
}

func (e *Engine) resumePolicyStep(ctx context.Context, c *action.Call) (any, error) {
	return nil, e.eachPolicy(c, func(ent *entity.Entity, id string) error { return e.ResumeAdjunct(ctx, ent, id) })
}

// eachPolicy does something to the policies of an entity that a step's input
// names: by id, unique tag, name, or type.
func (e *Engine) eachPolicy(c *action.Call, do func(ent *entity.Entity, id string) error) error {
	ent, err := e.subject(c)
	if err != nil {
		return err
	}
	name, err := required(c, "policy")
	if err != nil {
		return err
	}
	found := false
	for _, i := range e.Adjuncts(ent) {
		if !e.answersTo(&i, name) {
			continue
		}
		found = true
		if err := do(ent, i.ID); err != nil {
			return err
		}
	}
	if !found {
		return fault.New(fault.NotFound, "%s has no policy %q", ent.Name(), name)
	}
	return nil
}

// answersTo tells whether a policy goes by a name: its id, unique tag, display
// name, or a name of its type.
func (e *Engine) answersTo(i *adjunct.Info, name string) bool {
	if i.ID == name || i.Tag == name && name != "" || i.Name == name || i.Type == name {
		return true
	}
	t, err := e.types.Load().Get(i.Kind, name)
	return err == nil && t.Name == i.Type
}

// publishStep runs another step and publishes its output in a sensor, so that
// a policy, which is not given outputs, hears of it.
func (e *Engine) publishStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	sensor, err := required(c, "sensor")
	if err != nil {
		return nil, err
	}
	inner, err := e.inner(c)
	if err != nil {
		return nil, err
	}
	out, err := inner(ctx)
	if lenient, _ := c.Input["lenient"].(bool); lenient && err != nil && ctx.Err() == nil {
		out, err = map[string]any{"error": err.Error()}, nil
	}
	if err == nil {
		ent.Set(sensor, out)
	}
	return out, err
}

// invoked gives the entity whose effector the step invoke-effector calls: the
// one that it names, or the first of several that has the effector. It is nil
// when that is optional and none has it.
func (e *Engine) invoked(c *action.Call, effector string) (*entity.Entity, error) {
	optional, _ := c.Input["optional"].(bool)
	list, several := c.Input["firstOf"].([]any)
	if !several {
		ent, err := e.subject(c)
		if err == nil && optional && ent.Declaration().Effector(effector) == nil {
			return nil, nil
		}
		return ent, err
	}
	var names []string
	for _, v := range list {
		ent, err := e.named(c, v)
		if err != nil {
			continue // it is gone
		}
		if ent.Declaration().Effector(effector) != nil {
			return ent, nil
		}
		names = append(names, ent.Name())
	}
	if optional {
		return nil, nil
	}
	return nil, fault.New(fault.NotFound, "none of %s has an effector %s", strings.Join(names, ", "), effector)
}
