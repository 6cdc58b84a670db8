package engine_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
)

// changeable is an engine with workflows and enrichers, and one entity.
func changeable(t *testing.T, s store.Store, blueprint string, boms ...string) (*engine.Engine, *entity.Entity) {
	t.Helper()
	types := append(append(stock.Types(), flow.Types()...), enricher.Types()...)
	e, err := engine.New(t.Context(), engine.Config{Store: s, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	for _, bom := range boms {
		if _, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: []byte(bom)}); err != nil {
			t.Fatal(err)
		}
	}
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte(blueprint)})
	if err == nil && start != nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return e, app
}

// A policy that is a workflow runs other steps, and at other times, from the
// change on: a shorter period does not wait for the end of the one that was.
func TestWorkflowPolicyIsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, app := changeable(t, store.NewMemory(), `
services:
- type: basic-application
  brooklyn.policies:
  - type: workflow-policy
    name: tick
    brooklyn.config:
      period: 1h
      skip_initial_run: true
      steps: ["let n = ${entity.sensor.n} ?? 0", "let n = ${n} + 1", "set-sensor n = ${n}"]
`)
		defer closeEngine(t, e)
		id := e.Adjuncts(app)[0].ID
		set := func(key string, value any, want string) {
			t.Helper()
			err := e.SetAdjunctConfig(t.Context(), app, id, key, value)
			if got := message(err); got != want {
				t.Errorf("%s:\n got %s\nwant %s", key, got, want)
			}
			synctest.Wait()
		}
		after := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			n, _ := app.Sensor("n")
			if got := fmt.Sprint(n); got != want {
				t.Errorf("n is %s, want %s", got, want)
			}
		}
		after(61*time.Minute, "1")
		set("period", "1m", "")
		after(59*time.Second, "1")
		after(2*time.Second, "2")
		set("steps", []any{"set-sensor n = 100"}, "")
		after(time.Minute, "100")
		set("period", "soon", "period: expected a duration of at least 10ms, not soon")
		set("steps", []any{"set-sensr n = 1"}, `unknown step "set-sensr"; did you mean "set-sensor"?`)
		if err := e.SetSensor(t.Context(), app, "n", 0); err != nil {
			t.Fatal(err)
		}
		after(time.Minute, "100")
		set("period", nil, "")
		if err := e.SetSensor(t.Context(), app, "n", 0); err != nil {
			t.Fatal(err)
		}
		after(2*time.Hour, "0")
	})
}

// What other keys refer to stays what it was; the new value is written for the
// entity itself.
func TestChangedConfigKeepsItsScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bom = `brooklyn.catalog:
  bundle: b
  version: 1
  items:
  - id: pair
    item:
      type: basic-entity
      brooklyn.children:
      - type: basic-entity
        name: inner
        brooklyn.enrichers:
        - type: transformer
          brooklyn.config:
            enricher.sourceSensor: n
            enricher.producer: $brooklyn:scopeRoot()
            enricher.targetSensor: copy
            enricher.targetValue: $brooklyn:scopeRoot().attributeWhenReady("n")
`
		e, app := changeable(t, store.NewMemory(), "services:\n- type: basic-application\n  brooklyn.children:\n  - {type: pair, name: outer}\n", bom)
		defer closeEngine(t, e)
		outer := app.Children()[0]
		inner := outer.Children()[0]
		id := e.Adjuncts(inner)[0].ID
		copied := func(n int, sensor, want string) {
			t.Helper()
			time.Sleep(time.Millisecond)
			if err := e.SetSensor(t.Context(), outer, "n", n); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if v, _ := inner.Sensor(sensor); fmt.Sprint(v) != want {
				t.Errorf("%s is %v, want %s", sensor, v, want)
			}
		}
		copied(1, "copy", "1")
		if err := e.SetAdjunctConfig(t.Context(), inner, id, "targetSensor", "other"); err != nil {
			t.Fatal(err)
		}
		copied(2, "other", "2")
		if err := e.SetAdjunctConfig(t.Context(), inner, id, "targetValue", `$brooklyn:formatString("%s of %s", scopeRoot().entityId(), attributeWhenReady("copy"))`); err != nil {
			t.Fatal(err)
		}
		copied(3, "other", string(app.ID())+" of 1")
	})
}

// Of two adjuncts of one entity with the same tag the last one counts, as where
// they are added one after the other.
func TestUniqueTagInABlueprint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, app := changeable(t, store.NewMemory(), `
services:
- type: basic-application
  brooklyn.enrichers:
  - {type: transformer, name: one, uniqueTag: t, brooklyn.config: {sourceSensor: a, targetSensor: b}}
  - {type: transformer, name: two, brooklyn.config: {sourceSensor: a, targetSensor: c, uniqueTag: t}}
  - {type: transformer, name: three, brooklyn.config: {sourceSensor: a, targetSensor: d, uniqueTag: other}}
  brooklyn.children:
  - type: basic-entity
    brooklyn.enrichers:
    - {type: transformer, name: one, uniqueTag: t, brooklyn.config: {sourceSensor: a, targetSensor: b}}
`)
		defer closeEngine(t, e)
		var got []string
		for _, ent := range app.Descendants() {
			for _, i := range e.Adjuncts(ent) {
				got = append(got, i.Name+" "+i.Tag)
			}
		}
		if want := "[two t three other one t]"; fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}
