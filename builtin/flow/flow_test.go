package flow_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
)

func begin(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: slices.Concat(stock.Types(), flow.Types())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func blueprint(steps string) engine.Request {
	return engine.Request{File: "b.yaml", Text: []byte(`services:
- type: basic-application
  id: app
  name: The App
  brooklyn.config: {key: {a: 1}}
  brooklyn.initializers:
  - type: workflow-effector
    brooklyn.config:
      name: run
      parameters: {arg: {defaultValue: 5}}
      steps: ` + steps + "\n")}
}

func TestEffector(t *testing.T) {
	for _, tt := range []struct {
		steps string
		args  map[string]any
		want  any
	}{
		{"[ 'return ${arg}' ]", nil, int64(5)},
		{"[ 'return ${arg}' ]", map[string]any{"arg": []any{"x"}}, []any{"x"}},
		{"[ 'return <${arg}> 100%' ]", nil, "<5> 100%"},
		{"[ 'return \"in quotes\"' ]", nil, "in quotes"},
		{"[ 'return ${arg}' ]", map[string]any{"arg": `$brooklyn:config("key")`}, `$brooklyn:config("key")`},
		{"[ 'return (${arg})' ]", map[string]any{"arg": `$brooklyn:config("key")`}, `($brooklyn:config("key"))`},
		{"[ 'return ${entity.config.key}' ]", nil, map[string]any{"a": int64(1)}},
		{"[ 'return ${entity.name} has ${arg}' ]", nil, "The App has 5"},
		{"[ 'return $brooklyn:config(\"key\")' ]", nil, map[string]any{"a": int64(1)}},
		{"[ {step: return, value: {x: '${arg}', y: ['${entity.name}']}} ]", nil, map[string]any{"x": int64(5), "y": []any{"The App"}}},
		{"[ {step: return, value: {x: '${arg}', y: ['${entity.name}']}} ]", map[string]any{"arg": map[string]any{"$brooklyn:config": "key"}},
			map[string]any{"x": map[string]any{"$brooklyn:config": "key"}, "y": []any{"The App"}}},
		{"[ 'set-sensor integer s = ${arg}', 'return ${entity.sensor.s}' ]", nil, int64(5)},
		{"[ no-op, 'return one', 'return two' ]", nil, "one"},
		{"[ 'return one' , 'return ${output}' ]", nil, "one"},
		{"[ 'sleep 1ms', 'log a b', no-op ]", nil, nil},
	} {
		e := begin(t)
		app, start, err := e.Deploy(t.Context(), blueprint(tt.steps))
		if err != nil {
			t.Errorf("%s: %v", tt.steps, err)
			continue
		}
		if _, err := start.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		call, err := e.Invoke(t.Context(), app, "run", tt.args)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := call.Wait(t.Context()); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s gave %#v, %v; want %#v", tt.steps, got, err, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for steps, want := range map[string]string{
		"[ retrun ]":                              `11:16: unknown step "retrun"; did you mean "return"?`,
		"[ no-op, 'no-op at all' ]":               `11:23: no-op takes nothing in one line, not "at all"`,
		"[ 'set-sensor x' ]":                      "11:16: set-sensor: expected a value",
		"[ {step: log, mesage: x} ]":              `11:28: log has no key "mesage"; did you mean "message"?`,
		"[ {message: x} ]":                        `11:17: a step has the key step or type; this one begins with "message"`,
		"[ no-op ]\n      condition: {a: b}":      `12:19: unknown key "a" of a predicate`,
		"[ goto there, {id: ther, step: no-op} ]": `11:16: next step "there" is not there; did you mean "ther"?`,
	} {
		_, err := begin(t).Check(t.Context(), blueprint(steps))
		if err == nil || err.Error() != "b.yaml:"+want {
			t.Errorf("%s\n got %v\nwant b.yaml:%s", steps, err, want)
		}
	}
	e := begin(t)
	app, _, err := e.Deploy(t.Context(), blueprint("[ 'return ${nothing}' ]"))
	if err != nil {
		t.Fatal(err)
	}
	call, err := e.Invoke(t.Context(), app, "run", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "${nothing}: invalid reference: nothing is not defined") {
		t.Errorf("error %v", err)
	}
}

func TestSensor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := begin(t)
		defer e.Close(t.Context())
		app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte(`
services:
- type: basic-application
  brooklyn.initializers:
  - type: workflow-sensor
    brooklyn.config: {sensor: {name: text, type: string}, triggers: n, steps: [no-op, "return n is ${entity.sensor.n}"]}
  - type: workflow-sensor
    brooklyn.config: {sensor: later, triggers: [n], skip_initial_run: true, steps: [return done]}
`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, there := app.Sensor("later"); there {
			t.Error("the run at the start was not skipped")
		}
		for _, n := range []int64{1, 2} {
			app.Set("n", n)
			synctest.Wait()
			if v, _ := app.Sensor("text"); v != fmt.Sprint("n is ", n) {
				t.Errorf("text is %v with n = %d", v, n)
			}
		}
		if v, _ := app.Sensor("later"); v != "done" {
			t.Errorf("later is %v", v)
		}
	})
	for config, want := range map[string]string{
		"{sensor: s, steps: [lag x]}":                         `unknown step "lag"; did you mean "log"?`,
		"{sensor: {type: string}, steps: [return x]}":         "sensor: expected a name, or a map with a name",
		"{sensor: {name: s, type: strng}, steps: [return x]}": `sensor s: unknown type "strng"`,
	} {
		text := "services: [{type: basic-entity, brooklyn.initializers: [{type: workflow-sensor, brooklyn.config: " + config + "}]}]"
		if _, err := begin(t).Check(t.Context(), engine.Request{Text: []byte(text)}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", config, err, want)
		}
	}
}
