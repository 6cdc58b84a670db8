package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// ranWorkflow deploys an entity and runs a workflow on it to its end.
func ranWorkflow(t *testing.T, e *engine.Engine, text string) (*entity.Entity, string, error) {
	t.Helper()
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services: [{type: basic-entity, id: e}, {type: basic-entity}]")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	ent := app.Children()[0]
	return ent, "", runOn(t, e, ent, text)
}

func runOn(t *testing.T, e *engine.Engine, ent *entity.Entity, text string) error {
	t.Helper()
	run, err := e.RunWorkflow(t.Context(), ent, engine.Request{File: "w.yaml", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = run.Wait(t.Context())
	return err
}

func TestReplay(t *testing.T) {
	for _, tt := range []struct {
		name, text, from string
		force            bool
		want             string // result of the replay, or its error
	}{
		{name: "start", text: "steps: ['let n = ${entity.sensor.n} ?? 0', 'let n = ${n} + 1', 'set-sensor n = ${n}', 'return ${n}']", from: "start", want: "2"},
		{name: "a step", text: "steps: ['let n = ${entity.sensor.n} ?? 0', 'let n = ${n} + 1', 'set-sensor n = ${n}', 'return ${n}']", from: "2", want: "1"},
		{name: "last", text: "steps: [let n = 1, {step: 'let n = ${n} + 1', replayable: from here}, 'return ${n}']", from: "last", want: "2"},
		{name: "no point", text: "steps: [return x]", from: "last", want: "not replayable"},
		{name: "no point, forced", text: "steps: [return x]", from: "last", force: true, want: "x"},
		{name: "disabled", text: "replayable: disabled\nsteps: [return x]", from: "start", want: "not replayable"},
		{name: "end of a failed one", text: "steps: [let n = 1, 'let m = ${entity.sensor.given}', 'return ${m}']", from: "end", want: "late"},
		{name: "end, not idempotent", text: "steps: [shell bad, return done]", from: "end", want: "not replayable"},
		{name: "end, forced", text: "steps: [shell bad, return done]", from: "end", force: true, want: "done"},
		{name: "end of a block", text: "steps: [{steps: ['let m = ${entity.sensor.given}']}, 'return ${m}']", from: "end", want: "late"},
		{name: "not there", text: "steps: [return x]", from: "7", want: `replay from "7": expected start, last, end or the number of a step, 0 to 0`},
		{name: "not run", text: "steps: [return x, return y]", from: "1", want: `replay from "1": the step has not run`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			world := &outsideWorld{}
			e := world.engine(t, store.NewMemory())
			defer e.Close(context.Background())
			ent, _, _ := ranWorkflow(t, e, tt.text)
			ent.Set("given", "late")
			world.done = append(world.done, "x", "x")
			views, err := e.Workflows(ent)
			if err != nil || len(views) != 1 {
				t.Fatalf("%d workflows, %v", len(views), err)
			}
			got := ""
			again, err := e.ReplayWorkflow(t.Context(), ent, string(views[0].ID), tt.from, "why not", tt.force)
			if err == nil {
				var v any
				v, err = again.Wait(t.Context())
				got = fmt.Sprint(v)
			}
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			v, err := e.Workflow(ent, string(views[0].ID))
			if err != nil {
				t.Fatal(err)
			}
			if again != nil && (len(v.Replays) != 1 || v.Replays[0].Task != views[0].Task || v.Task != string(again.ID())) {
				t.Errorf("replays %+v", v.Replays)
			}
		})
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]int{
		"steps: [no-op]":                        3,
		"retention: 1\nsteps: [no-op]":          1,
		"retention: disabled\nsteps: [no-op]":   0,
		"retention: forever\nsteps: [no-op]":    6,
		"retention: 2 hash x\nsteps: [no-op]":   2,
		"retention: 2h\nsteps: [no-op]":         3,
		"retention: min(5, 2h)\nsteps: [no-op]": 3,
		"retention: max(4, 1h)\nsteps: [no-op]": 4,
	} {
		synctest.Test(t, func(t *testing.T) {
			image := store.NewMemory()
			world := &outsideWorld{}
			e := world.engine(t, image)
			ent, _, _ := ranWorkflow(t, e, text)
			for range 5 {
				time.Sleep(50 * time.Minute)
				if err := runOn(t, e, ent, text); err != nil {
					t.Error(err)
				}
			}
			check := func(e *engine.Engine, when string) {
				ent, err := e.Entity(string(ent.Application()), string(ent.ID()))
				if err != nil {
					t.Fatal(err)
				}
				views, err := e.Workflows(ent)
				if err != nil || len(views) != want {
					t.Errorf("%s: %d are kept %s, %v; want %d", text, len(views), when, err, want)
				}
				for _, v := range views {
					if v.Status != workflow.Succeeded || len(v.Steps) != 1 {
						t.Errorf("%s: %s %+v", text, when, v)
					}
				}
			}
			check(e, "")
			_ = e.Close(context.Background())
			e = world.engine(t, image)
			check(e, "after a restart")
			_ = e.Close(context.Background())
		})
	}
}

func TestWorkflowView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := (&outsideWorld{}).engine(t, store.NewMemory())
		defer e.Close(context.Background())
		app, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services: [{type: basic-entity}]")})
		if err != nil {
			t.Fatal(err)
		}
		run, err := e.RunWorkflow(t.Context(), app, engine.Request{Text: []byte("lock: gate\nsteps: [let x = 1, {id: nap, step: sleep 1h}, 'return ${x}']")})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		views, err := e.Workflows(app)
		if err != nil || len(views) != 1 {
			t.Fatal(views, err)
		}
		v := views[0]
		if v.Status != workflow.Running || v.Current != "1" || v.Variables["x"] != "1" || v.Lock != "gate" || len(v.Steps) != 2 || run.Info().Blocking != "Sleeping 1h" {
			t.Errorf("%+v, %q", v, run.Info().Blocking)
		}
		if err := e.DeleteWorkflow(t.Context(), app, string(v.ID)); err == nil || !strings.Contains(err.Error(), "is running") {
			t.Error(err)
		}
		run.Cancel()
		<-run.Done()
		if v, err = e.Workflow(app, string(v.ID)); err != nil || v.Status != workflow.Cancelled {
			t.Errorf("%+v, %v", v, err)
		}
		if _, held := app.Sensor("lock-for-gate"); held {
			t.Error("the lock is still held")
		}
		if err := e.DeleteWorkflow(t.Context(), app, string(v.ID)); err != nil {
			t.Error(err)
		}
		if _, err := e.Workflow(app, string(v.ID)); err == nil {
			t.Error("it is still there")
		}
	})
}
