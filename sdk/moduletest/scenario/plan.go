package scenario

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// plan asks for a decision of which the steps are run and that may continue:
// of an effector, a step, a location or a network.
func (p *play) plan(ctx context.Context, c *call) (answer, error) {
	what := p.begins(c)
	if c.goOn {
		if p.token == "" {
			return answer{}, at(c.pos, "the decision before has no step continue")
		}
		outputs, err := p.outputsOf(c.outputs)
		if err != nil {
			return answer{}, err
		}
		p.outputs = append(p.outputs, outputs...)
		what = "continue " + p.token
	} else {
		p.token, p.outputs = "", nil
		if p.s.kind == catalog.Entity || p.s.kind == catalog.Step {
			p.state = nil // each workflow begins without
		}
		if err := p.prepare(c); err != nil {
			return answer{}, err
		}
	}
	d, err := p.decide(ctx)
	if err == nil {
		p.apply(d)
	}
	return answer{what: what, said: outcome(d, err)}, nil
}

// begins says what a call that begins a workflow is about.
func (p *play) begins(c *call) string {
	switch {
	case c.effector != "":
		return "effector " + c.effector
	case c.op != "":
		return "op " + c.op
	}
	return "step"
}

// prepare makes the document of a new workflow.
func (p *play) prepare(c *call) (err error) {
	args := c.args
	if args == nil {
		args = map[string]any{}
	}
	referred, err := p.w.refer(args, c.pos)
	if err != nil {
		return err
	}
	args, _ = referred.(map[string]any)
	switch p.s.kind {
	case catalog.Entity:
		if err := p.checkEffector(c); err != nil {
			return err
		}
		p.run = &hook.EffectorCall{Type: p.t.Name, Effector: c.effector, Args: withDefaults(p.t, c.effector, args)}
	case catalog.Step:
		p.run = &hook.EffectorCall{Type: p.t.Name, Effector: p.t.Name, Args: args}
	case catalog.Location:
		ref := p.w.own.ref()
		p.machines = &hook.LocationCall{Op: c.op, Name: "my-location", Demand: c.demand, Entity: &ref, Machine: c.machine}
		if c.op == "list" {
			p.machines.Entity = nil
		}
	case catalog.Network:
		if c.network != nil {
			if p.net, err = p.networkOf(c.network); err != nil {
				return err
			}
		}
		p.network = &hook.NetworkCall{Op: c.op, Network: p.net, Address: c.address, Host: c.host, Hosts: p.hosts}
		if c.op == "attach" || c.op == "detach" {
			e := p.entity(p.w.own.config)
			p.network.Entity = &e
		}
	}
	return nil
}

// checkEffector refuses an effector that the type does not declare.
func (p *play) checkEffector(c *call) error {
	var names []string
	for _, e := range p.t.Effectors {
		if e.Name == c.effector {
			return nil
		}
		names = append(names, e.Name)
	}
	return at(c.pos, "%s has no effector %q%s", p.t.Name, c.effector, nearest.Hint(c.effector, names))
}

// withDefaults adds the defaults of an effector's parameters.
func withDefaults(t *catalog.Type, effector string, args map[string]any) map[string]any {
	for _, e := range t.Effectors {
		if e.Name != effector {
			continue
		}
		for _, parameter := range e.Parameters {
			if _, set := args[parameter.Name]; !set && parameter.Default != nil {
				args[parameter.Name] = parameter.Default
			}
		}
	}
	return args
}

// decide asks the hook that the kind of type has.
func (p *play) decide(ctx context.Context) (*hook.Decision, error) {
	branch := p.branch()
	p.m.cover(p.t.Name, p.hookOf(), branch)
	switch p.s.kind {
	case catalog.Location:
		c := *p.machines
		c.Config, c.State, c.Token, c.Outputs, c.Now, c.Seed = p.config, p.state, p.token, p.outputs, p.time(), p.s.seed
		return p.t.Machines(ctx, &c)
	case catalog.Network:
		c := *p.network
		c.Config, c.State, c.Token, c.Outputs, c.Now, c.Seed = p.config, p.state, p.token, p.outputs, p.time(), p.s.seed
		return p.t.Networks(ctx, &c)
	}
	c := *p.run
	config := p.config
	if p.s.kind == catalog.Step {
		config = p.w.own.config
		c.Related = p.w.related(p.t.Related, c.Args)
	}
	c.Entity, c.Location, c.State, c.Token, c.Outputs, c.Now, c.Seed = p.entity(config), p.s.location, p.state, p.token, p.outputs, p.time(), p.s.seed
	switch {
	case p.s.kind == catalog.Step:
		return p.t.Step(ctx, &c)
	case p.token != "":
		return p.t.Entity.Continue(ctx, &c)
	}
	return p.t.Entity.Effector(ctx, &c)
}

