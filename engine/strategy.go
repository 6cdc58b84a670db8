package engine

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// strategiesKey is the config key, of a location or an entity, with the chain
// of placement strategies.
const strategiesKey = "docker.container.strategies"

// strategies makes the chain for one placement: the location's, then the
// entity's, then the step's.
func (p *places) strategies(ctx context.Context, ent *entity.Entity, name string, input map[string]any) ([]placement.Strategy, error) {
	config := p.definitions[name].Config
	lists := []any{config["strategies"], config[strategiesKey], nil, input["strategies"]}
	var err error
	if lists[2], err = ent.Config(ctx, strategiesKey); err != nil {
		return nil, err
	}
	var chain []placement.Strategy
	for _, list := range lists {
		if list == nil {
			continue
		}
		items, ok := list.([]any)
		if !ok {
			items = []any{list}
		}
		for _, item := range items {
			s, err := p.strategy(ctx, ent, item)
			if err != nil {
				return nil, err
			}
			chain = append(chain, s)
		}
	}
	return chain, nil
}

// strategy makes one strategy from its name, from {type, brooklyn.config}, or
// from a $brooklyn:object of these keys.
func (p *places) strategy(ctx context.Context, ent *entity.Entity, item any) (placement.Strategy, error) {
	if o, ok := item.(expr.Object); ok {
		item = o.Spec
	}
	v, err := ent.Evaluate(ctx, item)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(expr.Object); ok {
		v = o.Spec
	}
	spec, _ := v.(map[string]any)
	name, _ := v.(string)
	if name == "" {
		if name, _ = spec["type"].(string); name == "" {
			name, _ = spec["objectType"].(string)
		}
	}
	if name == "" {
		return nil, fault.New(fault.Invalid, "placement strategy %v: expected a type name or a map with the key type", item)
	}
	t, err := p.engine.types.Load().Get(catalog.Strategy, name)
	if err != nil {
		return nil, err
	}
	if t.Strategy == nil {
		return nil, fault.New(fault.Invalid, "type %s cannot rank hosts", t.Name)
	}
	return t.Strategy(strategyConfig(spec))
}

// strategyConfig takes a strategy's config from where a blueprint may put it:
// beside the type, or under one of these keys.
func strategyConfig(spec map[string]any) map[string]any {
	config := map[string]any{}
	for key, v := range spec {
		switch key {
		case "type", "objectType":
		case "brooklyn.config", "config", "object.fields":
			given, _ := v.(map[string]any)
			for k, v := range given {
				config[k] = entity.Document(v)
			}
		default:
			config[key] = entity.Document(v)
		}
	}
	return config
}

// choose runs the chain over the hosts. With one host and no chain there is
// nothing to choose, but whether it is up. Without a chain the hosts are
// filled one after the other, in the order of the location.
func (p *places) choose(ctx context.Context, ent *entity.Entity, name string, hosts []location.Host, chain []placement.Strategy, needs map[string]any) (location.Host, error) {
	s := placement.NewSnapshot(hosts)
	held := p.on(name)
	leases := make([]location.Lease, len(held))
	for i, l := range held {
		leases[i] = *l
	}
	s.SetLeases(leases, string(ent.Application()))
	d := &placement.Demand{
		Entity: ent.Ref(), Location: name, Needs: needs, Sequence: int64(len(held)), Now: time.Now().UTC(),
		Seed: seed(string(ent.ID()) + name),
	}
	c, err := placement.Choose(ctx, s, d, chain)
	if err != nil {
		return location.Host{}, err
	}
	return c.Hosts[0], nil
}
