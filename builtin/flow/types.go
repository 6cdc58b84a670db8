// Package flow has effectors and policies that a blueprint writes as a list of
// steps.
//
// It knows the steps that need nothing but the engine's own; conditions,
// variables and loops are refused with an error.
package flow

import (
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
)

const version = "1.0.0"

// unbuilt are keys of workflows that are not understood.
var unbuilt = []string{"condition", "on-error", "output", "timeout", "idempotent", "replayable", "retention", "lock", "input", "reducing", "target", "concurrency"}

// Types gives all types of this package.
func Types() []*catalog.Type {
	steps := hook.ConfigKey{Name: "steps", Type: "raw", Required: true, Description: "the steps, one after the other"}
	var refused []hook.ConfigKey
	for _, key := range unbuilt {
		refused = append(refused, hook.ConfigKey{Name: key, Type: "raw", Description: "not built"})
	}
	return []*catalog.Type{
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowEffector", Kind: catalog.Initializer, Aliases: []string{"workflow-effector"},
				Description: "an effector that is a list of steps",
				Config: slices.Concat([]hook.ConfigKey{
					{Name: "name", Type: "string", Required: true, Description: "the effector"},
					{Name: "description", Type: "string"},
					{Name: "parameters", Type: "raw", Description: "of the effector: names with type, description and defaultValue"}, steps,
				}, refused),
			},
			Version: version, Initializer: declare, Entity: effector{},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowPolicy", Kind: catalog.Policy, Aliases: []string{"workflow-policy"},
				Description: "a list of steps that runs at events of sensors",
				Config: slices.Concat([]hook.ConfigKey{
					{Name: "name", Type: "string"}, {Name: "triggers", Type: "raw", Description: "sensors of this entity"}, steps,
				}, refused),
				Events: []hook.EventSpec{{SensorFrom: "triggers"}},
			},
			Version: version, Initializer: check, Policy: policy{},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowSensor", Kind: catalog.Initializer, Aliases: []string{"workflow-sensor"},
				Description: "a sensor whose value a list of steps gives, computed at events and in periods",
				Config: slices.Concat([]hook.ConfigKey{
					{Name: "sensor", Flags: []string{"name"}, Type: "raw", Required: true, Description: "the sensor: a name, or a map of name and type"},
					{Name: "triggers", Type: "raw", Description: "sensors whose events make it compute: a name, {sensor, entity}, or a list of these"},
					{Name: "period", Type: "raw", Description: "how often it computes; only at the start and for triggers when absent"},
					{Name: "skip_initial_run", Type: "boolean", Default: false, Description: "whether it waits for a trigger or the end of a period"}, steps,
				}, refused),
			},
			Version: version, Initializer: sensor,
		},
	}
}

// check reads the steps for their errors.
func check(config map[string]any) (*catalog.Contribution, error) {
	for _, key := range unbuilt {
		if config[key] != nil {
			return nil, invalid("%s of workflows is not built", key)
		}
	}
	_, err := readSteps(config["steps"])
	return &catalog.Contribution{}, err
}

func declare(config map[string]any) (*catalog.Contribution, error) {
	if _, err := check(config); err != nil {
		return nil, err
	}
	e, err := catalog.ReadEffector(config)
	if err != nil {
		return nil, err
	}
	return &catalog.Contribution{Effectors: []hook.Effector{*e}}, nil
}

// effector decides one step after the other, so that each sees the output of
// the one before.
type effector struct{}

// Effector answers with the first step.
func (e effector) Effector(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return e.Continue(ctx, c)
}

// Continue answers with the step after those that ran.
func (effector) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	steps, err := readSteps(c.Initializer["steps"])
	if err != nil {
		return nil, err
	}
	done := len(c.Outputs)
	var last any
	if done > 0 {
		last = c.Outputs[done-1].Output
	}
	if done >= len(steps) || done > 0 && steps[done-1].name == "return" {
		return &hook.Decision{Result: last}, nil
	}
	v := values{"output": last}
	for name, arg := range c.Args {
		v[name] = arg
	}
	s, err := steps[done].fill(v)
	if err != nil {
		return nil, err
	}
	return &hook.Decision{Steps: []hook.Step{s, {Continue: "next"}}}, nil
}

// policy runs all steps at each event.
type policy struct{}

// Event answers with the steps.
func (policy) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	steps, err := readSteps(c.Config["steps"])
	if err != nil || c.Event == nil {
		return &hook.Decision{}, err
	}
	d := &hook.Decision{}
	for _, s := range steps {
		filled, err := s.fill(values{"sensor": c.Event.Sensor, "value": c.Event.Value, "event.value": c.Event.Value})
		if err != nil {
			return nil, err
		}
		if d.Steps = append(d.Steps, filled); s.name == "return" {
			break
		}
	}
	return d, nil
}
