package workflow

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// maxTimes is how many times of a retry are remembered for limits N in D.
const maxTimes = 1000

// retry goes back, after a pause, unless that happened too often.
func (x *exec) retry(ctx context.Context) (signal, error) {
	f, r := x.f, x.s.Retry
	sig, err := x.back()
	if err != nil {
		return signal{}, err
	}
	if f.st.stack[x.depth].Until.IsZero() { // else it was counted before an interruption
		n, err := x.count(ctx)
		if err != nil {
			return signal{}, err
		}
		if d := r.Backoff.Delay(n, rand.Float64()); d > 0 {
			if err := f.pause(ctx, x.depth, d, "Waiting "+coerce.FormatDuration(d)+" before the next try"); err != nil {
				return signal{}, err
			}
		}
	} else if err := f.pause(ctx, x.depth, 0, "Waiting before the next try"); err != nil {
		return signal{}, err
	}
	x.jumped = true
	return sig, nil
}

// count notes one more try and holds it to the limits.
func (x *exec) count(ctx context.Context) (n int, err error) {
	f, r := x.f, x.s.Retry
	key := x.s.Path
	if r.Hash != nil {
		v, err := x.eval(ctx, r.Hash)
		if err != nil {
			return 0, err
		}
		key = "#" + coerce.Text(v)
	}
	now := time.Now()
	t := f.st.tries[key]
	if t == nil {
		t = &tries{}
	}
	for _, l := range r.Limits {
		if t.exceeds(l, now) {
			err := fault.New(fault.Limit, "More retries than allowed (limit %s)", l.Text)
			if cause := f.handling(); cause != nil {
				err = fault.New(fault.ParseKind(cause.Kind), "%s (limit %s of retries is reached)", cause.Message, l.Text)
			}
			return 0, err
		}
	}
	if x.s.Timeout != nil && len(t.Times) > 0 {
		d, err := f.duration(ctx, x.s.Timeout, "timeout", x)
		if err != nil {
			return 0, err
		}
		if now.Sub(t.Times[0]) > d {
			return 0, fault.New(fault.Timeout, "Timeout: retries have not succeeded within %s", coerce.FormatDuration(d))
		}
	}
	next := &tries{Count: t.Count + 1, Times: append(t.Times[:len(t.Times):len(t.Times)], now)}
	if len(next.Times) > maxTimes {
		next.Times = append(next.Times[:1], next.Times[2:]...)
	}
	f.set(func() {
		if f.st.tries == nil {
			f.st.tries = map[string]*tries{}
		}
		f.st.tries[key] = next
	})
	return next.Count, nil
}

// exceeds tells whether one more try is too many.
func (t *tries) exceeds(l step.Limit, now time.Time) bool {
	if l.Count < 0 {
		return len(t.Times) > 0 && now.Sub(t.Times[0]) > l.Within
	}
	if l.Within == 0 {
		return t.Count >= l.Count
	}
	recent := 0
	for _, at := range t.Times {
		if now.Sub(at) <= l.Within {
			recent++
		}
	}
	return recent >= l.Count
}

// back finds where a retry goes back to.
func (x *exec) back() (signal, error) {
	f, r, next := x.f, x.s.Retry, x.s.Next
	if next != "" && next != "end" && next != "last" && r.Replay != step.Yes {
		return signal{kind: jump, to: next}, nil
	}
	switch next {
	case "start":
		if !r.Force && f.def.Replayable.Enabled == step.No {
			return signal{}, errNotReplayable
		}
		return signal{kind: replay, to: atStart}, nil
	case "", "end", "last":
	default:
		s := f.def.ByID(next)
		if s == nil {
			return signal{}, fault.New(fault.Invalid, "retry: no step with id %q", next)
		}
		if !r.Force && !s.Replayable.Point && !f.repeatable(s) {
			return signal{}, errNotReplayable
		}
		return signal{kind: replay, to: s.Path}, nil
	}
	// Within a step's handler: that step, once more.
	for i := len(f.st.stack) - 1; i > 0 && next != "last"; i-- {
		if e := f.st.stack[i].Failure; e != nil {
			return signal{kind: replay, to: e.Step}, nil
		}
	}
	if f.st.point != "" {
		return signal{kind: replay, to: f.st.point}, nil
	}
	if e := f.st.stack[0].Failure; e != nil && e.Step != "" && (r.Force || f.repeatable(f.def.ByPath(e.Step))) {
		return signal{kind: replay, to: e.Step}, nil
	}
	if r.Force {
		return signal{kind: replay, to: atStart}, nil
	}
	return signal{}, errNotReplayable
}

var errNotReplayable = fault.New(fault.Invalid, "retry: the workflow is not replayable here: no step before is said to be replayable from here, nor the workflow from start")

// repeatable tells whether a step that was interrupted may run again.
func (f *flow) repeatable(s *step.Step) bool {
	switch {
	case s == nil:
		return false
	case s.Idempotent != step.Unsaid:
		return s.Idempotent == step.Yes
	case f.def.Idempotent != step.Unsaid:
		return f.def.Idempotent == step.Yes
	case s.Custom != nil:
		return true // what it began goes on from where it stands
	}
	return s.Kind.Idempotent
}

// pure tells whether a step changes nothing but the run itself.
func (f *flow) pure(s *step.Step) bool { return s.Kind != nil && s.Kind.Pure }

// automatic tells whether an interrupted run goes back by itself.
func (f *flow) automatic() bool {
	if f.def.Replayable.Automatically {
		return true
	}
	if s := f.def.ByPath(f.st.point); s != nil {
		return s.Replayable.Automatically
	}
	return false
}
