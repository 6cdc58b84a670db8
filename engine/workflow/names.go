package workflow

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
)

// names answers what ${…} names in a run: x is the step that asks, nil outside
// steps.
type names struct {
	f *flow
	x *exec
}

// The objects whose members ${…} may name.
type (
	workflowNames struct{ names }
	inputNames    struct{ *flow }
	varNames      struct{ *flow }
	stepNames     struct{ *flow }
	utilNames     struct{ *flow }
	stepName      struct {
		f    *flow
		path string
	}
	configNames struct {
		f *flow
		e *entity.Entity
	}
	sensorNames struct{ e *entity.Entity }
	awaitNames  struct{ e *entity.Entity }
)

// deferred is a sensor's value that only wait waits for.
type deferred struct {
	of     *entity.Entity
	sensor string
}

func (d *deferred) String() string { return "attributeWhenReady." + d.sensor + " of " + d.of.Name() }

// Name finds the first word of a path, in the order of the language: what the
// step gives just now, its input, the output before it, variables, and what the
// workflow was given.
func (n names) Name(_ context.Context, name string) (any, error) {
	f, x := n.f, n.x
	switch name {
	case "workflow":
		return &workflowNames{n}, nil
	case "entity":
		return f.ent, nil
	case "output":
		switch {
		case f.st.finalHas:
			return f.st.final, nil
		case x != nil && x.inOutput && x.has:
			return x.out, nil
		case f.st.has:
			return f.st.output, nil
		}
		return nil, expr.Unknown(name)
	}
	if x != nil {
		if m, ok := x.out.(map[string]any); ok && x.inOutput {
			if v, ok := m[name]; ok {
				return v, nil
			}
		}
		if v, ok := x.input.get(name); ok {
			return v, nil
		}
	}
	if m, ok := f.st.output.(map[string]any); ok {
		if v, ok := m[name]; ok {
			return v, nil
		}
	}
	if v, ok := f.st.vars.get(name); ok {
		return v, nil
	}
	if v, ok := f.st.input.get(name); ok {
		return v, nil
	}
	if name == "error" {
		if e := f.handling(); e != nil {
			return e.Message, nil
		}
	}
	return nil, expr.Unknown(name)
}

// Member gives a member of an entity, or of what Name gave out.
func (n names) Member(ctx context.Context, of any, name string) (any, error) {
	switch o := of.(type) {
	case *entity.Entity:
		return n.ofEntity(o, name)
	case *workflowNames:
		return o.member(name)
	case *inputNames:
		return found(o.st.input, "workflow.input.", name)
	case *varNames:
		return found(o.st.vars, "workflow.var.", name)
	case *stepNames:
		if s := o.def.ByID(name); s != nil {
			return &stepName{o.flow, s.Path}, nil
		}
		return nil, expr.Unknown("workflow.step." + name)
	case *stepName:
		return o.member(name)
	case *utilNames:
		return util(name)
	case *configNames:
		v, err := o.e.Config(ctx, name)
		if v == nil && err == nil {
			err = expr.Unknown("entity.config." + name)
		}
		return v, err
	case *sensorNames:
		if v, ok := o.e.Sensor(name); ok {
			return o.e.Tree().Resolve(v), nil
		}
		return nil, expr.Unknown("entity.sensor." + name)
	case *awaitNames:
		return &deferred{o.e, name}, nil
	}
	return nil, expr.Unknown(name)
}

func found(v *values, what, name string) (any, error) {
	if x, ok := v.get(name); ok {
		return x, nil
	}
	return nil, expr.Unknown(what + name)
}

