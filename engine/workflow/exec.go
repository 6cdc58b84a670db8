package workflow

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// exec is one step that is being run.
type exec struct {
	f     *flow
	s     *step.Step
	depth int

	input    *values
	out      any
	has      bool
	inOutput bool // the output is being computed: it sees out
	jumped   bool // the step said itself where to go on
	rec      *Record
	customs  int // transforms of the catalog that it ran
}

// run does what the step's form is.
func (x *exec) run(ctx context.Context) (signal, error) {
	if err := x.inputs(ctx); err != nil {
		return signal{}, err
	}
	if x.s.Custom != nil {
		return signal{}, x.custom(ctx)
	}
	switch x.s.Kind.Form {
	case step.Let:
		return signal{}, x.let(ctx)
	case step.ClearVar:
		return signal{}, x.clear(ctx)
	case step.Transform:
		return x.transform(ctx)
	case step.Load:
		return signal{}, x.load(ctx)
	case step.Wait:
		return signal{}, x.wait(ctx)
	case step.Return:
		v, err := x.arg(ctx, "value")
		x.out, x.has = v, true
		return signal{kind: finish}, err
	case step.Fail:
		return signal{}, x.fail(ctx)
	case step.Goto:
		return signal{kind: jump, to: x.s.Next}, nil
	case step.Label:
		return signal{}, nil
	case step.If:
		return x.branch(ctx)
	case step.Switch:
		return x.choose(ctx)
	case step.Sub:
		return x.within(ctx)
	case step.Nested:
		return signal{}, x.nested(ctx)
	case step.Retry:
		return x.retry(ctx)
	case step.Sleep:
		return signal{}, x.sleep(ctx)
	case step.Update:
		return signal{}, x.update(ctx)
	}
	return signal{}, x.act(ctx)
}

// inputs computes the step's own variables, each seeing those before it.
func (x *exec) inputs(ctx context.Context) error {
	for _, n := range x.s.Input {
		v, err := x.eval(ctx, n.Value)
		if err != nil {
			return fault.Wrap(err, "input", n.Name)
		}
		x.input = x.input.with(n.Name, v)
	}
	if x.input != nil {
		x.f.set(func() { x.f.infos[x.s.Path].input = x.input })
	}
	return nil
}

func (x *exec) eval(ctx context.Context, t *expr.Template) (any, error) { return x.f.eval(ctx, t, x) }

// arg computes one of the step's keys; nil when it is not given.
func (x *exec) arg(ctx context.Context, name string) (any, error) {
	a, ok := x.s.Args[name]
	if !ok || a.Value == nil {
		return nil, nil
	}
	v, err := x.eval(ctx, a.Value)
	return v, fault.Wrap(err, name+" of step", x.s.Label())
}

// given tells whether a key was written.
func (x *exec) given(name string) bool { _, ok := x.s.Args[name]; return ok }

func (x *exec) text(ctx context.Context, name string) (string, error) {
	v, err := x.arg(ctx, name)
	if v == nil || err != nil {
		return "", err
	}
	return coerce.Text(v), nil
}

// eval computes a template for the run; x is nil outside steps.
func (f *flow) eval(ctx context.Context, t *expr.Template, x *exec) (any, error) {
	v, err := f.evalAny(ctx, t, x, expr.Fail)
	if err == nil {
		if d, is := v.(*deferred); is {
			return nil, fault.New(fault.Invalid, "%s may take long to be there; only the step wait and the transform wait take it", d)
		}
	}
	return v, err
}

func (f *flow) evalAny(ctx context.Context, t *expr.Template, x *exec, missing expr.OnMissing) (any, error) {
	if t == nil {
		return nil, nil
	}
	return t.Eval(ctx, f.ent.Expressions(f.r.Scope), names{f, x}, missing)
}

func (f *flow) duration(ctx context.Context, t *expr.Template, what string, x *exec) (time.Duration, error) {
	v, err := f.eval(ctx, t, x)
	if err != nil {
		return 0, err
	}
	d, err := coerce.Duration(v)
	if err != nil {
		return 0, fault.New(fault.Invalid, "%s: %w", what, err)
	}
	return d, nil
}

