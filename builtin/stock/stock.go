// Package stock has the entity types that every server knows: applications,
// entities without behaviour of their own, and software run by commands.
//
// They decide like any module does: documents in, steps out. What they share
// with modules is the point; they are native only because nothing works
// without them.
package stock

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// Types gives all types of this package.
func Types() []*catalog.Type {
	return []*catalog.Type{
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.stock.BasicApplication", Kind: catalog.Entity,
				Aliases: []string{
					"brooklyn.entity.basic.BasicApplication", "org.apache.brooklyn.entity.basic.BasicApplication", "basic-application",
				},
				Description: "an application: starts and stops its children, and is up when enough of them are",
				Config:      entity.QuorumKeys(),
				Effectors:   lifecycle, Sensors: serviceSensors,
			},
			Version: version, Application: true, Entity: family{},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.stock.BasicStartable", Kind: catalog.Entity,
				Aliases:     []string{"brooklyn.entity.basic.BasicStartable", "basic-startable"},
				Description: "an entity that starts and stops its children and does nothing else",
				Effectors:   lifecycle, Sensors: serviceSensors,
			},
			Version: version, Entity: family{},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.stock.BasicEntity", Kind: catalog.Entity,
				Aliases:     []string{"brooklyn.entity.basic.BasicEntity", "basic-entity"},
				Description: "an entity without a life cycle: a place for config, sensors and children",
			},
			Version: version,
		},
		software(),
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.software.base.SameServerEntity", Kind: catalog.Entity,
				Aliases:     []string{"same-server"},
				Description: "runs all that is below it on one host: the one that the first of them is given",
				Config: append(entity.QuorumKeys(),
					hook.ConfigKey{Name: "provisioning.properties", Flags: []string{"provisioningProperties"}, Type: "map", Inherit: entity.DeepMerge, InheritType: entity.DeepMerge, Description: "what is asked of the machine; heeded where machines are made for it"},
				),
				Effectors: lifecycle, Sensors: serviceSensors,
			},
			Version: version, Aggregates: true, OneHost: true, Entity: family{},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.sensor.StaticSensor", Kind: catalog.Initializer,
				Aliases:     []string{"org.apache.brooklyn.core.sensor.StaticSensor:1", "brooklyn.entity.effector.StaticSensor", "static-sensor"},
				Description: "publishes a value once, as soon as it can be resolved",
				Config: []hook.ConfigKey{
					{Name: "name", Type: "string", Required: true, Description: "the sensor"},
					{Name: "targetType", Type: "string", Description: "what the value is coerced to; text when absent, but for lists and maps"},
					{Name: "static.value", Type: "any", Flags: []string{"value"}, Description: "the value, an expression too"},
				},
			},
			Version: version, Initializer: staticSensor,
		},
	}
}

func staticSensor(config map[string]any) (*catalog.Contribution, error) {
	name, _ := config["name"].(string)
	kind, _ := config["targetType"].(string)
	return &catalog.Contribution{Sensors: []entity.StaticSensor{{Name: name, Type: kind, Value: config["static.value"]}}}, nil
}

// version is that of all types here; they change with the server.
const version = "1.0.0"

var lifecycle = []hook.Effector{
	{
		Name: "start", Description: "start the entity and all below it",
		Parameters: []hook.Parameter{{Name: "locations", Type: "any", Description: "where to start; the blueprint's when absent"}},
	},
	{Name: "stop", Description: "stop the entity and all below it"},
	{Name: "restart", Description: "stop, then start"},
}

var serviceSensors = []hook.Sensor{
	{Name: "service.isUp", Type: "boolean", Description: "whether the service is up"},
	{Name: "service.state", Type: "string", Description: "created, starting, running, stopping, stopped or on-fire"},
	{Name: "service.state.expected", Type: "string", Description: "the state that was asked for last"},
	{Name: "service.notUp.indicators", Type: "map", Description: "why the service is not up"},
	{Name: "service.problems", Type: "map", Description: "what is wrong with the service"},
}

// family is an entity whose life is that of its children.
type family struct{}

// Effector answers start, stop and restart.
func (family) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	up, down := children("start"), children("stop")
	switch c.Effector {
	case "start":
		return &hook.Decision{Steps: []hook.Step{up}}, nil
	case "stop":
		return &hook.Decision{Steps: []hook.Step{down}}, nil
	case "restart":
		return &hook.Decision{Steps: []hook.Step{down, up}}, nil
	}
	return nil, unknown(c)
}

// Continue is never asked for.
func (family) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return nil, unknown(c)
}

func children(effector string) hook.Step {
	return hook.Step{Step: "invoke-children", Input: map[string]any{"effector": effector}}
}

func unknown(c *hook.EffectorCall) error {
	if c.Token == "" {
		return fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
	}
	return fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}
