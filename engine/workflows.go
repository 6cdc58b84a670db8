package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// Workflows gives the runs of workflows of an entity, the newest first.
func (e *Engine) Workflows(ent *entity.Entity) ([]*workflow.View, error) {
	return e.flows.Views(string(ent.ID()))
}

// Workflow gives one run of a workflow of an entity.
func (e *Engine) Workflow(ent *entity.Entity, id string) (*workflow.View, error) {
	return e.flows.View(string(ent.ID()), workflow.ID(id))
}

// DeleteWorkflow forgets an ended run. One that is running is Invalid.
func (e *Engine) DeleteWorkflow(ctx context.Context, ent *entity.Entity, id string) error {
	return e.flows.Delete(ctx, string(ent.ID()), workflow.ID(id))
}

// ReplayWorkflow runs an ended run again: from "start", "last" (its last replay
// point), "end" (where it ended) or the number of a step.
func (e *Engine) ReplayWorkflow(ctx context.Context, ent *entity.Entity, id, from, reason string, force bool) (*task.Task, error) {
	var b store.Batch
	rec, err := e.flows.Back(string(ent.ID()), workflow.ID(id), from, reason, force, task.NewID(), &b)
	if err != nil {
		return nil, err
	}
	if err := e.store.Commit(ctx, &b); err != nil {
		return nil, fault.Wrap(err, "replay "+rec.Name, ent.Name())
	}
	return e.start(ent, rec)
}