// act computes the step's keys and lets the engine do it.
func (x *exec) act(ctx context.Context) error {
	in := make(map[string]any, len(x.s.Args))
	for name, a := range x.s.Args {
		var err error
		switch k := x.s.Kind.Key(name); {
		case name == "interpolation_mode", name == "format": // of the blueprint
			continue
		case name == "blueprint" && x.s.Args["interpolation_mode"].Raw != nil && x.s.Args["interpolation_mode"].Raw.Text == "disabled":
			in[name] = a.Raw.Any()
			continue
		case name == "blueprint":
			if in[name], err = x.blueprint(ctx, a.Raw); err != nil {
				return err
			}
			continue
		case k != nil && k.Raw:
			in[name] = a.Raw.Any()
			continue
		}
		v, err := x.arg(ctx, name)
		if err != nil {
			return err
		}
		in[name] = entity.Document(plainTimes(v))
	}
	out, err := x.f.w.cfg.Host.Act(x.stepContext(ctx), x.record(), hook.Step{Step: x.s.Kind.Name, Input: in})
	if err != nil {
		return err
	}
	if out != nil || x.s.Kind.Gives() {
		x.out, x.has = x.f.ent.Tree().Resolve(out), true
	}
	return nil
}

// blueprint fills a blueprint: ${…} that names nothing here stays, for it may
// be of a workflow within; and what is below steps is of one.
func (x *exec) blueprint(ctx context.Context, n *yamlpos.Node) (any, error) {
	switch {
	case n == nil || n.Get("steps") != nil:
		return n.Any(), nil
	case n.Kind == yamlpos.Map:
		out := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			v, err := x.blueprint(ctx, e.Value)
			if err != nil {
				return nil, err
			}
			out[e.Key] = v
		}
		return out, nil
	case n.Kind == yamlpos.List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			v, err := x.blueprint(ctx, item)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	}
	text, is := n.Value.(string)
	if !is || strings.HasPrefix(text, expr.Prefix) { // that is for the entity that it makes
		return n.Any(), nil
	}
	t, err := x.f.def.Operand(text)
	if err != nil {
		return nil, err
	}
	v, err := x.f.evalAny(ctx, t, x, expr.Ignore)
	return entity.Document(plainTimes(v)), err
}

// record gives the name under which a step acts: the same when it is repeated
// after a crash, another one when it is run anew.
func (x *exec) record() *Record {
	if x.rec == nil {
		r := *x.f.r
		r.ID = x.f.r.ID + ID("."+x.s.Path+"-"+strconv.Itoa(x.f.infos[x.s.Path].started))
		r.Next, r.Flow = 0, nil
		x.rec = &r
	}
	return x.rec
}

func (x *exec) stepContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, runKey{}, x.record())
}

func (x *exec) fail(ctx context.Context) error {
	message, err := x.arg(ctx, "message")
	if err != nil {
		return err
	}
	text := ""
	if message != nil {
		text = coerce.Text(message)
	}
	if !x.given("rethrow") {
		if text == "" {
			text = "fail"
		}
		return fault.New(fault.Invalid, "%s", text)
	}
	cause := x.f.handling()
	if cause == nil {
		return fault.New(fault.Invalid, "fail rethrow: there is no error to tell of again")
	}
	if text == "" {
		return cause.err()
	}
	return fault.New(fault.ParseKind(cause.Kind), "%s: %s", text, cause.Message)
}

// handling gives the error that the innermost handler handles, or nil.
func (f *flow) handling() *Failure {
	for i := len(f.st.stack) - 1; i >= 0; i-- {
		if e := f.st.stack[i].Failure; e != nil {
			return e
		}
	}
	return nil
}

// sleep lets time pass; its end is stored, so that it is no longer for a
// restart of the server.
func (x *exec) sleep(ctx context.Context) error {
	fr := &x.f.st.stack[x.depth]
	if fr.Until.IsZero() {
		v, err := x.arg(ctx, "duration")
		if err != nil {
			return err
		}
		d, err := coerce.Duration(v)
		if err != nil {
			return fault.New(fault.Invalid, "sleep: %w", err)
		}
		return x.f.pause(ctx, x.depth, d, "Sleeping "+coerce.FormatDuration(d))
	}
	return x.f.pause(ctx, x.depth, 0, "Sleeping")
}

