package flow

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// startable is the entity whose life is workflows.
func startable() *catalog.Type {
	key := func(name, doc string) hook.ConfigKey {
		return hook.ConfigKey{Name: name, Type: catalog.Workflow, Inherit: "never", Description: doc}
	}
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.stock.WorkflowStartable", Kind: catalog.Entity,
			Aliases:     []string{"workflow-entity", "org.apache.brooklyn.entity.stock.WorkflowEntity"},
			Description: "an entity that is started, stopped and restarted by workflows",
			Config: []hook.ConfigKey{
				key("start", "the workflow that starts it"), key("stop", "the workflow that stops it"),
				key("restart", "the workflow that restarts it; stop and start when absent"),
			},
			Sensors:   []hook.Sensor{{Name: "service.isUp", Type: "boolean"}, {Name: "service.state", Type: "string"}},
			Effectors: []hook.Effector{{Name: "start", Description: "start it"}, {Name: "stop", Description: "stop it"}, {Name: "restart", Description: "restart it"}},
		},
		Version: version, Entity: lifecycle{},
	}
}

// lifecycle decides for a workflow-entity.
type lifecycle struct{}

// Effector answers with the workflow of that name.
func (lifecycle) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if w := c.Entity.Config[c.Effector]; w != nil {
		return &hook.Decision{Steps: []hook.Step{
			{ID: "done", Step: "workflow", Input: map[string]any{"definition": w, "name": c.Effector, "args": c.Args}}, {Continue: "result"},
		}}, nil
	}
	if c.Effector == "restart" {
		return &hook.Decision{Steps: []hook.Step{
			{Step: "invoke-effector", Input: map[string]any{"effector": "stop"}}, {Step: "invoke-effector", Input: map[string]any{"effector": "start"}},
		}}, nil
	}
	return &hook.Decision{}, nil
}

// Continue gives what the workflow gave.
func (lifecycle) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	for _, o := range c.Outputs {
		if o.ID == "done" {
			return &hook.Decision{Result: o.Output}, nil
		}
	}
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}
