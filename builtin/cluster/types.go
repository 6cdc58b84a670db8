package cluster

import (
	"slices"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/removal"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// The config keys, in Brooklyn's names.
const (
	initialSize      = "cluster.initial.size"
	initialQuorum    = "cluster.initial.quorumSize"
	maxSize          = "cluster.max.size"
	memberSpec       = "dynamiccluster.memberspec"
	firstSpec        = "dynamiccluster.firstmemberspec"
	quarantineFailed = "dynamiccluster.quarantineFailedEntities"
	quarantineFilter = "dynamiccluster.quarantineFilter"
	removalStrategy  = "dynamiccluster.removalstrategy"
	zoneDetector     = "dynamiccluster.zone.failureDetector"
	restartMode      = "dynamiccluster.restartMode"
	maxCommands      = "dynamiccluster.maxConcurrentChildCommands"
)

// stopMembers is the effector of a quarantine that stops what is in it. It is
// not called stop: a quarantine is not started.
const stopMembers = "stopMembers"

var lifecycle = []hook.Effector{
	{Name: "start", Description: "start with the initial size"}, {Name: "stop", Description: "stop all members"},
	{Name: "restart", Description: "restart the members"},
}

var groupSensors = []hook.Sensor{
	{Name: entity.Members, Type: "list", Description: "the members"},
	{Name: entity.MembersCount, Type: "integer", Description: "how many there are"},
	{Name: entity.FirstMember, Type: "entity", Description: "the oldest of them"},
	{Name: "service.isUp", Type: "boolean"}, {Name: "service.state", Type: "string"},
}

// quorums are the keys that say how many members must be up: one is enough.
func quorums() []hook.ConfigKey {
	keys := entity.QuorumKeys()
	keys[0].Default = "atLeastOneUnlessEmpty"
	return keys
}

func key(name, flag, typ, what string) hook.ConfigKey {
	return hook.ConfigKey{Name: name, Flags: []string{flag}, Type: typ, Description: what}
}

// own makes a key count for the entity alone, not for clusters below it.
func own(k hook.ConfigKey) hook.ConfigKey { k.Inherit = entity.Never; return k }

func withDefault(k hook.ConfigKey, v any) hook.ConfigKey { k.Default = v; return k }

func dynamicCluster() *catalog.Type {
	restart := own(key(restartMode, "restartMode", "string", "how it restarts: parallel (when absent), sequential, or off, which refuses it"))
	restart.Constraints = []any{map[string]any{"regex": "off|sequential|parallel"}}
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.group.DynamicCluster", Kind: catalog.Entity,
			Aliases:     []string{"brooklyn.entity.group.DynamicCluster", "dynamic-cluster"},
			Description: "members of one kind, as many as are wanted",
			Config: append(quorums(),
				withDefault(key(initialSize, "initialSize", "integer", "how many members it starts with"), int64(1)),
				key(initialQuorum, "initialQuorumSize", "integer", "how many of these must start; all when absent or negative"),
				key(maxSize, "maxSize", "integer", "more members are refused"),
				own(key(memberSpec, "memberSpec", "any", "what a member is, an entitySpec")),
				own(key(firstSpec, "firstMemberSpec", "any", "what the first one is, if not the same")),
				withDefault(key(quarantineFailed, "quarantineFailedEntities", "boolean", "whether a member that does not start is kept, in the quarantine, or removed"), true),
				own(key(quarantineFilter, "quarantineFilter", "any", "a predicate on the error of such a member: only those that pass are kept; all that found a host when absent")),
				own(key(removalStrategy, "removalStrategy", "any", "who leaves when it becomes smaller: newest (when absent), oldest, random, a predicate, or a list of these")),
				restart,
				withDefault(key(maxCommands, "maxConcurrentChildCommands", "integer", "how many members are started or stopped at once; 0 is as many as the server allows"), int64(0)),
				own(withDefault(key("dynamiccluster.zone.enable", "enableAvailabilityZones", "boolean", "whether members are spread over zones"), false)),
				own(key(zoneDetector, "zoneFailureDetector", "map", "when a zone counts as failed: minDatapoints, so many starts (2); timeToConsider, those of so long (1h); maxProportionFailures, such a part of them failed (0.9)")),
				own(key("dynamiccluster.availabilityZones", "availabilityZoneNames", "list", "the zones; those of the hosts of its location when absent")),
				own(key("dynamiccluster.numAvailabilityZones", "numAvailabilityZones", "integer", "how many of the zones of its location it uses; all when absent")),
			),
			Sensors: append(slices.Clip(groupSensors),
				hook.Sensor{Name: allUp, Type: "boolean", Description: "it runs, has members, and all of them are up"},
				hook.Sensor{Name: "dynamiccluster.quarantineGroup", Type: "entity", Description: "the members that did not start"},
				hook.Sensor{Name: "dynamiccluster.entityQuarantined", Type: "entity", Description: "the last of these"},
				hook.Sensor{Name: "dynamiccluster.subLocations", Type: "list", Description: "the zones that it spreads over"},
				hook.Sensor{Name: "dynamiccluster.failedSubLocations", Type: "list", Description: "those of them that get no members, since hardly any started there"},
			),
			Effectors: append(slices.Clip(lifecycle),
				hook.Effector{Name: "resize", Description: "add or remove members", ReturnType: "integer", Parameters: []hook.Parameter{{Name: "desiredSize", Type: "integer", Description: "how many there shall be"}}},
				hook.Effector{Name: "resizeByDelta", Description: "add or remove members", ReturnType: "integer", Parameters: []hook.Parameter{{Name: "delta", Type: "integer", Description: "how many more, or less"}}},
				hook.Effector{Name: "replaceMember", Description: "add a member, then remove the given one", ReturnType: "string", Parameters: []hook.Parameter{{Name: "memberId", Type: "string", Description: "id of the one that goes"}}},
			),
		},
		Version: version, Aggregates: true, Entity: dynamic{}, Attend: watchMembers,
		Turns: []string{"resize", "resizeByDelta", "replaceMember"},
		Checks: catalog.Checks{removalStrategy: removal.Check, quarantineFilter: func(n *yamlpos.Node) error {
			_, err := predicate.Compile(n, predicate.Limits{})
			return err
		}},
	}
}

// quarantine is where members go that did not start.
func quarantine() *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.group.QuarantineGroup", Kind: catalog.Entity, Aliases: []string{"quarantine-group"},
			Description: "the members of a cluster that did not start; they are no members of it",
			Sensors:     groupSensors[:2],
			Effectors: []hook.Effector{
				{Name: "expungeMembers", Description: "remove all of them", Parameters: []hook.Parameter{{Name: "firstStop", Type: "boolean", Default: true, Description: "whether they are stopped before"}}},
				{Name: stopMembers, Description: "stop all of them, as when the cluster stops"},
			},
		},
		Version: version, Entity: quarantined{},
	}
}
