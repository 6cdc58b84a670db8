package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// Host is what the runner asks of the engine.
type Host interface {
	// Decide gives the decision that a run begins with or, when the record
	// has a token, goes on with. It only decides; it may wait.
	Decide(ctx context.Context, r *Record) (*hook.Decision, error)
	// Publish sets sensors of the run's entity.
	Publish(r *Record, sensors map[string]any) error
	// Act runs one step.
	Act(ctx context.Context, r *Record, step hook.Step) (any, error)
	// Plan runs what a module decides for a step of a type that it has.
	Plan(ctx context.Context, r *Record, typ string, input map[string]any) (any, error)
	// Definition reads the definition of a run at the top.
	Definition(r *Record) (*step.Workflow, error)
	// Retention gives what is kept of runs whose definition does not say; nil is
	// the default.
	Retention(r *Record) *step.Retention
	// Entity gives the entity of an id.
	Entity(id string) (*entity.Entity, error)
}

// Rest runs what is left of a run's steps.
type Rest func(ctx context.Context) (any, error)

// Body runs a workflow: it calls rest, once, between what it does itself. It
// is called again, from its beginning, when the run is resumed.
type Body func(ctx context.Context, rest Rest) (any, error)

// Limits bound what one run may grow to. Zero fields take the defaults.
type Limits struct {
	Steps   int // steps run in all, over every decision; default 1,000
	Bytes   int // size of the stored record; default 4 MiB
	Targets int // of one step that goes through a list; default 10,000
	Nesting int // runs one within the other; default 300: entities may be 100 deep
	Runs    int // within one run at the top, in all; default 150,000
}

func (l *Limits) fillDefaults() {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Steps, 1000}, {&l.Bytes, 4 << 20}, {&l.Targets, 10_000}, {&l.Nesting, 300}, {&l.Runs, 150_000}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
}

// Config makes a Runner.
type Config struct {
	Store  store.Store
	Tasks  *task.Manager
	Host   Host
	Limits Limits
}

// Runner runs workflows.
type Runner struct {
	cfg Config

	mu   sync.Mutex
	runs map[ID]map[ID]*Record // by the id of the run at the top: itself and all nested in it
	live map[ID]*flow          // of those that run a definition
	kept retained

	locks locks
}

// NewRunner gives a Runner without any runs.
func NewRunner(cfg Config) *Runner {
	cfg.Limits.fillDefaults()
	return &Runner{
		cfg: cfg, runs: map[ID]map[ID]*Record{}, live: map[ID]*flow{}, kept: retained{byEntity: map[string]map[string][]*Record{}},
		locks: locks{held: map[heldLock]*queue{}},
	}
}

// Stage writes a new run into a batch, so that it comes into being with
// whatever else the batch holds. Run it with Start once the batch is stored.
func (w *Runner) Stage(r *Record, b *store.Batch) error {
	r.Status, r.Created = Running, time.Now().UTC()
	return w.put(r, b)
}

func (w *Runner) put(r *Record, b *store.Batch) error {
	text, err := coerce.Encode(r)
	if err != nil {
		return fault.New(fault.KindOf(err), "workflow %s holds a value that cannot be stored: %w", r.Name, err)
	}
	if len(text) > w.cfg.Limits.Bytes {
		return fault.New(fault.Limit, "workflow %s has grown to %d bytes, Limits.Bytes allows %d", r.Name, len(text), w.cfg.Limits.Bytes)
	}
	b.Put(bucket, string(r.ID), text)
	r.stored = true
	return nil
}

