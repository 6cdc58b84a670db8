package gowanus

import (
	"encoding/json"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// State encodes v for Decision.State. A value that JSON cannot hold is a
// defect of the module and panics, which the caller sees as an error answer.
func State(v any) json.RawMessage {
	b, err := wire.Append(nil, v)
	if err != nil {
		panic("state cannot be encoded: " + err.Error())
	}
	return b
}

// Recall reads the state that the decision before handed back into target,
// which stays as it is when there is none.
func (c *EffectorCall) Recall(target any) error { return recall(c.State, target) }

// Recall reads the state that the decision before handed back into target,
// which stays as it is when there is none.
func (c *PolicyCall) Recall(target any) error { return recall(c.State, target) }

// Recall reads the state that the decision before handed back into target,
// which stays as it is when there is none.
func (c *NetworkCall) Recall(target any) error { return recall(c.State, target) }

// Recall reads the state that the decision before handed back into target,
// which stays as it is when there is none.
func (c *LocationCall) Recall(target any) error { return recall(c.State, target) }

// Recall reads the state of the other version into target.
func (c *MigrateCall) Recall(target any) error { return recall(c.State, target) }

func recall(state json.RawMessage, target any) error {
	if len(state) == 0 {
		return nil
	}
	if err := wire.Unmarshal(state, target); err != nil {
		return refuse("invalid", "state: "+err.Error())
	}
	return nil
}