func (n names) ofEntity(e *entity.Entity, name string) (any, error) {
	switch name {
	case "id":
		return string(e.ID()), nil
	case "name", "displayName":
		return e.Name(), nil
	case "type":
		return e.Type(), nil
	case "planId":
		return e.PlanID(), nil
	case "config":
		return &configNames{n.f, e}, nil
	case "sensor", "attribute":
		return &sensorNames{e}, nil
	case "attributeWhenReady", "attributeWhenReadyAllowingOnFire":
		return &awaitNames{e}, nil
	case "children":
		return entities(e.Children()), nil
	case "members":
		return entities(e.Members()), nil
	case "parent":
		if p := e.Parent(); p != nil {
			return p, nil
		}
		return nil, nil
	case "application":
		return e.Root(), nil
	case "tags":
		return e.Tags(), nil
	case "location", "locations":
		var out []any
		for _, l := range e.Locations() {
			out = append(out, l)
		}
		return out, nil
	case "effector":
		out := map[string]any{}
		for _, eff := range e.Declaration().Effectors {
			out[eff.Name] = eff.Name
		}
		return out, nil
	}
	return nil, expr.Unknown("entity." + name)
}

func entities(list []*entity.Entity) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out
}

func (o *workflowNames) member(name string) (any, error) {
	f := o.f
	switch name {
	case "name":
		return f.r.Name, nil
	case "id":
		return string(f.r.ID), nil
	case "task_id":
		return f.r.Task, nil
	case "input":
		return &inputNames{f}, nil
	case "var":
		return &varNames{f}, nil
	case "step":
		return &stepNames{f}, nil
	case "util":
		return &utilNames{f}, nil
	case "output":
		return o.names.Name(context.Background(), "output")
	case "current_step":
		if o.x != nil {
			return &stepName{f, o.x.s.Path}, nil
		}
	case "previous_step":
		if f.st.previous != "" {
			return &stepName{f, f.st.previous}, nil
		}
	case "error", "error_handler":
		if e := f.handling(); e != nil {
			if name == "error" {
				return e.Message, nil
			}
			return &stepName{f, e.Step}, nil
		}
	}
	return nil, expr.Unknown("workflow." + name)
}

func (o *stepName) member(name string) (any, error) {
	s := o.f.def.ByPath(o.path)
	if s == nil {
		return nil, expr.Unknown("workflow.step")
	}
	i := o.f.infos[o.path]
	switch name {
	case "name":
		return s.Label(), nil
	case "step_id", "id":
		return s.ID, nil
	case "step_index", "index":
		return int64(s.Index), nil
	}
	if i == nil {
		return nil, expr.Unknown("the " + name + " of step " + s.Label() + ", which has not run,")
	}
	switch name {
	case "task_id":
		return i.task, nil
	case "input":
		if i.input == nil {
			return map[string]any{}, nil
		}
		return i.input.m, nil
	case "output":
		if i.has {
			return i.output, nil
		}
	case "error":
		if i.error != "" {
			return i.error, nil
		}
	}
	return nil, expr.Unknown("the " + name + " of step " + s.Label())
}

// util gives what the language has of clocks and chance.
func util(name string) (any, error) {
	now := time.Now()
	switch name {
	case "now":
		return now.UnixMilli(), nil
	case "now_utc", "now_instant":
		return now.UTC().Truncate(time.Millisecond), nil
	case "now_iso":
		return now.UTC().Format("2006-01-02T15:04:05.000Z"), nil
	case "now_stamp":
		return now.UTC().Format("20060102-150405") + fmt.Sprintf("%03d", now.Nanosecond()/1_000_000), nil
	case "now_nice":
		return now.UTC().Format("2006-01-02 15:04:05.000"), nil
	case "random":
		return rand.Float64(), nil
	}
	return nil, expr.Unknown("workflow.util." + name)
}

// env answers the questions of conditions.
type env struct {
	predicate.Env
	f *flow
	x *exec
}

// Evaluate computes an operand, $brooklyn: and ${…}.
func (v env) Evaluate(ctx context.Context, raw any) (any, error) {
	t, err := v.f.def.Operand(raw)
	if err != nil {
		return nil, err
	}
	out, err := v.f.eval(ctx, t, v.x)
	if expr.IsMissing(err) {
		return predicate.Missing{}, nil
	}
	return out, err
}

// holds tells whether a condition holds of a value; of the entity when that is
// nil.
func (f *flow) holds(ctx context.Context, c *step.Condition, subject any, x *exec) (bool, error) {
	if c == nil {
		return true, nil
	}
	if subject == nil {
		subject = f.ent
	}
	return c.Predicate.Test(ctx, predicate.Subject{Value: subject, Env: env{f.ent.Env(), f, x}})
}
