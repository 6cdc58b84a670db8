package hook_test

import (
	"encoding/json"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
)

// The numbers and names are part of the contract with modules.
func TestNames(t *testing.T) {
	for id, want := range map[hook.ID]string{
		hook.Describe: "describe", hook.EntityEffector: "entity.effector", hook.EntityContinue: "entity.continue",
		hook.PolicyEvent: "policy.event", hook.PlacementRank: "placement.rank", hook.Migrate: "migrate", -1: "unknown", 12: "unknown",
	} {
		if id.String() != want {
			t.Errorf("%d is %q, want %q", id, id, want)
		}
	}
}

func TestDocumentsKeepTheirForm(t *testing.T) {
	ref := hook.Ref{ID: "x1", Application: "a1", PlanID: "web", Name: "web", Type: "t"}
	for _, tt := range []struct {
		v    any
		want string
	}{
		{hook.Decision{}, `{}`},
		{hook.Decision{Steps: []hook.Step{{ID: "h", Step: "obtain-host"}, {Continue: "placed"}}, WakeAfter: "1s"}, `{"steps":[{"id":"h","step":"obtain-host"},{"continue":"placed"}],"wakeAfter":"1s"}`},
		{hook.Entity{Ref: ref, Config: map[string]any{}, Sensors: map[string]any{}}, `{"id":"x1","application":"a1","planId":"web","name":"web","type":"t","config":{},"sensors":{}}`},
		{hook.ConfigKey{Name: "p", Type: "string"}, `{"name":"p","type":"string"}`},
		{hook.ConfigKey{Name: "p", Type: "string", Constraints: []any{map[string]any{"regex": "x"}}}, `{"name":"p","type":"string","constraints":[{"regex":"x"}]}`},
		{hook.Error{Kind: "invalid", Message: "m"}, `{"kind":"invalid","message":"m"}`},
	} {
		if got, err := json.Marshal(tt.v); err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v; want %s", got, err, tt.want)
		}
	}
}