// pause lets the step at a depth wait until its timer, which it sets when it
// has none.
func (f *flow) pause(ctx context.Context, depth int, d time.Duration, why string) error {
	fr := &f.st.stack[depth]
	if fr.Until.IsZero() {
		f.set(func() { fr.Until = time.Now().Add(d) })
		if d > 10*time.Millisecond {
			if err := f.commit(ctx); err != nil {
				return err
			}
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if wake := f.wake(); f.r.Parkable && f.r.top() && time.Until(wake) > parkAfter {
		return &task.Parked{Until: wake, Why: why}
	}
	defer task.From(ctx).Block(why)()
	t := time.NewTimer(time.Until(fr.Until))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// parkAfter is how long a pause must be for the run to give up its goroutine.
const parkAfter = time.Second

// wake gives the time at which something happens to a run that pauses.
func (f *flow) wake() time.Time {
	first := f.st.deadline
	earlier := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, fr := range f.st.stack {
		earlier(fr.Deadline)
		earlier(fr.Until)
	}
	return first
}

// branch runs the block of an if when its target holds.
func (x *exec) branch(ctx context.Context) (signal, error) {
	if len(x.f.st.stack) > x.depth+1 {
		return x.within(ctx)
	}
	ok, err := x.holds(ctx)
	if !ok || err != nil {
		return signal{}, err
	}
	return x.within(ctx)
}

func (x *exec) holds(ctx context.Context) (bool, error) {
	if !x.given("target") {
		return true, nil
	}
	v, err := x.f.eval(ctx, x.s.Args["target"].Value, x)
	if !x.given("equals") {
		if expr.IsMissing(err) {
			return false, nil
		}
		return truthy(v), err
	}
	if err != nil {
		return false, err
	}
	want, err := x.arg(ctx, "equals")
	if err != nil {
		return false, err
	}
	return x.f.equal(ctx, v, want)
}

// truthy tells whether a value counts as true; the text false does not.
func truthy(v any) bool { return v != "false" && coerce.Truthy(v) }

// within runs the step's block with the same variables.
func (x *exec) within(ctx context.Context) (signal, error) {
	f := x.f
	if len(f.st.stack) == x.depth+1 {
		f.set(func() { f.st.stack = append(f.st.stack, frame{Block: x.s.Path}) })
	}
	sig, err := f.block(ctx, x.depth+1)
	if err != nil {
		return signal{}, err
	}
	f.set(func() { f.st.stack = f.st.stack[:x.depth+1] })
	x.out, x.has = f.st.output, f.st.has
	x.jumped = sig.kind != onward
	return sig, nil
}

// choose runs the first case whose condition holds.
func (x *exec) choose(ctx context.Context) (signal, error) {
	f := x.f
	if len(f.st.stack) == x.depth+1 {
		v, err := x.arg(ctx, "value")
		if err != nil {
			return signal{}, err
		}
		at := -1
		for i, c := range x.s.Block {
			ok, err := f.holds(ctx, c.Condition, v, x)
			if err != nil {
				return signal{}, err
			}
			if ok {
				at = i
				break
			}
		}
		if at < 0 {
			return signal{}, fault.New(fault.Invalid, "switch: no case matches %v", v)
		}
		f.set(func() { f.st.stack = append(f.st.stack, frame{Block: x.s.Path, Next: at}) })
	}
	c := x.s.Block[f.st.stack[x.depth+1].Next]
	resumed := f.st.stack[x.depth+1].Running
	if !resumed {
		f.start(x.depth+1, c)
	}
	sig, err := f.perform(ctx, x.depth+1, c, resumed)
	if err != nil {
		return signal{}, err
	}
	f.set(func() { f.st.stack = f.st.stack[:x.depth+1] })
	x.out, x.has = f.st.output, f.st.has
	x.jumped = sig.kind != onward
	return sig, nil
}
