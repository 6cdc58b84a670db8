package workflow

import (
	"context"
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
	err := w.cfg.Store.Scan(stateBucket, "", func(key string, value []byte) error {
		s := of(key)
		if s == nil {
			return nil
		}
		s.state = slices.Clone(value)
		return w.presetLock(ID(key), value)
	})
	if err != nil {
		return err
	}
	return w.cfg.Store.Scan(stepBucket, "", func(key string, value []byte) error {
		id, _, _ := strings.Cut(key, "/")
		if s := of(id); s != nil {
			s.steps = append(s.steps, slices.Clone(value))
		}
		return nil
	})
}

func (w *Runner) presetLock(id ID, text []byte) error {
	st, err := decodeState(text, noEntity)
	if err == nil && st.lock != nil {
		w.locks.preset(*st.lock, id)
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
	r.Flow.Steps = r.Flow.Steps[:0]
	for path := range f.infos {
		r.Flow.Steps = append(r.Flow.Steps, path)
	}
	slices.Sort(r.Flow.Steps)
	newer := 0
	if keep.Keeps(0, 0) {
		newer = 1
		r.given, r.saved = nil, nil
		if err := f.stage(b); err != nil {
			return err
		}
		if err := w.put(r, b); err != nil {
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
