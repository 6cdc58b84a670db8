package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// The steps of this file change what there is: entities, policies and what
// entities are made of. What they make has names that follow from the step, so
// that one which is repeated after a crash finds it.

// startMode reads whether what a step adds is started: async, sync or disabled.
func startMode(v any) (string, error) {
	if v == nil {
		return "async", nil
	}
	switch mode := strings.ToLower(coerce.Text(v)); mode {
	case "async", "sync":
		return mode, nil
	case "true":
		return "async", nil
	case "disabled", "false":
		return "disabled", nil
	default:
		return "", fault.New(fault.Invalid, "step input start: expected async, sync or disabled, not %q", mode)
	}
}

// written gives the blueprint that a step describes: by the key blueprint, or
// as the name of a type.
func written(in map[string]any) (any, error) {
	if v := in["blueprint"]; v != nil {
		return v, nil
	}
	if t := in["type"]; t != nil {
		return map[string]any{"type": coerce.Text(t)}, nil
	}
	return nil, fault.New(fault.Invalid, "expected a type or a blueprint")
}

func (e *Engine) addEntityStep(ctx context.Context, c *action.Call) (any, error) {
	parent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	plan, err := written(c.Input)
	if err != nil {
		return nil, err
	}
	mode, err := startMode(c.Input["start"])
	if err != nil {
		return nil, err
	}
	specs, err := e.childSpecs(ctx, map[string]any{"blueprint": plan})
	if err != nil {
		return nil, err
	}
	added := make([]any, len(specs))
	for i, s := range specs {
		child, err := e.addOnce(ctx, c, parent, s, i)
		if err != nil {
			return nil, err
		}
		if err := e.startAdded(ctx, child, mode); err != nil {
			return nil, err
		}
		added[i] = entity.Document(child)
	}
	return map[string]any{"entity": added[0], "entities": added}, nil
}

// addOnce adds the i-th entity of a step, or finds it.
func (e *Engine) addOnce(ctx context.Context, c *action.Call, parent *entity.Entity, s *blueprint.Spec, i int) (*entity.Entity, error) {
	id := entity.ID(madeBy(c, i))
	if child, err := e.tree.Get(id); err == nil {
		return child, nil
	}
	return e.addChild(ctx, parent, s, id, origin{bundle: e.bundleOf(workflow.Current(ctx).Scope)})
}

// startAdded starts an entity as a step says. One that is under way, or was
// started before, is left.
func (e *Engine) startAdded(ctx context.Context, child *entity.Entity, mode string) error {
	if mode == "disabled" || !child.Declaration().Startable() {
		return nil
	}
	if mode == "sync" {
		_, err := e.nested(ctx, child, "start", nil)
		return fault.Wrap(err, "start", child.Name())
	}
	if child.State() != entity.Created {
		return nil
	}
	_, err := e.Invoke(ctx, child, "start", nil)
	return err
}

func (e *Engine) deleteEntityStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if fault.KindOf(err) == fault.NotFound {
		if doc, is := c.Input["entity"].(map[string]any); is && doc["$entity"] != nil {
			return nil, nil // it was there when the step began
		}
	}
	if err != nil {
		return nil, err
	}
	if ent.Declaration().Effector("stop") != nil && ent.State() != entity.Created && ent.State() != entity.Stopped {
		if _, err := e.nested(ctx, ent, "stop", nil); err != nil {
			return nil, fault.Wrap(err, "stop", ent.Name())
		}
	}
	return nil, e.unmanage(ctx, ent)
}

func (e *Engine) reparentStep(ctx context.Context, c *action.Call) (any, error) {
	child, err := e.self(c)
	if v := c.Input["child"]; v != nil {
		child, err = e.named(c, v)
	}
	if err != nil {
		return nil, err
	}
	parent, err := e.self(c)
	if v := c.Input["parent"]; v != nil {
		parent, err = e.named(c, v)
	}
	if err != nil {
		return nil, err
	}
	return nil, child.Reparent(ctx, parent)
}

func (e *Engine) deployStep(ctx context.Context, c *action.Call) (any, error) {
	plan, err := written(c.Input)
	if err != nil {
		return nil, err
	}
	mode, err := startMode(c.Input["start"])
	if err != nil {
		return nil, err
	}
	id := madeBy(c, 0)
	app, err := e.tree.Get(entity.ID(id))
	if err != nil {
		text, is := plan.(string)
		if !is {
			text = yamlpos.Format(yamlpos.FromAny(plan, yamlpos.Pos{}))
		}
		spec, err := e.parse(ctx, Request{Text: []byte(text)})
		if err != nil {
			return nil, err
		}
		p, err := e.plan(ctx, spec, id)
		if err != nil {
			return nil, err
		}
		if app, _, err = e.realise(ctx, nil, p, false); err != nil {
			return nil, err
		}
	}
	return map[string]any{"app": entity.Document(app)}, e.startAdded(ctx, app, mode)
}

