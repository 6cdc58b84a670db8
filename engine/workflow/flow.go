package workflow

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
)

// flow is a run of a definition. One goroutine runs it; others only look.
type flow struct {
	w   *Runner
	r   *Record
	def *step.Workflow
	ent *entity.Entity

	mu    sync.Mutex // held to change what follows, and to look at it from elsewhere
	st    *state
	infos map[string]*info

	spilled bool // steps are stored by themselves

	acted bool // something was done since the last commit that must not be forgotten
	dirty bool
}

// signal is how a step says where to go on, other than at the next one.
type signal struct {
	kind signalKind
	to   string // of a jump: an id, start, end or exit; of a replay: the path of a step
}

type signalKind uint8

const (
	onward signalKind = iota
	jump              // to a step of this block or one around it, variables kept
	finish            // of the whole workflow
	replay            // to a step, variables as they were then
)

// atStart is the path of a replay from the very start.
const atStart = "^"

// main runs the definition to its end.
func (f *flow) main(ctx context.Context) (result any, err error) {
	if !f.st.begun {
		run, err := f.begin(ctx)
		if f.r.Skipped = err == nil && !run; err != nil || !run {
			return nil, err
		}
	} else if err := f.retake(ctx); err != nil {
		return nil, err
	}
	defer func() { f.release(ctx, err) }()
	if d := f.st.deadline; !d.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, d, fault.New(fault.Timeout, "workflow %s has not ended within its timeout", f.r.Name))
		defer cancel()
	}
	if err = f.body(ctx); err != nil {
		return nil, err
	}
	return f.result(ctx)
}

// begin computes what the run is given; run is false when its condition does
// not hold.
func (f *flow) begin(ctx context.Context) (run bool, err error) {
	if wait := time.Until(f.r.Created.Add(f.r.After)); f.r.After > 0 && wait > 0 {
		defer task.From(ctx).Block("Waiting to begin")()
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	if err := f.inputs(ctx); err != nil {
		return false, err
	}
	subject, _ := f.st.input.get("target")
	if ok, err := f.holds(ctx, f.def.Condition, subject, nil); !ok || err != nil {
		return false, err
	}
	if err := f.acquire(ctx); err != nil {
		return false, err
	}
	if f.def.Timeout != nil {
		d, err := f.duration(ctx, f.def.Timeout, "timeout", nil)
		if err != nil {
			f.release(ctx, nil)
			return false, err
		}
		f.st.deadline = time.Now().Add(d)
	}
	f.st.begun, f.dirty = true, true
	f.st.stack = []frame{{}}
	if f.def.Replayable.Point {
		f.st.point = atStart
	}
	return true, nil
}

// set changes the state.
func (f *flow) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.dirty = true
}

// block runs the steps of the frame at a depth.
func (f *flow) block(ctx context.Context, depth int) (signal, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return signal{}, err
		}
		fr := &f.st.stack[depth]
		steps := f.def.Block(fr.Block)
		if fr.Next >= len(steps) {
			return signal{}, nil
		}
		s := steps[fr.Next]
		sig, err := f.step(ctx, depth, s)
		if err != nil {
			return signal{}, err
		}
		fr = &f.st.stack[depth]
		f.set(func() {
			f.st.stack = f.st.stack[:depth+1]
			fr.Running, fr.Until, fr.Deadline = false, time.Time{}, time.Time{}
		})
		switch {
		case sig.kind == onward:
			f.set(func() { fr.Next++ })
			continue
		case sig.kind == finish:
			return sig, nil
		case sig.kind == jump && (fr.Failure != nil || f.isInline(fr.Block)), sig.kind == jump && sig.to == "exit":
			return sig, nil
		case sig.kind == jump && sig.to == "end":
			return signal{}, nil
		}
		if found, err := f.goTo(depth, sig); !found || err != nil {
			return sig, err
		}
	}
}

// isInline tells whether a block is the one step behind "then".
func (f *flow) isInline(block string) bool {
	owner := f.def.Owner(block)
	return owner != nil && owner.Inline
}

// step runs one step, unless its condition does not hold.
func (f *flow) step(ctx context.Context, depth int, s *step.Step) (signal, error) {
	fr := &f.st.stack[depth]
	resumed := fr.Running
	if !resumed {
		if f.acted && s.Condition != nil {
			if err := f.commit(ctx); err != nil { // what it waits for may take long
				return signal{}, err
			}
		}
		var subject any
		if fr.Failure != nil {
			subject = fr.Failure.err()
		}
		ok, err := f.holds(ctx, s.Condition, subject, nil)
		switch {
		case err != nil:
			f.start(depth, s)
			return f.failed(ctx, depth, s, fault.Wrap(err, "condition of step", s.Label()))
		case !ok:
			return signal{}, nil
		}
		f.start(depth, s)
		if err := f.store(ctx, s); err != nil {
			return signal{}, err
		}
	}
	var sig signal
	i := f.infos[s.Path]
	spec := task.Spec{
		ID: task.ID(f.stepTask(s, i.started)), Name: strconv.Itoa(s.Index+1) + " - " + s.Label(), Entity: f.r.Entity, EntityName: f.ent.Name(),
		Description: f.r.Name + " step " + s.Path, Tags: []string{"SUB-TASK", "WORKFLOW"}, Transient: true,
		Workflow: string(f.r.ID), Step: s.Index + 1,
	}
	if f.quiet(s) {
		return f.perform(ctx, depth, s, resumed)
	}
	_, err := f.w.cfg.Tasks.Run(ctx, spec, func(ctx context.Context) (out any, err error) {
		if sig, err = f.perform(ctx, depth, s, resumed); err == nil && i.has {
			out = entity.Document(i.output)
		}
		return out, err
	})
	return sig, err
}

