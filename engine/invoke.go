package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// Invoke calls an effector of an entity. The call is stored before it begins
// and survives a restart of the server; the task shows it.
func (e *Engine) Invoke(ctx context.Context, ent *entity.Entity, effector string, args map[string]any) (*task.Task, error) {
	rec, err := e.callRecord(ent, effector, args)
	if err != nil {
		return nil, err
	}
	return e.launch(ctx, ent, rec, nil)
}

// launch stores a new run, together with what extra holds, and starts it.
func (e *Engine) launch(ctx context.Context, ent *entity.Entity, rec *workflow.Record, extra *store.Batch) (*task.Task, error) {
	var b store.Batch
	b.Append(extra)
	if err := e.flows.Stage(rec, &b); err != nil {
		return nil, err
	}
	if err := e.store.Commit(ctx, &b); err != nil {
		return nil, fault.Wrap(err, rec.Name, ent.Name())
	}
	return e.start(ent, rec)
}

func (e *Engine) callRecord(ent *entity.Entity, effector string, args map[string]any) (*workflow.Record, error) {
	decl := ent.Declaration().Effector(effector)
	if decl == nil {
		return nil, fault.New(fault.NotFound, "Entity '%s' has no effector with name '%s'", ent.Name(), effector)
	}
	args, err := arguments(decl, args)
	if err != nil {
		return nil, fault.Wrap(err, effector, ent.Name())
	}
	id := task.NewID()
	r := &workflow.Record{
		ID: workflow.ID(id), Task: id, Application: string(ent.Application()), Entity: string(ent.ID()),
		Name: effector, Effector: effector, Args: args,
	}
	e.defined(ent, r, effector)
	return r, nil
}

// defined makes the run of an effector that is a workflow a run of that.
func (e *Engine) defined(ent *entity.Entity, r *workflow.Record, effector string) {
	index, added := ent.Declaration().Added[effector]
	if !added {
		return
	}
	i := ent.Initializers()[index]
	t, err := e.types.Load().Get(catalog.Initializer, i.Type)
	if err != nil || t.Flow == nil {
		return // the run tells what is wrong
	}
	r.Flow, r.Scope = &workflow.Flow{Definition: definitionOf(t, i.Config)}, scopeOf(i.Scopes)
}

// scopeOf gives the scope of an initializer's text.
func scopeOf(scopes map[string]entity.Scope) entity.Scope {
	for _, s := range scopes {
		return s
	}
	return entity.Scope{}
}

// arguments coerces what is declared, fills in defaults, and passes the rest
// through.
func arguments(decl *hook.Effector, args map[string]any) (map[string]any, error) {
	out := maps.Clone(args)
	if out == nil {
		out = map[string]any{}
	}
	delete(out, "") // left by clients that send a parameter without a name
	for _, p := range decl.Parameters {
		v, given := out[p.Name]
		if !given && p.Default != nil {
			out[p.Name] = p.Default
			continue
		}
		if v == nil {
			continue
		}
		c, err := coerce.To(p.Type, v)
		if err != nil {
			return nil, fault.New(fault.Invalid, "parameter %s: %w", p.Name, err)
		}
		out[p.Name] = entity.Document(c)
	}
	return out, nil
}

// start runs a stored record as a task of its own.
func (e *Engine) start(ent *entity.Entity, rec *workflow.Record) (*task.Task, error) {
	rec.Parkable = rec.Sensor == nil && rec.Effector != "start" && rec.Effector != "stop" && rec.Effector != "restart"
	t, err := e.flows.Start(rec, e.taskSpec(ent, rec, "TOP-LEVEL"), e.body(ent, rec))
	if err == nil {
		e.life.track(ent.ID(), t)
	}
	return t, err
}

// resume goes on with a record of a former life. One whose entity is gone has
// nothing left to do but to be forgotten.
func (e *Engine) resume(rec *workflow.Record) error {
	ent, err := e.tree.Get(entity.ID(rec.Entity))
	if err != nil {
		_, err := e.flows.Start(rec, task.Spec{Name: rec.Name, Entity: rec.Entity}, func(context.Context, workflow.Rest) (any, error) {
			return nil, nil
		})
		return err
	}
	_, err = e.start(ent, rec)
	return err
}

