// Package cluster has the groups whose members come and go.
package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const version = "1.0.0"

// Types gives all types of this package.
func Types() []*catalog.Type {
	return []*catalog.Type{{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.group.DynamicCluster", Kind: catalog.Entity,
			Aliases:     []string{"brooklyn.entity.group.DynamicCluster", "dynamic-cluster"},
			Description: "members of one kind, as many as are wanted",
			Config: append(entity.QuorumKeys(), []hook.ConfigKey{
				{Name: "cluster.initial.size", Flags: []string{"initialSize"}, Type: "integer", Default: int64(1), Description: "how many members it starts with"},
				{Name: "cluster.initial.quorumSize", Flags: []string{"initialQuorumSize"}, Type: "integer", Description: "how many of these must start; all when absent"},
				{Name: "cluster.max.size", Flags: []string{"maxSize"}, Type: "integer", Description: "more members are refused"},
				{Name: "dynamiccluster.memberspec", Flags: []string{"memberSpec"}, Type: "any", Inherit: "never", Description: "what a member is, an entitySpec"},
				{Name: "dynamiccluster.firstmemberspec", Flags: []string{"firstMemberSpec"}, Type: "any", Inherit: "never", Description: "what the first one is, if not the same"},
				{Name: "dynamiccluster.quarantineFailedEntities", Flags: []string{"quarantineFailedEntities"}, Type: "boolean", Default: true, Description: "whether a member that does not start is kept, as a child that is no member, or removed"},
			}...),
			Sensors: []hook.Sensor{
				{Name: "group.members", Type: "list", Description: "the members"},
				{Name: "group.members.count", Type: "integer", Description: "how many there are"},
				{Name: "cluster.first.entity", Type: "entity", Description: "the oldest of them"},
				{Name: "service.isUp", Type: "boolean"}, {Name: "service.state", Type: "string"},
			},
			Effectors: []hook.Effector{
				{Name: "start", Description: "start with the initial size"}, {Name: "stop", Description: "stop all members"},
				{Name: "restart", Description: "stop, then start"},
				{Name: "resize", Description: "add or remove members", ReturnType: "integer", Parameters: []hook.Parameter{{Name: "desiredSize", Type: "integer", Description: "how many there shall be"}}},
				{Name: "resizeByDelta", Description: "add or remove members", ReturnType: "integer", Parameters: []hook.Parameter{{Name: "delta", Type: "integer", Description: "how many more, or less"}}},
				{Name: "replaceMember", Description: "add a member, then remove the given one", ReturnType: "string", Parameters: []hook.Parameter{{Name: "memberId", Type: "string", Description: "id of the one that goes"}}},
			},
		},
		Version: version, Aggregates: true, Entity: dynamic{},
	}}
}

// dynamic decides for a DynamicCluster.
type dynamic struct{}

// Effector answers with steps that add and remove members.
func (d dynamic) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	size := len(members(c))
	switch c.Effector {
	case "start":
		return d.start(c, size)
	case "stop":
		return &hook.Decision{Steps: []hook.Step{all("stop")}}, nil
	case "restart":
		return &hook.Decision{Steps: []hook.Step{all("stop"), all("start")}}, nil
	case "resize":
		want, err := number(c.Args, "desiredSize")
		if err != nil {
			return nil, err
		}
		return d.resize(c, size, want)
	case "resizeByDelta":
		delta, err := number(c.Args, "delta")
		if err != nil {
			return nil, err
		}
		return d.resize(c, size, max(0, size+delta))
	case "replaceMember":
		return d.replace(c)
	}
	return nil, fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
}

func all(effector string) hook.Step {
	return hook.Step{Step: "invoke-children", Input: map[string]any{"effector": effector}}
}

// start brings the members up that are there, and adds those that are missing.
func (d dynamic) start(c *hook.EffectorCall, size int) (*hook.Decision, error) {
	want, err := number(c.Entity.Config, "cluster.initial.size")
	if err != nil {
		return nil, err
	}
	if err := room(c, want); err != nil {
		return nil, err
	}
	steps := []hook.Step{{Step: "change-members", Input: map[string]any{}}}
	if size > 0 {
		steps = append(steps, all("start"))
	}
	if want > size {
		steps = append(steps, add(c, want-size, size == 0), hook.Step{Continue: "started"})
	}
	return &hook.Decision{Steps: steps}, nil
}

