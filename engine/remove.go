package engine

import (
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// Delete stops an application, removes everything that it made outside, and
// then the application itself. It is stored as an intent, so that a crash in
// the middle does not leave half of it.
func (e *Engine) Delete(ctx context.Context, app *entity.Entity) (*task.Task, error) {
	if app.Parent() != nil {
		return nil, fault.New(fault.Precondition, "'%s' is not an application", app.Name())
	}
	return e.removal(ctx, app, "delete", true, false)
}

// Expunge removes an entity from management. With release it is stopped
// first, as far as that works; without, what it made outside is left alone.
func (e *Engine) Expunge(ctx context.Context, ent *entity.Entity, release bool) (*task.Task, error) {
	return e.removal(ctx, ent, "expunge", release, true)
}

func (e *Engine) removal(ctx context.Context, ent *entity.Entity, name string, stop, lenient bool) (*task.Task, error) {
	var steps []hook.Step
	if stop && ent.Declaration().Effector("stop") != nil {
		steps = append(steps, hook.Step{Step: "invoke-effector", Input: map[string]any{"effector": "stop", "lenient": lenient}})
	}
	if stop && ent.Parent() == nil {
		steps = append(steps, hook.Step{Step: "clean-locations", Input: map[string]any{"lenient": lenient}})
	}
	steps = append(steps, hook.Step{Step: "unmanage"})
	id := task.NewID()
	rec := &workflow.Record{
		ID: workflow.ID(id), Task: id, Application: string(ent.Application()), Entity: string(ent.ID()),
		Name: name, Decided: true, Steps: steps,
	}
	return e.launch(ctx, ent, rec, nil)
}

func (e *Engine) unmanageStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	return nil, e.unmanage(ctx, ent)
}

// unmanage ends everything that acts on an entity and those below it, and
// removes them. They leave the groups that they were members of.
func (e *Engine) unmanage(ctx context.Context, ent *entity.Entity) error {
	all := ent.Descendants()
	var b store.Batch
	for _, d := range slices.Backward(all) {
		e.policies.Detach(string(d.ID()), &b)
		e.feeds.Detach(d.ID())
		e.attended.end(d.ID())
		e.zones.forget(d.ID())
		if err := e.life.abandon(ctx, d.ID()); err != nil {
			return err
		}
	}
	for _, d := range all {
		e.places.drop(string(d.ID()), &b)
		e.flows.Forget(string(d.ID()), &b)
	}
	return e.tree.Remove(ctx, ent, &b)
}

func (e *Engine) cleanLocations(ctx context.Context, c *action.Call) (any, error) {
	err := e.places.clean(ctx, c.Entity.Application)
	if lenient, _ := c.Input["lenient"].(bool); lenient && !stopping(ctx) {
		return nil, nil
	}
	return nil, err
}
