package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// listener is a policy that notes what it is asked, and decides as the test says.
type listener struct {
	mu     sync.Mutex
	calls  []*hook.PolicyCall
	decide func(*hook.PolicyCall) *hook.Decision
}

func (s *listener) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	if s.decide != nil {
		return s.decide(c), nil
	}
	return &hook.Decision{}, nil
}

// heard gives the events since the last time: source.sensor=value, or source
// joined or left.
func (s *listener) heard() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.calls {
		switch {
		case c.Timer:
			out = append(out, "timer")
		case c.Event.Change != "":
			out = append(out, c.Event.Source.Name+" "+c.Event.Change)
		default:
			out = append(out, fmt.Sprintf("%s.%s=%v", c.Event.Source.Name, c.Event.Sensor, c.Event.Value))
		}
	}
	s.calls = nil
	return strings.Join(out, "; ")
}

// last gives the last call, as JSON without what differs from run to run.
func (s *listener) last(t *testing.T) (config, related string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[len(s.calls)-1]
	for i := range c.Related {
		c.Related[i].Ref = hook.Ref{Name: c.Related[i].Name}
	}
	for _, v := range c.Config {
		if doc, is := v.(map[string]any); is {
			delete(doc, "$entity")
			delete(doc, "application")
			delete(doc, "type")
		}
	}
	a, err1 := json.Marshal(c.Config)
	b, err2 := json.Marshal(c.Related)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(a), string(b)
}

// spied gives an engine with a policy "spy" and an enricher "spying".
func spied(t *testing.T, s *listener, typ hook.Type, actions ...action.Action) *engine.Engine {
	t.Helper()
	typ.Name, typ.Kind = "spy", catalog.Policy
	enricher := typ
	enricher.Name, enricher.Kind = "spying", catalog.Enricher
	e, err := engine.New(t.Context(), engine.Config{
		Store:   store.NewMemory(),
		Types:   slices.Concat(stock.Types(), flow.Types(), []*catalog.Type{{Type: typ, Policy: s}, {Type: enricher, Policy: s}}),
		Actions: actions,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func named(app *entity.Entity, name string) *entity.Entity {
	for _, e := range app.Descendants() {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

var reader = hook.Type{
	Config: []hook.ConfigKey{
		{Name: "watch", Type: "string", Default: "n"}, {Name: "whom", Type: "any"}, {Name: "names", Type: "list"}, {Name: "key", Type: "string"},
	},
	Events: []hook.EventSpec{
		{SensorFrom: "watch"}, {SensorFrom: "watch", Of: "config:whom"}, {Of: "children"}, {Sensor: "up", Of: "children"},
	},
	Related: []hook.RelatedSpec{
		{Of: "children", Sensors: []string{"up", "config:names"}, Config: []string{"weight", "config:key"}}, {Of: "config:whom", Sensors: []string{"config:watch"}},
	},
}

const family = `
name: app
services:
- type: basic-application
  name: parent
  id: parent
  brooklyn.policies:
  - type: spy
    brooklyn.config:
      watch: $brooklyn:sensor("org.example.Sensors", "load")
      whom: $brooklyn:entity("other")
      names: [a, $brooklyn:sensor("b")]
      key: mine
  brooklyn.children:
  - type: basic-entity
    name: one
    brooklyn.config: {weight: 3, mine: yes-mine, more: 1}
  - type: basic-entity
    name: two
    brooklyn.config: {weight: $brooklyn:attributeWhenReady("never"), mine: $brooklyn:config("more")}
- type: basic-entity
  name: other
  id: other
`

func TestPolicyReadsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &listener{}
		e := spied(t, s, reader)
		defer closeEngine(t, e)
		app, start := deploy(t, e, family)
		if err := wait(t, start); err != nil {
			t.Fatal(err)
		}
		if got := s.heard(); got != "one joined; two joined" {
			t.Errorf("heard %s", got)
		}
		one, other := named(app, "one"), named(app, "other")
		one.Update(map[string]any{"a": 1, "b": 2, "c": 3})
		named(app, "parent").Set("load", 5)
		other.Set("load", 6)
		other.Set("n", 7)
		one.Set("up", true)
		config, related := s.last(t)
		if want := `{"key":"mine","names":["a","b"],"watch":"load","whom":{"name":"other","planId":"other"}}`; config != want {
			t.Errorf("config %s\nwant   %s", config, want)
		}
		want := `[{"id":"","application":"","name":"one","type":"","of":"children","config":{"mine":"yes-mine","weight":3},"sensors":{"a":1,"b":2,"up":true}},` +
			`{"id":"","application":"","name":"two","type":"","of":"children"},` +
			`{"id":"","application":"","name":"other","type":"","of":"config:whom","sensors":{"load":6}}]`
		if related != want {
			t.Errorf("related %s\nwant    %s", related, want)
		}
		if got := s.heard(); got != "parent.load=5; other.load=6; one.up=true" {
			t.Errorf("heard %s", got)
		}
		gone, err := e.Expunge(t.Context(), one, false)
		if err != nil || wait(t, gone) != nil {
			t.Fatal(err)
		}
		if got := s.heard(); got != "one left" {
			t.Errorf("heard %s", got)
		}
	})
}

// The entity that is listened to is known only when a sensor tells of it.
func TestPolicyWaitsForWhomItListensTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &listener{}
		e := spied(t, s, hook.Type{
			Config: []hook.ConfigKey{{Name: "whom", Type: "any"}}, Events: []hook.EventSpec{{Sensor: "n", Of: "config:whom"}},
		})
		defer closeEngine(t, e)
		app, _ := deploy(t, e, `
services:
- type: basic-entity
  name: own
  brooklyn.policies:
  - type: spy
    brooklyn.config: {whom: $brooklyn:attributeWhenReady("who")}
- {type: basic-entity, name: other}
`)
		other := named(app, "other")
		other.Set("n", 1)
		if got := s.heard(); got != "" {
			t.Errorf("heard %s", got)
		}
		named(app, "own").Set("who", other)
		if got := s.heard(); got != "other.n=1" {
			t.Errorf("heard %s", got)
		}
	})
}

