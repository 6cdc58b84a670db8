package task

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/conc/panics"
	"github.com/sourcegraph/conc/pool"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const bucket store.Bucket = "task"

// Config says how a Manager keeps tasks. Zero fields take the defaults.
type Config struct {
	Store       store.Store
	Log         *slog.Logger
	MaxTasks    int // tasks kept in all; the oldest ended ones go first; default 10,000
	StreamBytes int // kept of each stream; default 256 KiB
	SavedBytes  int // of each stream, kept in the store when the task ended; default 16 KiB
}

// Manager runs tasks and remembers them.
type Manager struct {
	cfg  Config
	base context.Context
	stop context.CancelCauseFunc

	running sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	tasks    map[ID]*Task
	byEntity map[string][]ID
	roots    []ID // ended root tasks, oldest first
	sleeping map[*Task]*sleeper
}

// NewManager gives a Manager that has loaded the tasks of its store. Those
// that had not ended are open: Reopen or Settle them.
func NewManager(cfg Config) (*Manager, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxTasks == 0 {
		cfg.MaxTasks = 10_000
	}
	if cfg.StreamBytes == 0 {
		cfg.StreamBytes = 256 << 10
	}
	if cfg.SavedBytes == 0 {
		cfg.SavedBytes = 16 << 10
	}
	m := &Manager{cfg: cfg, tasks: map[ID]*Task{}, byEntity: map[string][]ID{}, sleeping: map[*Task]*sleeper{}}
	m.base, m.stop = context.WithCancelCause(context.Background())
	return m, m.load()
}

func (m *Manager) now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// NewID gives an id that no other task has: time-ordered text of 20 letters
// and digits, usable in file and container names.
func NewID() string { return strings.ToLower(rand.Text()[:20]) }

// Context is the one that ends, with ErrShutdown, when the manager closes.
func (m *Manager) Context() context.Context { return m.base }

// Submit starts a root task on its own goroutine.
func (m *Manager) Submit(spec Spec, fn func(context.Context) (any, error)) (*Task, error) {
	t, err := m.add(nil, spec)
	if err != nil {
		return nil, err
	}
	return t, m.spawn(func() { m.run(m.base, t, fn) })
}

// Run runs fn as a task below that of ctx, on the caller's goroutine.
func (m *Manager) Run(ctx context.Context, spec Spec, fn func(context.Context) (any, error)) (any, error) {
	t, err := m.add(From(ctx), spec)
	if err != nil {
		return nil, err
	}
	m.run(ctx, t, fn)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info.Result, t.err
}

// add makes a task. One that has the id already is opened again, since what
// it shows is being repeated after a restart; it keeps its place in the tree.
func (m *Manager) add(parent *Task, spec Spec) (*Task, error) {
	if spec.ID == "" {
		spec.ID = ID(NewID())
	}
	t := &Task{manager: m, parent: parent, done: make(chan struct{}), cancel: func(error) {}}
	t.info = Info{Spec: spec, Status: Submitted, Submitted: m.now()}
	if parent != nil {
		t.info.Parent = parent.ID()
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, fault.As(ErrShutdown, fault.Unavailable)
	}
	if old := m.tasks[spec.ID]; old != nil {
		i := old.Info()
		t.children, t.streams = i.Children, old.streams
		t.info.Submitted, t.info.Started = i.Submitted, i.Started
		m.tasks[spec.ID] = t
		parent = nil
	} else {
		m.index(t)
	}
	m.mu.Unlock()
	if parent != nil {
		parent.mu.Lock()
		parent.children = append(parent.children, t.ID())
		parent.mu.Unlock()
	}
	if !spec.Recorded {
		m.save(t)
	}
	return t, nil
}

