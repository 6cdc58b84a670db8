package engine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// register puts the steps of the engine itself and those given to it into one
// table.
func (e *Engine) register(given []action.Action) error {
	own := []action.Action{
		{Name: "wait", Doc: "wait until a sensor has a value that counts as true", Run: e.wait},
		{Name: "set-sensor", Doc: "publish a sensor value", Run: e.setSensorStep},
		{Name: "clear-sensor", Doc: "take a sensor value away", Run: e.clearSensorStep},
		{Name: "set-config", Doc: "set a config key", Run: e.setConfigStep},
		{Name: "clear-config", Doc: "take a config value away", Run: e.clearConfigStep},
		{Name: "set-entity-name", Doc: "give an entity another name", Run: e.renameStep},
		{Name: "workflow", Doc: "run a workflow", Run: e.workflowStep},
		{Name: "add-entity", Doc: "add entities below this one", Run: e.addEntityStep},
		{Name: "set-locations", Doc: "give an entity locations of its own", Run: e.setLocationsStep},
		{Name: "create-child", Doc: "add one entity below this one, unless it is there", Run: e.createChildStep},
		{Name: "delete-entity", Doc: "stop and remove an entity", Run: e.deleteEntityStep},
		{Name: "reparent-entity", Doc: "put an entity below another one", Run: e.reparentStep},
		{Name: "deploy-application", Doc: "deploy another application", Run: e.deployStep},
		{Name: "add-policy", Doc: "add a policy or enricher", Run: e.addPolicyStep},
		{Name: "delete-policy", Doc: "take a policy or enricher away", Run: e.deletePolicyStep},
		{Name: "suspend-policy", Doc: "let a policy or enricher rest", Run: e.suspendPolicyStep},
		{Name: "resume-policy", Doc: "let a policy or enricher that rests run again", Run: e.resumePolicyStep},
		{Name: "apply-initializer", Doc: "apply an initializer", Run: e.applyStep},
		{Name: "load", Doc: "read a file of the bundle or an address", Run: e.loadStep},
		{Name: "invoke-effector", Doc: "call an effector and wait for its result", Run: e.invokeStep},
		{Name: "invoke-children", Doc: "call an effector of all children that have it, at the same time", Run: e.invokeChildren},
		{Name: "add-children", Doc: "add entities below this one, from a blueprint", Run: e.addChildrenStep},
		{Name: "add-from-spec", Doc: "add entities below this one, from the spec in its config, and start them", Run: e.addFromSpec},
		{Name: "add-per-location", Doc: "have one member for each location of a fabric", Run: e.addPerLocation},
		{Name: "add-members", Doc: "add members to a cluster, from the spec in its config", Run: e.addMembers},
		{Name: "choose-members", Doc: "choose members to leave a cluster, by its removal strategy", Run: e.chooseMembers},
		{Name: "remove-members", Doc: "stop members of a cluster and remove them", Run: e.removeMembers},
		{Name: "change-members", Doc: "bring the sensors of a group in line with its members", Run: e.changeMembersStep},
		{Name: "obtain-host", Doc: "choose a host for the entity and reserve a place on it", Run: e.obtainHost},
		{Name: "release-host", Doc: "give the entity's place back", Run: e.releaseHost},
		{Name: "set-on-fire", Doc: "mark the entity as failed", Run: e.setOnFire},
		{Name: "clean-locations", Doc: "remove what belongs to the application as a whole", Run: e.cleanLocations},
		{Name: "unmanage", Doc: "remove the entity and all below it from management", Run: e.unmanageStep},
		{Name: "repeat", Doc: "run another step until it succeeds; bounded by the step's timeout", Run: e.repeat},
		{Name: "if-placed", Doc: "run another step if the entity holds a place", Run: e.ifPlaced},
		{Name: "publish-output", Doc: "run another step and publish its output in a sensor", Run: e.publishStep},
		{Name: "evaluate", Doc: "give a value as the step's output", Run: func(_ context.Context, c *action.Call) (any, error) { return c.Input["value"], nil }},
		{Name: "sleep", Doc: "let time pass", Run: sleep},
		{Name: "log", Doc: "write a line to the task's output and the server's log", Run: e.logStep},
		{Name: "fail", Doc: "end the workflow with an error", Run: failStep},
		{Name: "no-op", Doc: "do nothing", Run: func(context.Context, *action.Call) (any, error) { return nil, nil }},
	}
	e.actions = make(map[string]action.Action, len(own)+len(given))
	for _, a := range append(own, given...) {
		if _, taken := e.actions[a.Name]; taken {
			return fault.New(fault.Conflict, "step type %s is registered twice", a.Name)
		}
		e.actions[a.Name] = a
	}
	return nil
}

