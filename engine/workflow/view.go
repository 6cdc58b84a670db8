package workflow

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// View is a run of a definition at one moment. Its values are documents, with
// secrets in them.
type View struct {
	ID, Parent         ID
	Name               string
	Entity             string
	Task               string
	Status             Status
	Error, ErrorKind   string
	Created, Ended     time.Time // Ended is zero while it runs
	Definition         *step.Workflow
	Input, Variables   map[string]any
	Output             any
	Steps              []StepView // that ran, in the order of the definition
	Current            string     // path of the step that runs, or ran last
	Point              string     // path of the step that a replay from last goes to, "^" for the start, "" for none
	Replays            []Replay   // the runs before the present one
	Lock               string
	ReplayableFromHere bool // the step that it stands at may run again
}

// StepView is a step that ran.
type StepView struct {
	Path, Task         string
	Started, Completed int // how often
	Input, Variables   map[string]any
	Output             any
	Error              string
	Previous           string
}

// Views gives the runs of an entity, the newest first: those that are under
// way, and the ended ones that are kept.
func (w *Runner) Views(entity string) ([]*View, error) {
	var all []*Record
	w.mu.Lock()
	for _, family := range w.runs {
		for _, r := range family {
			if r.Entity == entity && r.Flow != nil && r.Status == Running {
				all = append(all, r)
			}
		}
	}
	w.mu.Unlock()
	slices.SortFunc(all, func(a, b *Record) int { return b.Created.Compare(a.Created) })
	all = append(all, w.kept.of(entity)...)
	out := make([]*View, 0, len(all))
	for _, r := range all {
		v, err := w.view(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// View gives one run of an entity.
func (w *Runner) View(entity string, id ID) (*View, error) {
	r, err := w.find(entity, id)
	if err != nil {
		return nil, err
	}
	return w.view(r)
}

func (w *Runner) find(entity string, id ID) (*Record, error) {
	w.mu.Lock()
	r := w.runs[id.top()][id]
	w.mu.Unlock()
	if r == nil {
		for _, other := range w.kept.of(entity) {
			if other.ID == id {
				r = other
			}
		}
	}
	if r == nil || r.Entity != entity || r.Flow == nil {
		return nil, fault.New(fault.NotFound, "Cannot find workflow with id '%s'", id)
	}
	return r, nil
}

// view looks at a run: at where it stands while it runs, at the store else.
func (w *Runner) view(r *Record) (*View, error) {
	w.mu.Lock()
	f := w.live[r.ID]
	w.mu.Unlock()
	if f == nil {
		apart := *r
		if err := w.fetch(&apart); err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		var err error
		if f, err = w.open(&apart); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view(r), nil
}

func (f *flow) view(r *Record) *View {
	v := &View{
		ID: r.ID, Name: r.Name, Entity: r.Entity, Task: r.Task, Status: r.Status, Error: r.Error, ErrorKind: r.ErrorKind, Created: r.Created, Ended: r.Ended,
		Definition: f.def, Input: documentsOf(f.st.input), Variables: documentsOf(f.st.vars), Output: r.Result, Point: f.st.point, Replays: r.Flow.Replays,
	}
	if i := strings.LastIndexByte(string(r.ID), '.'); i > 0 {
		if j := strings.LastIndexByte(string(r.ID[:i]), '.'); j > 0 {
			v.Parent = r.ID[:j]
		}
	}
	if r.Status == Running {
		v.Output = entity.Document(plainTimes(f.st.output))
	}
	if f.st.lock != nil {
		v.Lock = f.st.lock.Name
	}
	v.Current = f.failing()
	if v.Current == "" {
		v.Current = f.st.previous
	}
	v.ReplayableFromHere = f.repeatable(f.def.ByPath(v.Current))
	for _, i := range f.infos {
		v.Steps = append(v.Steps, StepView{
			Path: i.path, Task: i.task, Started: i.started, Completed: i.completed, Input: documentsOf(i.input), Variables: documentsOf(i.vars),
			Output: entity.Document(plainTimes(i.output)), Error: i.error, Previous: i.previous,
		})
	}
	slices.SortFunc(v.Steps, func(a, b StepView) int { return comparePaths(a.Path, b.Path) })
	return v
}

func documentsOf(v *values) map[string]any {
	if v == nil {
		return nil
	}
	return documents(v.m)
}

// comparePaths orders paths of steps as they are written: numbers by size.
func comparePaths(a, b string) int {
	x, y := strings.FieldsFunc(a, notDigit), strings.FieldsFunc(b, notDigit)
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m - n
		}
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b)
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// Delete removes an ended run.
func (w *Runner) Delete(ctx context.Context, entity string, id ID) error {
	r, err := w.find(entity, id)
	if err != nil {
		return err
	}
	if r.Status == Running {
		return fault.New(fault.Invalid, "workflow %s is running; cancel its activity %s first", id, r.Task)
	}
	var b store.Batch
	w.kept.remove(r)
	w.erase(r, &b)
	return w.cfg.Store.Commit(ctx, &b)
}

// Back prepares an ended run to be run again from one of its steps: "start",
// "last" for the last replay point, "end" for where it ended, or a number of
// the workflow's own list. Force goes back to what is not replayable. What it
// gives is to be stored with the batch and then started, as task t.
func (w *Runner) Back(entity string, id ID, from, reason string, force bool, t string, b *store.Batch) (*Record, error) {
	r, err := w.find(entity, id)
	if err != nil {
		return nil, err
	}
	if r.Status == Running {
		return nil, fault.New(fault.Invalid, "workflow %s is still running", id)
	}
	next := *r
	flow := *r.Flow
	next.Flow = &flow
	flow.Replays = append(slices.Clone(flow.Replays), Replay{
		Task: r.Task, Submitted: r.Created, Ended: r.Ended, Status: r.Status, Error: r.Error, Result: r.Result, Reason: flow.Reason,
	})
	flow.Reason, flow.Hash, flow.Steps = reason, "", nil
	next.Task, next.Status, next.Ended, next.Result, next.Error, next.ErrorKind = t, Running, time.Time{}, nil, "", ""
	if err := w.fetch(&next); err != nil {
		return nil, err
	}
	f, err := w.open(&next)
	if err != nil {
		return nil, err
	}
	for _, i := range f.infos {
		i.dirty = true // of a step that ran to no end only the state knew
	}
	if err := f.rewind(from, force); err != nil {
		return nil, err
	}
	f.st.end, f.st.tries, f.st.deadline = nil, nil, time.Time{}
	if err := f.stage(b); err != nil {
		return nil, err
	}
	if err := w.put(&next, b); err != nil {
		return nil, err
	}
	w.kept.remove(r)
	next.parked = true // where it stands is in the store
	w.mu.Lock()
	w.keep(&next)
	w.mu.Unlock()
	return &next, nil
}

// rewind sets an ended run to where it is to go on.
func (f *flow) rewind(from string, force bool) error {
	if f.def.Replayable.Enabled == step.No && !force {
		return errNotReplayable
	}
	path := ""
	switch from {
	case "start", "begin":
		path = atStart
	case "last":
		if path = f.st.point; path == "" {
			if !force {
				return errNotReplayable
			}
			path = atStart
		}
	case "end", "resume":
		return f.resume(force)
	default:
		n, err := strconv.Atoi(from)
		if err != nil || n < 0 || n >= len(f.def.Steps) {
			return fault.New(fault.Invalid, "replay from %q: expected start, last, end or the number of a step, 0 to %d", from, len(f.def.Steps)-1)
		}
		path = f.def.Steps[n].Path
		if f.infos[path] == nil {
			return fault.New(fault.Invalid, "replay from %q: the step has not run", from)
		}
		if s := f.def.Steps[n]; !force && !s.Replayable.Point && !f.repeatable(s) {
			return errNotReplayable
		}
	}
	f.st.stack = []frame{{}}
	if found, err := f.goTo(0, signal{kind: replay, to: path}); !found || err != nil {
		return fault.New(fault.Invalid, "replay from %q: step %s is not of the workflow's own list", from, path)
	}
	if path == atStart {
		f.st.begun, f.st.input, f.st.final, f.st.finalHas = false, nil, nil, false
	}
	return nil
}

// resume lets the innermost step that did not end run again.
func (f *flow) resume(force bool) error {
	if len(f.st.stack) == 0 {
		f.st.begun = false
		return nil
	}
	s := f.def.ByPath(f.failing())
	if s == nil {
		return nil // it is through
	}
	if !force && !s.Replayable.Point && !f.repeatable(s) {
		return errNotReplayable
	}
	f.restore(s.Path)
	last := &f.st.stack[len(f.st.stack)-1]
	last.Running, last.Until, last.Deadline = false, time.Time{}, time.Time{}
	return nil
}