func (m *Manager) run(ctx context.Context, t *Task, fn func(context.Context) (any, error)) {
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, key{}, t))
	defer cancel(nil)
	t.mu.Lock()
	t.cancel = cancel
	t.info.Status = Running
	if t.info.Started.IsZero() {
		t.info.Started = m.now()
	}
	t.mu.Unlock()
	var result any
	var err error
	if p := panics.Try(func() { result, err = fn(ctx) }); p != nil {
		m.cfg.Log.Error("task panicked", "task", t.ID(), "name", t.info.Name, "panic", p.String())
		result, err = nil, panicError(p.Value)
	}
	if err == nil {
		t.finish(result, nil, false)
		return
	}
	if p := parked(err); p != nil {
		if t.parent == nil {
			m.park(t, p)
			return
		}
		t.mu.Lock()
		t.err, t.cancel = err, func(error) {} // and nothing else of what ran
		t.mu.Unlock()
		return
	}
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrShutdown):
		t.finish(nil, err, true)
	case errors.Is(cause, ErrCancelled) && fault.KindOf(err) != fault.Cancelled:
		t.finish(nil, fault.As(err, fault.Cancelled), false)
	default:
		t.finish(nil, err, false)
	}
}

// Go runs a background service until the manager closes. Its fn must return
// soon after ctx ends; a panic in it is logged and ends it.
func (m *Manager) Go(name string, fn func(ctx context.Context)) error {
	return m.spawn(func() {
		if p := panics.Try(func() { fn(m.base) }); p != nil {
			m.cfg.Log.Error("background service panicked", "service", name, "panic", p.String())
		}
	})
}

func (m *Manager) spawn(fn func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fault.As(ErrShutdown, fault.Unavailable)
	}
	m.running.Add(1)
	go func() {
		defer m.running.Done()
		fn()
	}()
	return nil
}

// Parallel calls fn for 0..n-1, at most limit at once (0 means all), and gives
// all errors joined. One that fails does not stop the others.
func Parallel(ctx context.Context, n, limit int, fn func(ctx context.Context, i int) error) error {
	p := pool.New().WithErrors()
	if limit > 0 {
		p = p.WithMaxGoroutines(limit)
	}
	for i := range n {
		p.Go(func() (err error) {
			if caught := panics.Try(func() { err = fn(ctx, i) }); caught != nil {
				err = panicError(caught.Value)
			}
			return err
		})
	}
	return p.Wait()
}

// Close ends all contexts with ErrShutdown and waits, at most until ctx ends,
// for what runs to return.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.stop(ErrShutdown)
	m.dismiss()
	done := make(chan struct{})
	go func() {
		m.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Timeout, "some tasks did not stop in time")
	}
}

// record is a task as the store keeps it.
type record struct {
	Info
	Streams map[string][]byte `json:"Streams,omitempty"`
}

// save writes a task without waiting for the disk.
func (m *Manager) save(t *Task) {
	if t.info.Transient {
		return
	}
	var b store.Batch
	m.record(t, &b)
	m.cfg.Store.Enqueue(&b)
}

// lasting gives the tasks among some that are stored.
func (m *Manager) lasting(ids []ID) (out []ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if t := m.tasks[id]; t != nil && !t.info.Transient {
			out = append(out, id)
		}
	}
	return out
}

func (m *Manager) record(t *Task, b *store.Batch) {
	r := record{Info: t.Info()}
	r.Blocking = ""
	r.Children = m.lasting(r.Children)
	if r.Status.Ended() {
		t.mu.Lock()
		r.Streams = make(map[string][]byte, len(t.streams))
		for name, s := range t.streams {
			r.Streams[name] = s.buf[max(0, len(s.buf)-m.cfg.SavedBytes):]
		}
		t.mu.Unlock()
	}
	value, err := coerce.Encode(r)
	if err != nil { // a result that is not JSON, or too deep: keep the rest
		r.Result, r.Args = nil, nil
		value, err = coerce.Encode(r)
	}
	if err != nil {
		m.cfg.Log.Error("task not saved", "task", t.ID(), "err", err)
		return
	}
	b.Put(bucket, string(t.ID()), value)
}
