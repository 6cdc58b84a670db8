package main

import (
	"cmp"
	"slices"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyLowThreshold  = "loadbalancing.container.lowThreshold"
	keyHighThreshold = "loadbalancing.container.highThreshold"
)

func balancer() gowanus.Type {
	related := gowanus.RelatedSpec{Sensors: []string{"config:" + keyItems}, Config: []string{keyLowThreshold, keyHighThreshold}}
	members, children := related, related
	members.Of, children.Of = "members", "children"
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.loadbalancing.LoadBalancingPolicy", Kind: gowanus.KindPolicy,
		Aliases:     brooklyn("loadbalancing", "LoadBalancingPolicy", "load-balancing"),
		Description: "moves items from busy containers to others, and tells when all of them are busy or idle",
		Config: moverKeys("loadbalancing.items",
			gowanus.ConfigKey{Name: keyLowThreshold, Type: "double", Default: 0, Description: "below which rate a container is idle, unless its own config says another one"},
			gowanus.ConfigKey{Name: keyHighThreshold, Type: "double", Description: "above which rate a container is busy, likewise"}),
		Sensors: []gowanus.Sensor{
			{Name: "resizablepool.hot", Type: "map", Description: "all containers together are busy: what an AutoScalerPolicy listens to"},
			{Name: "resizablepool.cold", Type: "map", Description: "all containers together are idle"},
			{Name: "resizablepool.ok", Type: "map", Description: "neither is so any more"},
			{Name: sensorMoved, Type: "map", Description: "the last moves have come to their end: how many, and when they began"},
		},
		Events:      moverEvents(),
		Related:     []gowanus.RelatedSpec{members, children},
		PolicyEvent: balance,
	}
}

func balance(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	return moving(c, func(m *mover, most int, d *gowanus.Decision) []move {
		all := containers(c, func(config gowanus.Values, one *container) {
			one.low, one.high = threshold(keyLowThreshold, config, c.Config), threshold(keyHighThreshold, config, c.Config)
		})
		all = slices.DeleteFunc(all, func(one *container) bool { return one.high <= 0 }) // nothing is said of it
		tellPool(m, all, d)
		return even(all, most)
	})
}

func threshold(key string, own, pool gowanus.Values) float64 {
	if own.Has(key) {
		return own.Float(key)
	}
	return pool.Float(key)
}

// even finds moves that leave no container busy or idle, as far as that goes.
func even(all []*container, most int) (out []move) {
	for len(out) < most {
		m, ok := relieve(all)
		if !ok {
			m, ok = feed(all)
		}
		if !ok {
			break
		}
		out = append(out, m)
	}
	return out
}

// relieve moves an item out of the busiest container: the largest one that
// makes no other busy, to where there is most room.
func relieve(all []*container) (move, bool) {
	byRoom := slices.Clone(all)
	slices.SortStableFunc(byRoom, func(a, b *container) int { return -cmp.Compare(a.high-a.load, b.high-b.load) })
	for _, from := range slices.Backward(byRoom) {
		if from.load <= from.high {
			break
		}
		for i, it := range from.items {
			to := byRoom[0]
			if it.rate > 0 && to != from && to.load+it.rate <= to.high {
				return shift(from, to, i), true
			}
		}
	}
	return move{}, false
}

// feed moves an item to the idlest container, from one that stays above its
// own low threshold without it.
func feed(all []*container) (move, bool) {
	byLoad := slices.Clone(all)
	slices.SortStableFunc(byLoad, func(a, b *container) int { return cmp.Compare(a.load-a.low, b.load-b.low) })
	for _, to := range byLoad {
		if to.load >= to.low {
			break
		}
		for _, from := range slices.Backward(byLoad) {
			for i, it := range from.items {
				if it.rate > 0 && from != to && from.load-it.rate >= from.low && to.load+it.rate <= to.high {
					return shift(from, to, i), true
				}
			}
		}
	}
	return move{}, false
}

// tellPool tells when all containers together are busy or idle, so that a
// policy that scales can act on it.
func tellPool(m *mover, all []*container, d *gowanus.Decision) {
	if len(all) == 0 {
		return
	}
	var load, low, high float64
	for _, one := range all {
		load, low, high = load+one.load, low+one.low, high+one.high
	}
	told := ""
	switch {
	case load > high:
		told = "hot"
	case load < low:
		told = "cold"
	}
	word := told
	if told == "" {
		word = "ok"
	}
	if told != "" || m.Told != "" {
		n := float64(len(all))
		d.Sensors = map[string]any{"resizablepool." + word: map[string]any{
			poolSize: n, poolWorkrate: load / n, poolLow: low / n, poolHigh: high / n,
		}}
	}
	m.Told = told
}