// self gives the entity on whose behalf a step acts.
func (e *Engine) self(c *action.Call) (*entity.Entity, error) {
	return e.tree.Get(entity.ID(c.Entity.ID))
}

// subject gives the entity that a step's input names, or its own.
func (e *Engine) subject(c *action.Call) (*entity.Entity, error) {
	v, named := c.Input["entity"]
	if !named || v == nil {
		return e.self(c)
	}
	return e.named(c, v)
}

// named gives the entity that a value stands for: itself, or one of the
// application by plan id or id.
func (e *Engine) named(c *action.Call, v any) (*entity.Entity, error) {
	if ent, ok := e.tree.ByValue(v); ok {
		return ent, nil
	}
	if self, err := e.self(c); err == nil {
		if text, ok := v.(string); ok {
			if ent := self.Nearest(text); ent != nil {
				return ent, nil
			}
		}
	}
	return nil, fault.New(fault.NotFound, "No entity matching id '%v'", v)
}

func required(c *action.Call, key string) (string, error) {
	if s, ok := c.Input[key].(string); ok && s != "" {
		return s, nil
	}
	return "", fault.New(fault.Invalid, "step input %s: expected a text, got %v", key, c.Input[key])
}

func (e *Engine) wait(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	sensor, err := required(c, "sensor")
	if err != nil {
		return nil, err
	}
	o := expr.DefaultWait()
	if t := c.Input["timeout"]; t != nil {
		d, err := coerce.Duration(t)
		if err != nil {
			return nil, fault.New(fault.Invalid, "step input timeout: %w", err)
		}
		o.Timeout = &d
	}
	v, err := ent.WhenReady(ctx, sensor, o)
	if err != nil {
		return nil, err
	}
	names, _ := c.Input["read"].([]any)
	sensors := make(map[string]any, len(names))
	for _, n := range names {
		if value, ok := ent.Sensor(fmt.Sprint(n)); ok {
			sensors[fmt.Sprint(n)] = value
		}
	}
	return map[string]any{"value": v, "sensors": sensors, "entity": entity.Document(ent)}, nil
}

func (e *Engine) invokeStep(ctx context.Context, c *action.Call) (any, error) {
	effector, err := required(c, "effector")
	if err != nil {
		return nil, err
	}
	ent, err := e.invoked(c, effector)
	if err != nil || ent == nil {
		return nil, err
	}
	if workflow.Current(ctx).Adjunct != "" && effector == "restart" && !wanted(ent) {
		// The policy decided on an entity that meanwhile was stopped.
		fmt.Fprintf(c.Out, "%s is not expected to run any more\n", ent.Name())
		return nil, nil
	}
	args, _ := c.Input["args"].(map[string]any)
	overridden, _ := c.Input["overridden"].(bool)
	out, err := e.nestedAs(ctx, ent, effector, args, overridden)
	if lenient, _ := c.Input["lenient"].(bool); lenient && err != nil && !stopping(ctx) {
		fmt.Fprintf(c.Err, "%s of %s failed: %s\n", effector, ent.Name(), err)
		return nil, nil
	}
	return out, err
}

// wanted tells whether the entity is meant to run.
func wanted(ent *entity.Entity) bool {
	v, _ := ent.Sensor(entity.ServiceExpected)
	return v == entity.Running || v == entity.OnFire || v == entity.Starting
}

