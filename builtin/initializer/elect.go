package initializer

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// electionKeys are what the step elect-primary of the module policy takes.
func electionKeys() []hook.ConfigKey {
	return []hook.ConfigKey{
		{Name: "primary.target.mode", Type: "string", Description: "children, members or auto"},
		{Name: "primary.selection.mode", Type: "string", Description: "best, failover or strict"},
		{Name: "primary.sensor.name", Type: "string", Description: "the sensor with the primary"},
		{Name: "primary.weight.name", Type: "string", Description: "the sensor or config key with the weight of a candidate"},
		{Name: "primary.promote.effector.name", Type: "string", Description: "invoked on the one that is elected"},
		{Name: "primary.demote.effector.name", Type: "string", Description: "invoked on the one before"},
		{Name: "primary.stopped.wait.timeout", Type: "duration", Description: "how long the best candidate is waited for that does not start"},
		{Name: "primary.starting.wait.timeout", Type: "duration", Description: "how long it is waited for while it starts"},
	}
}

func electPrimary() *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.policy.failover.ElectPrimaryEffector", Kind: catalog.Initializer,
			Aliases: []string{
				"org.apache.brooklyn.policy.ha.ElectPrimaryEffector", "brooklyn.policy.failover.ElectPrimaryEffector", "brooklyn.policy.ha.ElectPrimaryEffector", "elect-primary-effector",
			},
			Description: "an effector that elects one of several entities, promotes it and demotes the one before",
			Config: append(electionKeys(),
				hook.ConfigKey{Name: "primary.effector.name", Flags: []string{"name"}, Type: "string", Default: "electPrimary", Description: "the effector"}),
		},
		Version: version, Initializer: declareElection, Entity: elector{},
	}
}

func declareElection(config map[string]any) (*catalog.Contribution, error) {
	name := coerce.Text(config["primary.effector.name"])
	if name == "" {
		name = "electPrimary"
	}
	e := hook.Effector{Name: name, Description: "see whether there is, or should be, another primary", ReturnType: "map"}
	for _, k := range electionKeys() {
		e.Parameters = append(e.Parameters, hook.Parameter{Name: k.Name, Type: "any", Description: k.Description})
	}
	return &catalog.Contribution{Effectors: []hook.Effector{e}}, nil
}

// elector answers with the step that elects, which the module policy has.
type elector struct{}

// Effector runs the step with the initializer's config, and what the call says
// instead.
func (elector) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	input := map[string]any{}
	for _, given := range []map[string]any{c.Initializer, c.Args} {
		for _, k := range electionKeys() {
			if v := given[k.Name]; v != nil {
				input[k.Name] = v
			}
		}
	}
	return &hook.Decision{Steps: []hook.Step{
		{Step: "workflow", Input: map[string]any{"name": c.Effector, "definition": map[string]any{"steps": []any{
			map[string]any{"type": "elect-primary", "input": input},
		}}}},
		{Continue: "result"},
	}}, nil
}

// Continue gives what the election came to.
func (elector) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return &hook.Decision{Result: c.Outputs[len(c.Outputs)-1].Output}, nil
}
