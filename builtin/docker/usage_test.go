package docker

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// TestRevision: it tells states apart, and what did not change is not made
// anew.
func TestRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"))
		seen := func() location.Host {
			t.Helper()
			hosts, err := b.location.Hosts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return hosts[0]
		}
		if r := seen().Revision; r != 1 {
			t.Errorf("revision %d", r)
		}
		time.Sleep(time.Minute) // it is asked again, and says the same
		if r := seen().Revision; r != 1 {
			t.Errorf("revision %d after nothing changed", r)
		}
		b.fakes[0].change(func() { b.fakes[0].labels = map[string]string{"gpu": ""} })
		time.Sleep(time.Minute)
		if h := seen(); h.Revision != 2 || h.Labels["gpu"] != "true" {
			t.Errorf("%+v", h)
		}
		b.fakes[0].change(func() { b.fakes[0].fail["Info"] = []error{fault.New(fault.Unavailable, "refused")} })
		time.Sleep(time.Minute)
		if h := seen(); h.Revision != 3 || h.Up || h.Labels["gpu"] != "true" || h.CPUs != 2 {
			t.Errorf("%+v", h)
		}
	})
}

func TestMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"), newFake("two"))
		one, two := b.fakes[0], b.fakes[1]
		set := func(s stats) { one.change(func() { one.stats = s }) }
		usage := func() location.Usage {
			t.Helper()
			hosts, err := b.location.Measured(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if hosts[0].Usage == nil {
				return location.Usage{CPU: -1}
			}
			return *hosts[0].Usage
		}
		set(stats{CPU: map[string]spent{"a": {100, 1000}}, Memory: 50})
		two.fail["Stats"] = []error{fault.New(fault.Invalid, "no stats here")}
		go func() { // between the two looks
			time.Sleep(leastWindow / 2)
			set(stats{CPU: map[string]spent{"a": {200, 1400}, "b": {40, 1400}}, Memory: 70})
		}()
		begin := time.Now()
		if got, want := usage(), (location.Usage{CPU: 0.25 + 0.1, Memory: 70}); math.Abs(got.CPU-want.CPU) > 1e-9 || got.Memory != want.Memory {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if d := time.Since(begin); d != leastWindow {
			t.Errorf("it took %v", d)
		}
		hosts, err := b.location.Hosts(t.Context())
		if err != nil || hosts[1].Usage != nil || !hosts[1].Up {
			t.Errorf("the second: %+v, %v", hosts[1], err)
		}
		one.called()

		// It stays known for a while, then one look is enough, and shared.
		usage()
		wantCalls(t, one)
		time.Sleep(20 * time.Second)
		set(stats{CPU: map[string]spent{"b": {1040, 3400}}, Memory: 10})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if got := usage(); got.CPU != 0.5 || got.Memory != 10 {
					t.Errorf("got %+v", got)
				}
			})
		}
		wg.Wait()
		wantCalls(t, one, "Info", "Stats")

		// Nothing runs.
		time.Sleep(time.Minute)
		set(stats{})
		if got := usage(); got != (location.Usage{}) {
			t.Errorf("got %+v", got)
		}
		// The first container after that: its share cannot be told yet.
		time.Sleep(time.Minute)
		set(stats{CPU: map[string]spent{"c": {500, 9000}}, Memory: 5})
		if got := usage(); got != (location.Usage{Memory: 5}) {
			t.Errorf("got %+v", got)
		}
		// More than all there is, as clocks of different reads may say.
		time.Sleep(time.Minute)
		set(stats{CPU: map[string]spent{"c": {5000, 9100}}, Memory: 5})
		if got := usage(); got.CPU != 1 {
			t.Errorf("got %+v", got)
		}
		// No answer: not known any more.
		time.Sleep(time.Minute)
		one.change(func() { one.hang["Stats"] = true })
		if got := usage(); got.CPU != -1 {
			t.Errorf("got %+v", got)
		}
		one.change(func() { one.hang["Stats"] = false })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.location.Measured(ctx); err == nil {
			t.Error("a cancelled question was answered")
		}
	})
}

// TestColumns: what strategies read of a host is there.
func TestColumns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, Config{}, newFake("one"))
		b.fakes[0].labels = map[string]string{"latitude": "53.35", "longitude": "-6.26", "gpu": ""}
		b.fakes[0].stats = stats{Memory: 1 << 20}
		hosts, err := b.location.Measured(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		table := placement.NewTable()
		table.SetHosts(hosts)
		table.Seat(placement.Resident{
			Ref: hook.Ref{ID: "e1", Application: "a1", Name: "db", Type: "docker:redis"}, Parent: "p1", Host: "lh1", Memory: 1 << 10, CPUs: 0.5,
		})
		got := &columns{}
		d := &placement.Demand{Entity: hook.Ref{ID: "e2", Application: "a1"}}
		if _, err := placement.Choose(t.Context(), table.Snapshot("a1", "p1"), d, []placement.Strategy{got}); err != nil {
			t.Fatal(err)
		}
		for _, name := range placement.Columns() {
			if name = strings.Replace(name, "KEY", "gpu", 1); !got.has[name] && name != placement.Up {
				t.Errorf("column %s is empty", name)
			}
		}
	})
}

// columns is a strategy that notes which columns have values.
type columns struct{ has map[string]bool }

func (*columns) Name() string      { return "columns" }
func (*columns) Columns() []string { return placement.Columns() }

func (c *columns) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	c.has = map[string]bool{}
	for _, name := range append(placement.Columns(), "label:gpu") {
		floats, texts := b.Floats(name), b.Strings(name)
		c.has[name] = len(floats) > 0 && !math.IsNaN(floats[0]) || len(texts) > 0 && texts[0] != ""
	}
	return placement.NewRanking(b.Len()), nil
}
