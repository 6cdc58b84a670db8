package workflow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// target gives the variable that a step is about, and its type.
func (x *exec) target(ctx context.Context) (name, typ string, err error) {
	if typ, err = x.text(ctx, "type"); err != nil {
		return "", "", err
	}
	v, err := x.arg(ctx, "variable")
	if err != nil {
		return "", "", err
	}
	if m, ok := v.(map[string]any); ok {
		if t := m["type"]; t != nil {
			typ = coerce.Text(t)
		}
		v = m["name"]
	}
	if v == nil {
		return "", typ, nil
	}
	return coerce.Text(v), typ, nil
}

func (x *exec) let(ctx context.Context) error {
	name, typ, err := x.target(ctx)
	if err != nil {
		return err
	}
	var v any
	switch a := x.s.Args["value"]; {
	case a.Value != nil:
		if v, err = x.f.evalAny(ctx, a.Value, x, x.s.Missing); err != nil {
			return fault.Wrap(err, "let", name)
		}
		if _, is := v.(*deferred); is {
			return fault.New(fault.Invalid, "let %s: attributeWhenReady may take long to be there; use wait, or transform … | wait", name)
		}
	case a.Raw != nil:
		v = a.Raw.Any()
	}
	return x.assign(ctx, name, typ, v)
}

// assign sets a variable, or a part of one.
func (x *exec) assign(ctx context.Context, name, typ string, v any) error {
	var err error
	if typ != "" {
		if v, err = x.f.convert(ctx, typ, v); err != nil {
			return fault.New(fault.Invalid, "cannot set %s: %w", name, err)
		}
	}
	p, err := step.ParsePath(name, true)
	if err != nil {
		return err
	}
	f := x.f
	if p.Root == "output" {
		if v, err = p.Set(f.st.final, f.st.finalHas, v); err == nil {
			f.set(func() { f.st.final, f.st.finalHas = v, true })
		}
		return err
	}
	old, there := f.st.vars.get(p.Root)
	if !there {
		old, there = f.st.input.get(p.Root)
	}
	if v, err = p.Set(old, there, v); err != nil {
		return err
	}
	f.set(func() { f.st.vars = f.st.vars.with(p.Root, v) })
	return nil
}

func (x *exec) clear(ctx context.Context) error {
	name, _, err := x.target(ctx)
	if err != nil {
		return err
	}
	p, err := step.ParsePath(name, true)
	if err != nil {
		return err
	}
	f := x.f
	old, there := f.st.vars.get(p.Root)
	switch {
	case !there:
		return nil
	case len(p.Keys) == 0:
		f.set(func() { f.st.vars = f.st.vars.without(p.Root) })
	default:
		v, _ := p.Clear(old)
		f.set(func() { f.st.vars = f.st.vars.with(p.Root, v) })
	}
	return nil
}

// convert gives a value the type that a step names.
func (f *flow) convert(_ context.Context, typ string, v any) (any, error) {
	switch strings.ToLower(typ) {
	case "entity":
		return f.find(v), nil
	case "duration":
		return coerce.Duration(v)
	case "instant", "timestamp", "date":
		return coerce.Timestamp(v)
	}
	if !coerce.Known(typ) {
		return nil, fault.New(fault.Invalid, "unknown type %q", typ)
	}
	if e, is := v.(*entity.Entity); is && strings.EqualFold(typ, "string") {
		return string(e.ID()), nil
	}
	if text, is := v.(string); is && strings.Contains(text, "\n") && (strings.HasPrefix(typ, "map") || strings.HasPrefix(typ, "list")) {
		n, err := yamlpos.Parse("", []byte(text), yamlpos.Limits{}) // a document, not one line
		if err != nil {
			return nil, fault.New(fault.Invalid, "cannot read the text as %s: %w", typ, err)
		}
		v = n.Any()
	}
	out, err := coerce.To(typ, entity.Document(plainTimes(v)))
	return f.ent.Tree().Resolve(out), err
}

// plainTimes writes durations and moments as text, wherever they stand.
func plainTimes(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return coerce.FormatDuration(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainTimes(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plainTimes(v[k])
		}
		return out
	}
	return v
}

// find gives the entity that a value names: one of the application by plan id
// or id; nil when there is none.
func (f *flow) find(v any) any {
	if e, ok := f.ent.Tree().ByValue(v); ok {
		return e
	}
	if text, ok := v.(string); ok {
		if e := f.ent.Nearest(text); e != nil {
			return e
		}
	}
	return nil
}

// equal compares as conditions do; an entity also equals its id.
func (f *flow) equal(ctx context.Context, v, want any) (bool, error) {
	p, err := predicate.CompileAny(map[string]any{"equals": entity.Document(plainTimes(want))}, predicate.Limits{})
	if err != nil {
		return false, err
	}
	return p.Test(ctx, predicate.Subject{Value: v, Env: f.ent.Env()})
}

func (x *exec) transform(ctx context.Context) (signal, error) {
	name, typ, err := x.target(ctx)
	if err != nil {
		return signal{}, err
	}
	v, err := x.subject(ctx, &name)
	if err != nil {
		return signal{}, err
	}
	if typ != "" && x.given("value") && !x.s.Pipeline.Merges() { // else it is that of the result
		if v, err = x.f.convert(ctx, typ, v); err != nil {
			return signal{}, err
		}
		typ = ""
	}
	v, returned, err := x.s.Pipeline.Apply(ctx, v, transforming{x})
	if err != nil {
		return signal{}, fault.Wrap(err, "transform", name)
	}
	if _, is := v.(*deferred); is {
		return signal{}, fault.New(fault.Invalid, "transform: attributeWhenReady may take long to be there; put the transform wait behind it")
	}
	switch {
	case returned:
		x.out, x.has = v, true
		return signal{kind: finish}, nil
	case name != "":
		return signal{}, x.assign(ctx, name, typ, v)
	}
	x.out, x.has = v, true
	return signal{}, nil
}

