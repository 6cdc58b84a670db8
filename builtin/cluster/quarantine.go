package cluster

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// quarantined decides for a QuarantineGroup.
type quarantined struct{}

// Effector answers stopMembers and expungeMembers.
func (quarantined) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	switch c.Effector {
	case stopMembers:
		return &hook.Decision{Steps: []hook.Step{all(c, "stop")}}, nil
	case "expungeMembers":
		ids := []any{}
		for _, id := range memberIDs(c) {
			ids = append(ids, id)
		}
		return &hook.Decision{Steps: []hook.Step{{Step: "remove-members", Input: map[string]any{"members": ids, "stop": c.Args["firstStop"] != false}}}}, nil
	}
	return nil, fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
}

// Continue is never asked for.
func (quarantined) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}
