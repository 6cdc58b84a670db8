package group

import (
	"context"
	"encoding/json"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// The config keys of the policy, in Brooklyn's names.
const (
	groupKey     = "group"
	policies     = "member.policies"
	enrichers    = "member.enrichers"
	initializers = "member.initializers"
	invocations  = "member.invoke"
	locations    = "member.locations"
)

func changePolicy(name string, aliases ...string) *catalog.Type {
	raw := func(name, what string) hook.ConfigKey {
		return hook.ConfigKey{Name: name, Type: "raw", Description: what}
	}
	return &catalog.Type{
		Type: hook.Type{
			Name: name, Kind: catalog.Policy, Aliases: aliases,
			Description: "gives those who join a group policies, enrichers and initializers, and invokes effectors of theirs",
			Config: []hook.ConfigKey{
				{Name: groupKey, Type: "any", Default: "$brooklyn:self()", Description: "the group; the entity of the policy when absent"},
				{Name: locations, Type: "list", Description: "names of locations, which each member is deployed to from then on"},
				raw(initializers, "initializers that each member is given; expressions are computed at the member"),
				raw(policies, "policies, likewise"),
				raw(enrichers, "enrichers, likewise"),
				raw(invocations, "effectors that are invoked: names, or maps of effector and args"),
			},
			Events: []hook.EventSpec{{Sensor: entity.Members, Of: "config:" + groupKey}},
		},
		Version: version, Policy: changes{}, Initializer: checkChanges,
	}
}

// checkChanges tells the errors of form in the policy's config.
func checkChanges(config map[string]any) (*catalog.Contribution, error) {
	for _, key := range []string{initializers, policies, enrichers} {
		for _, item := range slicesOf(config[key]) {
			m, isMap := item.(map[string]any)
			if text, isText := item.(string); !isText && !isMap || isText && text == "" || isMap && m["type"] == nil {
				return nil, fault.New(fault.Invalid, "%s: expected types, or maps with the key type, not %v", key, item)
			}
		}
	}
	for _, item := range slicesOf(config[locations]) {
		if _, isText := item.(string); !isText {
			return nil, fault.New(fault.Invalid, "%s: expected names of locations of this server, not %v", locations, item)
		}
	}
	if id, isText := config[groupKey].(string); isText && !expr.IsExpr(id) {
		return nil, fault.New(fault.Invalid, "%s: expected an entity, such as $brooklyn:component(%q), not %q", groupKey, id, id)
	}
	for _, item := range slicesOf(config[invocations]) {
		if _, _, err := invocation(item); err != nil {
			return nil, err
		}
	}
	return &catalog.Contribution{}, nil
}

// invocation reads what of a member is invoked.
func invocation(item any) (effector string, args map[string]any, err error) {
	switch x := item.(type) {
	case string:
		effector = x
	case map[string]any:
		effector = coerce.Text(x["effector"])
		if x["effector"] == nil {
			effector = ""
		}
		args, _ = x["args"].(map[string]any)
	}
	if effector == "" {
		return "", nil, fault.New(fault.Invalid, "%s: expected names of effectors, or maps with the key effector, not %v", invocations, item)
	}
	return effector, args, nil
}

// changes decides for the policy. Its state is the list of the members that it
// has dealt with.
type changes struct{}

// Event answers with what the members that joined are given.
func (changes) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	if c.Event == nil {
		return &hook.Decision{}, nil
	}
	var known []string
	if len(c.State) > 0 {
		if err := json.Unmarshal(c.State, &known); err != nil {
			return nil, fault.New(fault.Internal, "state of the policy: %w", err)
		}
	}
	had := make(map[string]bool, len(known))
	for _, id := range known {
		had[id] = true
	}
	d := &hook.Decision{}
	var calls []hook.Step // after the rest: one that fails must not keep others from what they need
	now := []string{}
	list, _ := c.Event.Value.([]any)
	for _, item := range list {
		doc, _ := item.(map[string]any)
		id, _ := doc["$entity"].(string)
		now = append(now, id)
		if had[id] {
			continue
		}
		d.Steps = append(d.Steps, given(c.Config, doc)...)
		more, err := invoked(c.Config, doc)
		if err != nil {
			return nil, err
		}
		calls = append(calls, more...)
	}
	d.Steps = append(d.Steps, calls...)
	var err error
	d.State, err = json.Marshal(now)
	return d, err
}

// given gives the steps for one member: where it is, what it is made of, then
// what listens to that.
func given(config, member map[string]any) (steps []hook.Step) {
	if list := slicesOf(config[locations]); len(list) > 0 {
		steps = append(steps, hook.Step{Step: "set-locations", Input: map[string]any{"entity": member, "locations": list}})
	}
	for _, kind := range []struct{ key, step string }{
		{initializers, "apply-initializer"}, {enrichers, "add-policy"}, {policies, "add-policy"},
	} {
		for _, item := range slicesOf(config[kind.key]) {
			steps = append(steps, hook.Step{Step: kind.step, Input: map[string]any{"entity": member, "blueprint": item}})
		}
	}
	return steps
}

// invoked gives the steps that invoke effectors of one member. One that fails
// is no reason not to invoke others; its task tells.
func invoked(config, member map[string]any) (steps []hook.Step, err error) {
	for _, item := range slicesOf(config[invocations]) {
		effector, args, err := invocation(item)
		if err != nil {
			return nil, err
		}
		in := map[string]any{"entity": member, "effector": effector, "args": args, "lenient": true}
		steps = append(steps, hook.Step{Step: "invoke-effector", Input: in})
	}
	return steps, nil
}
