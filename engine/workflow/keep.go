package workflow

import (
	"context"
	"errors"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
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
	err = f.read()
	r.saved = nil
	return f, err
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
		st, steps, err := decodeState(saved.state, resolve)
		if err != nil {
			return err
		}
		f.st = st
		for _, text := range steps {
			saved.steps = append(saved.steps, text)
		}
		f.spilled = len(steps) == 0 && len(saved.steps) > 0
	}
	for _, text := range saved.steps {
		i, err := decodeInfo(text, resolve)
		if err != nil {
			return err
		}
		i.json, i.apart = text, f.spilled
		f.infos[i.path] = i
	}
	f.running()
	return nil
}

// running makes what is known of the steps that were running: it stands in the
// state until they end.
func (f *flow) running() {
	for _, fr := range f.st.stack {
		steps := f.def.Block(fr.Block)
		if !fr.Running || fr.Next >= len(steps) {
			continue
		}
		s := steps[fr.Next]
		i := f.infos[s.Path]
		if i == nil {
			i = &info{path: s.Path}
			f.infos[s.Path] = i
		}
		if i.started == fr.Count {
			continue // it says so itself
		}
		i.started, i.task = fr.Count, f.stepTask(s, fr.Count)
		i.vars, i.before, i.beforeHas, i.previous = f.st.vars, f.st.output, f.st.has, f.st.previous
	}
}

// store keeps the state at the begin of a step: durably, if something was done
// since it last was, or is done now.
func (f *flow) store(ctx context.Context, s *step.Step) error {
	first := len(f.infos) == 1 && f.infos[s.Path].started == 1 && f.repeatable(s) // what was stored when the run was made says as much
	switch {
	case f.acted, !f.pure(s) && !first:
		return f.commit(ctx)
	case first && f.st.lock == nil && f.st.deadline.IsZero():
		return nil
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

// inline is how many bytes of steps are kept with the state; when there are
// more, each is stored by itself.
const inline = 2 << 10

// stage writes what changed into a batch.
func (f *flow) stage(b *store.Batch) error {
	var steps [][]byte
	size := 0
	for _, i := range f.infos {
		if i.dirty || i.json == nil {
			if i.completed == 0 && i.error == "" && !i.dirty {
				continue // it runs, which the state tells
			}
			text, err := i.encode()
			if err == nil {
				err = coerce.Shallow(text)
			}
			if err != nil {
				return fault.Wrap(err, "workflow", f.r.Name)
			}
			i.json = text
		}
		size += len(i.json)
		steps = append(steps, i.json)
	}
	if f.spilled = f.spilled || size > inline; f.spilled {
		steps = nil
		for path, i := range f.infos {
			if i.json != nil && (i.dirty || !i.apart) {
				b.Put(stepBucket, string(f.r.ID)+"/"+path, i.json)
				i.apart = true
			}
		}
	}
	for _, i := range f.infos {
		i.dirty = false
	}
	text, err := f.st.encode(steps)
	if err == nil {
		err = coerce.Shallow(text)
	}
	if err != nil {
		return fault.Wrap(err, "workflow", f.r.Name)
	}
	if most := f.w.cfg.Limits.Bytes; len(text) > most {
		return fault.New(fault.Limit, "the variables of workflow %s have grown to %d bytes, Limits.Bytes allows %d", f.r.Name, len(text), most)
	}
	if !f.r.stored {
		if err := f.w.put(f.r, b); err != nil {
			return err
		}
	}
	b.Put(stateBucket, string(f.r.ID), text)
	f.dirty = false
	return nil
}

// apart gives the paths of the steps that are stored by themselves.
func (f *flow) apart() (out []string) {
	for path, i := range f.infos {
		if i.apart {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// drop removes what is kept of a run.
func (f *flow) drop(b *store.Batch) {
	b.Delete(stateBucket, string(f.r.ID))
	for _, path := range f.apart() {
		b.Delete(stepBucket, string(f.r.ID)+"/"+path)
	}
}
