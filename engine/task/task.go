package task

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// ID names a task; it is unique within a store.
type ID string

// ErrShutdown is the cause with which contexts end when the server stops.
// Work that sees it must leave its records as they are, to be resumed.
var ErrShutdown = errors.New("the server is shutting down")

// ErrCancelled is the cause with which a task's context ends when somebody
// cancelled it or one of its ancestors.
var ErrCancelled = fault.New(fault.Cancelled, "cancelled")

// Status is where a task stands.
type Status string

const (
	Submitted Status = "submitted"
	Running   Status = "running"
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended tells whether the status is a final one.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// Spec says what a new task is.
type Spec struct {
	ID          ID // chosen when empty
	Name        string
	Description string         `json:",omitempty"`
	Entity      string         `json:",omitempty"` // id of the entity it acts on; may be empty
	EntityName  string         `json:",omitempty"`
	Effector    string         `json:",omitempty"` // when the task is an effector's call
	Args        map[string]any `json:",omitempty"` // of the effector; secrets must be left out by the caller
	Tags        []string       `json:",omitempty"` // further words, "WORKFLOW"
	Workflow    string         `json:",omitempty"` // id of the workflow run that it is, or is a step of
	Step        int            `json:",omitempty"` // number of the step, from 1; 0 is the run
	Adjunct     string         `json:",omitempty"` // id of the policy that decided on it
	Recorded    bool           `json:"-"`          // whoever runs it has it in the store too and submits it again after a restart; it is stored when it ends
	Transient   bool           `json:"-"`          // a part of a task that nothing needs to know of after a restart; it is not stored
}

// Info is a task at one moment. Its maps and slices belong to the receiver.
type Info struct {
	Spec
	Parent    ID   `json:",omitempty"`
	Children  []ID `json:",omitempty"` // in the order of submission
	Status    Status
	Submitted time.Time
	Started   time.Time      `json:",omitzero"` // zero when not yet, as Ended
	Ended     time.Time      `json:",omitzero"`
	Result    any            `json:",omitempty"` // a JSON value
	Error     string         `json:",omitempty"` // the whole text for users; empty unless failed or cancelled
	Blocking  string         `json:",omitempty"` // what it waits for just now
	Streams   map[string]int `json:",omitempty"`
}

// Task is one activity. Its methods may be called at any time.
type Task struct {
	manager *Manager
	parent  *Task
	done    chan struct{}
	cancel  context.CancelCauseFunc

	mu       sync.Mutex
	info     Info // Children and Streams are filled in by Info()
	children []ID
	streams  map[string]*stream
	blocking []string
	err      error
}

// ID gives the task's id.
func (t *Task) ID() ID { return t.info.ID } // never changes, so no lock

// Root gives the task at the top of the tree that t is in.
func (t *Task) Root() *Task {
	for t != nil && t.parent != nil {
		t = t.parent
	}
	return t
}

// Below tells whether t is other or somewhere below it.
func (t *Task) Below(other *Task) bool {
	for ; t != nil; t = t.parent {
		if t == other {
			return true
		}
	}
	return false
}

// Done is closed when the task has ended.
func (t *Task) Done() <-chan struct{} { return t.done }

// Wait blocks until the task ended or ctx did, and gives the result.
func (t *Task) Wait(ctx context.Context) (any, error) {
	select {
	case <-t.done:
	case <-ctx.Done():
		return nil, fault.New(fault.Timeout, "task %s has not ended: %w", t.ID(), context.Cause(ctx))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info.Result, t.err
}

// Cancel asks the task and all below it to stop. It does not wait.
func (t *Task) Cancel() {
	t.mu.Lock()
	cancel := t.cancel
	t.mu.Unlock()
	if cancel != nil {
		cancel(ErrCancelled)
	}
}

// Info gives the task as it is now.
func (t *Task) Info() Info {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.info
	i.Tags = slices.Clone(i.Tags)
	i.Args = maps.Clone(i.Args)
	i.Children = slices.Clone(t.children)
	if n := len(t.blocking); n > 0 {
		i.Blocking = t.blocking[n-1]
	}
	i.Streams = make(map[string]int, len(t.streams))
	for name, s := range t.streams {
		i.Streams[name] = s.size()
	}
	return i
}

// Block tells users what the task waits for until done is called.
func (t *Task) Block(details string) (done func()) {
	if t == nil {
		return func() {}
	}
	t.mu.Lock()
	t.blocking = append(t.blocking, details)
	t.mu.Unlock()
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if i := slices.Index(t.blocking, details); i >= 0 {
			t.blocking = slices.Delete(t.blocking, i, i+1)
		}
	})
}

// Stream gives the named stream ("stdout", "stderr", "stdin", "env") to write
// to, making it at the first call. What exceeds its limit is dropped from the
// front.
func (t *Task) Stream(name string) *Stream { return &Stream{task: t, name: name} }

// ReadStream gives what the named stream holds, or NotFound.
func (t *Task) ReadStream(name string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.streams[name]
	if s == nil {
		return nil, fault.New(fault.NotFound, "Cannot find stream '%s' in task '%s'", name, t.info.ID)
	}
	return slices.Clone(s.buf), nil
}

type key struct{}

// From gives the task that ctx belongs to, or nil.
func From(ctx context.Context) *Task {
	t, _ := ctx.Value(key{}).(*Task)
	return t
}

// Seal decides the outcome of a running task and puts its record into a batch,
// so that it is stored together with what else the batch holds. The task ends,
// with that outcome, when its function returns.
func (t *Task) Seal(result any, err error, b *store.Batch) {
	if t == nil {
		return
	}
	t.conclude(result, err)
	t.manager.record(t, b)
}

// conclude sets the outcome, once.
func (t *Task) conclude(result any, err error) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.info.Status.Ended() {
		return false
	}
	t.info.Ended = t.manager.now()
	t.err = err
	switch {
	case err == nil:
		t.info.Status, t.info.Result = Completed, result
	case fault.KindOf(err) == fault.Cancelled:
		t.info.Status, t.info.Error = Cancelled, err.Error()
	default:
		t.info.Status, t.info.Error = Failed, err.Error()
	}
	return true
}

func (t *Task) finish(result any, err error, shutdown bool) {
	if shutdown {
		// Left open in the store: whoever can go on with it reopens it.
		t.mu.Lock()
		t.err = ErrShutdown
		t.mu.Unlock()
		close(t.done)
		return
	}
	if t.conclude(result, err) {
		t.manager.save(t)
	}
	close(t.done)
	t.manager.ended(t)
}

func panicError(v any) error { return fault.New(fault.Internal, "panic: %v", fmt.Sprint(v)) }
