package group

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// decisions decides for the groups of this package.
type decisions struct{}

// Effector answers with the step that does it.
func (decisions) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	switch c.Effector {
	case "rescanEntities":
		return &hook.Decision{Steps: []hook.Step{{Step: "rescan-entities"}}}, nil
	case "addMember", "removeMember":
		if c.Args["member"] == nil {
			return nil, fault.New(fault.Invalid, "%s of %s: expected an entity, or its id, as member", c.Effector, c.Entity.Name)
		}
		key := map[string]string{"addMember": "join", "removeMember": "leave"}[c.Effector]
		return &hook.Decision{Steps: []hook.Step{{Step: "change-members", Input: map[string]any{key: []any{c.Args["member"]}}}}}, nil
	}
	return nil, fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
}

// Continue is never asked for.
func (decisions) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}