// nested runs an effector of another entity as part of the current run, at
// most once however often the step that asks is repeated.
func (e *Engine) nested(ctx context.Context, ent *entity.Entity, effector string, args map[string]any) (any, error) {
	return e.nestedAs(ctx, ent, effector, args, false)
}

// nestedAs is nested; overridden means the effector of the entity's type that
// one of its initializers took the place of.
func (e *Engine) nestedAs(ctx context.Context, ent *entity.Entity, effector string, args map[string]any, overridden bool) (any, error) {
	rec, err := e.callRecord(ent, effector, args)
	if err != nil {
		return nil, err
	}
	if rec.Overridden = overridden; overridden {
		rec.Flow = nil
	}
	parent := workflow.Current(ctx)
	rec.ID = parent.Nest(string(ent.ID()) + "-" + effector)
	rec.Task = string(rec.ID)
	return e.flows.Nested(ctx, rec, e.taskSpec(ent, rec), e.body(ent, rec))
}

func (e *Engine) taskSpec(ent *entity.Entity, rec *workflow.Record, tags ...string) task.Spec {
	tags = append(tags, "EFFECTOR", "WORKFLOW")
	if rec.Effector == "" {
		tags = append(tags[:0], "WORKFLOW")
	}
	return task.Spec{
		Name: rec.Name, Description: "Invoking effector " + rec.Name + " on " + ent.Name(),
		Entity: string(ent.ID()), EntityName: ent.Name(), Effector: rec.Effector, Args: secret.Map(rec.Args), Tags: tags,
		Recorded: rec.Flow != nil, Workflow: string(rec.ID), Adjunct: rec.Adjunct,
	}
}

// body wraps a run in what its effector means for the entity's life.
func (e *Engine) body(ent *entity.Entity, rec *workflow.Record) workflow.Body {
	return func(ctx context.Context, rest workflow.Rest) (any, error) {
		if rec.Sensor != nil {
			return e.publishing(ctx, ent, rec, rest)
		}
		switch rec.Effector {
		case "start", "restart":
			return e.rise(ctx, ent, rest)
		case "stop":
			return e.fall(ctx, ent, rest)
		}
		if rec.Flow == nil && slices.Contains(ent.Declaration().Turns, rec.Effector) {
			leave, err := e.life.enter(ctx, ent)
			if err != nil {
				return nil, err
			}
			defer leave()
		}
		return rest(ctx)
	}
}

// publishing runs the workflow of a sensor and publishes what it gives.
func (e *Engine) publishing(ctx context.Context, ent *entity.Entity, rec *workflow.Record, rest workflow.Rest) (any, error) {
	v, err := rest(ctx)
	if err != nil || rec.Skipped {
		return nil, err
	}
	if rec.Sensor.Type != "" && v != nil {
		if v, err = coerce.To(rec.Sensor.Type, v); err != nil {
			return nil, fault.New(fault.Invalid, "sensor %s: %w", rec.Sensor.Name, err)
		}
	}
	ent.SetNew(rec.Sensor.Name, entity.Document(v))
	return v, nil
}

// rise brings an entity up.
func (e *Engine) rise(ctx context.Context, ent *entity.Entity, rest workflow.Rest) (any, error) {
	leave, err := e.life.enter(ctx, ent)
	if err != nil {
		return nil, err
	}
	defer leave()
	ent.Expect(entity.Starting)
	result, err := rest(ent.Acting(ctx))
	switch {
	case err == nil:
		ent.Expect(entity.Running)
	case !stopping(ctx):
		ent.Problem("start", err.Error())
		ent.Expect(entity.OnFire)
	}
	return result, err
}