// subject gives the value that is transformed. One word is a variable if there
// is one of that name.
func (x *exec) subject(ctx context.Context, name *string) (any, error) {
	if a := x.s.Args["word"]; a.Value != nil {
		v, err := x.f.evalAny(ctx, a.Value, x, expr.Fail)
		if text, is := v.(string); is && err == nil {
			if old, there := x.f.st.vars.get(text); there {
				*name = text
				return old, nil
			}
			return text, nil
		}
		return v, err
	}
	if a := x.s.Args["value"]; a.Value != nil {
		return x.f.evalAny(ctx, a.Value, x, expr.Fail)
	}
	if *name == "" {
		return x.f.st.output, nil
	}
	return names{x.f, x}.Name(ctx, *name)
}

// transforming is what transforms ask of the run.
type transforming struct{ x *exec }

func (t transforming) Fill(ctx context.Context, text string) (any, error) {
	tmpl, err := t.x.f.def.Operand(text)
	if err != nil {
		return nil, err
	}
	return t.x.eval(ctx, tmpl)
}

// Evaluate computes text that came to be at run time.
func (t transforming) Evaluate(ctx context.Context, text string) (any, error) {
	tmpl, err := expr.CompileTemplate(&yamlpos.Node{Kind: yamlpos.Scalar, Value: text, Text: text}, expr.Limits{})
	if err != nil {
		return nil, err
	}
	return t.x.eval(ctx, tmpl)
}

func (t transforming) Wait(ctx context.Context, v any) (any, error) { return t.x.f.await(ctx, v) }

func (t transforming) Set(name string, v any) error {
	return t.x.assign(context.Background(), name, "", v)
}

func (t transforming) Convert(ctx context.Context, typ string, v any) (any, error) {
	return t.x.f.convert(ctx, typ, v)
}

// Custom runs a step type of the catalog as a transform: it is given value and
// args, and what it gives is the new value.
func (t transforming) Custom(ctx context.Context, name string, args []string, v any) (any, bool, error) {
	f := t.x.f
	def, err := f.w.cfg.Host.Definition(&Record{Scope: f.r.Scope, Flow: &Flow{Definition: []any{
		map[string]any{"type": name, "input": map[string]any{"value": "${value}", "args": "${args}"}},
	}}})
	if err != nil || def.Steps[0].Custom == nil {
		return nil, false, nil
	}
	list := make([]any, len(args))
	for i, arg := range args {
		list[i] = arg
	}
	given := &values{m: map[string]any{"value": v, "args": list}}
	t.x.customs++ // so that a second one of a type is another run
	r, err := t.x.child(ctx, def, "transform-"+strconv.Itoa(t.x.customs), f.ent, given)
	if err != nil {
		return nil, true, err
	}
	return f.ent.Tree().Resolve(r.Result), true, nil
}

// await resolves what wait waits for, in lists and maps too.
func (f *flow) await(ctx context.Context, v any) (any, error) {
	switch v := v.(type) {
	case *deferred:
		o := expr.DefaultWait()
		o.AbortIfOnFire, o.TimeoutIfDown = false, nil
		defer task.From(ctx).Block("Waiting for " + v.String())()
		out, err := v.of.WhenReady(ctx, v.sensor, o)
		return f.ent.Tree().Resolve(out), err
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = f.await(ctx, v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			var err error
			if out[k], err = f.await(ctx, v[k]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (x *exec) wait(ctx context.Context) error {
	if x.f.acted {
		if err := x.f.commit(ctx); err != nil {
			return err
		}
	}
	name, typ, err := x.target(ctx)
	if err != nil {
		return err
	}
	v, err := x.f.evalAny(ctx, x.s.Args["value"].Value, x, expr.Fail)
	if err != nil {
		return err
	}
	if x.given("task") {
		if v, err = x.f.waitTask(ctx, coerce.Text(v)); err != nil {
			return err
		}
	} else if v, err = x.f.await(ctx, v); err != nil {
		return err
	}
	if name != "" {
		return x.assign(ctx, name, typ, v)
	}
	x.out, x.has = v, true
	return nil
}

func (f *flow) waitTask(ctx context.Context, id string) (any, error) {
	t, err := f.w.cfg.Tasks.Get(task.ID(id))
	if err != nil {
		return nil, err
	}
	defer task.From(ctx).Block(fmt.Sprintf("Waiting for task %s", id))()
	v, err := t.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return f.ent.Tree().Resolve(v), err
}

// load reads a file or an address into a variable.
func (x *exec) load(ctx context.Context) error {
	name, typ, err := x.target(ctx)
	if err != nil {
		return err
	}
	in := map[string]any{}
	for _, key := range []string{"url", "charset"} {
		v, err := x.arg(ctx, key)
		if err != nil {
			return err
		}
		in[key] = v
	}
	out, err := x.f.w.cfg.Host.Act(x.stepContext(ctx), x.record(), hook.Step{Step: "load", Input: in})
	if err != nil {
		return err
	}
	if name == "" {
		x.out, x.has = out, true
		return nil
	}
	return x.assign(ctx, name, typ, out)
}
