package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/engine/store"
)

// spies are strategies that note how they were asked.
type spies struct {
	mu    sync.Mutex
	asked []string
	seen  []string // what the columns of the hosts were
	needs []string
}

type spy struct {
	name   string
	config map[string]any
	all    *spies
}

func (s *spy) Name() string { return s.name }
func (s *spy) Columns() []string {
	return []string{placement.Containers, placement.AppSiblings, placement.CPUReserved, placement.MemoryReserved, placement.EntityNames}
}

// Check refuses the config bad, and items that are "bad".
func (s *spy) Check(context.Context) error {
	if list, ok := s.config["affinity.rules"].([]any); ok {
		if i := slices.Index(list, any("bad")); i >= 0 {
			return &placement.At{Path: fmt.Sprintf("affinity.rules[%d]", i), Err: fault.New(fault.Invalid, "a bad rule")}
		}
	}
	if n, _ := json.Marshal([]any{s.config["docker.container.cluster.maxSize"], s.config["max"]}); strings.Contains(string(n), "13") {
		return &placement.At{Path: "docker.container.cluster.maxSize", Err: fault.New(fault.Invalid, "13 is bad luck")}
	}
	return nil
}

// Rank refuses hosts with as many containers as max says.
func (s *spy) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	text, _ := json.Marshal(s.config)
	s.all.asked = append(s.all.asked, s.name+" "+string(text))
	needs, _ := json.Marshal(b.Demand().Needs)
	s.all.needs = append(s.all.needs, string(needs))
	s.all.seen = append(s.all.seen, fmt.Sprint(b.Floats(placement.Containers), b.Floats(placement.AppSiblings), b.Floats(placement.CPUReserved),
		b.Floats(placement.MemoryReserved), strings.Join(b.Strings(placement.EntityNames), "|")))
	r := placement.NewRanking(b.Len())
	for i, n := range b.Floats(placement.Containers) {
		switch {
		case s.name == "full" && n > 0:
			r.Refuse(i, "it is taken")
		case s.name == "spread":
			r.Scores[i] = -n
		}
	}
	return r, nil
}

// take gives what was noted since the last time.
func (s *spies) take(list *[]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(*list, "; ")
	s.asked, s.seen, s.needs = nil, nil, nil
	return out
}

func (s *spies) types() []*catalog.Type {
	var out []*catalog.Type
	for _, name := range []string{"first", "spread", "full", "affinity-rules", "expression"} {
		t := &catalog.Type{Type: hook.Type{Name: name, Kind: catalog.Strategy, Aliases: []string{"org.example." + name}}}
		t.Config = []hook.ConfigKey{
			{Name: "docker.container.cluster.maxSize", Flags: []string{"max"}, Type: "integer"},
			{Name: "minRam", Type: "any"}, {Name: "minCores", Type: "double"}, {Name: "affinity.rules", Flags: []string{"rules"}, Type: "list"},
		}
		t.Strategy = func(config map[string]any) (placement.Strategy, error) {
			if config["max"] == "many" {
				return nil, fault.New(fault.Invalid, "the max is no number")
			}
			if filter, _ := config["filter"].(string); strings.Contains(filter, ".bad") {
				return nil, &placement.At{Path: "filter", Err: fault.New(fault.Invalid, "filter: nothing is called bad")}
			}
			return &spy{name, config, s}, nil
		}
		out = append(out, t)
	}
	return append(out, &catalog.Type{Type: hook.Type{Name: "some-day", Kind: catalog.Strategy}, Unbuilt: "use spread"},
		&catalog.Type{Type: hook.Type{Name: "empty", Kind: catalog.Strategy}})
}

func placing(t *testing.T, s *spies, st store.Store, config map[string]any) (*engine.Engine, error) {
	t.Helper()
	w := newWorld()
	e, err := engine.New(t.Context(), engine.Config{
		Store: st, Types: append(stock.Types(), s.types()...), Providers: []location.Provider{w}, Actions: w.actions(), Plane: "test",
		Locations: []location.Definition{{Name: "here", Kind: "localhost", Config: config}},
	})
	if err == nil {
		t.Cleanup(func() { closeEngine(t, e) })
	}
	return e, err
}

