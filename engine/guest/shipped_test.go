package guest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/modules"
)

// codeCache keeps compiled code between the tests.
var codeCache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gowanus-guest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	codeCache = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// shipped loads the modules of this binary, each through engine/wasm, into a
// registry. Without built modules the test is skipped.
func shipped(t testing.TB) (*catalog.Registry, map[string]*wasm.Module) {
	t.Helper()
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable && err != nil {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	r, err := wasm.New(wasm.Config{CacheDir: codeCache, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	types, err := catalog.New()
	if err != nil {
		t.Fatal(err)
	}
	loaded := map[string]*wasm.Module{}
	for _, m := range list {
		bin, err := m.Wasm()
		if err != nil {
			t.Fatal(err)
		}
		if loaded[m.Name], err = r.Load(m.Name, bin, wasm.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		g, err := guest.Load(m.Description, loaded[m.Name], guest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		g.GrantAll()
		if types, err = types.With(g.Types()...); err != nil {
			t.Fatal(err)
		}
	}
	return types, loaded
}

func get(t testing.TB, types *catalog.Registry, kind, name string) *catalog.Type {
	t.Helper()
	typ, err := types.Get(kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// TestShippedDescriptions: what was written at build time is what the modules
// say as WebAssembly.
func TestShippedDescriptions(t *testing.T) {
	_, loaded := shipped(t)
	list, err := modules.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		got, err := guest.Describe(t.Context(), loaded[m.Name], guest.Limits{})
		if err != nil || strings.TrimSpace(string(m.Description)) != string(got) {
			t.Errorf("%s: the description is stale: run make modules\nbuilt %s\nsays  %s, %v", m.Name, m.Description, got, err)
		}
	}
}

// TestShippedDocker starts a container as far as it can be decided.
func TestShippedDocker(t *testing.T) {
	types, _ := shipped(t)
	typ := get(t, types, catalog.Entity, "docker:redis:3")
	call := &hook.EffectorCall{
		Type: typ.Name, Effector: "start", Now: "2026-11-20T12:00:00Z",
		Entity: hook.Entity{
			Ref:    hook.Ref{ID: "x1", Application: "a1", PlanID: "redis", Name: "redis", Type: "docker:redis:3"},
			Config: map[string]any{"docker.container.openPorts": []any{6379}},
		},
		Location: &hook.Location{Name: "my-docker-cloud", Kind: "docker"},
	}
	d, err := typ.Entity.Effector(t.Context(), call)
	if err != nil || len(d.Steps) != 2 || d.Steps[0].Step != "obtain-host" || d.Steps[1].Continue == "" {
		t.Fatalf("got %+v, %v", d, err)
	}
	call.Token = d.Steps[1].Continue
	call.Outputs = []hook.Output{{ID: "host", Step: "obtain-host", Output: map[string]any{"host": "lh1", "address": "10.0.0.1"}}}
	d, err = typ.Entity.Continue(t.Context(), call)
	if err != nil || len(d.Steps) != 4 || d.Steps[1].Input["name"] != "redis_x1" || d.Steps[1].Input["image"] != "redis:3" {
		t.Fatalf("got %+v, %v", d, err)
	}
	call.Token, call.Effector, call.Outputs = "", "stop", nil
	if d, err = typ.Entity.Effector(t.Context(), call); err != nil || d.Steps[0].Step != "if-placed" {
		t.Fatalf("got %+v, %v", d, err)
	}
	call.Effector, call.Entity.Config = "start", map[string]any{"docker.container.openPorts": []any{"http"}}
	_, err = typ.Entity.Effector(t.Context(), call)
	if fault.KindOf(err) != fault.Invalid || err.Error() != `docker.container.openPorts[0]: expected a port from 1 to 65535, got "http"` {
		t.Errorf("got %v", err)
	}
}

func TestShippedPolicies(t *testing.T) {
	types, _ := shipped(t)
	typ := get(t, types, catalog.Policy, "brooklyn.policy.ha.ServiceRestarter")
	call := &hook.PolicyCall{
		Type: typ.Name, Config: map[string]any{"failOnRecurringFailuresInThisDuration": "2 minutes"},
		Entity: hook.Entity{Ref: hook.Ref{ID: "x1", Name: "web"}},
		Event:  &hook.Event{Sensor: "ha.entityFailed", Value: "down", Source: hook.Ref{ID: "x1"}},
		Now:    "2026-11-20T12:00:00Z",
	}
	d, err := typ.Policy.Event(t.Context(), call)
	if err != nil || len(d.Steps) != 1 || d.Steps[0].Step != "invoke-effector" {
		t.Fatalf("got %+v, %v", d, err)
	}
	call.State, call.Now = d.State, "2026-11-20T12:01:59Z"
	d, err = typ.Policy.Event(t.Context(), call)
	if err != nil || len(d.Steps) != 1 || d.Steps[0].Step != "set-on-fire" || d.Sensors["ha.entityFailed.restart"] == nil {
		t.Fatalf("got %+v, %v", d, err)
	}
	get(t, types, catalog.Policy, "org.apache.brooklyn.policy.ha.ServiceFailureDetector")
}

// chain makes strategies of names, and of maps for those with config.
func chain(t testing.TB, types *catalog.Registry, specs ...any) []placement.Strategy {
	t.Helper()
	var all []placement.Strategy
	for _, spec := range specs {
		config, _ := spec.(map[string]any)
		name, ok := spec.(string)
		if !ok {
			name, _ = config["type"].(string)
			delete(config, "type")
		}
		s, err := get(t, types, catalog.Strategy, name).Strategy(config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// fleet makes hosts h0, h1, … with containers as count says.
func fleet(t testing.TB, n int, count func(i int) float64) *placement.Snapshot {
	t.Helper()
	hosts, containers := make([]location.Host, n), make([]float64, n)
	for i := range hosts {
		hosts[i] = location.Host{ID: fmt.Sprintf("h%d", i), Up: true}
		containers[i] = count(i)
	}
	s := placement.NewSnapshot(hosts)
	if err := s.SetFloats(placement.Containers, containers); err != nil {
		t.Fatal(err)
	}
	return s
}

func web() *placement.Demand {
	return &placement.Demand{Entity: hook.Ref{ID: "x1", Name: "web"}, Location: "my-docker-cloud", Now: time.Unix(0, 0), Seed: 7}
}

func TestShippedStrategies(t *testing.T) {
	types, _ := shipped(t)
	counts := []float64{3, 8, 1, 0, 9, 1}
	hosts := fleet(t, len(counts), func(i int) float64 { return counts[i] })
	for _, c := range []struct {
		specs []any
		want  string
	}{
		{[]any{"depth-first"}, "h0 h1 h2 h3 h4 h5"},
		{[]any{"brooklyn.location.docker.strategy.BreadthFirstPlacementStrategy"}, "h3 h2 h5 h0 h1 h4"},
		{[]any{"max-containers", "depth-first"}, "h0 h2 h3 h5"},
		{[]any{map[string]any{"type": "max-containers", "maxContainers": "2"}, "breadth-first"}, "h3 h2 h5"},
		{[]any{"random", map[string]any{"type": "max-containers", "maxContainers": 1}}, "h3"},
	} {
		choice, err := placement.Choose(t.Context(), hosts, web(), chain(t, types, c.specs...))
		var got []string
		for _, h := range choice.Hosts() {
			got = append(got, h.ID)
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%v: got %v, %v, want %s", c.specs, got, err, c.want)
		}
	}
	full := fleet(t, 2, func(int) float64 { return 8 })
	_, err := placement.Choose(t.Context(), full, web(), chain(t, types, "max-containers", "breadth-first"))
	if fault.KindOf(err) != fault.Capacity || err.Error() != "no host for web among the 2 of my-docker-cloud: 2× 8 containers, max is 8 (h0, h1)" {
		t.Errorf("got %v", err)
	}
}

// TestShippedInParallel: instances are interchangeable and keep nothing.
func TestShippedInParallel(t *testing.T) {
	types, _ := shipped(t)
	strategies := chain(t, types, "max-containers", "random", "breadth-first")
	hosts := func() *placement.Snapshot { return fleet(t, 100, func(i int) float64 { return float64(i % 9) }) }
	first, err := placement.Choose(t.Context(), hosts(), web(), strategies)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(first.Hosts())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		s := hosts()
		wg.Go(func() {
			for range 10 {
				choice, err := placement.Choose(t.Context(), s, web(), strategies)
				if got, _ := json.Marshal(choice.Hosts()); err != nil || string(got) != string(want) {
					t.Errorf("got %s, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkChain10k is a placement among 10,000 hosts by three strategies of a
// module: a filter, a shuffle and a sort.
func BenchmarkChain10k(b *testing.B) {
	types, _ := shipped(b)
	strategies := chain(b, types, "max-containers", "random", "breadth-first")
	hosts := fleet(b, 10_000, func(i int) float64 { return float64(i * 7919 % 10) })
	demand := web()
	place := func() {
		if _, err := placement.Choose(b.Context(), hosts, demand, strategies); err != nil {
			b.Fatal(err)
		}
	}
	place() // compiles the module
	b.ReportAllocs()
	for b.Loop() {
		place()
	}
}

// BenchmarkDecision is the start of a container, decided by its module.
func BenchmarkDecision(b *testing.B) {
	types, _ := shipped(b)
	typ := get(b, types, catalog.Entity, "docker:redis:3")
	call := &hook.EffectorCall{
		Type: typ.Name, Effector: "start", Now: "2026-11-20T12:00:00Z",
		Entity: hook.Entity{
			Ref:    hook.Ref{ID: "x1", Application: "a1", PlanID: "redis", Name: "redis", Type: "docker:redis:3"},
			Config: map[string]any{"docker.container.openPorts": []any{6379}},
		},
	}
	decide := func() {
		if _, err := typ.Entity.Effector(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
	decide() // compiles the module
	for b.Loop() {
		decide()
	}
}
