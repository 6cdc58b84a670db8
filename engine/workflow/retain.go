package workflow

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// retained are ended runs, to be looked at and gone back into.
type retained struct {
	mu       sync.Mutex
	byEntity map[string]map[ID]*Record
}

func (k *retained) add(r *Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.byEntity[r.Entity]
	if of == nil {
		of = map[ID]*Record{}
		k.byEntity[r.Entity] = of
	}
	of[r.ID] = r
}

func (k *retained) remove(r *Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if delete(k.byEntity[r.Entity], r.ID); len(k.byEntity[r.Entity]) == 0 {
		delete(k.byEntity, r.Entity)
	}
}

// of gives the ended runs of an entity and hash, the newest first; all hashes
// for "".
func (k *retained) of(entity, hash string) []*Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []*Record
	for _, r := range k.byEntity[entity] {
		if hash == "" || r.Flow.Hash == hash {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Record) int {
		if c := b.Ended.Compare(a.Ended); c != 0 {
			return c
		}
		return strings.Compare(string(b.ID), string(a.ID))
	})
	return out
}

// flow runs the definition of a record.
func (w *Runner) flow(ctx context.Context, r *Record) (any, error) {
	f, err := w.open(r)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.live[r.ID] = f
	w.mu.Unlock()
	v, err := f.main(ctx)
	if err != nil {
		return nil, err
	}
	return entity.Document(plainTimes(v)), nil
}

// loadStates reads where the runs that have not ended stood, and gives back
// the locks that they held.
func (w *Runner) loadStates(all map[ID]*Record) error {
	of := func(id string) *saved {
		r := all[ID(id)]
		if r == nil {
			return nil
		}
		if r.saved == nil {
			r.saved = &saved{}
		}
		return r.saved
	}
	orphans := &store.Batch{}
	err := w.cfg.Store.Scan(stateBucket, "", func(key string, value []byte) error {
		s := of(key)
		if s == nil {
			orphans.Delete(stateBucket, key)
			return nil
		}
		head, _, err := decodeHead(value)
		if err != nil {
			return err
		}
		r := all[ID(key)]
		if head.End != nil {
			delete(w.runs, r.ID)
			w.kept.add(r)
			return r.ends(head.End)
		}
		s.state = slices.Clone(value)
		if head.Lock != nil {
			w.locks.preset(*head.Lock, r.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.cfg.Store.Scan(stepBucket, "", func(key string, value []byte) error {
		id, _, _ := strings.Cut(key, "/")
		switch r := all[ID(id)]; {
		case r == nil:
			orphans.Delete(stepBucket, key)
		case r.Status == Running:
			s := of(id)
			s.steps = append(s.steps, slices.Clone(value))
		}
		return nil
	})
	if err == nil && orphans.Len() > 0 {
		w.cfg.Store.Enqueue(orphans)
	}
	return err
}

// retain keeps the ended run, as its retention says, and lets those go that it
// takes the place of.
func (w *Runner) retain(f *flow, b *store.Batch) error {
	r := f.r
	keep := step.DefaultRetention()
	if f.def.Retention != nil {
		keep = *f.def.Retention
	} else if configured := w.cfg.Host.Retention(r); configured != nil {
		keep = *configured
	}
	r.Flow.Hash = r.Name
	if keep.Hash != nil {
		v, err := f.eval(context.Background(), keep.Hash, nil)
		if err != nil {
			return fault.Wrap(err, "retention hash", "")
		}
		r.Flow.Hash = "#" + coerce.Text(v)
	}
	newer := 0
	if keep.Keeps(0, 0) {
		newer = 1
		if err := f.keep(b); err != nil {
			return err
		}
		w.kept.add(r)
	} else {
		if r.stored {
			b.Delete(bucket, string(r.ID))
		}
		f.drop(b)
	}
	for _, old := range w.kept.of(r.Entity, r.Flow.Hash) {
		if old == r {
			continue
		}
		if !keep.Keeps(newer, time.Since(old.Ended)) {
			w.forget(old, b)
			continue
		}
		newer++
	}
	return nil
}

// keep writes how the run ended.
func (f *flow) keep(b *store.Batch) error {
	r := f.r
	result, err := json.Marshal(r.Result)
	if err != nil {
		return fault.New(fault.Invalid, "the result of workflow %s is not JSON: %w", r.Name, err)
	}
	r.given, r.saved = nil, nil
	f.st.end = &outcome{Status: r.Status, Result: result, Error: r.Error, Kind: r.ErrorKind, Time: r.Ended, Hash: r.Flow.Hash}
	if err := f.stage(b); err != nil {
		return err
	}
	if f.spilled { // which is known now
		r.Flow.Steps = f.apart()
		f.st.end.Steps = r.Flow.Steps
		return f.stage(b)
	}
	return nil
}

// ends takes over how a run ended in a former life.
func (r *Record) ends(e *outcome) error {
	r.Status, r.Error, r.ErrorKind, r.Ended = e.Status, e.Error, e.Kind, e.Time
	r.Flow.Hash, r.Flow.Steps = e.Hash, e.Steps
	if err := coerce.Decode(e.Result, &r.Result); err != nil && e.Result != nil {
		return fault.New(fault.Internal, "the result of workflow %s cannot be read: %w", r.ID, err)
	}
	r.Result = coerce.Plain(r.Result)
	return nil
}

// forget removes an ended run.
func (w *Runner) forget(r *Record, b *store.Batch) {
	w.kept.remove(r)
	b.Delete(bucket, string(r.ID))
	b.Delete(stateBucket, string(r.ID))
	for _, path := range r.Flow.Steps {
		b.Delete(stepBucket, string(r.ID)+"/"+path)
	}
}

// Forget removes all that is kept of an entity that is gone.
func (w *Runner) Forget(entity string, b *store.Batch) {
	for _, r := range w.kept.of(entity, "") {
		w.forget(r, b)
	}
}
