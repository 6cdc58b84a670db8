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

// retained are ended runs, to be looked at and gone back into: by entity and
// hash, the oldest first.
type retained struct {
	mu       sync.Mutex
	byEntity map[string]map[string][]*Record
}

func (k *retained) add(r *Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.byEntity[r.Entity]
	if of == nil {
		of = map[string][]*Record{}
		k.byEntity[r.Entity] = of
	}
	list := append(of[r.Flow.Hash], r)
	for i := len(list) - 1; i > 0 && list[i].Ended.Before(list[i-1].Ended); i-- { // as when they are loaded
		list[i], list[i-1] = list[i-1], list[i]
	}
	of[r.Flow.Hash] = list
}

func (k *retained) remove(r *Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.byEntity[r.Entity]
	of[r.Flow.Hash] = slices.DeleteFunc(of[r.Flow.Hash], func(other *Record) bool { return other == r })
	if len(of[r.Flow.Hash]) == 0 {
		delete(of, r.Flow.Hash)
	}
	if len(of) == 0 {
		delete(k.byEntity, r.Entity)
	}
}

// evict takes away those of a hash that are not kept any more. The newer one
// is, the longer it is kept, so that the oldest tell.
func (k *retained) evict(entity, hash string, keeps func(newer int, age time.Duration) bool) []*Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := k.byEntity[entity]
	list := of[hash]
	if len(list) == 0 {
		return nil
	}
	n := 0
	for n < len(list) && !keeps(len(list)-1-n, time.Since(list[n].Ended)) {
		n++
	}
	if of[hash] = slices.Clone(list[n:]); n == len(list) {
		delete(of, hash)
	}
	return list[:n]
}

// of gives the ended runs of an entity, the newest first.
func (k *retained) of(entity string) []*Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []*Record
	for _, list := range k.byEntity[entity] {
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b *Record) int { return b.Ended.Compare(a.Ended) })
	return out
}

// flow runs the definition of a record.
func (w *Runner) flow(ctx context.Context, r *Record) (any, error) {
	if r.parked {
		if err := w.fetch(r); err != nil {
			return nil, err
		}
	}
	f, err := w.open(r)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.live[r.ID] = f
	r.parked = false
	w.mu.Unlock()
	v, err := f.main(ctx)
	if err != nil {
		return nil, err
	}
	return entity.Document(plainTimes(v)), nil
}

// fetch reads where a run stands.
func (w *Runner) fetch(r *Record) error {
	state, err := w.cfg.Store.Get(stateBucket, string(r.ID))
	if err != nil {
		return err
	}
	s := &saved{state: state}
	err = w.cfg.Store.Scan(stepBucket, string(r.ID)+"/", func(_ string, value []byte) error {
		s.steps = append(s.steps, slices.Clone(value))
		return nil
	})
	r.saved = s
	return err
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
		if n := len(head.Stack); n > 0 && head.Stack[n-1].Running && !head.Stack[n-1].Until.IsZero() {
			r.until = (&flow{st: &state{stack: head.Stack, deadline: head.Deadline}}).wake()
		}
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
	if keep.Keeps(0, 0) {
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
	for _, old := range w.kept.evict(r.Entity, r.Flow.Hash, keep.Keeps) {
		w.erase(old, b)
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

// erase removes what the store has of an ended run.
func (w *Runner) erase(r *Record, b *store.Batch) {
	b.Delete(bucket, string(r.ID))
	b.Delete(stateBucket, string(r.ID))
	for _, path := range r.Flow.Steps {
		b.Delete(stepBucket, string(r.ID)+"/"+path)
	}
}

// Forget removes all that is kept of an entity that is gone.
func (w *Runner) Forget(entity string, b *store.Batch) {
	for _, r := range w.kept.of(entity) {
		w.kept.remove(r)
		w.erase(r, b)
	}
}
