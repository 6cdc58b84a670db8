package workflow

import (
	"context"
	"errors"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
)

// body runs the steps, and the handler of the workflow when one fails.
func (f *flow) body(ctx context.Context) error {
	if len(f.st.stack) == 1 && f.st.stack[0].Failure != nil { // it was handling when it was interrupted
		return f.onError(ctx, f.st.stack[0].Failure.err())
	}
	for {
		sig, err := f.block(ctx, 0)
		if err == nil {
			return f.done(sig)
		}
		if len(f.def.OnError) == 0 || ended(ctx) || isParked(err) {
			return err
		}
		again, err := f.handleAll(ctx, err)
		if err != nil || !again {
			return err
		}
	}
}

// done tells of a jump that led nowhere.
func (f *flow) done(sig signal) error {
	if (sig.kind == jump || sig.kind == replay) && sig.to != "end" && sig.to != "exit" {
		return fault.New(fault.Invalid, "no step with id %q to go to", sig.to)
	}
	return nil
}

// onError goes on with the workflow's handler.
func (f *flow) onError(ctx context.Context, err error) error {
	again, err := f.handleAll(ctx, err)
	if err != nil || !again {
		return err
	}
	return f.body(ctx)
}

// handleAll runs the workflow's own handler; again means that the steps go on.
func (f *flow) handleAll(ctx context.Context, cause error) (again bool, err error) {
	var at string
	if n := len(f.st.stack); n > 0 && f.st.stack[0].Failure == nil {
		at = f.failing()
		f.set(func() { f.st.stack = []frame{{Block: "!", Failure: failureOf(cause, at)}} })
	}
	sig, err := f.block(ctx, 0)
	ran := f.st.stack[0].Ran
	switch {
	case err != nil:
		return false, err
	case !ran:
		return false, cause
	case sig.kind == jump && sig.to != "end" && sig.to != "exit":
		f.set(func() { f.st.stack = []frame{{}} })
		return f.goTo(0, sig)
	case sig.kind == replay:
		f.set(func() { f.st.stack = []frame{{}} })
		return f.goTo(0, sig)
	}
	return false, nil
}

// failing gives the path of the innermost step that runs.
func (f *flow) failing() string {
	for i := len(f.st.stack) - 1; i >= 0; i-- {
		fr := &f.st.stack[i]
		if steps := f.def.Block(fr.Block); fr.Failure == nil && fr.Next < len(steps) {
			return steps[fr.Next].Path
		}
	}
	return ""
}

// goTo sets the frame at a depth to where a signal points, if that is in its
// block.
func (f *flow) goTo(depth int, sig signal) (found bool, err error) {
	fr := &f.st.stack[depth]
	steps := f.def.Block(fr.Block)
	at := -1
	switch {
	case sig.kind == replay && sig.to == atStart:
		if depth > 0 || fr.Block != "" {
			return false, nil
		}
		f.set(func() { f.st.vars, f.st.output, f.st.has, f.st.previous = nil, nil, false, "" })
		at = 0
	case sig.kind == replay:
		for i, s := range steps {
			if s.Path == sig.to {
				at = i
			}
		}
		if at < 0 {
			return false, nil
		}
		f.restore(sig.to)
	case sig.to == "start":
		at = 0
	default:
		i, ok := step.Find(steps, sig.to)
		if !ok {
			return false, nil
		}
		at = i
	}
	f.set(func() {
		f.st.stack = f.st.stack[:depth+1]
		f.st.stack[depth] = frame{Block: fr.Block, Next: at, Failure: fr.Failure, Ran: fr.Ran}
	})
	return true, nil
}

// restore gives back the variables that a step began with.
func (f *flow) restore(path string) {
	if i := f.infos[path]; i != nil {
		f.set(func() { f.st.vars, f.st.output, f.st.has, f.st.previous = i.vars, i.before, i.beforeHas, i.previous })
	}
}

// failed handles the error of a step.
func (f *flow) failed(ctx context.Context, depth int, s *step.Step, err error) (signal, error) {
	if isParked(err) {
		return signal{}, err // it goes on where it is
	}
	f.set(func() {
		f.st.stack = f.st.stack[:depth+1]
		i := f.infos[s.Path]
		i.error, i.dirty = err.Error(), true
	})
	if len(s.OnError) == 0 || ended(ctx) {
		return signal{}, err
	}
	return f.handle(ctx, depth, s, err)
}

// handle runs a step's error handler.
func (f *flow) handle(ctx context.Context, depth int, s *step.Step, cause error) (signal, error) {
	if len(f.st.stack) == depth+1 {
		f.set(func() { f.st.stack = append(f.st.stack, frame{Block: s.Path + "!", Failure: failureOf(cause, s.Path)}) })
	}
	sig, err := f.block(ctx, depth+1)
	if isParked(err) {
		return signal{}, err
	}
	ran := f.st.stack[depth+1].Ran
	f.set(func() { f.st.stack = f.st.stack[:depth+1] })
	switch {
	case err != nil:
		return signal{}, err
	case !ran:
		return signal{}, cause
	case sig.kind == jump && sig.to == "exit":
		sig = signal{}
	}
	f.set(func() {
		i := f.infos[s.Path]
		i.output, i.has, i.dirty = f.st.output, f.st.has, true
		i.completed++
		f.st.previous = s.Path
	})
	return sig, nil
}

// isParked tells whether the run waits without a goroutine.
func isParked(err error) bool {
	var p *task.Parked
	return errors.As(err, &p)
}

// ended tells whether the run is told to end, so that nothing is handled.
func ended(ctx context.Context) bool { return ctx.Err() != nil }
