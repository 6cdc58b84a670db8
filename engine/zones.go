package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/zone"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// The config and the sensors of clusters that spread over zones, in Brooklyn's
// names, and the label of hosts that says their zone.
const (
	zonesOn     = "dynamiccluster.zone.enable"
	zoneNames   = "dynamiccluster.availabilityZones"
	zoneRule    = "dynamiccluster.zone.failureDetector"
	zoneCount   = "dynamiccluster.numAvailabilityZones"
	memberZone  = "cluster.member.zone"
	subZones    = "dynamiccluster.subLocations"
	failedZones = "dynamiccluster.failedSubLocations"
	zoneLabel   = "zone"
)

// zones knows how the starts of members in each zone went, by cluster. After a
// restart of the server the zones get a new chance.
type zones struct {
	mu        sync.Mutex
	histories map[entity.ID]*zone.History
}

func (z *zones) of(cluster *entity.Entity) *zone.History {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.histories == nil {
		z.histories = map[entity.ID]*zone.History{}
	}
	h := z.histories[cluster.ID()]
	if h == nil {
		h = &zone.History{}
		z.histories[cluster.ID()] = h
	}
	return h
}

// rule takes over when a zone of the cluster counts as failed.
func (z *zones) rule(ctx context.Context, cluster *entity.Entity) error {
	v, err := cluster.Config(ctx, zoneRule)
	if err != nil {
		return err
	}
	var r zone.Rule
	m, _ := v.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := readRule(&r, key, m[key]); err != nil {
			return fault.Wrap(err, zoneRule+" of", cluster.Name())
		}
	}
	z.of(cluster).Follow(r)
	return nil
}

// readRule reads one entry of the rule, in Brooklyn's words.
func readRule(r *zone.Rule, key string, v any) (err error) {
	switch key {
	case "minDatapoints":
		var n any
		if n, err = coerce.To("integer", v); err == nil {
			count, _ := n.(int64)
			r.Attempts = int(count)
		}
		if r.Attempts < 1 {
			err = fault.New(fault.Invalid, "expected 1 or more, not %v", v)
		}
	case "timeToConsider":
		r.Within, err = coerce.Duration(v)
	case "maxProportionFailures":
		var share any
		if share, err = coerce.To("double", v); err == nil {
			r.Share, _ = share.(float64)
		}
		if r.Share < 0 || r.Share > 1 {
			err = fault.New(fault.Invalid, "expected a part between 0 and 1, not %v", v)
		}
	default:
		words := []string{"minDatapoints", "timeToConsider", "maxProportionFailures"}
		return fault.New(fault.Invalid, "unknown key %q%s; expected minDatapoints, timeToConsider or maxProportionFailures", key, nearest.Hint(key, words))
	}
	if err != nil {
		return fault.New(fault.Invalid, "%s: %w", key, err)
	}
	return nil
}

func (z *zones) forget(cluster entity.ID) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.histories, cluster)
}

// note takes down how the start of a member went.
func (z *zones) note(cluster, member *entity.Entity, failed bool) {
	if name := zoneOf(member); name != "" {
		z.of(cluster).Note(name, failed, time.Now())
	}
}

// publish tells which zones have failed.
func (z *zones) publish(cluster *entity.Entity) {
	v, _ := cluster.Sensor(subZones)
	list, _ := v.([]any)
	if len(list) == 0 {
		return
	}
	_, failed := z.of(cluster).Sound(texts(list), time.Now())
	cluster.SetNew(failedZones, anys(failed))
}

func texts(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = coerce.Text(v)
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// zoneOf gives the zone that a member was made for, "" for none.
func zoneOf(member *entity.Entity) string {
	v, _ := member.OwnConfig(memberZone)
	name, _ := v.(string)
	return name
}

// countZones counts members by zone.
func countZones(members []*entity.Entity) map[string]int {
	have := map[string]int{}
	for _, m := range members {
		if name := zoneOf(m); name != "" {
			have[name]++
		}
	}
	return have
}

// fullestZone gives the members in the zone that has the most of them: all,
// when they are in none.
func fullestZone(members []*entity.Entity) []*entity.Entity {
	have := countZones(members)
	if len(have) == 0 {
		return members
	}
	name := zone.Fullest(slices.Sorted(maps.Keys(have)), have)
	return slices.DeleteFunc(slices.Clone(members), func(m *entity.Entity) bool { return zoneOf(m) != name })
}

// zonesFor gives the zones of n new members, empty names when the cluster does
// not heed zones.
func (e *Engine) zonesFor(ctx context.Context, cluster *entity.Entity, n int) ([]string, error) {
	on, err := cluster.Config(ctx, zonesOn)
	if err != nil {
		return nil, err
	}
	if on != true {
		return make([]string, n), nil
	}
	all, err := e.zonesOf(ctx, cluster)
	if err != nil {
		return nil, err
	}
	cluster.SetNew(subZones, anys(all))
	if err := e.zones.rule(ctx, cluster); err != nil {
		return nil, err
	}
	sound, _ := e.zones.of(cluster).Sound(all, time.Now())
	return zone.Spread(sound, countZones(cluster.Members()), n), nil
}

// zonesOf gives the zones of a cluster: those that it names, else those of the
// hosts of its location, as many as it wants.
func (e *Engine) zonesOf(ctx context.Context, cluster *entity.Entity) ([]string, error) {
	named, err := cluster.Config(ctx, zoneNames)
	if err != nil {
		return nil, err
	}
	if list, _ := named.([]any); len(list) > 0 {
		return texts(list), nil
	}
	at := e.places.describe(cluster)
	if at == nil {
		return nil, fault.New(fault.Invalid, "%s spreads over zones; give it a location, or the zones in %s", cluster.Name(), zoneNames)
	}
	if err := e.places.known(at.Name); err != nil {
		return nil, err
	}
	hosts, err := e.places.open[at.Name].Hosts(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, h := range hosts {
		if name := h.Labels[zoneLabel]; name != "" {
			found[name] = true
		}
	}
	all := slices.Sorted(maps.Keys(found))
	if len(all) == 0 {
		return nil, fault.New(fault.Invalid, "%s spreads over zones, but no host of location %s has the label %s", cluster.Name(), at.Name, zoneLabel)
	}
	v, err := cluster.Config(ctx, zoneCount)
	if err != nil {
		return nil, err
	}
	count, given := v.(int64)
	switch {
	case !given:
		return all, nil
	case count < 1:
		return nil, fault.New(fault.Invalid, "%s of %s: expected 1 or more, not %d", zoneCount, cluster.Name(), count)
	case int(count) > len(all):
		return nil, fault.New(fault.Invalid, "%s of %s is %d, but location %s has %d zones: %v", zoneCount, cluster.Name(), count, at.Name, len(all), all)
	}
	return all[:count], nil
}
