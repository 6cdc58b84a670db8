package workflow

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// targetsKey is where a step keeps what it goes through, so that a resumed one
// goes through the same.
const targetsKey = "targets"

// custom runs a step type of the catalog.
func (x *exec) custom(ctx context.Context) error {
	in := map[string]any{}
	for name := range x.s.Args {
		v, err := x.arg(ctx, name)
		if err != nil {
			return err
		}
		in[name] = v
	}
	if x.input != nil {
		for name, v := range x.input.m {
			in[name] = v
		}
	}
	if x.s.Custom.Module {
		out, err := x.f.w.cfg.Host.Plan(x.stepContext(ctx), x.record(), x.s.Custom.Name, documents(in))
		x.out, x.has = x.f.ent.Tree().Resolve(out), true
		return err
	}
	def, err := x.s.Custom.Definition()
	if err != nil {
		return fault.Wrap(err, "step type", x.s.Custom.Name)
	}
	given := &values{m: in}
	if def.Target != nil || len(def.Reducing) > 0 {
		return x.each(ctx, def, given)
	}
	child, err := x.child(ctx, def, "0", x.f.ent, given)
	if err != nil {
		return err
	}
	x.out, x.has = x.f.ent.Tree().Resolve(child.Result), true
	return nil
}

func documents(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = entity.Document(plainTimes(v))
	}
	return out
}

// nested runs the step's workflow, once or for each target.
func (x *exec) nested(ctx context.Context) error {
	w := x.s.Nested
	given, err := x.named(ctx, w.Input)
	if err != nil {
		return err
	}
	if w.Target != nil {
		return x.each(ctx, w, given)
	}
	if len(w.Reducing) > 0 {
		if given, err = x.seeds(ctx, w, given); err != nil {
			return err
		}
	}
	child, err := x.child(ctx, w, "0", x.f.ent, given)
	if err != nil {
		return err
	}
	x.out, x.has = x.f.ent.Tree().Resolve(child.Result), true
	return nil
}

// named computes named values in the scope of the step.
func (x *exec) named(ctx context.Context, list []step.Named) (*values, error) {
	var out *values
	for _, n := range list {
		v, err := x.eval(ctx, n.Value)
		if err != nil {
			return nil, fault.Wrap(err, "input", n.Name)
		}
		out = out.with(n.Name, v)
	}
	return out, nil
}

// seeds adds the first values of what is reduced.
func (x *exec) seeds(ctx context.Context, w *step.Workflow, given *values) (*values, error) {
	first, err := x.named(ctx, w.Reducing)
	if err != nil || first == nil {
		return given, err
	}
	for name, v := range first.m {
		given = given.with(name, v)
	}
	return given, nil
}

// each runs a workflow for all targets.
func (x *exec) each(ctx context.Context, w *step.Workflow, given *values) error {
	targets, list, err := x.targets(ctx, w)
	if err != nil {
		return err
	}
	if len(w.Reducing) > 0 {
		return x.reduce(ctx, w, given, targets)
	}
	limit, err := x.f.concurrency(ctx, w, len(targets), x)
	if err != nil {
		return err
	}
	done := make([]*Record, len(targets))
	one := func(ctx context.Context, i int) (err error) {
		done[i], err = x.iteration(ctx, w, i, targets[i], given)
		return err
	}
	if limit == 1 {
		for i := range targets {
			if err = one(ctx, i); err != nil {
				break // the others are not begun
			}
		}
	} else {
		err = task.Parallel(ctx, len(targets), limit, one)
	}
	if err != nil {
		if ended(ctx) {
			return context.Cause(ctx)
		}
		return fault.New(fault.KindOf(err), "error running sub-workflow(s): %w", err)
	}
	outs := []any{}
	for _, r := range done {
		if !r.Skipped {
			outs = append(outs, x.f.ent.Tree().Resolve(r.Result))
		}
	}
	x.has = true
	if x.out = any(outs); !list {
		x.out = nil
		if len(outs) > 0 {
			x.out = outs[0]
		}
	}
	return nil
}

// reduce hands values from one target to the next.
func (x *exec) reduce(ctx context.Context, w *step.Workflow, given *values, targets []any) error {
	at, err := x.named(ctx, w.Reducing)
	if err != nil {
		return err
	}
	for i, target := range targets {
		in := given
		for name, v := range at.m {
			in = in.with(name, v)
		}
		r, err := x.iteration(ctx, w, i, target, in)
		if err != nil {
			return err
		}
		if r.Skipped {
			continue
		}
		m, _ := x.f.ent.Tree().Resolve(r.Result).(map[string]any)
		at = &values{m: m}
	}
	x.out, x.has = at.m, true
	return nil
}

