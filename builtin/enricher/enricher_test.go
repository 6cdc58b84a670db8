package enricher_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
)

// deploy brings a blueprint to life on an engine of its own.
func deploy(t testing.TB, blueprint string) *entity.Entity {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{
		Store: store.NewMemory(), Types: append(stock.Types(), enricher.Types()...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	app, start, err := e.Deploy(t.Context(), engine.Request{File: "b.yaml", Text: []byte(blueprint)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return app
}

// at finds an entity by its plan id.
func at(t testing.TB, app *entity.Entity, id string) *entity.Entity {
	t.Helper()
	for _, e := range app.Descendants() {
		if e.PlanID() == id || id == "app" && e == app {
			return e
		}
	}
	t.Fatalf("no entity %s", id)
	return nil
}

const head = `services:
- type: org.apache.brooklyn.entity.stock.BasicApplication
  brooklyn.children:
  - {type: basic-entity, id: a}
  - {type: basic-entity, id: b}
  brooklyn.enrichers:
`

func on(enricher, config string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  - type: %s\n    brooklyn.config:\n", head, enricher)
	for line := range strings.SplitSeq(config, "\n") {
		b.WriteString("      " + line + "\n")
	}
	return b.String()
}

// event sets a sensor ("entity.sensor"), wait lets time pass, and want is what
// the application's sensor out then is.
type event struct {
	sensor string
	value  any
	wait   time.Duration
	want   any
}

func TestEnrichers(t *testing.T) {
	of := func(values ...any) []any { return append([]any{}, values...) }
	for _, tt := range []struct {
		name, enricher, config string
		events                 []event
	}{
		{"transformer copies", "transformer", "sourceSensor: in\ntargetSensor: out", []event{
			{"app.in", int64(1), 0, int64(1)}, {"app.in", nil, 0, nil}}},
		{"transformer with a type", "transformer", "sourceSensor: in\ntargetSensor: out\nenricher.targetType: integer", []event{
			{"app.in", "7", 0, int64(7)}, {"app.in", "x", 0, int64(7)}}},
		{"transformer with a function", "transformer", "sourceSensor: in\ntargetSensor: out\nenricher.transformation: $brooklyn:function.regexReplacement(\"^(.*)$\", \"<$1>\")", []event{
			{"app.in", "x", 0, "<x>"}, {"app.in", int64(3), 0, "<3>"}}},
		{"transformer with an expression of two sensors", "transformer",
			"enricher.triggerSensors: [in, more]\ntargetSensor: out\nenricher.targetValue: $brooklyn:formatString(\"%s-%s\", attributeWhenReady(\"in\"), attributeWhenReady(\"more\"))", []event{
				{"app.in", "x", 0, nil}, {"app.more", "y", 0, "x-y"}, {"app.in", "z", 0, "z-y"}}},
		{"transformer of another entity", "transformer", "producer: $brooklyn:child(\"a\")\nsourceSensor: in\ntargetSensor: out", []event{
			{"app.in", "no", 0, nil}, {"a.in", "yes", 0, "yes"}}},
		{"transformer that keeps the name of another entity's sensor", "transformer", "producer: $brooklyn:child(\"a\")\nsourceSensor: out", []event{
			{"a.out", "yes", 0, "yes"}}},
		{"propagator by mapping", "propagator", "producer: $brooklyn:child(\"a\")\nsensorMapping: {in: out}", []event{
			{"a.in", "x", 0, "x"}, {"a.out", "y", 0, "x"}}},
		{"propagator by names", "propagator", "producer: $brooklyn:child(\"a\")\npropagating: [out]", []event{
			{"a.out", "x", 0, "x"}, {"a.out", nil, 0, nil}}},
		{"propagator of all", "propagator", "producer: $brooklyn:child(\"a\")\npropagatingAll: true", []event{{"a.out", "x", 0, "x"}}},
		{"propagator of all but", "propagator", "producer: $brooklyn:child(\"a\")\npropagatingAllBut: [out]", []event{{"a.out", "x", 0, nil}}},
		{"aggregator sum", "aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: sum", []event{
			{"a.in", 1.5, 0, 1.5}, {"b.in", int64(2), 0, 3.5}, {"a.in", nil, 0, 2.0}}},
		{"aggregator max", "aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: max", []event{
			{"a.in", -1.0, 0, -1.0}, {"b.in", -5.0, 0, -1.0}}},
		{"aggregator first", "aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: first", []event{
			{"b.in", "x", 0, "x"}, {"a.in", "y", 0, "y"}}},
		{"aggregator with a default", "aggregator", "sourceSensor: in\ntargetSensor: out\ndefaultMemberValue: 0", []event{
			{"a.in", int64(1), 0, of(int64(1), int64(0))}}},
		{"aggregator with filters", "aggregator", "sourceSensor: in\ntargetSensor: out\nentityFilter: {config: camp.plan.id, equals: b}\nvalueFilter: {greater-than: 1}", []event{
			{"a.in", int64(5), 0, of()}, {"b.in", int64(1), 0, of()}, {"b.in", int64(2), 0, of(int64(2))}}},
		{"aggregator quorum of one", "aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: isQuorate\nquorum.check.type: atLeastOne", []event{
			{"a.in", false, 0, false}, {"b.in", true, 0, true}}},
		{"map aggregator", "map-aggregator", "keySensor: k\nvalueSensor: v\ntargetSensor: out", []event{
			{"a.k", "x", 0, map[string]any{}}, {"a.v", int64(1), 0, map[string]any{"x": int64(1)}}}},
		{"joiner", "joiner", "sourceSensor: in\ntargetSensor: out\nseparator: ' '\nquote: false", []event{
			{"app.in", of("a", int64(2), nil, true), 0, "a 2 true"}, {"app.in", "text", 0, nil}}},
		{"joiner of map values", "joiner", "sourceSensor: in\ntargetSensor: out", []event{
			{"app.in", map[string]any{"b": `\`, "a": "1"}, 0, `"1","\\"`}}},
		{"combiner", "combiner", "sourceSensors: [in, more]\ntargetSensor: out\ntransformation: sum", []event{
			{"app.in", 1.0, 0, 1.0}, {"app.more", 2.0, 0, 3.0}}},
		{"reducer with joiner", "reducer", "sourceSensors: [in, more]\ntargetSensor: out\nenricher.reducerFunction.transformation: joiner\nenricher.reducerFunction.parameters: {separator: ':'}", []event{
			{"app.in", "x", 0, "x:null"}, {"app.more", int64(4), 0, "x:4"}}},
		{"updating map", "updating-map", "sourceSensor: in\ntargetSensor: out\nkey: k", []event{
			{"app.in", "x", 0, map[string]any{"k": "x"}}, {"app.in", nil, 0, map[string]any{}}}},
		{"percentage", "percentage", "source.current.sensor: in\nsource.total.sensor: more\ntarget.sensor: out", []event{
			{"app.in", 1.0, 0, nil}, {"app.more", 4.0, 0, 0.25}, {"app.more", 0.0, 0, 0.25}}},
		{"delta", "delta", "sourceSensor: in\ntargetSensor: out", []event{
			{"app.in", int64(3), 0, nil}, {"app.in", int64(10), 0, 7.0}}},
		{"time weighted delta", "time-weighted-delta", "sourceSensor: in\ntargetSensor: out\nperiod: 1s", []event{
			{"app.in", int64(0), time.Second, nil}, {"app.in", int64(10), 2 * time.Second, 10.0}, {"app.in", int64(30), 0, 10.0}}},
		{"rolling mean", "rolling-mean", "sourceSensor: in\ntargetSensor: out\nwindowSize: 2", []event{
			{"app.in", 1.0, 0, 1.0}, {"app.in", 3.0, 0, 2.0}, {"app.in", 5.0, 0, 4.0}}},
		{"mean over time", "rolling-time-window-mean", "sourceSensor: in\ntargetSensor: out\ntimePeriod: 10s\nconfidenceRequired: 0.5", []event{
			{"app.in", 0.0, 4 * time.Second, nil}, {"app.in", 10.0, 6 * time.Second, nil}, {"app.in", 20.0, 5 * time.Second, 16.0}, {"app.in", 40.0, 0, 30.0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := deploy(t, on(tt.enricher, tt.config))
				synctest.Wait()
				for i, ev := range tt.events {
					id, sensor, _ := strings.Cut(ev.sensor, ".")
					at(t, app, id).Set(sensor, ev.value)
					if got, _ := app.Sensor("out"); !same(got, ev.want) {
						t.Errorf("event %d, %s = %v: out is %#v, want %#v", i, ev.sensor, ev.value, got, ev.want)
					}
					time.Sleep(ev.wait)
				}
			})
		})
	}
}

// same compares values; numbers that come from times may differ a little, as no
// two publications have the same time.
func same(a, b any) bool {
	x, ok := a.(float64)
	y, ok2 := b.(float64)
	return ok && ok2 && math.Abs(x-y) < 1e-6 || reflect.DeepEqual(a, b)
}

func TestInitialValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := deploy(t, on("transformer", "sourceSensor: in\ntargetSensor: out")+
			"  brooklyn.initializers:\n  - {type: static-sensor, brooklyn.config: {name: in, static.value: 5}}\n")
		synctest.Wait()
		if got, _ := app.Sensor("out"); got != "5" {
			t.Errorf("out is %#v, want the text 5", got)
		}
	})
}

func TestMembersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := deploy(t, on("aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: sum\nfromMembers: true"))
		synctest.Wait()
		a, b := at(t, app, "a"), at(t, app, "b")
		a.Set("in", 1.0)
		b.Set("in", 2.0)
		for _, step := range []struct {
			members []any
			want    any
		}{{[]any{a}, 1.0}, {[]any{a, b}, 3.0}, {[]any{b}, 2.0}, {[]any{}, nil}} {
			app.Set(entity.Members, step.members)
			if got, _ := app.Sensor("out"); got != step.want {
				t.Errorf("with %d members out is %v, want %v", len(step.members), got, step.want)
			}
		}
		a.Set("in", 9.0)
		if got, ok := app.Sensor("out"); ok {
			t.Errorf("one that is no member any more counts: %v", got)
		}
	})
}

// TestNoUpdateIsLost publishes from many sides at once: in the end each
// enricher has seen the last value of each.
func TestNoUpdateIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := deploy(t, on("aggregator", "sourceSensor: in\ntargetSensor: out\ntransformation: sum")+`  - type: transformer
    brooklyn.config: {sourceSensor: out, targetSensor: copy}
`)
		synctest.Wait()
		var wg sync.WaitGroup
		for _, e := range []*entity.Entity{at(t, app, "a"), at(t, app, "b")} {
			wg.Go(func() {
				for range 2000 {
					e.Set("in", float64(rand.IntN(100)))
				}
				e.Set("in", 50.0)
			})
		}
		wg.Wait()
		synctest.Wait()
		for _, sensor := range []string{"out", "copy"} {
			if got, _ := app.Sensor(sensor); got != 100.0 {
				t.Errorf("%s is %v, want 100", sensor, got)
			}
		}
	})
}

func hasOut(app *entity.Entity) bool {
	_, ok := app.Sensor("out")
	return ok
}

func TestCycleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := deploy(t, on("transformer", "sourceSensor: in\ntargetSensor: out")+`  - type: transformer
    brooklyn.config: {sourceSensor: out, targetSensor: in}
`)
		synctest.Wait()
		app.Set("in", "x")
		app.Set("out", "y")
		if v, _ := app.Sensor("in"); v != "y" {
			t.Errorf("in is %v, want y", v)
		}
	})
}

// BenchmarkChainOfThree publishes one event that goes through three
// enrichers; it reports how many of them worked in a second.
func BenchmarkChainOfThree(b *testing.B) {
	app := deploy(b, on("transformer", "sourceSensor: in\ntargetSensor: one")+`  - type: transformer
    brooklyn.config: {sourceSensor: one, targetSensor: two}
  - type: transformer
    brooklyn.config: {sourceSensor: two, targetSensor: out}
`)
	for i := 0; !hasOut(app); i++ {
		app.Set("in", int64(i))
		time.Sleep(time.Millisecond)
	}
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		n++
		app.Set("in", n)
	}
	if v, _ := app.Sensor("out"); v != n {
		b.Fatalf("out is %v, want %d", v, n)
	}
	b.ReportMetric(3*float64(n)/b.Elapsed().Seconds(), "enrichers/s")
}