// branch says which part of a hook the next decision is about.
func (p *play) branch() string {
	switch {
	case p.token != "":
		return branchContinue + p.token
	case p.s.kind == catalog.Entity:
		return p.run.Effector
	case p.s.kind == catalog.Location:
		return p.machines.Op
	case p.s.kind == catalog.Network:
		return p.network.Op
	}
	return ""
}

// outputsOf gives the outputs of the steps before a continue: a list in the
// order of the steps, or a map by their ids. What is not given is null.
func (p *play) outputsOf(n *yamlpos.Node) ([]hook.Output, error) {
	out := make([]hook.Output, len(p.pending))
	var ids []string
	for i, s := range p.pending {
		out[i] = hook.Output{ID: s.ID, Step: s.Step}
		if s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	switch n.Kind {
	case yamlpos.Null:
	case yamlpos.List:
		if len(n.Items) > len(out) {
			return nil, at(n.Pos, "continue: %d outputs for the %d steps before it", len(n.Items), len(out))
		}
		for i, item := range n.Items {
			v, err := p.w.refer(item.Any(), item.Pos)
			if err != nil {
				return nil, err
			}
			out[i].Output = v
		}
	case yamlpos.Map:
		for _, e := range n.Entries {
			i := slices.IndexFunc(p.pending, func(s hook.Step) bool { return s.ID == e.Key })
			if i < 0 {
				return nil, at(e.KeyPos, "continue: no step before it has the id %q, there are %s%s", e.Key, listOf(ids), nearest.Hint(e.Key, ids))
			}
			v, err := p.w.refer(e.Value.Any(), e.Value.Pos)
			if err != nil {
				return nil, err
			}
			out[i].Output = v
		}
	default:
		return nil, at(n.Pos, "continue: expected the outputs of the steps, a map by their ids or a list, got %s", kindOf(n))
	}
	return out, nil
}

func listOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// hookOf is the hook that decisions of the kind come from.
func (p *play) hookOf() hook.ID {
	switch p.s.kind {
	case catalog.Policy:
		return hook.PolicyEvent
	case catalog.Enricher:
		return hook.EnricherEvent
	case catalog.Step:
		return hook.StepPlan
	case catalog.Location:
		return hook.LocationPlan
	case catalog.Network:
		return hook.NetworkPlan
	}
	if p.token != "" {
		return hook.EntityContinue
	}
	return hook.EntityEffector
}

// networkOf reads a simulated network.
func (p *play) networkOf(n *yamlpos.Node) (*hook.Network, error) {
	net := &hook.Network{ID: "n1", Name: "my-network"}
	if n == nil {
		return net, nil
	}
	r := &reader{}
	r.fields(n, "a network", fields{
		"id":      func(n *yamlpos.Node) { net.ID = r.text(n, "id") },
		"name":    func(n *yamlpos.Node) { net.Name = r.text(n, "name") },
		"cidr":    func(n *yamlpos.Node) { net.CIDR = r.text(n, "cidr") },
		"gateway": func(n *yamlpos.Node) { net.Gateway = r.text(n, "gateway") },
		"options": func(n *yamlpos.Node) { net.Options = r.mapping(n, "options") },
	})
	return net, r.errs.Err()
}

// networkHosts reads the hosts that networks reach.
func networkHosts(n *yamlpos.Node) ([]hook.NetworkHost, error) {
	r := &reader{}
	out := []hook.NetworkHost{}
	for i, item := range r.list(n, "hosts") {
		h := hook.NetworkHost{ID: "h" + strconv.Itoa(i+1)}
		r.fields(item, "a host", fields{
			"id":      func(n *yamlpos.Node) { h.ID = r.text(n, "id") },
			"address": func(n *yamlpos.Node) { h.Address = r.text(n, "address") },
			"labels": func(n *yamlpos.Node) {
				h.Labels = map[string]string{}
				for _, e := range r.entries(n, "labels") {
					h.Labels[e.Key] = r.anyText(e.Value, "labels")
				}
			},
		})
		out = append(out, h)
	}
	return out, r.errs.Err()
}
