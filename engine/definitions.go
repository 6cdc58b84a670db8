package engine

import (
	"context"
	"encoding/json"
	"maps"
	"sync"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// definitions keeps workflows that were read, by their text and the catalog
// that gave their words a meaning.
type definitions struct {
	mu        sync.Mutex
	types     *catalog.Registry
	known     map[string]*step.Workflow
	effectors map[effectorOf]*step.Workflow
}

// effectorOf names an effector that is a workflow.
type effectorOf struct {
	declaration *entity.Declaration
	name        string
}

// maxDefinitions is how many are kept.
const maxDefinitions = 2_000

// read gives the workflow of a definition, whose step types are looked for in
// a bundle first.
func (d *definitions) read(types *catalog.Registry, raw any, bundle *catalog.Bundle) (*step.Workflow, error) {
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, fault.New(fault.Invalid, "a workflow is not JSON: %w", err)
	}
	key := string(text)
	if bundle != nil {
		key += " " + bundle.ID()
	}
	d.mu.Lock()
	if d.types != types || len(d.known) >= maxDefinitions {
		d.types, d.known, d.effectors = types, map[string]*step.Workflow{}, nil
	}
	w := d.known[key]
	d.mu.Unlock()
	if w != nil {
		return w, nil
	}
	if w, err = step.Parse(yamlpos.FromAny(raw, yamlpos.Pos{}), &stepTypes{d, types, bundle}, step.Limits{}); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.types == types {
		d.known[key] = w
	}
	return w, nil
}

// effector gives the workflow of an effector, which it reads once.
func (d *definitions) effector(types *catalog.Registry, key effectorOf, read func() (*step.Workflow, error)) (*step.Workflow, error) {
	d.mu.Lock()
	w := d.effectors[key]
	if d.types != types {
		w = nil
	}
	d.mu.Unlock()
	if w != nil {
		return w, nil
	}
	w, err := read()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.types == types {
		if d.effectors == nil || len(d.effectors) >= maxDefinitions {
			d.effectors = map[effectorOf]*step.Workflow{}
		}
		d.effectors[key] = w
	}
	return w, nil
}

// stepTypes finds step types in the catalog.
type stepTypes struct {
	read   *definitions
	types  *catalog.Registry
	bundle *catalog.Bundle
}

// StepType gives a type that is a workflow, or one that a module decides for.
func (s *stepTypes) StepType(name string) (*step.Custom, error) {
	if t, err := s.types.Find(catalog.Step, name, s.bundle); err == nil && t.Step != nil {
		return &step.Custom{Name: name, Module: true, Inputs: func(pos yamlpos.Pos, input *yamlpos.Node) error { return stepInputs(&t.Type, pos, input) }}, nil
	}
	t, err := s.types.Find(catalog.Bean, name, s.bundle)
	if err != nil {
		return nil, err
	}
	if t.Plan == nil || t.Plan.Node == nil || t.Plan.Node.Kind != yamlpos.Map {
		return nil, fault.New(fault.NotFound, "%s is not a step", name)
	}
	plan := t.Plan.Node
	base := superOf(plan)
	if base != "workflow" && base != "org.apache.brooklyn.core.workflow.steps.CustomWorkflowStep" {
		return nil, fault.New(fault.NotFound, "%s is not a step: its type is %q, not workflow", name, base)
	}
	out := &step.Custom{Name: name}
	if sh := plan.Get("shorthand"); sh != nil {
		out.Shorthand = sh.Text
	}
	own := &stepTypes{s.read, s.types, t.Bundle}
	out.Definition = func() (*step.Workflow, error) { return own.definition(t) }
	return out, nil
}