// Load gives the runs of a former life that have not ended: those at the top,
// which are to be started again. Nested ones are found by them as they are
// repeated.
func (w *Runner) Load() ([]*Record, error) {
	all := map[ID]*Record{}
	err := w.cfg.Store.Scan(bucket, "", func(key string, value []byte) error {
		r := new(Record)
		if err := coerce.Decode(value, r); err != nil {
			return fault.New(fault.Internal, "workflow %s in the store cannot be read: %w", key, err)
		}
		r.plain()
		r.stored = true
		all[r.ID] = r
		w.keep(r)
		return nil
	})
	if err == nil {
		err = w.loadStates(all)
	}
	var open []*Record
	for _, r := range all {
		if r.top() && r.Status == Running {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(a, b *Record) int { return a.Created.Compare(b.Created) })
	return open, err
}

// keep remembers a run, and those nested in it, until the one at the top ends.
func (w *Runner) keep(r *Record) {
	family := w.runs[r.ID.top()]
	if family == nil {
		family = map[ID]*Record{}
		w.runs[r.ID.top()] = family
	}
	family[r.ID] = r
}

// Start runs a staged or loaded top-level record as a task of its own.
func (w *Runner) Start(r *Record, spec task.Spec, body Body) (*task.Task, error) {
	spec.ID = task.ID(r.Task)
	return w.cfg.Tasks.Submit(spec, func(ctx context.Context) (any, error) {
		if until := r.until; r.Parkable && time.Until(until) > parkAfter { // it slept when the server stopped
			r.saved, r.until, r.parked = nil, time.Time{}, true
			return nil, &task.Parked{Until: until, Why: "Sleeping", Again: func(ctx context.Context) (any, error) { return w.run(ctx, r, body) }}
		}
		return w.run(ctx, r, body)
	})
}

// Nested runs a record within the run that ctx belongs to. When a run of that
// id exists already, since the step that asks is being repeated, its outcome
// counts, or it is gone on with.
func (w *Runner) Nested(ctx context.Context, r *Record, spec task.Spec, body Body) (any, error) {
	r, err := w.nested(ctx, r, spec, body)
	if err != nil {
		return nil, err
	}
	return r.Result, nil
}

// nested is Nested that gives the record whose outcome counts.
func (w *Runner) nested(ctx context.Context, r *Record, spec task.Spec, body Body) (*Record, error) {
	w.mu.Lock()
	if old := w.runs[r.ID.top()][r.ID]; old != nil {
		old.def, old.given = r.def, r.given
		r = old
	} else {
		r.Status, r.Created = Running, time.Now().UTC()
	}
	err := w.room(ctx, r)
	ended := r.Status != Running
	w.mu.Unlock()
	if ended {
		_, err := r.outcome()
		return r, err
	}
	if err != nil {
		return nil, err
	}
	spec.ID = task.ID(r.Task)
	_, err = w.cfg.Tasks.Run(ctx, spec, func(ctx context.Context) (any, error) {
		return w.run(ctx, r, body)
	})
	return r, err
}

// room refuses a run that would make those around it too many: what calls itself
// ends here, and not when there is no memory left. The caller holds mu.
func (w *Runner) room(ctx context.Context, r *Record) error {
	if around := Current(ctx); around != nil {
		r.depth = around.depth + 1
	}
	l := &w.cfg.Limits
	if r.depth > l.Nesting {
		return fault.New(fault.Limit, "%s is %d runs within one another, Limits.Nesting allows %d; does it call itself?", r.Name, r.depth, l.Nesting)
	}
	if n := len(w.runs[r.ID.top()]); n > l.Runs {
		return fault.New(fault.Limit, "%s is one more than the %d runs within one that Limits.Runs allows", r.Name, l.Runs)
	}
	return nil
}

func (r *Record) outcome() (any, error) {
	if r.Status == Failed || r.Status == Cancelled {
		return nil, fault.New(fault.ParseKind(r.ErrorKind), "%s", r.Error)
	}
	return r.Result, nil
}

type runKey struct{}

// Current gives the record that ctx belongs to, or nil.
func Current(ctx context.Context) *Record {
	r, _ := ctx.Value(runKey{}).(*Record)
	return r
}

func (w *Runner) run(ctx context.Context, r *Record, body Body) (any, error) {
	w.mu.Lock()
	w.keep(r)
	w.mu.Unlock()
	ctx = context.WithValue(ctx, runKey{}, r)
	result, err := body(ctx, func(ctx context.Context) (any, error) {
		if r.Flow != nil {
			return w.flow(ctx, r)
		}
		return w.steps(ctx, r)
	})
	var parked *task.Parked
	if errors.As(err, &parked) {
		w.mu.Lock()
		delete(w.live, r.ID) // the store has it
		r.def, r.given, r.saved, r.parked = nil, nil, nil, true
		w.mu.Unlock()
		parked.Again = func(ctx context.Context) (any, error) { return w.run(ctx, r, body) }
		return nil, parked
	}
	if err != nil && errors.Is(context.Cause(ctx), task.ErrShutdown) {
		return nil, err // stays on record as running
	}
	if saveErr := w.end(context.WithoutCancel(ctx), r, result, err); err == nil {
		err = saveErr
	}
	return result, err
}

// end stores the outcome. A nested run is kept until the one at the top ends,
// which then takes all of them with it.
func (w *Runner) end(ctx context.Context, r *Record, result any, err error) error {
	w.mu.Lock()
	r.Status, r.Result, r.Ended = Succeeded, result, time.Now().UTC()
	if err != nil {
		r.Status, r.Error, r.ErrorKind = Failed, err.Error(), fault.KindOf(err).String()
		if fault.KindOf(err) == fault.Cancelled || errors.Is(context.Cause(ctx), task.ErrCancelled) {
			r.Status = Cancelled
		}
	}
	f := w.live[r.ID]
	delete(w.live, r.ID)
	w.mu.Unlock()
	var b store.Batch
	if !r.top() {
		slim := *r // what the steps were does not matter any more
		slim.Steps, slim.Outputs, slim.State, slim.Args, slim.Config = nil, nil, nil, nil, nil
		if f != nil {
			f.drop(&b)
		}
		if err := w.put(&slim, &b); err != nil {
			return err
		}
		return w.cfg.Store.Commit(ctx, &b)
	}
	w.mu.Lock()
	for id, n := range w.runs[r.ID] {
		if n.stored && (id != r.ID || f == nil) {
			b.Delete(bucket, string(id))
		}
	}
	delete(w.runs, r.ID)
	w.mu.Unlock()
	if f != nil {
		if err := w.retain(f, &b); err != nil {
			return err
		}
	}
	// With the task that shows it, which otherwise would look interrupted after
	// a crash at this moment.
	task.From(ctx).Seal(result, err, &b)
	return w.cfg.Store.Commit(ctx, &b)
}

// steps runs what is left of the record.
func (w *Runner) steps(ctx context.Context, r *Record) (any, error) {
	if !r.Decided {
		if err := w.decide(ctx, r); err != nil {
			return nil, err
		}
	}
	for r.Next < len(r.Steps) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		step := r.Steps[r.Next]
		if step.Continue != "" {
			r.Token = step.Continue
			if err := w.decide(ctx, r); err != nil {
				return nil, err
			}
			continue
		}
		if err := w.commit(ctx, r); err != nil {
			return nil, err
		}
		out, err := w.act(ctx, r, step)
		if err != nil {
			return nil, err
		}
		r.Outputs = append(r.Outputs, hook.Output{ID: step.ID, Step: step.Step, Output: out})
		r.Next++
	}
	return r.Result, nil
}

