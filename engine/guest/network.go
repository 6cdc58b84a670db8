package guest

import (
	"cmp"
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// The config keys that every network has, in Clocker's names.
var networkKeys = []hook.ConfigKey{
	{Name: "network.id", Flags: []string{"networkId"}, Type: "string", Description: "its id; that of the entity when absent", Inherit: "never"},
	{Name: "network.cidr", Flags: []string{"cidr"}, Type: "string", Description: "its addresses", Inherit: "never"},
	{Name: "network.gateway", Flags: []string{"gateway"}, Type: "string", Description: "the address of its gateway", Inherit: "never"},
	{Name: "network.flags", Flags: []string{"flags"}, Type: "map", Description: "options for its provider", Inherit: "never"},
}

// networkType gives the type of the entities that are networks of a type.
func networkType(d *hook.Type) hook.Type {
	out := *d
	out.Kind = catalog.Entity
	out.Config = slices.Concat(d.Config, networkKeys)
	out.Sensors = append(slices.Clone(d.Sensors),
		hook.Sensor{Name: "network.id", Type: "string", Description: "its id"},
		hook.Sensor{Name: "network.cidr", Type: "string", Description: "its addresses"},
		hook.Sensor{Name: "service.isUp", Type: "boolean"}, hook.Sensor{Name: "service.state", Type: "string"},
	)
	member := []hook.Parameter{
		{Name: "entity", Type: "any", Description: "the entity"},
		{Name: "host", Type: "string", Description: "id of the host that it is on"},
		{Name: "address", Type: "string", Description: "the address that it is to have"},
	}
	out.Effectors = []hook.Effector{
		{Name: "start", Description: "make the network"}, {Name: "stop", Description: "take the network away"},
		{Name: "restart", Description: "take the network away and make it again"},
		{Name: "attach", Description: "let an entity into the network", Parameters: member},
		{Name: "detach", Description: "take an entity out of the network", Parameters: member},
		{Name: "update", Description: "heed options that changed"},
		{Name: "joinHost", Description: "extend the network to a host", Parameters: member[1:2]},
		{Name: "leaveHost", Description: "take the network away from a host", Parameters: member[1:2]},
	}
	return out
}

// operations are what effectors ask a network provider for.
var operations = map[string]string{
	"start": "create", "stop": "delete", "attach": "attach", "detach": "detach", "update": "policy", "joinHost": "join-host", "leaveHost": "leave-host",
}

// network decides for the entities of a network type.
type network struct {
	module   *Module
	declared *hook.Type
}

// Effector asks the module about the operation of an effector.
func (n *network) Effector(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if c.Effector == "restart" {
		steps := []hook.Step{}
		for _, name := range []string{"stop", "start"} {
			steps = append(steps, hook.Step{Step: "invoke-effector", Input: map[string]any{"effector": name}})
		}
		return &hook.Decision{Steps: steps}, nil
	}
	d, err := n.plan(ctx, c)
	if err != nil || c.Effector != "start" {
		return d, err
	}
	given := describeNetwork(c)
	for name, value := range map[string]string{"network.id": given.ID, "network.cidr": given.CIDR} {
		if _, set := d.Sensors[name]; !set && value != "" {
			if d.Sensors == nil {
				d.Sensors = map[string]any{}
			}
			d.Sensors[name] = value
		}
	}
	return d, nil
}

// Continue asks the module how to go on.
func (n *network) Continue(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	return n.plan(ctx, c)
}

func (n *network) plan(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	op := operations[c.Effector]
	if op == "" {
		return nil, fault.New(fault.Invalid, "type %s has no effector %s", n.declared.Name, c.Effector)
	}
	own := map[string]any{}
	for i := range n.declared.Config {
		if v, set := c.Entity.Config[n.declared.Config[i].Name]; set {
			own[n.declared.Config[i].Name] = v
		}
	}
	call := &hook.NetworkCall{
		Op: op, Config: own, Network: describeNetwork(c), Hosts: c.Hosts,
		Host: coerce.Text(c.Args["host"]), Address: coerce.Text(c.Args["address"]),
		State: c.State, Token: c.Token, Outputs: c.Outputs, Now: c.Now, Seed: c.Seed,
	}
	if member, ok := c.Args["entity"].(map[string]any); ok {
		call.Entity = &hook.Entity{
			Ref:    hook.Ref{ID: coerce.Text(member["$entity"]), Application: coerce.Text(member["application"]), Name: coerce.Text(member["name"]), Type: coerce.Text(member["type"])},
			Config: map[string]any{}, Sensors: map[string]any{},
		}
	}
	return n.module.network(ctx, n.declared, call)
}

func describeNetwork(c *hook.EffectorCall) *hook.Network {
	config := c.Entity.Config
	options, _ := config["network.flags"].(map[string]any)
	return &hook.Network{
		ID: cmp.Or(coerce.Text(config["network.id"]), c.Entity.ID), Name: c.Entity.Name,
		CIDR: coerce.Text(config["network.cidr"]), Gateway: coerce.Text(config["network.gateway"]), Options: options,
	}
}
