// Package group has the groups whose members are made by others: those that a
// filter finds, and those that are put in; and the policy that gives members
// what they need.
package group

import (
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

const version = "1.0.0"

// Config makes the parts of this package.
type Config struct {
	Log *slog.Logger // nil logs nothing
}

// Groups knows the groups with a filter of one engine.
type Groups struct {
	log *slog.Logger

	mu  sync.Mutex
	all map[entity.ID]*follower
}

// New gives the parts of one engine.
func New(c Config) *Groups {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Groups{log: c.Log, all: map[entity.ID]*follower{}}
}

// The config keys, in Brooklyn's names.
const (
	filterKey         = "dynamicgroup.entityfilter"
	ancestorKey       = "dynamicgroup.ancestor"
	childrenAsMembers = "brooklyn.BasicGroup.childrenAsMembers"
)

var sensors = []hook.Sensor{
	{Name: entity.Members, Type: "list", Description: "the members"},
	{Name: entity.MembersCount, Type: "integer", Description: "how many there are"},
	{Name: entity.FirstMember, Type: "entity", Description: "the one that has been there longest"},
	{Name: entity.ServiceUp, Type: "boolean", Description: "whether enough members are up"},
}

// quorum is the key that says how many members must be up for a group to be.
func quorum() hook.ConfigKey {
	k := entity.QuorumKeys()[0]
	k.Default, k.Description = upQuorum, "how many of the members that can be up must be for the group to be: a number, or "+strings.Join(entity.Quorums(), ", ")
	return k
}

func member(name, what string) hook.Effector {
	return hook.Effector{Name: name, Description: what, Parameters: []hook.Parameter{{Name: "member", Type: "any", Description: "the entity, or its id"}}}
}

// Types gives all types of this package.
func (g *Groups) Types() []*catalog.Type {
	return []*catalog.Type{
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.group.DynamicGroup", Kind: catalog.Entity, Aliases: []string{"dynamic-group"},
				Description: "those entities of the application that pass a filter, at any time",
				Config: []hook.ConfigKey{
					quorum(),
					{Name: filterKey, Flags: []string{"entityFilter"}, Type: "any", Inherit: entity.Never, Description: "a predicate on entities; without one there are no members"},
					{Name: ancestorKey, Flags: []string{"ancestor"}, Type: "entity", Inherit: entity.Never, Description: "only entities below this one count; the application when absent"},
				},
				Sensors:   sensors,
				Effectors: []hook.Effector{{Name: "rescanEntities", Description: "look at all entities anew"}},
			},
			Version: version, Entity: decisions{}, Attend: g.attend,
			Checks: catalog.Checks{filterKey: checkFilter},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.entity.group.BasicGroup", Kind: catalog.Entity, Aliases: []string{"basic-group"},
				Description: "entities that are put in and taken out",
				Config: []hook.ConfigKey{
					quorum(),
					{Name: childrenAsMembers, Flags: []string{"childrenAsMembers"}, Type: "boolean", Default: false, Inherit: entity.Never, Description: "whether its children are members"},
				},
				Sensors:   sensors,
				Effectors: []hook.Effector{member("addMember", "put an entity in"), member("removeMember", "take an entity out")},
			},
			Version: version, Entity: decisions{}, Attend: attendBasic,
		},
		changePolicy("org.apache.brooklyn.entity.group.GroupsChangePolicy", "groups-change-policy", "org.apache.brooklyn.policy.GroupsChangePolicy"),
		changePolicy("org.apache.brooklyn.entity.group.AbstractMembershipTrackingPolicy", "membership-tracking-policy", "org.apache.brooklyn.policy.MembershipTrackingPolicy"),
	}
}

// Actions gives the steps of this package.
func (g *Groups) Actions() []action.Action {
	return []action.Action{{Name: "rescan-entities", Doc: "let a group with a filter look at all entities anew", Run: g.rescan}}
}

// checkFilter tells the errors of a filter as it is written.
func checkFilter(n *yamlpos.Node) error {
	_, err := compile(n)
	return err
}

// slicesOf gives a list, of one item if it is none, nothing for nil.
func slicesOf(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return slices.Clone(x)
	}
	return []any{v}
}
