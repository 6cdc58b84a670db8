package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

const leaseBucket store.Bucket = "lease"

// localhost is the location that every server has.
const localhost = "localhost"

// places knows the locations and who holds a place on which host.
type places struct {
	engine      *Engine
	definitions map[string]location.Definition
	open        map[string]location.Location

	boards map[string]*board // by location

	news sync.RWMutex // read while an observation is told, locked to replace a lease; before mu

	mu     sync.Mutex
	leases map[string]*location.Lease // by entity; a lease is replaced, never changed
}

func openPlaces(e *Engine, providers []location.Provider, defs []location.Definition) (*places, error) {
	p := &places{
		engine: e, definitions: map[string]location.Definition{}, open: map[string]location.Location{},
		leases: map[string]*location.Lease{}, boards: map[string]*board{},
	}
	kinds := map[string]location.Provider{}
	for _, pr := range providers {
		kinds[pr.Kind()] = pr
	}
	if _, has := kinds[localhost]; has && !slices.ContainsFunc(defs, func(d location.Definition) bool { return d.Name == localhost }) {
		defs = append(slices.Clone(defs), location.Definition{Name: localhost, Kind: localhost})
	}
	for _, d := range defs {
		pr := kinds[d.Kind]
		if pr == nil && byModule(d) {
			p.definitions[d.Name] = d
			continue
		}
		if pr == nil {
			known := slices.Sorted(maps.Keys(kinds))
			return nil, errors.Join(fault.New(fault.Invalid, "location %s: unknown kind %q; expected one of %v", d.Name, d.Kind, known), p.close())
		}
		if _, twice := p.definitions[d.Name]; twice {
			return nil, errors.Join(fault.New(fault.Invalid, "location %s is defined twice", d.Name), p.close())
		}
		l, err := pr.Open(d)
		if err != nil {
			return nil, errors.Join(fault.Wrap(err, "open location", d.Name), p.close())
		}
		p.definitions[d.Name], p.open[d.Name], p.boards[d.Name] = d, l, newBoard()
	}
	return p, nil
}

func (p *places) close() error {
	var errs []error
	for _, l := range p.open {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func (p *places) load() error {
	return p.engine.store.Scan(leaseBucket, "", func(key string, value []byte) error {
		l := new(location.Lease)
		if err := json.Unmarshal(value, l); err != nil {
			return fault.New(fault.Internal, "lease of %s in the store cannot be read: %w", key, err)
		}
		p.leases[l.Entity] = l
		if b := p.boards[l.Location]; b != nil {
			b.seat(p.resident(l))
		}
		return nil
	})
}

// known refuses the name of a location that is not configured.
func (p *places) known(name string) error {
	if _, ok := p.definitions[name]; ok {
		return nil
	}
	names := slices.Sorted(maps.Keys(p.definitions))
	if near := nearest.Word(name, names); near != "" {
		return fault.New(fault.NotFound, "unknown location %q; did you mean %q?", name, near)
	}
	return fault.New(fault.NotFound, "unknown location %q; this server has %v", name, names)
}

// describe gives the location that an entity is deployed to, nil when it has
// none.
func (p *places) describe(ent *entity.Entity) *hook.Location {
	names := ent.Locations()
	if len(names) == 0 {
		return nil
	}
	return &hook.Location{Name: names[0], Kind: p.definitions[names[0]].Kind}
}

// lease gives the place that an entity holds, or nil.
func (p *places) lease(entity string) *location.Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leases[entity]
}

// put stores a lease and then shows it.
func (p *places) put(ctx context.Context, l *location.Lease) error {
	value, err := coerce.Encode(l)
	if err != nil {
		return err
	}
	var b store.Batch
	b.Put(leaseBucket, l.Entity, value)
	if err := p.engine.store.Commit(ctx, &b); err != nil {
		return err
	}
	p.news.Lock()
	defer p.news.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leases[l.Entity] = l
	return nil
}

// hold records the outside thing that an entity's lease stands for.
func (p *places) hold(ctx context.Context, entity, resource string) error {
	old := p.lease(entity)
	if old == nil {
		return fault.New(fault.Conflict, "the entity holds no place for %s", resource)
	}
	if old.Resource == resource {
		return nil
	}
	l := *old
	l.Resource = resource
	return p.put(ctx, &l)
}

// drop gives a place back, with the batch.
func (p *places) drop(entity string, b *store.Batch) {
	p.mu.Lock()
	l := p.leases[entity]
	delete(p.leases, entity)
	p.mu.Unlock()
	if l == nil {
		return
	}
	b.Delete(leaseBucket, entity)
	if at := p.boards[l.Location]; at != nil {
		at.leave(entity)
	}
}

// on gives the leases of a location.
func (p *places) on(name string) []*location.Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*location.Lease
	for _, l := range p.leases {
		if l.Location == name {
			out = append(out, l)
		}
	}
	return out
}

