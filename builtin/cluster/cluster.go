// Package cluster has the entities that make their members themselves: the
// cluster, whose members are of one kind and come and go, and the fabric, which
// has one for each location.
package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const version = "1.0.0"

// Types gives all types of this package.
func Types() []*catalog.Type { return []*catalog.Type{dynamicCluster(), dynamicFabric(), quarantine()} }

// chosen is the id of the step that chooses who leaves.
const chosen = "chosen"

// dynamic decides for a DynamicCluster.
type dynamic struct{}

// Effector answers with steps that add and remove members.
func (d dynamic) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	size := len(memberIDs(c))
	switch c.Effector {
	case "start":
		return d.start(c, size)
	case "stop":
		return &hook.Decision{Steps: []hook.Step{all(c, "stop"), all(c, stopMembers)}}, nil
	case "restart":
		return d.restart(c)
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

// all calls an effector of the children that have it.
func all(c *hook.EffectorCall, effector string) hook.Step {
	return hook.Step{Step: "invoke-children", Input: limited(c, map[string]any{"effector": effector})}
}

// limited bounds how many children a step gives commands to at once.
func limited(c *hook.EffectorCall, in map[string]any) map[string]any {
	if n, ok := c.Entity.Config[maxCommands].(int64); ok && n > 0 {
		in["parallel"] = n
	}
	return in
}

// start brings the members up that are there, and adds those that are missing.
func (d dynamic) start(c *hook.EffectorCall, size int) (*hook.Decision, error) {
	want, err := number(c.Entity.Config, initialSize)
	if err != nil {
		return nil, err
	}
	if err := room(c, want); err != nil {
		return nil, err
	}
	steps := []hook.Step{{Step: "change-members", Input: map[string]any{}}}
	if size > 0 {
		steps = append(steps, all(c, "start"))
	}
	if want > size {
		steps = append(steps, add(c, want-size, size == 0), hook.Step{Continue: "started"})
	}
	return &hook.Decision{Steps: steps}, nil
}

// restart does as the restart mode says.
func (d dynamic) restart(c *hook.EffectorCall) (*hook.Decision, error) {
	switch mode, _ := c.Entity.Config[restartMode].(string); mode {
	case "", "parallel":
		return &hook.Decision{Steps: []hook.Step{all(c, "stop"), all(c, "start")}}, nil
	case "sequential":
		return &hook.Decision{Steps: []hook.Step{{Step: "invoke-children", Input: map[string]any{"effector": "restart", "inOrder": true}}}}, nil
	case "off":
		return nil, fault.New(fault.Precondition, "restart of %s is not supported: %s is off", c.Entity.Name, restartMode)
	default:
		return nil, fault.New(fault.Invalid, "%s of %s: expected off, sequential or parallel, not %q", restartMode, c.Entity.Name, mode)
	}
}

func add(c *hook.EffectorCall, n int, first bool) hook.Step {
	in := limited(c, map[string]any{"count": int64(n)})
	if c.Entity.Config[quarantineFailed] == false {
		in["discard"] = true
	}
	if first && c.Entity.Config[firstSpec] != nil {
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
		choice := hook.Step{ID: chosen, Step: "choose-members", Input: map[string]any{"count": int64(size - want)}}
		return &hook.Decision{Steps: []hook.Step{choice, {Continue: chosen}}}, nil
	}
	return &hook.Decision{Result: int64(size)}, nil
}

// room refuses a size beyond the largest.
func room(c *hook.EffectorCall, want int) error {
	if c.Entity.Config[maxSize] == nil {
		return nil
	}
	most, err := number(c.Entity.Config, maxSize)
	if err == nil && want > most {
		return fault.New(fault.Capacity, "insufficient capacity: %s cannot have %d members, %s is %d", c.Entity.Name, want, maxSize, most)
	}
	return err
}

func (d dynamic) replace(c *hook.EffectorCall) (*hook.Decision, error) {
	id := coerce.Text(c.Args["memberId"])
	known := false
	for _, m := range memberIDs(c) {
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
		quorum, err := quorum(c)
		if err == nil && len(failures) > 0 && len(memberIDs(c)) < quorum {
			err = problem("start")
		}
		return &hook.Decision{}, err
	case "resized":
		if len(added) == 0 && len(failures) > 0 {
			return nil, problem("resize")
		}
		return &hook.Decision{Result: int64(len(memberIDs(c)))}, nil
	case chosen:
		in := limited(c, map[string]any{"members": c.Outputs[len(c.Outputs)-1].Output})
		return &hook.Decision{Steps: []hook.Step{{Step: "remove-members", Input: in}, {Continue: "shrunk"}}}, nil
	case "shrunk":
		return &hook.Decision{Result: int64(len(memberIDs(c)))}, nil
	case "replaced":
		if len(added) == 0 {
			return nil, problem("replacing a member")
		}
		return &hook.Decision{Result: added[0]}, nil
	}
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}

// quorum gives how many of the initial members must start: all, when it is not
// said or negative, and never more.
func quorum(c *hook.EffectorCall) (int, error) {
	size, err := number(c.Entity.Config, initialSize)
	if err != nil || c.Entity.Config[initialQuorum] == nil {
		return size, err
	}
	n, err := number(c.Entity.Config, initialQuorum)
	if n < 0 {
		n = size
	}
	return min(n, size), err
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

// memberIDs gives the ids of the present members.
func memberIDs(c *hook.EffectorCall) (out []string) {
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