// stepInputs tells what is wrong with what a step of a module is given, as far
// as it is written out. pos is where the step stands.
func stepInputs(t *hook.Type, pos yamlpos.Pos, input *yamlpos.Node) error {
	if len(t.Config) == 0 {
		return nil
	}
	var errs yamlpos.Errors
	given := map[string]bool{}
	for _, entry := range input.Entries {
		k, known := guest.InputKey(t, entry.Key)
		if !known {
			errs.Add(entry.KeyPos, "%s has no input %q%s", t.Name, entry.Key, nearest.Hint(entry.Key, guest.InputNames(t)))
		}
		if k == nil {
			continue
		}
		given[k.Name] = true
		value, err := expr.CompileTemplate(entry.Value, expr.Limits{})
		if err != nil {
			continue // whoever reads the step tells
		}
		v, literal := value.Constant()
		if _, err := coerce.To(k.Type, v); literal && err != nil {
			errs.Add(entry.Value.Pos, "input %s of %s: %s", k.Name, t.Name, err)
		}
	}
	for i := range t.Config {
		if k := &t.Config[i]; k.Required && k.Default == nil && !given[k.Name] {
			errs.Add(pos, "%s needs the input %s", t.Name, k.Name)
		}
	}
	return errs.Err()
}

// definition reads a type's workflow once.
func (s *stepTypes) definition(t *catalog.Type) (*step.Workflow, error) {
	key := "type " + t.ID()
	s.read.mu.Lock()
	if s.read.types != s.types {
		s.read.types, s.read.known, s.read.effectors = s.types, map[string]*step.Workflow{}, nil
	}
	w := s.read.known[key]
	s.read.mu.Unlock()
	if w != nil {
		return w, nil
	}
	w, err := step.Parse(t.Plan.Node, s, step.Limits{})
	if err != nil {
		return nil, err
	}
	s.read.mu.Lock()
	defer s.read.mu.Unlock()
	if s.read.types == s.types {
		s.read.known[key] = w
	}
	return w, nil
}

// bundleOf gives the bundle in whose text a scope is, nil for others.
func (e *Engine) bundleOf(in entity.Scope) *catalog.Bundle {
	if in.Bundle == "" {
		return nil
	}
	b, err := e.types.Load().Bundle(blueprint.SplitType(in.Bundle))
	if err != nil {
		return nil
	}
	return b
}

// Definition reads the definition of a run.
func (e deciding) Definition(r *workflow.Record) (*step.Workflow, error) {
	types := e.types.Load()
	if ent, err := e.tree.Get(entity.ID(r.Entity)); err == nil && r.Effector != "" {
		if _, added := ent.Declaration().Added[r.Effector]; added && !r.Resumed() { // else it may have been another one then
			return e.flowDefinitions.effector(types, effectorOf{ent.Declaration(), r.Effector}, func() (*step.Workflow, error) {
				return e.flowDefinitions.read(types, r.Flow.Definition, e.bundleOf(r.Scope))
			})
		}
	}
	return e.flowDefinitions.read(types, r.Flow.Definition, e.bundleOf(r.Scope))
}

// Entity gives the entity of an id.
func (e deciding) Entity(id string) (*entity.Entity, error) { return e.tree.Get(entity.ID(id)) }

// Retention gives what config of the entity says of ended runs.
func (e deciding) Retention(r *workflow.Record) *step.Retention {
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return nil
	}
	v, set := ent.RawConfig("workflow.retention.default")
	if !set {
		return nil
	}
	keep, err := step.ParseRetention(coerce.Text(v))
	if err != nil {
		e.log.Warn("config workflow.retention.default cannot be read", "entity", ent.Name(), "err", err)
		return nil
	}
	return keep
}

// definitionOf gives the workflow that an initializer's or adjunct's config
// is, without the keys that are its host's.
func definitionOf(t *catalog.Type, config map[string]any) map[string]any {
	out := maps.Clone(config)
	for _, key := range t.Flow.Own {
		delete(out, key)
	}
	for key, v := range out {
		if v == nil {
			delete(out, key)
		}
	}
	return out
}

