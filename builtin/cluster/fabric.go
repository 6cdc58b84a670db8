package cluster

import (
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/builtin/members"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

const (
	fabricSpec     = "dynamicfabric.memberspec"
	includeInitial = "includeInitialChildren"
	fabricPrefix   = "dynamicfabric.displayNamePrefix"
	fabricSuffix   = "dynamicfabric.displayNameSuffix"
	fabricSize     = "fabric.size"
	misspeltSpec   = "dynamiccfabric.memberspec" // as Brooklyn's own code spells it
)

func dynamicFabric() *catalog.Type {
	spec := own(key(fabricSpec, "memberSpec", "any", "what each member is, an entitySpec"))
	spec.Flags = append(spec.Flags, misspeltSpec)
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.group.DynamicFabric", Kind: catalog.Entity,
			Aliases:     []string{"brooklyn.entity.group.DynamicFabric", "dynamic-fabric"},
			Description: "one member in each of its locations",
			Config: append(quorums(),
				spec,
				own(hook.ConfigKey{Name: includeInitial, Type: "boolean", Default: true, Description: "whether the children that the blueprint has are members, which take a location each"}),
				own(key(fabricPrefix, "displayNamePrefix", "string", "what the names of members begin with, before that of the location")),
				own(key(fabricSuffix, "displayNameSuffix", "string", "what they end with")),
				withDefault(key(maxCommands, "maxConcurrentChildCommands", "integer", "how many members are started or stopped at once; 0 is as many as the server allows"), int64(0)),
			),
			Sensors:   append(slices.Clip(groupSensors), hook.Sensor{Name: fabricSize, Type: "integer", Description: "how many members its members have, all together"}),
			Effectors: lifecycle,
		},
		Version: version, Aggregates: true, Entity: fabric{}, Attend: sumSizes,
	}
}

// fabric decides for a DynamicFabric.
type fabric struct{}

// Effector answers start, stop and restart.
func (fabric) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	in := limited(c, map[string]any{
		"spec": fabricSpec, "initial": c.Entity.Config[includeInitial] != false,
		"prefix": c.Entity.Config[fabricPrefix], "suffix": c.Entity.Config[fabricSuffix],
	})
	start := hook.Step{Step: "add-per-location", Input: in}
	switch c.Effector {
	case "start":
		return &hook.Decision{Steps: []hook.Step{start}}, nil
	case "stop":
		return &hook.Decision{Steps: []hook.Step{all(c, "stop")}}, nil
	case "restart":
		return &hook.Decision{Steps: []hook.Step{all(c, "stop"), start}}, nil
	}
	return nil, fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
}

// Continue is never asked for.
func (fabric) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}

// sumSizes publishes the size of a fabric.
func sumSizes(_ context.Context, h catalog.AttendHost) (end func()) {
	return members.Follow(h.Entity(), entity.MembersCount, "", func(m *entity.Entity) int64 {
		v, _ := m.Sensor(entity.MembersCount)
		n, _ := v.(int64)
		return n
	}, func(total, _ int64) { h.Entity().SetNew(fabricSize, total) })
}
