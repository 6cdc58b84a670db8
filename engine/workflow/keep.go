package workflow

import (
	"context"
	"errors"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

const (
	stateBucket store.Bucket = "workflow-state" // by id of the run
	stepBucket  store.Bucket = "workflow-step"  // by id of the run, a slash and the step's path
)

func stopping(ctx context.Context) bool { return errors.Is(context.Cause(ctx), task.ErrShutdown) }

// open gives the flow of a record: a new one, or where it was left.
func (w *Runner) open(r *Record) (*flow, error) {
	ent, err := w.cfg.Host.Entity(r.Entity)
	if err != nil {
		return nil, err
	}
	if r.def == nil {
		if r.def, err = w.cfg.Host.Definition(r); err != nil {
			return nil, err
		}
	}
	f := &flow{w: w, r: r, def: r.def, ent: ent, st: &state{}, infos: map[string]*info{}}
	return f, f.read()
}

// read takes over what the store has of a run.
func (f *flow) read() error {
	saved := f.r.saved
	if saved == nil {
		return nil
	}
	resolve := func(id string) expr.Entity {
		if e, err := f.ent.Tree().Get(entity.ID(id)); err == nil {
			return e
		}
		return nil
	}
	if saved.state != nil {
		st, err := decodeState(saved.state, resolve)
		if err != nil {
			return err
		}
		f.st = st
	}
	for _, text := range saved.steps {
		i, err := decodeInfo(text, resolve)
		if err != nil {
			return err
		}
		f.infos[i.path] = i
	}
	return nil
}

// store keeps the state at the begin of a step: durably, if something was done
// since it last was, or is done now.
func (f *flow) store(ctx context.Context, s *step.Step) error {
	first := len(f.infos) == 1 && f.repeatable(s) // what was stored when the run was made says as much
	if f.acted || !f.pure(s) && !first {
		return f.commit(ctx)
	}
	var b store.Batch
	if err := f.stage(&b); err != nil {
		return err
	}
	f.w.cfg.Store.Enqueue(&b)
	return nil
}

// commit stores the state and waits for that.
func (f *flow) commit(ctx context.Context) error {
	var b store.Batch
	if err := f.stage(&b); err != nil {
		return err
	}
	f.acted = false
	return f.w.cfg.Store.Commit(ctx, &b)
}

// stage writes what changed into a batch.
func (f *flow) stage(b *store.Batch) error {
	text, err := f.st.encode()
	if err != nil {
		return fault.Wrap(err, "workflow", f.r.Name)
	}
	if most := f.w.cfg.Limits.Bytes; len(text) > most {
		return fault.New(fault.Limit, "the variables of workflow %s have grown to %d bytes, Limits.Bytes allows %d", f.r.Name, len(text), most)
	}
	if f.dirty {
		b.Put(stateBucket, string(f.r.ID), text)
		f.dirty = false
	}
	for path, i := range f.infos {
		if !i.dirty {
			continue
		}
		if text, err = i.encode(); err != nil {
			return fault.Wrap(err, "workflow", f.r.Name)
		}
		b.Put(stepBucket, string(f.r.ID)+"/"+path, text)
		i.dirty = false
	}
	return nil
}

// drop removes what is kept of a run.
func (f *flow) drop(b *store.Batch) {
	b.Delete(stateBucket, string(f.r.ID))
	for path := range f.infos {
		b.Delete(stepBucket, string(f.r.ID)+"/"+path)
	}
}