// clean lets every location remove what belongs to an application as a whole.
func (p *places) clean(ctx context.Context, application string) error {
	var errs []error
	for name, l := range p.open {
		errs = append(errs, fault.Wrap(l.Clean(ctx, application), "clean up location", name))
	}
	return errors.Join(errs...)
}

// obtainHost chooses a host for the entity and reserves a place on it, which
// later choices count. An entity that holds a place keeps it.
func (e *Engine) obtainHost(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	if l := e.places.lease(c.Entity.ID); l != nil {
		return describeLease(l), nil
	}
	name, _ := c.Input["location"].(string)
	if name == "" {
		if at := e.places.describe(ent); at != nil {
			name = at.Name
		}
	}
	if name == "" {
		return nil, fault.New(fault.Invalid, "%s has no location to run on; give it, or its application, a 'location'", ent.Name())
	}
	if err := e.places.known(name); err != nil {
		return nil, err
	}
	var l *location.Lease
	var why *placement.Explain
	if byModule(e.places.definitions[name]) {
		l, err = e.obtainMachine(ctx, c, ent, name)
	} else {
		l, why, err = e.places.reserve(ctx, ent, name, c.Input)
	}
	if err != nil {
		tellVerdicts(c.Err, why)
		return nil, fault.Wrap(err, "find a host for", ent.Name())
	}
	fmt.Fprintf(c.Out, "%s runs on %s of %s\n", ent.Name(), l.Host, l.Location)
	return describeLease(l), nil
}

// shownVerdicts is for how many hosts a task says why each was refused.
const shownVerdicts = 100

// tellVerdicts writes what became of each host.
func tellVerdicts(to io.Writer, why *placement.Explain) {
	if why == nil {
		return
	}
	for i, v := range why.Verdicts() {
		if i == shownVerdicts {
			fmt.Fprintln(to, "and more hosts")
			return
		}
		fmt.Fprintln(to, v)
	}
}

func describeLease(l *location.Lease) map[string]any {
	out := map[string]any{"location": l.Location, "kind": l.Kind, "host": l.Host, "address": l.Address}
	if l.Machine != nil {
		out["machine"] = l.Machine
	}
	return out
}

// reserve chooses among the hosts that are up as they are at this moment, and
// stores the lease before anybody else may choose.
func (p *places) reserve(ctx context.Context, ent *entity.Entity, name string, input map[string]any) (*location.Lease, *placement.Explain, error) {
	ch, err := p.chain(ctx, ent, name, input)
	if err != nil {
		return nil, nil, err
	}
	hosts, err := p.hosts(ctx, name, ch)
	if err != nil {
		return nil, nil, err
	}
	b := p.boards[name]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.table.SetHosts(hosts)
	c, err := placement.Choose(ctx, b.table.Snapshot(string(ent.Application()), parentOf(ent)), &placement.Demand{
		Entity: ent.Ref(), Location: name, Needs: ch.needs, Sequence: int64(b.table.Len()), Now: time.Now().UTC(),
		Seed: seed(string(ent.ID()) + name),
	}, ch.strategies)
	if err != nil {
		return nil, c.Explain, err
	}
	host := c.Best()
	l := &location.Lease{
		Entity: string(ent.ID()), Application: string(ent.Application()), Location: name,
		Kind: p.definitions[name].Kind, Host: host.ID, Address: host.Address, Since: time.Now().UTC(),
		Memory: ch.memory, CPUs: ch.cpus,
	}
	if err := p.put(ctx, l); err != nil {
		return nil, nil, err
	}
	b.table.Seat(p.resident(l))
	return l, nil, nil
}

// hosts gives the hosts of a location, measured if a strategy wants that.
func (p *places) hosts(ctx context.Context, name string, ch *chain) ([]location.Host, error) {
	at := p.open[name]
	m, can := at.(location.Measurer)
	if !can || !slices.ContainsFunc(ch.strategies, func(s placement.Strategy) bool { return placement.Measured(s.Columns()) }) {
		return at.Hosts(ctx)
	}
	return m.Measured(ctx)
}