func process(config string) string {
	return "location: here\nservices:\n- type: vanilla-software-process\n  name: web\n  launch.command: run\n  brooklyn.config:\n    " +
		strings.ReplaceAll(config, "\n", "\n    ") + "\n"
}

func TestChains(t *testing.T) {
	for _, c := range []struct {
		name     string
		location map[string]any
		config   string
		want     string
	}{
		{"none", nil, "{}", ""},
		{"the entity's", nil, "docker.container.strategies: spread", "spread {}"},
		{"the location's first", map[string]any{"strategies": []any{"first"}, "docker.container.strategies": []any{map[string]any{"type": "spread", "max": 3}}},
			"docker.container.strategies: [org.example.full]", `first {}; spread {"max":3}; full {}`},
		{"all forms", nil, `docker.container.strategies:
- first
- {type: first, max: 1}
- {type: first, brooklyn.config: {max: 2}}
- $brooklyn:object: {type: first, brooklyn.config: {max: 3}}
- $brooklyn:object: {objectType: first, object.fields: {max: 4}}
- {type: first, max: $brooklyn:config("n")}
n: 5`, `first {}; first {"max":1}; first {"max":2}; first {"max":3}; first {"max":4}; first {"max":5}`},
		{"the location overrules", map[string]any{"docker.container.cluster.maxSize": 7}, "docker.container.strategies: [{type: first, max: 1}, spread]",
			`first {"docker.container.cluster.maxSize":7}; spread {"docker.container.cluster.maxSize":7}`},
		{"rules add up", map[string]any{"affinity.rules": []any{"c"}}, "docker.container.strategies: [{type: affinity-rules, rules: [a]}]\naffinity.rules: [b]",
			`affinity-rules {"affinity.rules":["a","b","c"]}`},
		{"predicates", map[string]any{"affinity.rules": "not any predicate .d"}, "affinity.rules:\n- |\n  TYPE a, NAME b\n  PREDICATE .name contains \"x, y\"\n- ANY PREDICATE .b\n- ALL NOT PREDICATE .c\n- NOT ALL PREDICATE .e\n- NOT EMPTY",
			`affinity-rules {"affinity.rules":["TYPE a, NAME b\n","NOT EMPTY"]}; expression {"filter":"all(entities, {.name contains \"x, y\"})"}; ` +
				`expression {"filter":"len(entities) == 0 or any(entities, {.b})"}; expression {"filter":"none(entities, {.c})"}; ` +
				`expression {"filter":"len(entities) == 0 or not all(entities, {.e})"}; expression {"filter":"none(entities, {.d})"}`},
		{"only predicates", nil, "docker.container.strategies: [{type: affinity-rules, rules: SAME PREDICATE .a}]",
			`affinity-rules {}; expression {"filter":"all(entities, {.a})"}`},
		{"rules need no strategy", nil, "docker.container.strategies: [spread]\naffinity.rules: b", `spread {"affinity.rules":["b"]}; affinity-rules {"affinity.rules":["b"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &spies{}
			e, err := placing(t, s, store.NewMemory(), c.location)
			if err != nil {
				t.Fatal(err)
			}
			_, start := deploy(t, e, process(c.config))
			if err := wait(t, start); err != nil {
				t.Fatal(err)
			}
			if got := s.take(&s.asked); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestReservations: what was reserved is counted by the next placement, and
// after a restart, and under its present name.
func TestReservations(t *testing.T) {
	s, st := &spies{}, store.NewMemory()
	e, err := placing(t, s, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	place := func(e *engine.Engine, config, seen, needs string) {
		t.Helper()
		app, start := deploy(t, e, process(config))
		if err := wait(t, start); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		got := strings.Join(s.seen, "; ") + " needs " + strings.Join(s.needs, "; ")
		s.seen, s.needs = nil, nil
		s.mu.Unlock()
		if want := seen + " needs " + needs; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if err := app.Children()[0].Rename(t.Context(), app.Children()[0].Name()+"!"); err != nil {
			t.Fatal(err)
		}
	}
	place(e, "docker.container.strategies: [{type: spread, minRam: 2, minCores: 0.5}]", "[0 0] [0 0] [0 0] [0 0]", "{}")
	place(e, "docker.container.strategies: [{type: spread, minRam: 1g}]\nprovisioning.properties: {minRam: 2048, minCores: 2}",
		"[1 0] [0 0] [0.5 0] [2.097152e+06 0]web!|", `{"cpus":2,"memory":2147483648}`)
	if err := st.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := placing(t, s, st, nil)
	if err != nil {
		t.Fatal(err)
	}
	place(again, "docker.container.strategies: [spread]", "[1 1] [0 0] [0.5 2] [2.097152e+06 2.147483648e+09]web!|web!", "{}")
}

func TestNoHostIsLeft(t *testing.T) {
	s := &spies{}
	e, err := placing(t, s, store.NewMemory(), map[string]any{"strategies": "full"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, start := deploy(t, e, process("{}"))
		if err := wait(t, start); err != nil {
			t.Fatal(err)
		}
	}
	app, start := deploy(t, e, process("{}"))
	err = wait(t, start)
	if want := "no host for web among the 2 of here: 2× it is taken (h1, h2)"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	var said strings.Builder
	for _, tk := range e.Tasks().OfEntity(string(app.Children()[0].ID())) {
		text, err := tk.ReadStream("stderr")
		if err != nil && fault.KindOf(err) != fault.NotFound {
			t.Error(err)
		}
		said.Write(text)
	}
	if want := "h1: it is taken\nh2: it is taken\n"; said.String() != want {
		t.Errorf("the tasks said %q, want %q", said.String(), want)
	}
}

func TestStrategiesAreChecked(t *testing.T) {
	s := &spies{}
	e, err := placing(t, s, store.NewMemory(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.Deploy(t.Context(), engine.Request{File: "app", Text: []byte(process(`docker.container.strategies:
- sprad
- {type: spread, mex: 3}
- {type: spread, max: many}
- {type: spread, max: 13}
- $brooklyn:object:
    type: org.example.spread
    brooklyn.config:
      max: 13
- {max: 3}
- some-day
- empty
- {type: spread, max: $brooklyn:config("later")}
- 7
- {type: affinity-rules, rules: [good, bad]}
affinity.rules:
- bad
- PREDICATE .bad`))})
	want := []string{
		`app:8:7: unknown strategy type "sprad"; did you mean "spread"?`,
		`app:9:22: spread has no config key "mex"; did you mean "max"?`,
		`app:10:27: max of spread: cannot read "many" as integer`,
		`app:11:27: 13 is bad luck`,
		`app:15:16: 13 is bad luck`,
		`app:16:7: placement strategy: expected a type name or a map with the key type`,
		`app:17:7: type some-day is known but not built: use spread`,
		`app:18:7: type empty cannot rank hosts`,
		`app:20:7: unknown strategy type "7"`,
		`app:21:44: a bad rule`,
		`app:24:7: affinity.rules[1]: PREDICATE, as all(entities, {.bad}): filter: nothing is called bad`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
	}
	if got := s.take(&s.asked); got != "" {
		t.Errorf("hosts were ranked: %s", got)
	}
}

// TestStrategiesOfTheCatalog: an item brings config, and what names it may say
// more.
func TestStrategiesOfTheCatalog(t *testing.T) {
	s := &spies{}
	e, err := placing(t, s, store.NewMemory(), nil)
	if err != nil {
		t.Fatal(err)
	}
	add := engine.BundleRequest{File: "c.bom", Content: []byte(`
brooklyn.catalog:
  bundle: b
  version: "1"
  items:
  - {id: ours, itemType: strategy, item: {type: spread, brooklyn.config: {max: 3, minCores: 1}}}
  - {id: theirs, itemType: strategy, item: {type: ours, brooklyn.config: {max: 4}}}
`)}
	if _, err := e.AddBundle(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	_, start := deploy(t, e, process("docker.container.strategies: [ours, {type: 'theirs:1', minCores: 2}]"))
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	want := `spread {"docker.container.cluster.maxSize":3,"minCores":1}; spread {"docker.container.cluster.maxSize":4,"minCores":2}`
	if got := s.take(&s.asked); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, _, err = e.Deploy(t.Context(), engine.Request{File: "app", Text: []byte(process("docker.container.strategies: [{type: ours, max: 13}]"))})
	if err == nil || err.Error() != "app:7:53: 13 is bad luck" {
		t.Error(err)
	}
}

func TestStrategiesOfLocationsAreChecked(t *testing.T) {
	for _, c := range []struct {
		strategies any
		want       string
	}{
		{"sprad", `strategies of location here: unknown strategy type "sprad"; did you mean "spread"?`},
		{[]any{map[string]any{"max": 3}}, `strategies of location here: placement strategy map[max:3]: expected a type name or a map with the key type`},
		{map[string]any{"type": "first", "max": 13}, `strategies of location here: 13 is bad luck`},
		{[]any{map[string]any{"type": "affinity-rules", "affinity.rules": []any{"bad"}}}, `strategies of location here: a bad rule`},
		{[]any{map[string]any{"type": "affinity-rules", "affinity.rules": []any{"EMPTY", "any predicate"}}},
			`strategies of location here: affinity.rules[1]: "any predicate": PREDICATE needs an expression about an entity of the host, such as .name == "db"`},
		{[]any{map[string]any{"type": "affinity-rules", "affinity.rules": "NOT ANY NOT PREDICATE .a"}},
			`strategies of location here: affinity.rules[0]: "NOT ANY NOT PREDICATE .a": only one of NOT and SAME may stand in a rule, once`},
		{map[string]any{"type": "first", "max": "many"}, `strategies of location here: the max is no number`},
		{"some-day", `strategies of location here: type some-day is known but not built: use spread`},
	} {
		e, err := placing(t, &spies{}, store.NewMemory(), map[string]any{"strategies": c.strategies})
		if err == nil { // what only the strategies know
			err = e.CheckLocations(t.Context())
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%v:\ngot  %v\nwant %s", c.strategies, err, c.want)
		}
	}
}

// TestPlacementsDoNotOverlap: entities that start at the same time see each
// other's places.
func TestPlacementsDoNotOverlap(t *testing.T) {
	s := &spies{}
	e, err := placing(t, s, store.NewMemory(), map[string]any{"strategies": "full"})
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte(process("{}"))})
			if err == nil {
				_, err = start.Wait(t.Context())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	placed := 0
	for _, err := range errs {
		if err == nil {
			placed++
		} else if !strings.Contains(err.Error(), "it is taken") {
			t.Error(err)
		}
	}
	if placed != 2 {
		t.Errorf("%d found a place on 2 hosts", placed)
	}
}

// cloud is a location that obtains a machine for each entity.
type cloud struct{ asked chan map[string]any }

func (c *cloud) plan(_ context.Context, call *hook.LocationCall) (*hook.Decision, error) {
	if call.Op == "obtain" {
		c.asked <- call.Demand
	}
	return &hook.Decision{Result: map[string]any{"id": "m1", "address": "10.0.0.9"}}, nil
}

// TestDemandOfMachines: a machine that is obtained has what the strategies
// would look for.
func TestDemandOfMachines(t *testing.T) {
	s, c, w := &spies{}, &cloud{asked: make(chan map[string]any, 1)}, newWorld()
	types := append(append(stock.Types(), s.types()...), &catalog.Type{Type: hook.Type{Name: "org.example.Cloud", Kind: catalog.Location}, Machines: c.plan})
	e, err := engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: types, Providers: []location.Provider{w}, Actions: w.actions(), Plane: "test",
		Locations: []location.Definition{{Name: "here", Kind: "org.example.Cloud"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer closeEngine(t, e)
	deploy(t, e, process("docker.container.strategies: [{type: first, minRam: 4g, minCores: 2}]\nprovisioning.properties: {minRam: 100, minCores: 3}"))
	if got := fmt.Sprint(<-c.asked); got != "map[cpus:3 memory:4294967296]" {
		t.Error(got)
	}
}