func add(c *hook.EffectorCall, n int, first bool) hook.Step {
	in := map[string]any{"count": int64(n)}
	if c.Entity.Config["dynamiccluster.quarantineFailedEntities"] == false {
		in["discard"] = true
	}
	if first && c.Entity.Config["dynamiccluster.firstmemberspec"] != nil {
		in["first"] = true
	}
	return hook.Step{ID: "added", Step: "add-members", Input: in}
}

func (d dynamic) resize(c *hook.EffectorCall, size, want int) (*hook.Decision, error) {
	if want < 0 {
		return nil, fault.New(fault.Invalid, "a size of %d is not possible", want)
	}
	if err := room(c, want); err != nil {
		return nil, err
	}
	switch {
	case want > size:
		return &hook.Decision{Steps: []hook.Step{add(c, want-size, size == 0), {Continue: "resized"}}}, nil
	case want < size:
		return &hook.Decision{Result: int64(want), Steps: []hook.Step{{Step: "remove-members", Input: map[string]any{"count": int64(size - want)}}}}, nil
	}
	return &hook.Decision{Result: int64(size)}, nil
}

// room refuses a size beyond the largest.
func room(c *hook.EffectorCall, want int) error {
	if c.Entity.Config["cluster.max.size"] == nil {
		return nil
	}
	most, err := number(c.Entity.Config, "cluster.max.size")
	if err == nil && want > most {
		return fault.New(fault.Capacity, "insufficient capacity: %s cannot have %d members, cluster.max.size is %d", c.Entity.Name, want, most)
	}
	return err
}

func (d dynamic) replace(c *hook.EffectorCall) (*hook.Decision, error) {
	id := coerce.Text(c.Args["memberId"])
	known := false
	for _, m := range members(c) {
		known = known || m == id
	}
	if !known {
		return nil, fault.New(fault.NotFound, "%s has no member %s: entity %s cannot be resolved", c.Entity.Name, id, id)
	}
	return &hook.Decision{Steps: []hook.Step{
		add(c, 1, false), {Continue: "replaced"},
		{Step: "remove-members", Input: map[string]any{"members": []any{id}}},
	}}, nil
}

// Continue looks at how many of the new members came up.
func (d dynamic) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	added, failures := outcome(c)
	problem := func(what string) error {
		return fault.New(fault.OnFire, "%s of %s: %d of %d members did not start: %s", what, c.Entity.Name, len(failures), len(failures)+len(added), strings.Join(failures, "; "))
	}
	switch c.Token {
	case "started":
		quorum, err := number(c.Entity.Config, "cluster.initial.quorumSize")
		if c.Entity.Config["cluster.initial.quorumSize"] == nil {
			quorum, err = number(c.Entity.Config, "cluster.initial.size")
		}
		if err == nil && len(failures) > 0 && len(members(c)) < quorum {
			err = problem("start")
		}
		return &hook.Decision{}, err
	case "resized":
		if len(added) == 0 && len(failures) > 0 {
			return nil, problem("resize")
		}
		return &hook.Decision{Result: int64(len(members(c)))}, nil
	case "replaced":
		if len(added) == 0 {
			return nil, problem("replacing a member")
		}
		return &hook.Decision{Result: added[0]}, nil
	}
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}

// outcome reads the output of the last add-members.
func outcome(c *hook.EffectorCall) (added, failures []string) {
	for _, o := range c.Outputs {
		if o.Step != "add-members" {
			continue
		}
		doc, _ := o.Output.(map[string]any)
		added, failures = texts(doc["members"]), texts(doc["failures"])
	}
	return added, failures
}

func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, item := range list {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

// members gives the ids of the present members.
func members(c *hook.EffectorCall) (out []string) {
	list, _ := c.Entity.Sensors["group.members"].([]any)
	for _, item := range list {
		doc, _ := item.(map[string]any)
		if id, ok := doc["$entity"].(string); ok {
			out = append(out, id)
		}
	}
	return out
}

func number(from map[string]any, key string) (int, error) {
	v, err := coerce.To("integer", from[key])
	n, ok := v.(int64)
	if err != nil || !ok {
		return 0, fault.New(fault.Invalid, "%s: expected an integer, not %v", key, from[key])
	}
	return int(n), nil
}
