package initializer_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin/initializer"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
)

func begin(t *testing.T, s store.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{Store: s, Types: slices.Concat(stock.Types(), initializer.Types())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func deploy(t *testing.T, e *engine.Engine, text string) *entity.Entity {
	t.Helper()
	app, start, err := e.Deploy(t.Context(), engine.Request{File: "b.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return app
}

func invoke(t *testing.T, e *engine.Engine, ent *entity.Entity, effector string, args map[string]any) (any, error) {
	t.Helper()
	task, err := e.Invoke(t.Context(), ent, effector, args)
	if err != nil {
		t.Fatal(err)
	}
	return task.Wait(t.Context())
}

const children = `
services:
- type: basic-application
  brooklyn.initializers:
  - type: add-children-effector
    brooklyn.config:
      name: grow
      parameters: {colour: {defaultValue: red}}
      blueprint_yaml:
        services: [{type: basic-entity}]
        brooklyn.config: {colour: green, size: 3}
  - type: add-children-effector
    brooklyn.config: {name: two, blueprint_yaml: "services: [{type: basic-entity}, {type: basic-startable}]"}
  - type: proxy-effector
    brooklyn.config: {name: by proxy, targetEntity: $brooklyn:self(), targetEffector: grow}
  - type: composite-effector
    brooklyn.config: {name: both, effectors: [grow, {two: {}}]}
  - type: composite-effector
    brooklyn.config: {name: restart, override: true, effectors: [grow]}
`

func TestEffectors(t *testing.T) {
	s := store.NewMemory()
	e := begin(t, s)
	app := deploy(t, e, children)
	out, err := invoke(t, e, app, "grow", nil)
	ids, ok := out.([]any)
	if err != nil || !ok || len(ids) != 1 {
		t.Fatalf("grow gave %v, %v", out, err)
	}
	child, err := e.EntityByID(ids[0].(string))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"colour": "red", "size": int64(3)} {
		if v, err := child.Config(t.Context(), key); v != want || err != nil {
			t.Errorf("%s is %v, %v; want %v", key, v, err, want)
		}
	}
	if out, err = invoke(t, e, app, "by proxy", map[string]any{"colour": "blue"}); err != nil {
		t.Fatal(err)
	}
	child, err = e.EntityByID(out.([]any)[0].(string))
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := child.Config(t.Context(), "colour"); v != "blue" {
		t.Errorf("the argument went lost: colour is %v", v)
	}
	out, err = invoke(t, e, app, "both", nil)
	if list, ok := out.([]any); err != nil || !ok || len(list) != 2 {
		t.Errorf("both gave %v, %v", out, err)
	}
	before := len(app.Children())
	if _, err := invoke(t, e, app, "restart", nil); err != nil || app.State() != entity.Running || len(app.Children()) != before+1 {
		t.Errorf("restart: %v, state %s, %d children, were %d", err, app.State(), len(app.Children()), before)
	}
	if i := slices.IndexFunc(app.Children(), func(c *entity.Entity) bool { return c.State() == entity.Running }); i < 0 {
		t.Error("a child that can be started was not, though its parent runs")
	}
}

func TestEffectorsSurviveARestart(t *testing.T) {
	s := store.NewMemory()
	e := begin(t, s)
	id := deploy(t, e, children).ID()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	e = begin(t, s)
	app, err := e.EntityByID(string(id))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := invoke(t, e, app, "grow", nil); err != nil {
		t.Errorf("grow gave %v, %v", out, err)
	}
}

func TestSensors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := begin(t, store.NewMemory())
		defer e.Close(t.Context())
		app := deploy(t, e, `
services:
- type: basic-application
  brooklyn.initializers:
  - type: function-sensor
    brooklyn.config: {name: text, period: 1s, function: '$brooklyn:formatString("n is %s", attributeWhenReady("n"))'}
  - type: duration-since-sensor
    brooklyn.config: {name: age, period: 10s}
  - type: create-password-sensor
    brooklyn.config: {name: login.password, password.length: 20, password.character.groups: [abc, "123"]}
`)
		app.Set("n", int64(1))
		time.Sleep(time.Second)
		synctest.Wait()
		if v, _ := app.Sensor("text"); v != "n is 1" {
			t.Errorf("text is %v", v)
		}
		app.Set("n", int64(2))
		time.Sleep(2 * time.Second)
		if v, _ := app.Sensor("text"); v != "n is 2" {
			t.Errorf("text is %v", v)
		}
		time.Sleep(7500 * time.Millisecond)
		if v, _ := app.Sensor("age"); v != "10s" {
			t.Errorf("age is %v", v)
		}
		v, _ := app.Sensor("login.password")
		if p, _ := v.(string); len(p) != 20 {
			t.Errorf("password is %v", v)
		}
	})
}

func TestErrors(t *testing.T) {
	e := begin(t, store.NewMemory())
	for _, tt := range []struct{ initializer, want string }{
		{"{type: proxy-effector, brooklyn.config: {targetEntity: x}}", "b.yaml:1:67: Invalid value for name: a value is required"},
		{"{type: add-children-effector, brooklyn.config: {name: x}}", "b.yaml:1:67: AddChildrenEffector needs one of blueprint_yaml and blueprint_type"},
		{"{type: composite-effector, brooklyn.config: {name: x, effectors: [{a: {}, b: {}}]}}", "b.yaml:1:67: effectors: a map must have one key, the effector; this one has 2"},
		{"{type: function-sensor, brooklyn.config: {name: x, function: 1, period: 1us}}", "b.yaml:1:67: period: 1us is less than 10ms, the shortest there is"},
		{"{type: function-sensor, brooklyn.config: {name: x, function: 1, triggers: [{entity: y}]}}", "b.yaml:1:67: triggers: a map must have the key sensor"},
		{"{type: proxy-effector, brooklyn.config: {name: x, targetEntity: y, parameters: {p: {type: number of}}}}", `b.yaml:1:67: parameter p of effector x: unknown type "number of"`},
	} {
		text := "services: [{type: basic-application, brooklyn.initializers: [     " + tt.initializer + "]}]"
		if _, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(text)}); err == nil || err.Error() != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.initializer, err, tt.want)
		}
	}
}
