package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

// fleet plays to a policy that moves items between containers, and moves them.
type fleet struct {
	*gowanustest.Player
	sensor string
	moved  []string
	refuse bool
}

func newFleet(typ, sensor string, config gowanus.Values) *fleet {
	f := &fleet{Player: gowanustest.NewPlayer(typ, config), sensor: sensor}
	f.Call.Config[keyItems] = sensor
	return f
}

func (f *fleet) add(id string, config gowanus.Values, items map[string]any) {
	f.Call.Related = append(f.Call.Related, gowanus.Related{Ref: gowanus.Ref{ID: id}, Of: "children", Config: config, Sensors: gowanus.Values{f.sensor: items}})
}

func (f *fleet) items(id string) map[string]any {
	for i := range f.Call.Related {
		if r := &f.Call.Related[i]; r.ID == id {
			return r.Sensors.Map(f.sensor)
		}
	}
	return nil
}

// obey carries out the moves that were decided on, and tells what follows.
func (f *fleet) obey(t *testing.T) {
	t.Helper()
	for said := f.Said(); strings.Contains(said, "invoke-effector"); said = f.Said() {
		for _, word := range strings.Split(said, "; ") {
			var item, to string
			word = strings.NewReplacer("map[container:map[$entity:", "", "map[$entity:", "", "]", "").Replace(word)
			if n, _ := fmt.Sscanf(word, "invoke-effector args=%s effector=move entity=%s lenient=true", &to, &item); n != 2 {
				continue
			}
			f.moved = append(f.moved, item+"→"+to)
			for i := range f.Call.Related {
				from := f.Call.Related[i].Sensors.Map(f.sensor)
				if rate, has := from[item]; has && !f.refuse {
					delete(from, item)
					f.items(to)[item] = rate
					break
				}
			}
		}
		began := said[strings.Index(said, "began:")+6:]
		began = began[:strings.Index(began, " ")]
		f.Event(sensorMoved, map[string]any{"began": began})
	}
}

func (f *fleet) check(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(f.moved, " "); got != want {
		t.Errorf("moved %q, want %q", got, want)
	}
	f.moved = nil
}

const loadBalancing = "org.apache.brooklyn.policy.loadbalancing.LoadBalancingPolicy"

func TestBalance(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items []map[string]any // of a, b, c
		want  string
	}{
		{"nothing to do", []map[string]any{{"i": 40.0}, {"j": 40.0}}, ""},
		{"the busiest gives to the idlest", []map[string]any{{"i": 60.0, "j": 50.0}, {"k": 30.0}, {}}, "i→c"},
		{"no item that would make the other busy", []map[string]any{{"i": 70.0, "j": 35.0}, {"k": 60.0}}, "j→b"},
		{"no room anywhere", []map[string]any{{"i": 70.0, "j": 50.0}, {"k": 80.0}}, ""},
		{"an idle one is given work", []map[string]any{{"i": 45.0, "j": 45.0}, {"k": 5.0}}, "i→b"},
		{"but none that the other needs", []map[string]any{{"i": 25.0}, {"k": 5.0}}, ""},
		{"items without work stay", []map[string]any{{"i": 110.0, "z": 0.0}, {}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(loadBalancing, "loadbalancing.items", gowanus.Values{keyLowThreshold: 20.0, keyHighThreshold: 100.0})
			for i, items := range tt.items {
				f.add(string(rune('a'+i)), nil, items)
			}
			f.Of("a", f.sensor, f.items("a"))
			f.obey(t)
			f.check(t, tt.want)
		})
	}
}

func TestBalanceOwnThresholds(t *testing.T) {
	f := newFleet(loadBalancing, "loadbalancing.items", gowanus.Values{keyHighThreshold: 100.0})
	f.add("a", gowanus.Values{keyHighThreshold: 50.0}, map[string]any{"i": 30.0, "j": 30.0})
	f.add("b", nil, map[string]any{})
	f.Change("b", "joined")
	f.obey(t)
	f.check(t, "i→b")
}