// invokeChildren calls an effector of the children that have it: all at once,
// "parallel" at once, or with "inOrder" one after the other until one fails.
// "unlessUp" leaves out those that are up. With "collect" failures are no error
// but the output, and with "inOrder" and "goOn" those after one are still run.
func (e *Engine) invokeChildren(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	effector, err := required(c, "effector")
	if err != nil {
		return nil, err
	}
	limit, err := e.parallel(c.Input)
	if err != nil {
		return nil, err
	}
	yes := func(key string) bool { b, _ := c.Input[key].(bool); return b }
	args, _ := c.Input["args"].(map[string]any)
	var able []*entity.Entity
	for _, child := range ent.Children() {
		if child.Declaration().Effector(effector) != nil && !(yes("unlessUp") && child.Up()) {
			able = append(able, child)
		}
	}
	failures := errorsOf{list: []any{}}
	call := func(ctx context.Context, i int) error {
		if effector == "start" {
			defer able[i].AwaitStart(ctx)()
		}
		_, err := e.nested(ctx, able[i], effector, args)
		if err == nil || !yes("collect") || stopping(ctx) || ctx.Err() != nil {
			return fault.Wrap(err, effector, able[i].Name())
		}
		failures.note(able[i], err)
		return nil
	}
	if !yes("inOrder") {
		err = task.Parallel(ctx, len(able), limit, call)
		return map[string]any{"failures": failures.list}, err
	}
	for i := range able {
		if err := call(ctx, i); err != nil {
			return nil, err
		}
		if len(failures.list) > 0 && !yes("goOn") {
			break
		}
	}
	return map[string]any{"failures": failures.list}, nil
}

func (e *Engine) setOnFire(_ context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	reason, _ := c.Input["reason"].(string)
	if reason == "" {
		reason = "marked as failed"
	}
	ent.Problem("set-on-fire", reason)
	ent.Expect(entity.OnFire)
	return nil, nil
}

// logLevels are the levels that a step may name, in Brooklyn's words.
var logLevels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError,
}

func (e *Engine) logStep(ctx context.Context, c *action.Call) (any, error) {
	message := fmt.Sprint(c.Input["message"])
	level := slog.LevelInfo
	if word, _ := c.Input["level"].(string); word != "" {
		known, ok := logLevels[strings.ToLower(word)]
		if !ok {
			return nil, fault.New(fault.Invalid, "log: unknown level %q; expected trace, debug, info, warn or error", word)
		}
		level = known
	}
	attrs := []any{"entity", c.Entity.Name, "workflow", c.Workflow}
	if c.Input["category"] != nil {
		attrs = append(attrs, "category", coerce.Text(c.Input["category"]))
	}
	e.log.Log(ctx, level, message, attrs...)
	_, err := fmt.Fprintln(c.Out, message)
	return nil, err
}

func failStep(_ context.Context, c *action.Call) (any, error) {
	kind := fault.Invalid
	if name, ok := c.Input["kind"].(string); ok {
		kind = fault.ParseKind(name)
	}
	return nil, fault.New(kind, "%v", c.Input["message"])
}

// inner gives the call for the step that stands in another step's input.
func (e *Engine) inner(c *action.Call) (func(context.Context) (any, error), error) {
	name, err := required(c, "step")
	if err != nil {
		return nil, err
	}
	a, ok := e.actions[name]
	if !ok {
		return nil, fault.New(fault.Invalid, "step input step: unknown step type %q", name)
	}
	in, _ := c.Input["input"].(map[string]any)
	return func(ctx context.Context) (any, error) {
		call := *c
		call.Input = maps.Clone(in)
		return a.Run(ctx, &call)
	}, nil
}

func (e *Engine) ifPlaced(ctx context.Context, c *action.Call) (any, error) {
	run, err := e.inner(c)
	if err != nil || c.Lease == nil {
		return nil, err
	}
	return run(ctx)
}

// repeat asks again and again, since commands that check a service cannot
// tell when their answer changes; the pauses grow up to a second.
func (e *Engine) repeat(ctx context.Context, c *action.Call) (any, error) {
	run, err := e.inner(c)
	if err != nil {
		return nil, err
	}
	var last error
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		out, err := run(ctx)
		if err == nil {
			return out, nil
		}
		if fault.KindOf(err) == fault.OnFire {
			return nil, err // what failed for good does not come up by waiting
		}
		if ctx.Err() == nil || last == nil { // the end of the time says nothing about the service
			last = err
		}
		done := c.Block("Waiting until it succeeds: " + last.Error())
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			done()
			return nil, fault.New(fault.KindOf(context.Cause(ctx)), "%w; the last attempt failed: %w", context.Cause(ctx), last)
		}
		done()
	}
}

func sleep(ctx context.Context, c *action.Call) (any, error) {
	d, err := coerce.Duration(c.Input["duration"])
	if err != nil {
		return nil, fault.New(fault.Invalid, "step input duration: %w", err)
	}
	defer c.Block("Sleeping " + coerce.FormatDuration(d))()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