// quiet tells whether a step shows as no task of its own: it is done at once,
// and neither writes nor waits.
func (f *flow) quiet(s *step.Step) bool {
	return s.Kind != nil && s.Kind.Instant && s.OnError == nil && s.Timeout == nil
}

func (f *flow) stepTask(s *step.Step, n int) string {
	return f.r.Task + "-" + s.Path + "-" + strconv.Itoa(n)
}

// start notes that a step begins.
func (f *flow) start(depth int, s *step.Step) {
	f.set(func() {
		i := f.infos[s.Path]
		if i == nil {
			i = &info{path: s.Path}
			f.infos[s.Path] = i
		}
		i.started++
		i.vars, i.before, i.beforeHas, i.previous = f.st.vars, f.st.output, f.st.has, f.st.previous
		i.error, i.input, i.next, i.dirty = "", nil, "", s.Block != nil || s.OnError != nil // for others the state tells, until they end
		i.task = f.stepTask(s, i.started)
		fr := &f.st.stack[depth]
		fr.Running, fr.Count = true, i.started
		if fr.Failure != nil {
			fr.Ran = true
		}
		switch {
		case s.Replayable.Reset:
			f.st.point = ""
		case s.Replayable.Point:
			f.st.point = s.Path
		}
	})
}

// perform runs a step that began, and its error handler.
func (f *flow) perform(ctx context.Context, depth int, s *step.Step, resumed bool) (signal, error) {
	inner := len(f.st.stack) > depth+1
	if resumed && inner && f.st.stack[depth+1].Failure != nil {
		return f.handle(ctx, depth, s, f.st.stack[depth+1].Failure.err())
	}
	if resumed && !inner && !f.repeatable(s) && f.st.stack[depth].Until.IsZero() {
		if point := f.st.point; point != "" && f.automatic() {
			return signal{kind: replay, to: point}, nil
		}
		return f.failed(ctx, depth, s, fault.New(fault.Unavailable, "the server stopped while step %s ran, which is not idempotent", s.Label()))
	}
	x := &exec{f: f, s: s, depth: depth}
	sig, err := f.within(ctx, x)
	if err == nil {
		err = f.output(ctx, x)
	}
	if err != nil {
		return f.failed(ctx, depth, s, err)
	}
	if sig.kind == onward && s.Next != "" && !x.jumped {
		sig = signal{kind: jump, to: s.Next}
	}
	return sig, nil
}

// within runs the step's form in its time.
func (f *flow) within(ctx context.Context, x *exec) (signal, error) {
	if x.s.Timeout == nil || x.s.Nested != nil {
		return x.run(ctx)
	}
	fr := &f.st.stack[x.depth]
	if fr.Deadline.IsZero() {
		d, err := f.duration(ctx, x.s.Timeout, "timeout", x)
		if err != nil {
			return signal{}, err
		}
		f.set(func() { fr.Deadline = time.Now().Add(d) })
	}
	late := fault.New(fault.Timeout, "Timeout: step %s has not ended in its time", x.s.Label())
	inner, cancel := context.WithDeadlineCause(ctx, fr.Deadline, late)
	defer cancel()
	sig, err := x.run(inner)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(inner), late) {
		err = late
	}
	return sig, err
}

// output takes over what a step gave.
func (f *flow) output(ctx context.Context, x *exec) error {
	s := x.s
	if s.Output != nil && s.Nested == nil {
		x.inOutput = true
		v, err := x.eval(ctx, s.Output)
		if err != nil {
			return err
		}
		x.out, x.has = v, true
	}
	f.set(func() {
		i := f.infos[s.Path]
		i.completed++
		i.dirty = true
		i.output, i.has = x.out, x.has
		if x.has {
			f.st.output, f.st.has = x.out, true
		}
		f.st.previous = s.Path
	})
	f.acted = f.acted || !f.pure(s)
	return nil
}

// result gives what the run gives.
func (f *flow) result(ctx context.Context) (any, error) {
	switch {
	case len(f.def.Reducing) > 0:
		return f.reduced(), nil
	case f.def.Output != nil:
		return f.eval(ctx, f.def.Output, nil)
	case f.st.finalHas:
		return f.st.final, nil
	}
	return f.st.output, nil
}

// reduced gives the values that are handed to the next run: those in the
// output, else the variables.
func (f *flow) reduced() any {
	out := map[string]any{}
	said, _ := f.st.output.(map[string]any)
	for _, n := range f.def.Reducing {
		v, ok := said[n.Name]
		if !ok {
			if v, ok = f.st.vars.get(n.Name); !ok {
				v, _ = f.st.input.get(n.Name)
			}
		}
		out[n.Name] = v
	}
	return out
}
