package task

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Parked is what a task's function returns, as its error, to let the task wait
// without a goroutine: it stays running, and Again is called when the time has
// come or it is cancelled. Tasks below a root that return it stay as they are,
// to be run anew.
type Parked struct {
	Until time.Time
	Why   string // for users
	Again func(ctx context.Context) (any, error)
}

func (p *Parked) Error() string { return "parked: " + p.Why }

// parked tells whether a task's function wants it to be parked.
func parked(err error) *Parked {
	var p *Parked
	errors.As(err, &p)
	return p
}

// sleeper is a parked root task.
type sleeper struct {
	task  *Task
	timer *time.Timer
	once  sync.Once
}

// park lets a root task wait.
func (m *Manager) park(t *Task, p *Parked) {
	s := &sleeper{task: t}
	wake := func(cause error) {
		s.once.Do(func() {
			m.mu.Lock()
			delete(m.sleeping, t)
			m.mu.Unlock()
			s.timer.Stop()
			_ = m.spawn(func() {
				ctx, cancel := context.WithCancelCause(m.base)
				defer cancel(nil)
				if cause != nil {
					cancel(cause)
				}
				t.mu.Lock()
				t.blocking = nil
				t.mu.Unlock()
				m.run(ctx, t, p.Again)
			})
		})
	}
	t.mu.Lock()
	t.blocking = []string{p.Why}
	t.cancel = wake
	t.mu.Unlock()
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.sleeping[t] = s
		s.timer = time.AfterFunc(time.Until(p.Until), func() { wake(nil) })
	}
	m.mu.Unlock()
	if closed {
		t.finish(nil, ErrShutdown, true)
	}
}

// dismiss ends all parked tasks, as the server stops.
func (m *Manager) dismiss() {
	m.mu.Lock()
	all := m.sleeping
	m.sleeping = map[*Task]*sleeper{}
	m.mu.Unlock()
	for t, s := range all {
		s.once.Do(func() {
			s.timer.Stop()
			t.finish(nil, ErrShutdown, true)
		})
	}
}
