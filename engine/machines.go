package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// byModule tells whether the machines of a location are obtained by a module:
// its kind is then the name of a type. The module may be installed later.
func byModule(d location.Definition) bool { return strings.ContainsAny(d.Kind, ".:") }

// obtainMachine has the module of a location obtain a machine for an entity.
// The run is nested in the step's, so that it happens once however often the
// step is repeated.
func (e *Engine) obtainMachine(ctx context.Context, c *action.Call, ent *entity.Entity, name string) (*location.Lease, error) {
	ch, err := e.places.chain(ctx, ent, name, c.Input)
	if err != nil {
		return nil, err
	}
	answer, err := e.askMachines(ctx, ent, &workflow.Machines{Location: name, Op: "obtain", Demand: ch.demand()})
	if err != nil {
		return nil, err
	}
	machine, _ := answer.(map[string]any)
	id, address := coerce.Text(machine["id"]), coerce.Text(machine["address"])
	if id == "" || address == "" {
		return nil, fault.New(fault.Internal, "location %s obtained a machine without id and address: %v", name, answer)
	}
	l := &location.Lease{
		Entity: string(ent.ID()), Application: string(ent.Application()), Location: name,
		Kind: e.places.definitions[name].Kind, Host: id, Address: address, Machine: machine, Since: time.Now().UTC(),
	}
	return l, e.places.put(ctx, l)
}

// releaseMachine has the module of a lease's location give its machine back.
func (e *Engine) releaseMachine(ctx context.Context, ent *entity.Entity, l *location.Lease) error {
	if l == nil || l.Machine == nil {
		return nil
	}
	_, err := e.askMachines(ctx, ent, &workflow.Machines{Location: l.Location, Op: "release", Machine: l.Machine})
	return err
}

func (e *Engine) askMachines(ctx context.Context, ent *entity.Entity, ask *workflow.Machines) (any, error) {
	rec := &workflow.Record{
		Application: string(ent.Application()), Entity: string(ent.ID()),
		Name: fmt.Sprintf("%s a machine of %s", ask.Op, ask.Location), Machines: ask,
	}
	return e.runNested(ctx, ent, rec, ask.Op)
}

// decideMachines asks the module of a location what to do.
func (e deciding) decideMachines(ctx context.Context, ent *entity.Entity, r *workflow.Record) (*hook.Decision, error) {
	d := e.places.definitions[r.Machines.Location]
	t, err := e.types.Load().Get(catalog.Location, d.Kind)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "location %s: %w", d.Name, err)
	}
	if t = e.began(t, r); t.Machines == nil {
		return nil, fault.New(fault.Invalid, "location %s: type %s cannot obtain machines", d.Name, t.Name)
	}
	ref := ent.Ref()
	decision, err := t.Machines(ctx, &hook.LocationCall{
		Op: r.Machines.Op, Name: d.Name, Config: d.Config, Demand: r.Machines.Demand, Machine: r.Machines.Machine, Entity: &ref,
		State: r.State, Token: r.Token, Outputs: r.Outputs, Now: time.Now().UTC().Format(time.RFC3339Nano), Seed: seed(string(r.ID)),
	})
	return e.able(&asked{hook.LocationPlan, t, ent, nil}, decision, err)
}

func (e *Engine) releaseHost(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	if err := e.releaseMachine(ctx, ent, e.places.lease(c.Entity.ID)); err != nil {
		return nil, err
	}
	var b store.Batch
	e.places.drop(c.Entity.ID, &b)
	if b.Len() == 0 {
		return nil, nil
	}
	return nil, e.store.Commit(ctx, &b)
}

// networkHosts gives the hosts of the locations that an entity is deployed to.
func (p *places) networkHosts(ctx context.Context, ent *entity.Entity) ([]hook.NetworkHost, error) {
	out := []hook.NetworkHost{}
	for _, name := range ent.Locations() {
		at := p.open[name]
		if at == nil {
			continue // its machines come and go one by one
		}
		hosts, err := at.Hosts(ctx)
		if err != nil {
			return nil, fault.Wrap(err, "list the hosts of location", name)
		}
		for _, h := range hosts {
			out = append(out, hook.NetworkHost{ID: h.ID, Address: h.Address, Labels: h.Labels})
		}
	}
	return out, nil
}
