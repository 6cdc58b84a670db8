package workflow

import (
	"context"
	"strings"
	"sync"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// locks are the names of entities that runs hold, each one at a time; those
// that wait get them in turn. A run within the holder may have it too.
type locks struct {
	mu   sync.Mutex
	held map[heldLock]*queue
}

type queue struct {
	holder  ID
	depth   int // how often runs within the holder have it too
	waiting []*turn
}

type turn struct {
	id ID
	ok chan struct{} // closed when it is their turn
}

// within tells whether a run is another one or nested in it.
func within(id, other ID) bool {
	return id == other || strings.HasPrefix(string(id), string(other)+".")
}

// preset gives a lock to a run of a former life, before any other can ask.
func (l *locks) preset(k heldLock, id ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[k] == nil {
		l.held[k] = &queue{holder: id}
	}
}

// enter gives a lock to a run, or a turn to wait for.
func (l *locks) enter(k heldLock, id ID) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.held[k]
	switch {
	case q == nil:
		l.held[k] = &queue{holder: id}
		return nil
	case q.holder == id:
		return nil
	case within(id, q.holder):
		q.depth++
		return nil
	}
	t := &turn{id, make(chan struct{})}
	q.waiting = append(q.waiting, t)
	return t
}

// leave gives a lock back, or a turn up. last tells that nobody has it now.
func (l *locks) leave(k heldLock, id ID, t *turn) (last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.held[k]
	if q == nil {
		return true
	}
	if t != nil {
		for i, w := range q.waiting {
			if w == t {
				q.waiting = append(q.waiting[:i:i], q.waiting[i+1:]...)
				return false
			}
		}
	}
	if q.holder != id {
		q.depth--
		return false
	}
	if len(q.waiting) == 0 {
		delete(l.held, k)
		return true
	}
	next := q.waiting[0]
	q.holder, q.waiting = next.id, q.waiting[1:]
	close(next.ok)
	return false
}

// acquire waits for the workflow's lock, if it has one.
func (f *flow) acquire(ctx context.Context) error {
	l := f.def.Lock
	if l == nil {
		return nil
	}
	name, err := f.eval(ctx, l.Name, nil)
	if err != nil {
		return fault.Wrap(err, "lock", "")
	}
	on := f.ent
	if l.Entity != nil {
		v, err := f.eval(ctx, l.Entity, nil)
		if err != nil {
			return fault.Wrap(err, "lock", "")
		}
		e, ok := f.find(v).(*entity.Entity)
		if !ok {
			return fault.New(fault.NotFound, "lock: No entity matching id '%v'", v)
		}
		on = e
	}
	k := heldLock{string(on.ID()), coerce.Text(name)}
	if t := f.w.locks.enter(k, f.r.ID); t != nil {
		done := task.From(ctx).Block("Waiting for lock " + k.Name + " of " + on.Name())
		select {
		case <-t.ok:
			done()
		case <-ctx.Done():
			done()
			f.w.locks.leave(k, f.r.ID, t)
			return context.Cause(ctx)
		}
	}
	f.set(func() { f.st.lock = &k })
	on.Set(sensorOf(k), string(f.r.ID))
	return f.commit(ctx)
}

func sensorOf(k heldLock) string { return "lock-for-" + k.Name }

// retake takes the lock that a run of a former life held.
func (f *flow) retake(ctx context.Context) error {
	k := f.st.lock
	if k == nil {
		return nil
	}
	t := f.w.locks.enter(*k, f.r.ID)
	if t == nil {
		return nil
	}
	select { // only if its record was not there when the server started
	case <-t.ok:
		return nil
	case <-ctx.Done():
		f.w.locks.leave(*k, f.r.ID, t)
		return context.Cause(ctx)
	}
}

// release gives the lock back, unless it is the server that stops.
func (f *flow) release(ctx context.Context, err error) {
	k := f.st.lock
	if k == nil || stopping(ctx) || isParked(err) {
		return
	}
	f.set(func() { f.st.lock = nil })
	if on, err := f.w.cfg.Host.Entity(k.Entity); err == nil && f.w.locks.leave(*k, f.r.ID, nil) {
		on.Set(sensorOf(*k), nil)
	}
}