// part reads the policy or initializer that a step describes.
func (e *Engine) part(c *action.Call, kind string) (*blueprint.Adjunct, string, error) {
	plan, err := written(c.Input)
	if err != nil {
		return nil, "", err
	}
	n := yamlpos.FromAny(plan, yamlpos.Pos{})
	if text, is := plan.(string); is && strings.Contains(text, ":") {
		if n, err = yamlpos.Parse("blueprint", []byte(text), e.cfg.Limits.Blueprint); err != nil {
			return nil, "", err
		}
	}
	tag := coerce.Text(c.Input["unique_tag"])
	if n.Kind == yamlpos.Map {
		kept := *n
		kept.Entries = nil
		for _, entry := range n.Entries {
			if entry.Key == "uniqueTag" || entry.Key == "unique_tag" {
				tag = entry.Value.Text
				continue
			}
			kept.Entries = append(kept.Entries, entry)
		}
		n = &kept
	}
	a, err := camp.ParsePart(n, kind)
	return a, tag, err
}

func (e *Engine) addPolicyStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	a, tag, err := e.part(c, catalog.Policy)
	if err != nil {
		return nil, err
	}
	id := madeBy(c, 0)
	for _, i := range e.policies.Of(string(ent.ID())) {
		if i.ID == id {
			return nil, nil
		}
	}
	p := e.planner(ctx, ent)
	p.policy(a, layer{from: origin{bundle: e.bundleOf(workflow.Current(ctx).Scope)}}, &entity.New{Record: entity.Record{ID: ent.ID()}}, catalog.Policy, catalog.Enricher)
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	if len(p.plan.policies) == 0 {
		return nil, fault.New(fault.Invalid, "type %s cannot be used", a.Type)
	}
	for _, w := range p.warnings.List() {
		fmt.Fprintln(c.Err, "warning:", w.Msg)
	}
	r := p.plan.policies[0]
	r.ID = id
	if tag != "" {
		r.Tag = tag
	}
	return nil, e.policies.Add(ctx, ent, r)
}

func (e *Engine) deletePolicyStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	want := c.Input["policy"]
	if m, is := want.(map[string]any); is {
		want = m["id"]
	}
	name := coerce.Text(want)
	var b store.Batch
	n := e.policies.DetachSome(string(ent.ID()), func(i adjunct.Info) bool {
		return i.Tag == name || i.ID == name || i.Name == name || i.Type == name
	}, &b)
	if n == 0 {
		return nil, fault.New(fault.NotFound, "%s has no policy %q", ent.Name(), name)
	}
	return nil, e.store.Commit(ctx, &b)
}

func (e *Engine) applyStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	a, _, err := e.part(c, catalog.Initializer)
	if err != nil {
		return nil, err
	}
	p := e.planner(ctx, ent)
	before := ent.Initializers()
	n := &entity.New{Record: entity.Record{ID: ent.ID(), Initializers: before[:len(before):len(before)]}, Declaration: ent.Declaration()}
	p.initializer(a, layer{from: origin{bundle: e.bundleOf(workflow.Current(ctx).Scope)}}, n)
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	i := n.Initializers[len(n.Initializers)-1]
	for _, old := range before {
		if old.Type == i.Type && reflect.DeepEqual(old.Config, i.Config) {
			return nil, nil // the step is being repeated
		}
	}
	if err := ent.Extend(ctx, i, n.Declaration); err != nil {
		return nil, err
	}
	var errs []error
	for _, s := range n.Sensors {
		errs = append(errs, ent.PublishStatic(ctx, s))
	}
	e.attachFeed(ent, i)
	return nil, errors.Join(append(errs, e.runOnce(ctx, ent, i))...)
}

// loadStep reads a file of the bundle that the workflow stands in, or what an
// address gives.
func (e *Engine) loadStep(ctx context.Context, c *action.Call) (any, error) {
	from, err := required(c, "url")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(from)
	if err != nil {
		return nil, fault.New(fault.Invalid, "load: %w", err)
	}
	switch u.Scheme {
	case "http", "https":
		get, ok := e.actions["http"]
		if !ok {
			return nil, fault.New(fault.Invalid, "load: this server cannot send HTTP requests")
		}
		call := *c
		call.Input = map[string]any{"endpoint": from, "confine": c.Input["confine"]}
		out, err := get.Run(ctx, &call)
		doc, _ := out.(map[string]any)
		return doc["content"], err
	case "", "classpath":
		b := e.bundleOf(workflow.Current(ctx).Scope)
		if b == nil {
			return nil, fault.New(fault.NotFound, "load: %s: the workflow does not stand in a bundle that has files", from)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(from, "classpath:"), "//"), "/")
		text, err := e.BundleFile(b, name)
		return string(text), err
	}
	return nil, fault.New(fault.Invalid, "load: %s: expected a file of the bundle, or an http or https address", from)
}

// createChildStep adds one child with the plan id in its blueprint, or finds
// it. It is started when its parent runs.
func (e *Engine) createChildStep(ctx context.Context, c *action.Call) (any, error) {
	parent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	specs, err := e.childSpecs(ctx, c.Input)
	if err != nil {
		return nil, err
	}
	if len(specs) != 1 {
		return nil, fault.New(fault.Invalid, "expected the blueprint of one entity, not of %d", len(specs))
	}
	index, _ := c.Input["index"].(int64)
	child, err := e.addOnce(ctx, c, parent, specs[0], int(index))
	if err != nil {
		return nil, err
	}
	mode := "disabled"
	if state := parent.State(); state == entity.Running || state == entity.Starting {
		mode = "sync"
	}
	return entity.Document(child), e.startAdded(ctx, child, mode)
}
