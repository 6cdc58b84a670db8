package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// world is a location of two hosts whose processes are entries in a map, so
// that a test sees what is running, and can let it die.
type world struct {
	mu       sync.Mutex
	running  map[string]string // resource by entity
	started  int
	observer location.Observer
	block    chan struct{} // when set, start-process waits for it
	blocked  chan struct{} // gets a value when it begins to
	watched  chan struct{} // gets a value when somebody observes
}

func newWorld() *world {
	return &world{running: map[string]string{}, blocked: make(chan struct{}, 10), watched: make(chan struct{}, 10)}
}

func (w *world) Kind() string                                        { return "localhost" }
func (w *world) Open(location.Definition) (location.Location, error) { return w, nil }
func (w *world) Clean(context.Context, string) error                 { return nil }
func (w *world) Close() error                                        { return nil }
func (w *world) Present(context.Context) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.running), nil
}

func (w *world) Hosts(context.Context) ([]location.Host, error) {
	return []location.Host{{ID: "h1", Address: "10.0.0.1", Up: true}, {ID: "h2", Address: "10.0.0.2", Up: true}}, nil
}

func (w *world) Watch(ctx context.Context, o location.Observer) error {
	w.mu.Lock()
	w.observer = o
	w.mu.Unlock()
	w.watched <- struct{}{}
	<-ctx.Done()
	return nil
}

func (w *world) actions() []action.Action {
	ok := func(context.Context, *action.Call) (any, error) { return nil, nil }
	return []action.Action{
		{Name: "run-command", Run: ok},
		{Name: "check-process", Run: ok},
		{Name: "start-process", Run: w.start},
		{Name: "stop-process", Run: func(_ context.Context, c *action.Call) (any, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.running, c.Entity.ID)
			return nil, nil
		}},
	}
}

func (w *world) start(ctx context.Context, c *action.Call) (any, error) {
	if c.Input["command"] == "fail" {
		return nil, fault.New(fault.Unavailable, "the command exited with code 1")
	}
	w.mu.Lock()
	if w.running[c.Entity.ID] == "" {
		w.started++
		w.running[c.Entity.ID] = fmt.Sprint("pid-", w.started)
	}
	resource, block := w.running[c.Entity.ID], w.block
	w.mu.Unlock()
	if block != nil {
		w.blocked <- struct{}{}
		select {
		case <-block:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return map[string]any{"pid": resource, "dir": "/run", "env": c.Input["env"]}, c.Hold(ctx, resource)
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.running)
}

// restarter is a policy that restarts its entity when that fails. It remembers
// that the entity was up, since it may hear of the beginning when that is no
// news any more.
type restarter struct{}

func (restarter) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	wasUp := string(c.State) == "true"
	switch {
	case c.Event == nil || c.Event.Value == nil:
		return &hook.Decision{}, nil
	case c.Event.Value == true:
		return &hook.Decision{State: []byte("true")}, nil
	case !wasUp || c.Entity.Sensors["service.state.expected"] != "running":
		return &hook.Decision{State: []byte("false")}, nil
	}
	return &hook.Decision{State: []byte("false"), Steps: []hook.Step{{Step: "invoke-effector", Input: map[string]any{"effector": "restart"}}}}, nil
}

