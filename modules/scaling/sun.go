package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyPlace = "followthesun.location"
	keyGain  = "followthesun.leastGain"
)

func followTheSun() gowanus.Type {
	related := gowanus.RelatedSpec{Sensors: []string{"config:" + keyItems}, Config: []string{keyPlace}}
	members, children := related, related
	members.Of, children.Of = "members", "children"
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.followthesun.FollowTheSunPolicy", Kind: gowanus.KindPolicy,
		Aliases:     brooklyn("followthesun", "FollowTheSunPolicy", "follow-the-sun"),
		Description: "moves items to containers in the places from which they are used most",
		Config: moverKeys("followthesun.items",
			gowanus.ConfigKey{Name: keyGain, Type: "double", Default: 0, Description: "how much more the use from the other place must be, as a share of all use of the item"}),
		Sensors: []gowanus.Sensor{
			{Name: sensorMoved, Type: "map", Description: "the last moves have come to their end: how many, and when they began"},
		},
		Events:      moverEvents(),
		Related:     []gowanus.RelatedSpec{members, children},
		PolicyEvent: follow,
	}
}

func follow(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	return moving(c, func(_ *mover, most int, _ *gowanus.Decision) (out []move) {
		all := containers(c, func(config gowanus.Values, one *container) { one.place = config.String(keyPlace) })
		for _, from := range all {
			for i := 0; i < len(from.items) && len(out) < most; i++ {
				if to := sunny(all, from, &from.items[i], c.Config.Float(keyGain)); to != nil {
					out = append(out, shift(from, to, i))
					i--
				}
			}
		}
		return out
	})
}

// sunny gives where an item should be: the container with the least load in
// the place from which it is used most. nil leaves it where it is.
func sunny(all []*container, from *container, it *item, gain float64) *container {
	places := slices.Sorted(maps.Keys(it.demand)) // so that ties are broken alike each time
	slices.SortStableFunc(places, func(a, b string) int { return -cmp.Compare(it.demand[a], it.demand[b]) })
	for _, place := range places {
		if place == from.place || it.demand[place]-it.demand[from.place] <= gain*it.rate {
			return nil
		}
		var best *container
		for _, to := range all {
			if to.place == place && (best == nil || to.load < best.load) {
				best = to
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}
