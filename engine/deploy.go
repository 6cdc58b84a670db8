package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// Deploy brings an application to life and starts it. When it returns, the
// whole tree and the intent to start it are stored; the task shows the start.
//
// Errors: Invalid (a *yamlpos.Errors with all problems), Conflict for an id
// that is in use, ReadOnly.
func (e *Engine) Deploy(ctx context.Context, r Request) (*entity.Entity, *task.Task, error) {
	spec, err := e.parse(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if r.ID != "" {
		if _, err := e.tree.Get(entity.ID(r.ID)); err == nil {
			return nil, nil, fault.New(fault.Conflict, "Application with id '%s' already exists", r.ID)
		}
		if strings.ContainsAny(r.ID, "/. \t\n") || len(r.ID) > 63 {
			return nil, nil, fault.New(fault.Invalid, "application id %q: expected at most 63 characters without '/', '.' and blanks", r.ID)
		}
	}
	p, err := e.plan(ctx, spec, r.ID)
	if err != nil {
		return nil, nil, err
	}
	e.warn(r, p)
	return e.realise(ctx, nil, p, true)
}

// warn tells the warnings of an accepted blueprint to whoever sent it, and in
// the log.
func (e *Engine) warn(r Request, p *plan) {
	for _, w := range p.warnings {
		e.log.Warn("blueprint accepted with a warning", "warning", w.Error())
		if r.Warn != nil {
			r.Warn(w)
		}
	}
}

// AddChildren adds what the blueprint describes below an entity: each of its
// services, or itself when it has a type. With start, the task starts them
// all; otherwise it is one that has nothing left to do.
func (e *Engine) AddChildren(ctx context.Context, parent *entity.Entity, r Request, start bool) ([]*entity.Entity, *task.Task, error) {
	spec, err := e.parse(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	specs := spec.Parts()
	var plans []*plan
	for _, s := range specs {
		p, err := e.planOf(ctx, s, "", parent, origin{})
		if err != nil {
			return nil, nil, err
		}
		plans = append(plans, p)
	}
	for _, p := range plans {
		e.warn(r, p)
	}
	var made []*entity.Entity
	var starts []*task.Task
	for _, p := range plans {
		child, t, err := e.realise(ctx, parent, p, start)
		if err != nil {
			return made, nil, err
		}
		made = append(made, child)
		if t != nil {
			starts = append(starts, t)
		}
	}
	ref := parent.Ref()
	spec2 := task.Spec{Name: "add children", Entity: ref.ID, EntityName: ref.Name, Tags: []string{"TOP-LEVEL"}}
	t, err := e.tasks.Submit(spec2, func(ctx context.Context) (any, error) {
		ids := make([]any, len(made))
		for i, c := range made {
			ids[i] = string(c.ID())
		}
		for _, s := range starts {
			if _, err := s.Wait(ctx); err != nil {
				return ids, err
			}
		}
		return ids, nil
	})
	return made, t, err
}

// realise stores a plan, its policies and the intent to start in one
// transaction and then lets it all begin. Without a start the task is nil.
func (e *Engine) realise(ctx context.Context, parent *entity.Entity, p *plan, start bool) (*entity.Entity, *task.Task, error) {
	var b store.Batch
	for _, r := range p.policies {
		if err := adjunct.Stage(r, &b); err != nil {
			return nil, nil, err
		}
	}
	var rec *workflow.Record
	if start && p.root.Declaration.Startable() {
		rec = startRecord(p.root, parent)
		if err := e.flows.Stage(rec, &b); err != nil {
			return nil, nil, err
		}
	}
	if err := failpoint.Hit("engine.deploy.before"); err != nil {
		return nil, nil, err
	}
	made, err := e.tree.Add(ctx, parent, p.root, &b)
	if err != nil {
		return nil, nil, err
	}
	if err := failpoint.Hit("engine.deploy.after"); err != nil {
		return made, nil, err
	}
	for _, r := range p.policies {
		owner, err := e.tree.Get(entity.ID(r.Entity))
		if err == nil {
			err = e.policies.Attach(owner, r)
		}
		if err != nil {
			e.log.Warn("policy does not run", "policy", r.Name, "err", err)
		}
	}
	for _, d := range made.Descendants() {
		e.settle(d)
		e.attachFeeds(d)
		e.attend(d)
	}
	for _, d := range made.Descendants() {
		for _, i := range d.Initializers() {
			if err := e.runOnce(ctx, d, i); err != nil {
				return made, nil, err
			}
		}
	}
	if rec == nil {
		return made, nil, nil
	}
	t, err := e.start(made, rec)
	return made, t, err
}

func startRecord(root *entity.New, parent *entity.Entity) *workflow.Record {
	id := task.NewID()
	app := string(root.ID)
	if parent != nil {
		app = string(parent.Application())
	}
	return &workflow.Record{ID: workflow.ID(id), Task: id, Application: app, Entity: string(root.ID), Name: "start", Effector: "start"}
}