// One round of moves at a time, and no round again that did not help.
func TestBalanceRounds(t *testing.T) {
	f := newFleet(loadBalancing, "loadbalancing.items", gowanus.Values{keyHighThreshold: 100.0, keyMostMoves: 1})
	f.add("a", nil, map[string]any{"i": 60.0, "j": 60.0, "k": 60.0})
	f.add("b", nil, map[string]any{})
	f.Of("a", f.sensor, f.items("a"))
	first := f.Said()
	if !strings.Contains(first, "entity=i ") || strings.Contains(first, "entity=j ") {
		t.Fatalf("said %q", first)
	}
	f.Of("a", f.sensor, f.items("a"))
	f.Pass(time.Minute)
	if got := f.Said(); got != "" {
		t.Errorf("said %q while moves were on their way", got)
	}

	f = newFleet(loadBalancing, "loadbalancing.items", gowanus.Values{keyHighThreshold: 100.0})
	f.add("a", nil, map[string]any{"i": 60.0, "j": 60.0})
	f.add("b", nil, map[string]any{})
	f.refuse = true
	f.Of("a", f.sensor, f.items("a"))
	for end := f.Now.Add(time.Hour); f.Now.Before(end); f.Pass(time.Second) {
		f.obey(t)
	}
	if n := len(f.moved); n < 5 || n > 15 {
		t.Errorf("moved %d times within an hour", n)
	}
}

func TestBalanceTellsOfThePool(t *testing.T) {
	f := newFleet(loadBalancing, "loadbalancing.items", gowanus.Values{keyLowThreshold: 20.0, keyHighThreshold: 100.0})
	f.add("a", nil, map[string]any{"i": 180.0})
	f.add("b", nil, map[string]any{"j": 60.0})
	say := func(rate float64, want string) {
		t.Helper()
		f.Pass(time.Second)
		f.Of("a", f.sensor, map[string]any{"i": rate})
		if got := f.Said(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	say(180, "resizablepool.hot=map[pool.current.size:2 pool.current.workrate:120 pool.high.threshold:100 pool.low.threshold:20]")
	say(100, "resizablepool.ok=map[pool.current.size:2 pool.current.workrate:80 pool.high.threshold:100 pool.low.threshold:20]")
	say(90, "")
}

func TestFollowTheSun(t *testing.T) {
	const typ = "org.apache.brooklyn.policy.followthesun.FollowTheSunPolicy"
	at := func(place string) gowanus.Values { return gowanus.Values{keyPlace: place} }
	use := func(east, west float64) map[string]any { return map[string]any{"east": east, "west": west} }
	for _, tt := range []struct {
		name string
		gain float64
		use  map[string]any
		want string
	}{
		{"used where it is", 0, use(9, 1), ""},
		{"used elsewhere", 0, use(1, 9), "i→w2"},
		{"as much here as there", 0, use(5, 5), ""},
		{"not enough more", 0.5, use(4, 6), ""},
		{"enough more", 0.5, use(2, 8), "i→w2"},
		{"most from where nothing is", 0, map[string]any{"north": 9.0, "west": 5.0, "east": 1.0}, "i→w2"},
		{"only from where nothing is", 0, map[string]any{"north": 9.0}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(typ, "followthesun.items", gowanus.Values{keyGain: tt.gain})
			f.add("e1", at("east"), map[string]any{"i": tt.use})
			f.add("w1", at("west"), map[string]any{"j": use(0, 3)})
			f.add("w2", at("west"), map[string]any{"k": use(0, 2)})
			f.Of("e1", f.sensor, f.items("e1"))
			f.obey(t)
			f.check(t, tt.want)
		})
	}
}

func TestMoverConfig(t *testing.T) {
	f := newFleet(loadBalancing, "x", gowanus.Values{keyMovePeriod: "soon"})
	f.Change("a", "left")
	if got := f.Said(); got != `error minPeriodBetweenExecs: expected a duration such as "30s" or "1m 30s", got soon` {
		t.Errorf("got %q", got)
	}
}
