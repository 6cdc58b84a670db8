package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/group"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/engine/store"
)

// zoned is a location with two hosts in each of two zones.
type zoned struct{ *world }

func (z zoned) Open(location.Definition) (location.Location, error) { return z, nil }

func (zoned) Hosts(context.Context) ([]location.Host, error) {
	var out []location.Host
	for _, id := range []string{"east1", "west1", "east2", "west2"} {
		out = append(out, location.Host{ID: id, Address: id, Up: true, CPUs: 4, Memory: 1 << 30, Labels: map[string]string{"zone": id[:4]}})
	}
	return out, nil
}

// turning is a strategy that prefers another host each time.
type turning struct{ n *atomic.Int32 }

func (turning) Name() string      { return "turning" }
func (turning) Columns() []string { return nil }

func (s turning) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	r := placement.NewRanking(b.Len())
	if b.Len() > 0 {
		r.Scores[int(s.n.Add(1))%b.Len()] = 1
	}
	return r, nil
}

func zonedEngine(t *testing.T) *engine.Engine {
	t.Helper()
	w, n := newWorld(), new(atomic.Int32)
	e, err := engine.New(context.Background(), engine.Config{
		Store: store.NewMemory(), Plane: "test", Providers: []location.Provider{zoned{w}}, Actions: w.actions(),
		Types: slices.Concat(stock.Types(), cluster.Types(), group.New(group.Config{}).Types(), []*catalog.Type{{
			Type:     hook.Type{Name: "turning", Kind: catalog.Strategy},
			Strategy: func(map[string]any) (placement.Strategy, error) { return turning{n}, nil },
		}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEngine(t, e) })
	return e
}

// hosts gives where the software below an entity runs.
func hosts(of *entity.Entity) string {
	var out []string
	for _, d := range of.Descendants() {
		if v, has := d.Sensor("host.name"); has {
			out = append(out, fmt.Sprint(v))
		}
	}
	return strings.Join(out, " ")
}

const software = "{type: vanilla-software-process, launch.command: run}"

func TestSameServer(t *testing.T) {
	for typ, together := range map[string]bool{"same-server": true, "basic-application": false} {
		e := zonedEngine(t)
		app, start := deploy(t, e, `
location: localhost
brooklyn.config: {docker.container.strategies: [turning]}
services:
- type: `+typ+`
  id: pair
  brooklyn.children:
  - `+software+`
  - {type: basic-application, brooklyn.children: [`+software+`, `+software+`]}
- `+software+`
`)
		if err := wait(t, start); err != nil {
			t.Fatal(err)
		}
		at := strings.Fields(hosts(app.Nearest("pair")))
		if len(at) != 3 || (at[0] == at[1] && at[1] == at[2]) != together {
			t.Errorf("%s runs on %s", typ, at)
		}
	}
}

func TestMembersRunInTheirZone(t *testing.T) {
	e := zonedEngine(t)
	app, start := deploy(t, e, `
location: localhost
brooklyn.config: {docker.container.strategies: [turning]}
services:
- type: dynamic-cluster
  id: c
  initialSize: 4
  enableAvailabilityZones: true
  memberSpec: {$brooklyn:entitySpec: {type: basic-application, brooklyn.children: [`+software+`, `+software+`]}}
`)
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	for i, m := range app.Nearest("c").Members() {
		want := []string{"east", "west"}[i%2]
		at := strings.Fields(hosts(m))
		if len(at) != 2 || !strings.HasPrefix(at[0], want) || !strings.HasPrefix(at[1], want) {
			t.Errorf("member %d, of zone %s, runs on %s", i, want, at)
		}
	}
	if v, _ := app.Nearest("c").Sensor("dynamiccluster.subLocations"); fmt.Sprint(v) != "[east west]" {
		t.Errorf("zones %v", v)
	}
}

func TestZonesOfALocation(t *testing.T) {
	for config, want := range map[string]string{
		"numAvailabilityZones: 1":             "",
		"numAvailabilityZones: 0":             "dynamiccluster.numAvailabilityZones of c: expected 1 or more, not 0",
		"numAvailabilityZones: 3":             "dynamiccluster.numAvailabilityZones of c is 3, but location localhost has 2 zones: [east west]",
		"availabilityZoneNames: [north]":      "it is not in zone north",
		"availabilityZoneNames: [west, west]": "",
	} {
		e := zonedEngine(t)
		app, start := deploy(t, e, `
location: localhost
services:
- type: dynamic-cluster
  name: c
  initialSize: 1
  enableAvailabilityZones: true
  memberSpec: {$brooklyn:entitySpec: `+software+`}
  `+config+"\n")
		err := wait(t, start)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v\n want %s", config, err, want)
		}
		// One that found no host leaves nothing to look at.
		if n := len(app.Children()[0].Children()); want != "" && n != 0 {
			t.Errorf("%s: %d children", config, n)
		}
	}
}

// A policy gives members their location, which must be one of the server.
func TestMembersAreGivenLocations(t *testing.T) {
	e := zonedEngine(t)
	app, start := deploy(t, e, `
services:
- {type: basic-startable, id: a}
- type: basic-group
  id: g
  brooklyn.policies:
  - {type: groups-change-policy, brooklyn.config: {member.locations: ['named:localhost']}}
`)
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	moved := make(chan struct{}, 1)
	defer app.Nearest("a").Observe(func(c entity.Change) {
		if c.Kind == entity.Moved {
			moved <- struct{}{}
		}
	})()
	app.Nearest("g").ChangeMembers(nil, []*entity.Entity{app.Nearest("a")})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case <-moved:
	case <-ctx.Done():
	}
	if got := app.Nearest("a").Locations(); !slices.Equal(got, []string{"localhost"}) {
		t.Errorf("locations %v", got)
	}
}