// flowRecord gives the record of a run of a definition.
func flowRecord(ent *entity.Entity, name string, definition any, scope entity.Scope) *workflow.Record {
	id := task.NewID()
	return &workflow.Record{
		ID: workflow.ID(id), Task: id, Application: string(ent.Application()), Entity: string(ent.ID()), Name: name,
		Scope: scope, Flow: &workflow.Flow{Definition: definition},
	}
}

// RunWorkflow runs a workflow that a user wrote for an entity: a definition, or
// a bare list of steps.
func (e *Engine) RunWorkflow(ctx context.Context, ent *entity.Entity, r Request) (*task.Task, error) {
	n, err := yamlpos.Parse(r.File, r.Text, e.cfg.Limits.Blueprint)
	if err != nil {
		return nil, err
	}
	if n.Kind == yamlpos.Scalar { // one step
		n = &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.List, Items: []*yamlpos.Node{n}}
	}
	if n.Kind == yamlpos.Map && n.Get("steps") == nil && (n.Get("step") != nil || n.Get("s") != nil) {
		n = &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.List, Items: []*yamlpos.Node{n}}
	}
	w, err := step.Parse(n, &stepTypes{&e.flowDefinitions, e.types.Load(), nil}, step.Limits{})
	if err != nil {
		return nil, err
	}
	name := w.Name
	if name == "" {
		name = "workflow"
	}
	return e.launch(ctx, ent, flowRecord(ent, name, n.Any(), entity.Scope{}), nil)
}

// workflowStep runs the workflow in its input, as part of the run that decided
// on it: what modules and types implemented by code answer with.
func (e *Engine) workflowStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	name, _ := c.Input["name"].(string)
	if name == "" {
		name = "workflow"
	}
	rec := flowRecord(ent, name, c.Input["definition"], entity.Scope{})
	rec.Args, _ = c.Input["args"].(map[string]any)
	return e.runNested(ctx, ent, rec, "workflow")
}

// runNested runs a definition within the current run, at most once.
func (e *Engine) runNested(ctx context.Context, ent *entity.Entity, rec *workflow.Record, what string) (any, error) {
	rec.ID = workflow.Current(ctx).Nest(what)
	rec.Task = string(rec.ID)
	return e.flows.Nested(ctx, rec, e.taskSpec(ent, rec), func(ctx context.Context, rest workflow.Rest) (any, error) { return rest(ctx) })
}

// Plan runs what a module decides for a step.
func (e deciding) Plan(ctx context.Context, r *workflow.Record, typ string, input map[string]any) (any, error) {
	ent, err := e.tree.Get(entity.ID(r.Entity))
	if err != nil {
		return nil, err
	}
	rec := &workflow.Record{
		ID: r.ID + ".module", Application: r.Application, Entity: r.Entity, Name: typ, StepType: typ, Args: input, Scope: r.Scope,
	}
	rec.Task = string(rec.ID)
	return e.flows.Nested(ctx, rec, e.taskSpec(ent, rec), func(ctx context.Context, rest workflow.Rest) (any, error) { return rest(ctx) })
}

// decideStep asks a module what a step of its type does.
func (e deciding) decideStep(ctx context.Context, ent *entity.Entity, r *workflow.Record, call *hook.EffectorCall) (*hook.Decision, error) {
	t, err := e.types.Load().Find(catalog.Step, r.StepType, e.bundleOf(r.Scope))
	if err != nil {
		return nil, err
	}
	if t.Step == nil {
		return nil, fault.New(fault.Invalid, "type %s cannot decide what a step does", t.Name)
	}
	t = e.began(t, r)
	if call.Args, err = guest.Args(&t.Type, call.Args); err != nil {
		return nil, err
	}
	call.Type, call.Entity.Config = t.Name, ent.ReadyConfig(ctx)
	call.Related = e.related(ctx, ent, t.Related, call.Args)
	d, err := t.Step(ctx, call)
	return e.able(&asked{hook.StepPlan, t, ent, givenCall(call)}, d, err)
}
