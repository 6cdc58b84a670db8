package flow_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine"
)

func TestEntities(t *testing.T) {
	for _, tt := range []struct {
		name, service string
		state         string
		sensors       map[string]any
		err           string
	}{
		{name: "entity", service: `{type: workflow-entity, start: ["set-sensor started = yes"], stop: {steps: ["set-sensor stopped = yes"]}}`,
			state: "running", sensors: map[string]any{"started": "yes"}},
		{name: "entity that fails", service: `{type: workflow-entity, start: [fail message no way]}`, state: "on-fire", err: "no way"},
		{name: "entity without workflows", service: `{type: workflow-entity}`, state: "running"},
		{name: "software", service: `{type: workflow-software-process, install.workflow: ["set-sensor n = 1"], launch.workflow: ["set-sensor launched = yes"],
			checkRunning.workflow: {steps: ['let n = ${entity.sensor.n} + 1', 'set-sensor n = ${n}', {step: return true, condition: {target: '${n}', greater-than: 4}}, return false]}}`,
			state: "running", sensors: map[string]any{"n": int64(5), "launched": "yes"}},
		{name: "software that never runs", service: `{type: workflow-software-process, launch.workflow: [no-op], checkRunning.workflow: [return false], startTimeout: 10s}`,
			state: "on-fire", err: "it does not run"},
		{name: "software without launch", service: `{type: workflow-software-process}`, state: "on-fire", err: "has no launch.workflow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := begin(t)
				app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- " + tt.service + "\n- {type: basic-entity}\n")})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := start.Wait(t.Context()); (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("the start ended with %v", err)
				}
				synctest.Wait()
				ent := app.Children()[0]
				if ent.State() != tt.state {
					t.Errorf("it is %s, want %s", ent.State(), tt.state)
				}
				for name, want := range tt.sensors {
					if v, _ := ent.Sensor(name); v != want {
						t.Errorf("sensor %s is %#v, want %#v", name, v, want)
					}
				}
				if tt.err != "" {
					return
				}
				stop, err := e.Invoke(t.Context(), ent, "restart", nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := stop.Wait(t.Context()); err != nil || ent.State() != "running" {
					t.Errorf("restart: %v, %s", err, ent.State())
				}
			})
		})
	}
}

func TestInitializer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := begin(t)
		app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte(`services:
- type: basic-entity
  brooklyn.initializers:
  - {type: workflow-initializer, name: now, steps: ["set-sensor now = yes"]}
  - {type: workflow-initializer, name: later, delay: 1h, steps: ["set-sensor later = yes"]}
  - {type: workflow-initializer, name: beside, delay: async, steps: [sleep 1m, "set-sensor beside = yes"]}
- type: basic-entity
`)})
		if err != nil {
			t.Fatal(err)
		}
		ent := app.Children()[0]
		has := func() (out []string) {
			for _, name := range []string{"beside", "later", "now"} {
				if _, ok := ent.Sensor(name); ok {
					out = append(out, name)
				}
			}
			return out
		}
		for _, want := range [][]string{{"now"}, {"beside", "now"}, {"beside", "later", "now"}} {
			if got := has(); !slices.Equal(got, want) {
				t.Errorf("sensors %v, want %v", got, want)
			}
			pass(t, len(want))
		}
	})
}

// pass lets time pass: two minutes after the first look, two hours after the
// second.
func pass(t *testing.T, n int) {
	t.Helper()
	time.Sleep([]time.Duration{0, 2 * time.Minute, 2 * time.Hour, 0}[n])
	synctest.Wait()
}

func TestPolicyTimes(t *testing.T) {
	for config, want := range map[string][3]any{ // at once, after 90 s, after an event
		"period: 1m":                                   {int64(1), int64(2), int64(2)},
		"period: 1m, skip_initial_run: true":           {nil, int64(1), int64(1)},
		"triggers: go":                                 {nil, nil, int64(1)},
		"triggers: go, skip_initial_run: false":        {int64(1), int64(1), int64(2)},
		"triggers: [{sensor: go, entity: b}]":          {nil, nil, int64(1)},
		"triggers: go, condition: {sensor: nope}":      {nil, nil, nil},
		"triggers: [go], period: 1m":                   {nil, int64(1), int64(2)},
		"triggers: other":                              {nil, nil, nil},
		"period: 1h, skip_initial_run: false, name: x": {int64(1), int64(1), int64(1)},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := begin(t)
			app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte(`services:
- type: basic-entity
  brooklyn.policies: [{type: workflow-policy, brooklyn.config: {` + config + `, steps: ['let n = ${entity.sensor.n} + 1 ?? 1', 'set-sensor n = ${n}']}}]
- {type: basic-entity, id: b}
`)})
			if err != nil {
				t.Fatal(config, err)
			}
			a, b := app.Children()[0], app.Children()[1]
			var got [3]any
			for i, wait := range []time.Duration{time.Second, 90 * time.Second, time.Second} {
				if i == 2 {
					a.Set("go", "yes")
					b.Set("go", "yes")
				}
				time.Sleep(wait)
				synctest.Wait()
				got[i], _ = a.Sensor("n")
			}
			if got != want {
				t.Errorf("%s: n is %v, want %v", config, got, want)
			}
			_ = e.Close(context.Background())
		})
	}
}
