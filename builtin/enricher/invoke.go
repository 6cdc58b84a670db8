package enricher

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// policyNames gives the names of a policy over Brooklyn's packages.
func policyNames(name, word string) []string {
	return []string{"org.apache.brooklyn.core.policy.basic." + name, "brooklyn.policy.basic." + name, "brooklyn.policy." + name, word}
}

func onSensorChange() *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.policy.InvokeEffectorOnSensorChange", Kind: catalog.Policy,
			Aliases:     policyNames("InvokeEffectorOnSensorChange", "invoke-effector-on-sensor-change"),
			Description: "calls an effector at each event of a sensor",
			Config: []hook.ConfigKey{
				{Name: "sensor", Type: "string", Required: true, Description: "the sensor"},
				{Name: "effector", Type: "string", Required: true, Description: "the effector of this entity"},
				{Name: "args", Type: "map", Description: "its arguments"},
			},
			Events: []hook.EventSpec{{SensorFrom: "sensor"}},
		},
		Version: version, Policy: changePolicy{},
	}
}

type changePolicy struct{}

// Event answers with the call.
func (changePolicy) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	if c.Event == nil {
		return &hook.Decision{}, nil
	}
	return &hook.Decision{Steps: []hook.Step{call(c.Config["effector"], c.Config["args"])}}, nil
}

func call(effector, args any) hook.Step {
	in := map[string]any{"effector": effector}
	if args != nil {
		in["args"] = args
	}
	return hook.Step{Step: "invoke-effector", Input: in}
}

func onCollectionChange() *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.policy.InvokeEffectorOnCollectionSensorChange", Kind: catalog.Policy,
			Aliases:     policyNames("InvokeEffectorOnCollectionSensorChange", "invoke-effector-on-collection-sensor-change"),
			Description: "calls effectors for what comes into, or goes out of, a list or map that a sensor has",
			Config: []hook.ConfigKey{
				{Name: "sensor", Type: "string", Required: true, Description: "the sensor"},
				{Name: "onAdded", Type: "string", Flags: []string{"effector.added"}, Description: "the effector for what is new"},
				{Name: "onRemoved", Type: "string", Flags: []string{"effector.removed"}, Description: "the effector for what is gone"},
				{Name: "parameterName", Type: "string", Default: "value", Description: "the argument that is the element; of a map, {key, value}"},
			},
			Events: []hook.EventSpec{{SensorFrom: "sensor"}},
		},
		Version: version, Policy: collectionPolicy{},
	}
}

type collectionPolicy struct{}

// Event compares the value with the one before, which the policy's state has.
func (collectionPolicy) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	if c.Event == nil {
		return &hook.Decision{}, nil
	}
	var before []any
	if len(c.State) > 0 {
		if err := json.Unmarshal(c.State, &before); err != nil {
			return nil, fault.New(fault.Internal, "the policy's state cannot be read: %w", err)
		}
	}
	now := elements(c.Event.Value)
	state, err := json.Marshal(now)
	if err != nil {
		return nil, fault.New(fault.Invalid, "sensor %s has a value that is not JSON: %w", c.Event.Sensor, err)
	}
	if now, err = decode(state); err != nil { // compare like with like
		return nil, err
	}
	d := &hook.Decision{State: state}
	name, _ := c.Config["parameterName"].(string)
	for _, side := range []struct {
		effector   string
		these, not []any
	}{{"onRemoved", before, now}, {"onAdded", now, before}} {
		effector := side.effector
		if c.Config[effector] == nil {
			continue
		}
		for _, v := range side.these {
			if !contains(side.not, v) {
				d.Steps = append(d.Steps, call(c.Config[effector], map[string]any{name: v}))
			}
		}
	}
	return d, nil
}

func decode(text []byte) (out []any, err error) {
	err = json.Unmarshal(text, &out)
	return out, err
}

// elements gives the items of a list, or the entries of a map.
func elements(v any) []any {
	out := []any{}
	switch x := v.(type) {
	case []any:
		out = append(out, x...)
	case map[string]any:
		for k, item := range x {
			out = append(out, map[string]any{"key": k, "value": item})
		}
	}
	return out
}

func contains(list []any, v any) bool {
	for _, other := range list {
		if reflect.DeepEqual(other, v) {
			return true
		}
	}
	return false
}
