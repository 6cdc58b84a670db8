package testing

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

func unknown(c *hook.EffectorCall) error {
	if c.Token == "" {
		return fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
	}
	return fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}

// lives answers what all tests do alike: to stop ends what is below, and to
// restart is to start once that is done.
func lives(c *hook.EffectorCall, start []hook.Step) (*hook.Decision, error) {
	stop := hook.Step{Step: "invoke-children", Input: map[string]any{"effector": "stop"}}
	switch c.Effector {
	case "start":
		return &hook.Decision{Steps: start}, nil
	case "stop":
		return &hook.Decision{Steps: []hook.Step{stop}}, nil
	case "restart":
		return &hook.Decision{Steps: append([]hook.Step{stop}, start...)}, nil
	}
	return nil, unknown(c)
}

// inputs takes config over as the inputs of a step.
func inputs(c *hook.EffectorCall, keys ...string) map[string]any {
	in := map[string]any{}
	for _, key := range keys {
		switch v := c.Entity.Config[key].(type) {
		case nil:
		case expr.Sensor:
			in[key] = v.Name
		default:
			in[key] = v
		}
	}
	return in
}

// one decides for a test of one thing, which one step carries out.
type one struct {
	step   string
	keys   []string // of the step's own
	result string   // the sensor with the value that was tested, "" for none
}

var common = []string{"target", "targetId", "targetResolutionTimeout", "timeout", "maxAttempts", "backoffToPeriod", "assert"}

// Effector answers start, stop and restart.
func (o one) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	in := inputs(c, append(o.keys, common...)...)
	return lives(c, []hook.Step{{ID: "test", Step: o.step, Input: in}, {Continue: "passed"}})
}

// Continue publishes what was tested.
func (o one) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if c.Token != "passed" {
		return nil, unknown(c)
	}
	out := output(c, "test")
	sensors := targetSensors(out)
	if o.result != "" {
		sensors[o.result] = out["value"]
	}
	return &hook.Decision{Sensors: sensors}, nil
}

func targetSensors(out map[string]any) map[string]any {
	sensors := map[string]any{}
	for _, part := range []string{"id", "name", "type"} {
		if v := out[part]; v != nil {
			sensors["test.target.entity."+part] = v
		}
	}
	return sensors
}

// output gives that of the last step with an id.
func output(c *hook.EffectorCall, id string) map[string]any {
	var out map[string]any
	for _, o := range c.Outputs {
		if doc, is := o.Output.(map[string]any); is && o.ID == id {
			out = doc
		}
	}
	return out
}

// failures reads those of the last step with an id.
func failures(c *hook.EffectorCall, id string) (out []string) {
	list, _ := output(c, id)["failures"].([]any)
	for _, item := range list {
		out = append(out, coerce.Text(item))
	}
	return out
}

// suite decides for an entity whose children are tests.
type suite struct{ parallel bool }

// Effector runs the children that have not passed.
func (s suite) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	in := map[string]any{"effector": "start", "collect": true, "unlessUp": true}
	if !s.parallel {
		in["inOrder"] = true
	}
	if c.Entity.Config[goOn] == true {
		in["goOn"] = true
	}
	return lives(c, []hook.Step{{ID: "tests", Step: "invoke-children", Input: in}, {Continue: "tested"}})
}

// Continue runs what is to be run after the tests, and then fails if one did.
func (s suite) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	failed := failures(c, "tests")
	switch c.Token {
	case "tested":
		var steps []hook.Step
		after := func(key string) {
			if c.Entity.Config[key] != nil {
				steps = append(steps, hook.Step{ID: key, Step: "add-from-spec", Input: map[string]any{"spec": key, "start": true, "collect": true}})
			}
		}
		if len(failed) > 0 {
			after(onError)
		}
		after(onFinally)
		return &hook.Decision{Steps: append(steps, hook.Step{Continue: "done"})}, nil
	case "done":
		for _, key := range []string{onError, onFinally} {
			for _, f := range failures(c, key) {
				failed = append(failed, key+": "+f)
			}
		}
		if len(failed) > 0 {
			return nil, fault.New(fault.OnFire, "%s", strings.Join(failed, "; "))
		}
		return &hook.Decision{}, nil
	}
	return nil, unknown(c)
}

// loop decides for a test that is made for each member of a group.
type loop struct{}

// Effector looks for the members.
func (loop) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	in := inputs(c, "target", "targetId", "targetResolutionTimeout")
	return lives(c, []hook.Step{{ID: "group", Step: "test-members", Input: in}, {Continue: "members"}})
}

// Continue makes the tests, and fails if one did.
func (loop) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	switch c.Token {
	case "members":
		out := output(c, "group")
		members, _ := out["members"].([]any)
		each := make([]any, len(members))
		for i, m := range members {
			each[i] = map[string]any{"config": map[string]any{"target": m}}
		}
		in := map[string]any{"spec": testSpec, "each": each, "start": true, "collect": true, "parallel": int64(1), "replace": true}
		return &hook.Decision{Sensors: targetSensors(out), Steps: []hook.Step{{ID: "tests", Step: "add-from-spec", Input: in}, {Continue: "tested"}}}, nil
	case "tested":
		if failed := failures(c, "tests"); len(failed) > 0 {
			return nil, fault.New(fault.OnFire, "%s", strings.Join(failed, "; "))
		}
		return &hook.Decision{}, nil
	}
	return nil, unknown(c)
}