// An enricher that is implemented like a policy publishes, and is shown as an
// enricher.
func TestEnricherByEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &listener{decide: func(c *hook.PolicyCall) *hook.Decision {
			return &hook.Decision{Sensors: map[string]any{"twice": fmt.Sprint(c.Event.Value, c.Event.Value)}}
		}}
		e := spied(t, s, hook.Type{Events: []hook.EventSpec{{Sensor: "n"}}})
		defer closeEngine(t, e)
		app, _ := deploy(t, e, "services:\n- type: basic-entity\n  name: web\n  brooklyn.enrichers: [spying]\n")
		web := named(app, "web")
		web.Set("n", "x")
		synctest.Wait()
		if v, _ := web.Sensor("twice"); v != "xx" {
			t.Errorf("got %v", v)
		}
		if all := e.Adjuncts(web); len(all) != 1 || all[0].Kind != catalog.Enricher || !all[0].Running {
			t.Errorf("got %+v", all)
		}
		s.mu.Lock()
		s.decide = func(*hook.PolicyCall) *hook.Decision { return &hook.Decision{Steps: []hook.Step{{Step: "no-op"}}} }
		s.mu.Unlock()
		for i := range 10 {
			web.Set("n", i)
		}
		synctest.Wait()
		if all := e.Adjuncts(web); !strings.Contains(all[0].Suspended, "answered with steps, which an enricher cannot have") {
			t.Errorf("got %+v", all)
		}
	})
}

// decided runs steps as the decision of a policy, and gives how they end.
func decided(t *testing.T, s *listener, of *entity.Entity, list ...hook.Step) {
	t.Helper()
	s.mu.Lock()
	s.decide = func(*hook.PolicyCall) *hook.Decision {
		s.decide = nil
		return &hook.Decision{Steps: append(list, hook.Step{Step: "set-sensor", Input: map[string]any{"sensor": "ended", "value": true}})}
	}
	s.mu.Unlock()
	of.Set("ended", nil)
	of.Set("go", true)
	synctest.Wait()
}

func TestStepsOfPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &listener{}
		probe := action.Action{Name: "probe", Run: func(_ context.Context, c *action.Call) (any, error) {
			if c.Input["fail"] == true {
				return nil, fault.New(fault.Unavailable, "no route")
			}
			return "well", nil
		}}
		e := spied(t, s, hook.Type{Events: []hook.EventSpec{{Sensor: "go"}}}, probe)
		defer closeEngine(t, e)
		app, _ := deploy(t, e, `
services:
- type: basic-application
  name: own
  brooklyn.policies: [spy]
  brooklyn.children:
  - type: basic-entity
    name: one
  - type: basic-entity
    name: two
    brooklyn.policies:
    - {type: spy, name: other}
    brooklyn.initializers:
    - type: workflow-effector
      brooklyn.config: {name: hail, steps: ["set-sensor hailed = yes"]}
`)
		synctest.Wait()
		own, one, two := named(app, "own"), named(app, "one"), named(app, "two")
		has := func(of *entity.Entity, sensor string, want any) {
			t.Helper()
			if v, _ := of.Sensor(sensor); fmt.Sprint(v) != fmt.Sprint(want) {
				t.Errorf("%s of %s is %v, want %v", sensor, of.Name(), v, want)
			}
		}
		in := func(kv ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i < len(kv); i += 2 {
				m[kv[i].(string)] = kv[i+1]
			}
			return m
		}
		id := func(e *entity.Entity) any { return map[string]any{"$entity": string(e.ID())} }

		decided(t, s, own, hook.Step{Step: "invoke-effector", Input: in("effector", "hail", "firstOf", []any{"nobody", id(one), id(two)})})
		has(own, "ended", true)
		has(two, "hailed", "yes")
		decided(t, s, own, hook.Step{Step: "invoke-effector", Input: in("effector", "wave", "firstOf", []any{id(one), id(two)}, "optional", true)},
			hook.Step{Step: "invoke-effector", Input: in("effector", "wave", "entity", id(one), "optional", true)})
		has(own, "ended", true)
		decided(t, s, own, hook.Step{Step: "invoke-effector", Input: in("effector", "wave", "firstOf", []any{id(one), id(two)})})
		has(own, "ended", nil)

		decided(t, s, own, hook.Step{Step: "publish-output", Input: in("sensor", "probed", "step", "probe", "input", in())})
		has(own, "probed", "well")
		decided(t, s, own, hook.Step{Step: "publish-output", Input: in("sensor", "probed", "step", "probe", "input", in("fail", true), "lenient", true)})
		has(own, "probed", "map[error:no route]")
		has(own, "ended", true)
		decided(t, s, own, hook.Step{Step: "publish-output", Input: in("sensor", "probed", "step", "probe", "input", in("fail", true))})
		has(own, "ended", nil)

		decided(t, s, own, hook.Step{Step: "suspend-policy", Input: in("entity", id(two), "policy", "other", "reason", "a pause")})
		if i := e.Adjuncts(two)[0]; i.Running || i.Suspended != "a pause" {
			t.Errorf("got %+v", i)
		}
		s.heard()
		two.Set("go", 1)
		if got := s.heard(); got != "" {
			t.Errorf("heard %s while it was suspended", got)
		}
		decided(t, s, own, hook.Step{Step: "resume-policy", Input: in("entity", id(two), "policy", "spy")})
		s.heard()
		two.Set("go", 2)
		if got := s.heard(); got != "two.go=2" {
			t.Errorf("heard %s", got)
		}
		decided(t, s, own, hook.Step{Step: "resume-policy", Input: in("policy", "nobody")})
		has(own, "ended", nil)
	})
}

func TestAdjunctsOverTheFacade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &listener{}
		e := spied(t, s, hook.Type{Events: []hook.EventSpec{{Sensor: "n"}}})
		defer closeEngine(t, e)
		app, _ := deploy(t, e, "services:\n- type: basic-entity\n  name: web\n  brooklyn.policies: [spy]\n")
		web := named(app, "web")
		id := e.Adjuncts(web)[0].ID
		if err := e.SuspendAdjunct(t.Context(), web, id); err != nil || e.Adjuncts(web)[0].Suspended != "suspended by the user" {
			t.Errorf("%v, %+v", err, e.Adjuncts(web))
		}
		if err := e.ResumeAdjunct(t.Context(), web, id); err != nil || !e.Adjuncts(web)[0].Running {
			t.Errorf("%v, %+v", err, e.Adjuncts(web))
		}
		if err := e.RemoveAdjunct(t.Context(), web, id); err != nil || len(e.Adjuncts(web)) != 0 {
			t.Errorf("%v, %+v", err, e.Adjuncts(web))
		}
		for _, f := range []func(context.Context, *entity.Entity, string) error{e.SuspendAdjunct, e.ResumeAdjunct, e.RemoveAdjunct} {
			if err := f(t.Context(), web, id); fault.KindOf(err) != fault.NotFound {
				t.Errorf("got %v", err)
			}
		}
	})
}