// fall takes an entity down. A start that is still under way is cancelled
// first.
func (e *Engine) fall(ctx context.Context, ent *entity.Entity, rest workflow.Rest) (any, error) {
	if err := e.life.interrupt(ctx, ent); err != nil {
		return nil, err
	}
	leave, err := e.life.enter(ctx, ent)
	if err != nil {
		return nil, err
	}
	defer leave()
	ent.Expect(entity.Stopping)
	result, err := rest(ctx)
	switch {
	case err == nil:
		ent.Expect(entity.Stopped)
	case !stopping(ctx):
		ent.Problem("stop", err.Error())
		ent.Expect(entity.OnFire)
	}
	return result, err
}

// stopping tells whether it is the server that stops, so that nothing may be
// concluded for the entity.
func stopping(ctx context.Context) bool { return errors.Is(context.Cause(ctx), task.ErrShutdown) }

// lifecycles lets one of start, stop and restart run on an entity at a time,
// and knows which tasks act on it.
type lifecycles struct {
	mu    sync.Mutex
	lives map[entity.ID]*life
}

type life struct {
	turn    chan struct{}
	current *task.Task              // that has the turn
	tasks   map[*task.Task]struct{} // top-level ones that have not ended
}

// of gives the life of an entity; the caller holds mu.
func (l *lifecycles) of(id entity.ID) *life {
	if l.lives == nil {
		l.lives = map[entity.ID]*life{}
	}
	v := l.lives[id]
	if v == nil {
		v = &life{turn: make(chan struct{}, 1), tasks: map[*task.Task]struct{}{}}
		l.lives[id] = v
	}
	return v
}

// enter waits for the turn on an entity.
func (l *lifecycles) enter(ctx context.Context, ent *entity.Entity) (leave func(), err error) {
	l.mu.Lock()
	v := l.of(ent.ID())
	mine := v.current != nil && task.From(ctx).Below(v.current)
	l.mu.Unlock()
	if mine { // a restart that stops and starts
		return func() {}, nil
	}
	select {
	case v.turn <- struct{}{}:
	default:
		done := task.From(ctx).Block("Waiting for another effector of " + ent.Name() + ", such as its start, to end")
		select {
		case v.turn <- struct{}{}:
			done()
		case <-ctx.Done():
			done()
			return nil, context.Cause(ctx)
		}
	}
	l.mu.Lock()
	v.current = task.From(ctx)
	l.mu.Unlock()
	return func() {
		l.mu.Lock()
		v.current = nil
		l.mu.Unlock()
		<-v.turn
	}, nil
}

// interrupt cancels whoever has the turn on an entity and waits for its end.
func (l *lifecycles) interrupt(ctx context.Context, ent *entity.Entity) error {
	l.mu.Lock()
	current := l.of(ent.ID()).current
	l.mu.Unlock()
	if current == nil || task.From(ctx).Below(current) {
		return nil
	}
	return cancelAndWait(ctx, current)
}

func cancelAndWait(ctx context.Context, t *task.Task) error {
	t.Cancel()
	select {
	case <-t.Done():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// track remembers a top-level task of an entity until it ends.
func (l *lifecycles) track(id entity.ID, t *task.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.of(id)
	for old := range v.tasks { // a few at most
		select {
		case <-old.Done():
			delete(v.tasks, old)
		default:
		}
	}
	v.tasks[t] = struct{}{}
}

// abandon ends everything that acts on an entity, but for the task that asks,
// and forgets its life.
func (l *lifecycles) abandon(ctx context.Context, id entity.ID) error {
	self := task.From(ctx).Root()
	l.mu.Lock()
	v := l.of(id)
	var others []*task.Task
	for t := range v.tasks {
		if t != self {
			others = append(others, t)
		}
	}
	if c := v.current; c != nil && c.Root() != self {
		others = append(others, c)
	}
	delete(l.lives, id)
	l.mu.Unlock()
	for _, t := range others {
		if err := cancelAndWait(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// topTask gives the id of the run at the top from that of a task: those below
// it, of nested runs and of steps, carry it in front.
func topTask(id task.ID) string {
	for i := range len(id) {
		if id[i] == '.' || id[i] == '-' {
			return string(id[:i])
		}
	}
	return string(id)
}
