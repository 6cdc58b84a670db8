package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

func newHeadroom(config gowanus.Values) *gowanustest.Player {
	p := gowanustest.NewPlayer("clocker.docker.policy.ContainerHeadroomEnricher", defaults(headroom(), config))
	p.Ask = gowanustest.Enricher
	return p
}

// The vectors of Clocker's own tests.
func TestHeadroom(t *testing.T) {
	type step struct {
		hosts, containers float64
		want              string
	}
	pool := func(what string, size, rate, low, high float64) string {
		return fmt.Sprintf("docker.container.cluster.%s=%v; ", what, map[string]any{poolSize: size, poolWorkrate: rate, poolLow: low, poolHigh: high})
	}
	rest := func(needed, utilisation float64) string {
		return fmt.Sprintf("docker.container.cluster.needed=%v; docker.container.cluster.utilisation=%v", needed, utilisation)
	}
	needed, used, _ := strings.Cut(rest(-4, 0.5), "; ")
	enough := needed + "; " + pool("ok", 2, 0.5, 0.25, 0.75) + used
	for _, tt := range []struct {
		name   string
		config gowanus.Values
		steps  []step
	}{
		{"too little room", gowanus.Values{keyCount: 4}, []step{
			{2, 8, rest(-4, 0.5)},
			{2, 13, pool("hot", 2, 0.8125, 0.25, 0.75) + rest(1, 0.8125)},
			{2, 28, pool("hot", 2, 1.75, 0.25, 0.75) + rest(16, 1.75)},
			{2, 8, enough},
			{2, 9, rest(-3, 0.5625)},
		}},
		{"too much room", gowanus.Values{keyCount: 4, keyColdToo: true}, []step{
			{10, 1, pool("cold", 10, 0.0125, 0.85, 0.95) + rest(-75, 0.0125)},
			{2, 1, pool("cold", 2, 0.0625, 0.25, 0.75) + rest(-11, 0.0625)},
			{2, 8, enough},
		}},
		{"too much room is not told unless that is wanted", gowanus.Values{keyCount: 4}, []step{{10, 1, rest(-75, 0.0125)}, {2, 1, rest(-11, 0.0625)}}},
		{"a share", gowanus.Values{keyPercent: 0.2}, []step{{2, 12, rest(0, 0.75)}, {2, 13, pool("hot", 2, 0.8125, 0.25, 0.75) + rest(1, 0.8125)}}},
		{"other hosts", gowanus.Values{keyCount: 4, keyCapacity: 16}, []step{{2, 28, rest(0, 0.875)}}},
		// More is to be free than there is: no size can be computed of the threshold.
		{"less than the headroom", gowanus.Values{keyCount: 20}, []step{{1, 3,
			"docker.container.cluster.hot=map[pool.current.size:1 pool.current.workrate:0.375 pool.desired.size:3 pool.high.threshold:0 pool.low.threshold:0]; " + rest(15, 0.375)}}},
		{"nothing is known", gowanus.Values{keyCount: 4}, []step{{0, 3, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newHeadroom(tt.config)
			for _, s := range tt.steps {
				p.Set("docker.hosts.total", s.hosts)
				p.Event("docker.containers.total", s.containers)
				if got := p.Said(); got != s.want {
					t.Errorf("%v containers on %v hosts:\ngot  %s\nwant %s", s.containers, s.hosts, got, s.want)
				}
			}
		})
	}
}

// The hosts that are asked for are as many as leave enough room.
func TestHeadroomWanted(t *testing.T) {
	for _, tt := range []struct {
		containers, count, percent, want float64
	}{
		{0, 4, 0, 1}, {13, 4, 0, 3}, {12, 4, 0, 2}, {3, 20, 0, 3}, {0, 0, 0.5, 1}, {8, 0, 0.5, 2}, {9, 0, 0.5, 3}, {1000, 0, 0.1, 139},
	} {
		p := &pool{capacity: 8, containers: tt.containers, count: tt.count, percent: tt.percent}
		got := p.wanted(1, 1000)
		if got != tt.want || p.needed(got) > 0 || got > 1 && p.needed(got-1) <= 0 {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
	if got := (&pool{capacity: 8, containers: 100, count: 4}).wanted(1, 5); got != 5 {
		t.Errorf("got %v, at most 5 are allowed", got)
	}
}

func TestHeadroomConfig(t *testing.T) {
	for want, config := range map[string]gowanus.Values{
		"expected either docker.container.cluster.headroom.count or docker.container.cluster.headroom.percent": {},
		"docker.container.cluster.headroom.count: expected a number above 0, got 0":                            {keyCount: 0},
		"docker.container.cluster.headroom.percent: expected a share above 0 and below 1, got 1":               {keyPercent: 1.0},
		"docker.container.cluster.maxSize: expected a number above 0, got 0":                                   {keyCount: 1, keyCapacity: 0},
	} {
		p := newHeadroom(config)
		p.Event("docker.containers.total", 1)
		if got := p.Said(); got != "error "+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The two types understand each other.
func TestHeadroomScales(t *testing.T) {
	p := newHeadroom(gowanus.Values{keyCount: 4})
	p.Set("docker.hosts.total", 2)
	p.Event("docker.containers.total", 13)
	c := newCluster(t, 2, gowanus.Values{keyHot: sensorHot})
	c.Event(sensorHot, p.Call.Entity.Sensors[sensorHot])
	c.run(s)
	if got := strings.Join(c.resized, " "); got != "2→3" {
		t.Errorf("got %q", got)
	}
}