func newEngine(t *testing.T, w *world, s store.Store) *engine.Engine {
	t.Helper()
	types := append(stock.Types(), &catalog.Type{
		Type:   hook.Type{Name: "restarter", Kind: catalog.Policy, Events: []hook.EventSpec{{Sensor: "service.isUp"}}},
		Policy: restarter{},
	})
	e, err := engine.New(context.Background(), engine.Config{
		Store: s, Types: types, Providers: []location.Provider{w}, Actions: w.actions(), Plane: "test",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func closeEngine(t *testing.T, e *engine.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Error(err)
	}
}

func deploy(t *testing.T, e *engine.Engine, text string) (*entity.Entity, *task.Task) {
	t.Helper()
	app, start, err := e.Deploy(context.Background(), engine.Request{Text: []byte(text), File: "app.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return app, start
}

func wait(t *testing.T, tk *task.Task) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := tk.Wait(ctx)
	return err
}

// await waits for a sensor to have a value.
func await(t *testing.T, e *entity.Entity, sensor string, want any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	changed := make(chan struct{}, 1)
	defer e.Subscribe(sensor, func(event.Event) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}).Cancel()
	for {
		v, _ := e.Sensor(sensor)
		if v == want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s of %s is %v, want %v", sensor, e.Name(), v, want)
		}
	}
}

const twoServices = `
name: shop
location: localhost
services:
- type: vanilla-software-process
  id: web
  launch.command: run web
  shell.env:
    DB: $brooklyn:formatString("http://%s:%s", component("db").attributeWhenReady("host.address"), component("db").config("port"))
- type: vanilla-software-process
  id: db
  launch.command: run db
  brooklyn.config:
    port: 5432
`

func TestDeployAndDelete(t *testing.T) {
	w, s := newWorld(), store.NewMemory()
	e := newEngine(t, w, s)
	defer closeEngine(t, e)
	app, start := deploy(t, e, twoServices)
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	if app.State() != entity.Running || !app.Up() || app.Name() != "shop" || w.count() != 2 {
		t.Errorf("application %s is %s, up %v, %d processes", app.Name(), app.State(), app.Up(), w.count())
	}
	web := app.Children()[0]
	v, err := e.Config(context.Background(), web, "shell.env")
	if err != nil || fmt.Sprint(v) != "map[DB:http://10.0.0.1:5432]" {
		t.Errorf("shell.env %v, %v", v, err)
	}
	del, err := e.Delete(context.Background(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t, del); err != nil {
		t.Fatal(err)
	}
	if n := len(e.Applications()); n != 0 || w.count() != 0 {
		t.Errorf("%d applications and %d processes are left", n, w.count())
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, b := range []store.Bucket{"entity", "sensor", "lease", "workflow", "adjunct"} {
		_ = s.Scan(b, "", func(key string, _ []byte) error { t.Errorf("%s %s is left", b, key); return nil })
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	_, _, err := e.Deploy(context.Background(), engine.Request{File: "bad.yaml", Text: []byte(`
name: bad
location: localhots
services:
- type: vanilla-software-proces
  id: a
- type: vanilla-software-process
  id: b
  shell.env:
    X: $brooklyn:component("nobody").attributeWhenReady("x")
    Y: $brooklyn:attributeWhenRead("x")
  brooklyn.policies:
  - type: restarted
`)})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{
		`bad.yaml:3:`, `unknown location "localhots"; did you mean "localhost"?`,
		`bad.yaml:5:9: unknown entity type "vanilla-software-proces"; did you mean "vanilla-software-process"?`,
		`bad.yaml:11:`, `attributeWhenRead`,
		`bad.yaml:13:`, `unknown policy type "restarted"; did you mean "restarter"?`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in the error:\n%v", want, err)
		}
	}
	if len(e.Applications()) != 0 {
		t.Error("something was created")
	}
}

func TestUnknownComponentIsReportedBeforeAnythingRuns(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	_, err := e.Check(context.Background(), engine.Request{File: "b.yaml", Text: []byte(`
services:
- type: vanilla-software-process
  shell.env:
    X: $brooklyn:component("nobody").attributeWhenReady("x")
`)})
	if err == nil || !strings.Contains(err.Error(), "b.yaml:5:") || !strings.Contains(err.Error(), "No entity matching id 'nobody'") {
		t.Errorf("error %v", err)
	}
}

func TestCyclicWaitFailsTheStart(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	app, start := deploy(t, e, `
location: localhost
services:
- {type: vanilla-software-process, id: a, name: a, launch.command: x, shell.env: {X: '$brooklyn:component("b").attributeWhenReady("pid")'}}
- {type: vanilla-software-process, id: b, name: b, launch.command: x, shell.env: {X: '$brooklyn:component("a").attributeWhenReady("pid")'}}
`)
	err := wait(t, start)
	if err == nil || !strings.Contains(err.Error(), "cyclic wait: ") || !strings.Contains(err.Error(), "waits for sensor pid of") {
		t.Errorf("error %v", err)
	}
	if app.State() != entity.OnFire {
		t.Errorf("the application is %s", app.State())
	}
}

func TestFailingChildDoesNotStopTheOthers(t *testing.T) {
	w := newWorld()
	e := newEngine(t, w, store.NewMemory())
	defer closeEngine(t, e)
	app, start := deploy(t, e, `
location: localhost
services:
- {type: vanilla-software-process, id: a, name: a, launch.command: fail}
- {type: vanilla-software-process, id: b, name: b, launch.command: x}
`)
	if err := wait(t, start); err == nil || !strings.Contains(err.Error(), "start a: the command exited with code 1") {
		t.Errorf("error %v", err)
	}
	a, b := app.Children()[0], app.Children()[1]
	if a.State() != entity.OnFire || b.State() != entity.Running || app.State() != entity.OnFire {
		t.Errorf("app %s, a %s, b %s", app.State(), a.State(), b.State())
	}
}

// The server stops in the middle of a deployment, and another one goes on:
// no process is started twice, and the start ends as if nothing had happened.
func TestResumeInterruptedDeployment(t *testing.T) {
	w, s := newWorld(), store.NewMemory()
	w.block = make(chan struct{})
	e := newEngine(t, w, s)
	app, start := deploy(t, e, twoServices)
	<-w.blocked
	closeEngine(t, e)

	w.block = nil
	e = newEngine(t, w, s)
	defer closeEngine(t, e)
	again, err := e.Application(string(app.ID()))
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := e.Tasks().Get(start.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t, resumed); err != nil {
		t.Fatal(err)
	}
	if again.State() != entity.Running || w.started != 2 {
		t.Errorf("application %s, %d starts", again.State(), w.started)
	}
}

func TestPolicyRestartsWhatDied(t *testing.T) {
	w := newWorld()
	e := newEngine(t, w, store.NewMemory())
	defer closeEngine(t, e)
	app, start := deploy(t, e, `
location: localhost
services:
- type: vanilla-software-process
  launch.command: run
  brooklyn.policies:
  - type: restarter
`)
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	web := app.Children()[0]
	<-w.watched
	w.mu.Lock()
	o, resource := w.observer, w.running[string(web.ID())]
	delete(w.running, string(web.ID()))
	w.mu.Unlock()
	o.Observe(location.Observation{Entity: string(web.ID()), Resource: resource, Reason: "killed by signal 9"})
	await(t, web, "pid", "pid-2")
	o.Observe(location.Observation{Entity: string(web.ID()), Resource: resource, Reason: "late news of the old one"})
	o.Observe(location.Observation{Entity: string(web.ID()), Resource: "pid-2", Up: true})
	await(t, web, entity.ServiceState, entity.Running)
	await(t, app, entity.ServiceState, entity.Running)
}

func TestStopInterruptsAStart(t *testing.T) {
	w := newWorld()
	e := newEngine(t, w, store.NewMemory())
	defer closeEngine(t, e)
	app, start := deploy(t, e, `
location: localhost
services:
- {type: vanilla-software-process, id: a, launch.command: x, shell.env: {X: '$brooklyn:component("b").attributeWhenReady("never")'}}
- {type: vanilla-software-process, id: b, launch.command: x}
`)
	await(t, app.Children()[1], entity.ServiceState, entity.Running)
	del, err := e.Delete(context.Background(), app)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(t, del); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, start); fault.KindOf(err) != fault.Cancelled {
		t.Errorf("the start ended with %v", err)
	}
	if w.count() != 0 {
		t.Errorf("%d processes are left", w.count())
	}
}

func TestVanishedWhileTheServerWasDown(t *testing.T) {
	w, s := newWorld(), store.NewMemory()
	e := newEngine(t, w, s)
	app, start := deploy(t, e, "location: localhost\nservices:\n- {type: vanilla-software-process, launch.command: x}\n")
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	w.mu.Lock()
	clear(w.running)
	w.mu.Unlock()
	e = newEngine(t, w, s)
	defer closeEngine(t, e)
	again, err := e.Application(string(app.ID()))
	if err != nil {
		t.Fatal(err)
	}
	await(t, again, entity.ServiceState, entity.OnFire)
}

func TestEntityLookup(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	app, _ := deploy(t, e, "name: One\nservices:\n- {type: basic-entity, name: kid, id: plan}\n")
	other, _ := deploy(t, e, "name: Two\nservices:\n- {type: basic-entity, name: kid}\n")
	for _, tt := range []struct {
		app, ref string
		kind     fault.Kind
		err      string
	}{
		{"one", "kid", 0, ""},
		{"one", "plan", 0, ""},
		{string(app.ID()), "One", 0, ""},
		{"One", string(other.Children()[0].ID()), fault.Precondition, "belongs to another one"},
		{"Three", "kid", fault.NotFound, "Application 'Three' not found"},
		{"One", "nobody", fault.NotFound, "Cannot find entity 'nobody' in application 'One'"},
	} {
		_, err := e.Entity(tt.app, tt.ref)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s/%s: %v", tt.app, tt.ref, err)
		}
	}
}