// decide asks for a decision and takes it over. What it decided is stored
// with the first of its steps, before that one acts; should the server die
// before, the same question is simply asked again.
func (w *Runner) decide(ctx context.Context, r *Record) error {
	d, err := w.cfg.Host.Decide(ctx, r)
	if err != nil {
		return err
	}
	// Steps that are done count too, those that only ask on as well: an
	// implementation that asks on for ever ends here.
	if total := len(r.Steps) + len(d.Steps); total > w.cfg.Limits.Steps {
		return fault.New(fault.Limit, "workflow %s has %d steps, Limits.Steps allows %d", r.Name, total, w.cfg.Limits.Steps)
	}
	if r.Token != "" {
		r.Next++
	}
	rest := r.Steps[r.Next:]
	r.Steps = append(append(r.Steps[:r.Next:r.Next], d.Steps...), rest...)
	r.Decided, r.Token = true, ""
	if d.State != nil {
		r.State = d.State
	}
	if d.Result != nil {
		r.Result = d.Result
	}
	return w.cfg.Host.Publish(r, d.Sensors)
}

func (w *Runner) commit(ctx context.Context, r *Record) error {
	var b store.Batch
	if err := w.put(r, &b); err != nil {
		return err
	}
	return w.cfg.Store.Commit(ctx, &b)
}

// act runs one step as a task below the run's, within its time.
func (w *Runner) act(ctx context.Context, r *Record, step hook.Step) (any, error) {
	if step.Timeout != "" {
		d, err := coerce.Duration(step.Timeout)
		if err != nil {
			return nil, fault.New(fault.Invalid, "timeout of step %s: %w", step.Step, err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fault.New(fault.Timeout, "step %s has not ended within %s", step.Step, step.Timeout))
		defer cancel()
	}
	spec := task.Spec{
		ID: task.ID(r.Task + "-" + strconv.Itoa(r.Next)), Name: step.Step, Entity: r.Entity,
		Description: fmt.Sprintf("step %d of %s", r.Next+1, r.Name), Tags: []string{"SUB-TASK", "WORKFLOW"},
	}
	return w.cfg.Tasks.Run(ctx, spec, func(ctx context.Context) (any, error) {
		if err := failpoint.Hit("workflow.step.before"); err != nil {
			return nil, err
		}
		out, err := w.cfg.Host.Act(ctx, r, step)
		if err == nil {
			err = failpoint.Hit("workflow.step.after")
		}
		if cause := context.Cause(ctx); err != nil && fault.KindOf(cause) == fault.Timeout {
			if strings.Contains(err.Error(), cause.Error()) {
				return nil, err
			}
			return nil, cause
		}
		return out, err
	})
}
