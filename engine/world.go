package engine

import (
	"context"
	"strconv"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// world is what the engine is to one step.
type world struct {
	engine *Engine
	call   *action.Call
	self   *entity.Entity
}

// Entity is part of action.World, as are the methods below.
func (w *world) Entity(v any) (action.Entity, error) {
	ent, err := w.engine.named(w.call, v)
	if err != nil {
		return nil, err // not an Entity that is nil
	}
	return ent, nil
}

// Appear waits for an entity of the step's application; it is woken when one
// comes to be or moves.
func (w *world) Appear(ctx context.Context, v any) (action.Entity, error) {
	wake := make(chan struct{}, 1)
	defer w.self.Root().Observe(func(entity.Change) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})()
	for {
		ent, err := w.Entity(v)
		if fault.KindOf(err) != fault.NotFound {
			return ent, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			if stopping(ctx) {
				return nil, context.Cause(ctx)
			}
			return nil, err
		}
	}
}

func (w *world) Invoke(ctx context.Context, of action.Entity, effector string, args map[string]any, attempt int) (any, error) {
	ent, err := w.engine.tree.Get(entity.ID(of.Ref().ID))
	if err != nil {
		return nil, err
	}
	rec, err := w.engine.callRecord(ent, effector, args)
	if err != nil {
		return nil, err
	}
	rec.ID = workflow.Current(ctx).Nest(string(ent.ID()) + "-" + effector + "-" + strconv.Itoa(attempt))
	rec.Task = string(rec.ID)
	return w.engine.flows.Nested(ctx, rec, w.engine.taskSpec(ent, rec), w.engine.body(ent, rec))
}

func (w *world) Run(ctx context.Context, step string, input map[string]any) (any, error) {
	a, ok := w.engine.actions[step]
	if !ok {
		return nil, fault.New(fault.Invalid, "this server has no step %s", step)
	}
	call := *w.call
	call.Input = input
	return a.Run(ctx, &call)
}