// iteration runs the workflow for one target.
func (x *exec) iteration(ctx context.Context, w *step.Workflow, i int, target any, given *values) (*Record, error) {
	in := given
	name, index := w.Variable, w.IndexName
	if name == "" {
		name = "target"
	}
	if index == "" {
		index = "target_index"
	}
	in = in.with(name, target).with(index, int64(i))
	if len(w.Spread) > 0 {
		m, ok := target.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Invalid, "foreach {%s}: expected a map to take these from, not %v", strings.Join(w.Spread, ", "), target)
		}
		for _, key := range w.Spread {
			in = in.with(key, m[key])
		}
	}
	ent, is := target.(*entity.Entity)
	if !is {
		ent = x.f.ent
	}
	return x.child(ctx, w, strconv.Itoa(i), ent, in)
}

// child runs a workflow within the step, at most once however often the step
// is repeated after a crash.
func (x *exec) child(ctx context.Context, w *step.Workflow, name string, ent *entity.Entity, given *values) (*Record, error) {
	f := x.f
	n := f.infos[x.s.Path].started
	r := &Record{
		ID: f.r.ID.within(fmt.Sprintf("%s-%d.%s", x.s.Path, n, name)), Application: f.r.Application, Entity: string(ent.ID()),
		Name: x.s.Label(), Scope: f.r.Scope, Flow: &Flow{}, def: w, given: given, Adjunct: f.r.Adjunct,
	}
	r.Task = string(r.ID)
	spec := task.Spec{
		Name: x.s.Label() + " " + name, Description: "workflow within " + f.r.Name, Entity: r.Entity, EntityName: ent.Name(), Tags: []string{"SUB-TASK", "WORKFLOW"},
	}
	return f.w.nested(ctx, r, spec, func(ctx context.Context, rest Rest) (any, error) { return rest(ctx) })
}

// targets gives what a step goes through; list tells that it is a list and not
// one thing.
func (x *exec) targets(ctx context.Context, w *step.Workflow) (targets []any, list bool, err error) {
	f := x.f
	i := f.infos[x.s.Path]
	if kept, ok := i.input.get(targetsKey); ok {
		if m, is := kept.(map[string]any); is {
			all, _ := m["all"].([]any)
			return all, m["list"] == true, nil
		}
	}
	switch w.TargetWord {
	case "children":
		targets, list = entities(f.ent.Children()), true
	case "members":
		targets, list = entities(f.ent.Members()), true
	default:
		v, err := x.eval(ctx, w.Target)
		if err != nil {
			return nil, false, fault.Wrap(err, "target of step", x.s.Label())
		}
		if targets, list, err = many(v); err != nil {
			return nil, false, err
		}
	}
	if most := f.w.cfg.Limits.Targets; len(targets) > most {
		return nil, false, fault.New(fault.Limit, "step %s has %d targets, Limits.Targets allows %d", x.s.Label(), len(targets), most)
	}
	kept := i.input.with(targetsKey, map[string]any{"all": targets, "list": list})
	f.set(func() { i.input, i.dirty = kept, true })
	return targets, list, f.commit(ctx)
}

// maxRange bounds M..N before Limits.Targets is asked.
const maxRange = 1_000_000

// many gives the targets that a value stands for.
func many(v any) (targets []any, list bool, err error) {
	switch v := v.(type) {
	case []any:
		return v, true, nil
	case string:
		if low, high, ok := step.Range(v); ok {
			if high-low > maxRange {
				return nil, false, fault.New(fault.Limit, "the range %s has more than %d numbers", v, maxRange)
			}
			out := []any{}
			for i := low; i <= high; i++ {
				out = append(out, i)
			}
			return out, true, nil
		}
		if strings.HasPrefix(strings.TrimSpace(v), "[") {
			out, err := coerce.To("list", v)
			l, _ := out.([]any)
			return l, true, err
		}
	}
	return []any{v}, false, nil
}

// concurrency tells how many targets are worked on at once.
func (f *flow) concurrency(ctx context.Context, w *step.Workflow, n int, x *exec) (int, error) {
	if w.Concurrency == nil {
		return 1, nil
	}
	v, err := f.eval(ctx, w.Concurrency, x)
	if err != nil {
		return 0, err
	}
	c, err := step.Concurrency(coerce.Text(v), n)
	return c, fault.Wrap(err, "concurrency", "")
}
