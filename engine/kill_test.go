package engine_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
)

// killable is a store whose server dies at a chosen commit: nothing is written
// from then on, and what was only enqueued is lost. Commits that are under way
// hang until the test has taken the image.
type killable struct {
	store.Store // the image: what is on disk

	mu      sync.Mutex
	pending store.Batch
	commits int
	at      int  // the commit at which it dies; 0 is never
	written bool // whether that one still reaches the disk
	dead    bool
	over    chan struct{}
}

func newKillable(image store.Store) *killable {
	return &killable{Store: image, over: make(chan struct{})}
}

func (k *killable) Enqueue(b *store.Batch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending.Append(b)
}

func (k *killable) Commit(_ context.Context, b *store.Batch) error {
	k.mu.Lock()
	if k.dead {
		k.mu.Unlock()
		<-k.over
		return fault.New(fault.Unavailable, "dead")
	}
	k.commits++
	k.dead = k.commits == k.at
	if k.dead && !k.written {
		k.mu.Unlock()
		<-k.over
		return fault.New(fault.Unavailable, "dead")
	}
	all := k.pending
	all.Append(b)
	k.pending = store.Batch{}
	err := k.Store.Commit(context.Background(), &all)
	dies := k.dead
	k.mu.Unlock()
	if dies {
		<-k.over
		return fault.New(fault.Unavailable, "dead")
	}
	return err
}

func (k *killable) Flush(ctx context.Context) error { return k.Commit(ctx, nil) }

// from lets it die at the n-th commit from now on.
func (k *killable) from(n int, written bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.written = k.commits+n, written
}

func (k *killable) isDead() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dead
}

// outsideWorld counts what steps did that cannot be taken back.
type outsideWorld struct {
	mu   sync.Mutex
	done []string
}

func (o *outsideWorld) actions() []action.Action {
	act := func(_ context.Context, c *action.Call) (any, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		what := fmt.Sprint(c.Input["command"])
		o.done = append(o.done, what)
		if strings.HasPrefix(what, "bad") && len(o.done) < 3 {
			return nil, fault.New(fault.Unavailable, "%s does not work yet", what)
		}
		return map[string]any{"stdout": what}, nil
	}
	return []action.Action{{Name: "shell", Run: act}, {Name: "ssh", Run: act}}
}

func (o *outsideWorld) times() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]int{}
	for _, what := range o.done {
		out[what]++
	}
	return out
}

// moduleStep is a step type as a module has it: decided in two parts.
func moduleStep() *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{Name: "greet", Kind: catalog.Step},
		Step: func(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
			if c.Token == "" {
				return &hook.Decision{Steps: []hook.Step{
					{Step: "set-sensor", Input: map[string]any{"sensor": "greeted", "value": c.Args["who"]}},
					{Step: "shell", Input: map[string]any{"command": "greeting"}}, {Continue: "more"},
				}}, nil
			}
			return &hook.Decision{
				Steps:  []hook.Step{{Step: "workflow", Input: map[string]any{"definition": []any{"set-sensor inner = ${entity.sensor.greeted}", "return x"}}}},
				Result: fmt.Sprint("hello ", c.Args["who"], " ", len(c.Outputs)),
			}, nil
		},
	}
}

func (o *outsideWorld) engine(t *testing.T, s store.Store) *engine.Engine {
	t.Helper()
	e, err := engine.New(context.Background(), engine.Config{
		Store: s, Types: slices.Concat(stock.Types(), flow.Types(), []*catalog.Type{moduleStep()}), Actions: o.actions(), Plane: "kill",
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// killed are the workflows that the server is killed in: what they are, what
// they may end with beside their result, and what may happen outside more than
// once.
var killed = []struct {
	name, text string
	args       map[string]any
	repeats    bool   // what is done outside may be done again
	fails      string // an error that is right when the server was stopped
}{
	{name: "steps", text: "steps: [let integer x = 1, 'set-sensor a = ${x}', 'let x = ${x} + 1', 'set-sensor b = ${x}', 'set-sensor c = ${x}', 'return ${x}']"},
	{name: "once", text: "steps: [let x = a, 'shell one ${x}', 'set-sensor done = ${stdout}', 'return ${entity.sensor.done}']", fails: "the server stopped while step shell ran, which is not idempotent"},
	{name: "again", text: "steps: [{step: shell one, idempotent: yes}, {step: shell two, idempotent: yes}, 'return ${stdout}']", repeats: true},
	{name: "automatic", text: "replayable: from start automatically\nsteps: [let integer n = 1, 'set-sensor n = ${n}', shell one, 'let n = ${n} + 1', 'return ${n}']", repeats: true},
	{name: "handled", text: "steps: [{step: shell one, on-error: ['set-sensor why = ${error}', return handled]}, return fine]", fails: "-"},
	{name: "blocks", text: `steps:
- let integer n = 0
- steps:
  - let n = ${n} + 1
  - set-sensor n1 = ${n}
  - if ${n} == 1 then set-sensor n2 = ${n}
  - step: switch ${n}
    cases:
    - {step: 'set-sensor n3 = ${n}', condition: 1}
    - no-op
- set-sensor n4 = ${n}
- return ${n}`},
	{name: "foreach", text: `steps:
- step: foreach x in 1..5
  concurrency: 3
  steps: ['set-sensor s_${x} = ${x}', 'let y = ${x} * 2', 'set-sensor t_${x} = ${y}', 'return ${y}']
- return ${output}`},
	{name: "reducing", text: `steps:
- step: foreach x in 1..4
  reducing: {sum: 0}
  steps: ['set-sensor s = ${x}', 'let sum = ${sum} + ${x}']
- return ${sum}`},
	{name: "sleeping", text: "steps: [sleep 1h, set-sensor woke = yes, sleep 1h, return done]"},
	{name: "retry", text: `steps:
- step: ssh bad
  idempotent: yes
  on-error: [retry limit 5 backoff 1m increasing 2x]
- set-sensor tried = yes
- return ok`, repeats: true},
	{name: "loop", text: "steps: [let integer n = 0, {id: again, step: 'let n = ${n} + 1'}, 'set-sensor n = ${n}', {step: goto again, condition: {target: '${n}', less-than: 4}}, 'return ${n}']"},
	{name: "locked", text: "lock: gate\nsteps: ['let n = ${entity.sensor.n} ?? 0', 'let n = ${n} + 1', 'set-sensor n = ${n}', 'return ${n}']"},
	{name: "nested", text: `steps:
- type: workflow
  input: {a: 1}
  steps: ['let b = ${a} + 1', 'set-sensor b = ${b}', {type: workflow, input: {b: '${b}'}, steps: ['set-sensor c = ${b}', 'return ${b}']}, 'return ${output}']
- invoke-effector other with v = ${output}
- return ${output}`},
	{name: "module", text: "steps: [{type: greet, input: {who: you}}, 'set-sensor said = ${output}', 'return ${output}']", repeats: true},
	{name: "children", text: `steps:
- 'let list items = [ {k: one}, {k: two} ]'
- update-children type basic-entity id ${item.k} from ${items}
- step: add-entity
  blueprint: {type: basic-entity, id: three}
- return ${entity.children[2].planId}`},
}

func killedBlueprint(text string) engine.Request {
	return engine.Request{File: "b.yaml", ID: "app", Text: []byte(`services:
- type: basic-application
  brooklyn.initializers:
  - type: workflow-effector
    brooklyn.config:
      name: other
      parameters: {v: {}}
      steps: ['set-sensor other = ${v}', 'return ${v}']
  - type: workflow-effector
    brooklyn.config:
      name: run
      ` + strings.ReplaceAll(text, "\n", "\n      ") + "\n")}
}

// ending is all that is to be seen of a run.
type ending struct {
	result  any
	err     string
	sensors map[string]any
	names   []string
}

func seen(app *entity.Entity, result any, err error) ending {
	out := ending{result: result, sensors: map[string]any{}}
	if err != nil {
		out.err = err.Error()
	}
	for name, r := range app.Sensors() {
		if !strings.HasPrefix(name, "service.") {
			out.sensors[name] = r.Value
		}
	}
	for _, c := range app.Children() {
		out.names = append(out.names, c.PlanID())
	}
	slices.Sort(out.names)
	return out
}

// runKilled deploys, invokes, lets the server die at the n-th commit of the
// run, and goes on with a new one. With n 0 nothing happens to it.
func runKilled(t *testing.T, text string, n int, written bool) (end ending, outside map[string]int, died bool) {
	world, image := &outsideWorld{}, store.NewMemory()
	k := newKillable(image)
	e := world.engine(t, k)
	app, start, err := e.Deploy(t.Context(), killedBlueprint(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		k.from(n, written)
	}
	var call *task.Task
	var invoked error
	promised := make(chan struct{})
	go func() {
		defer close(promised)
		call, invoked = e.Invoke(t.Context(), app, "run", nil)
	}()
	for { // until it has ended, or the server is dead and nothing moves
		synctest.Wait()
		select {
		case <-promised:
			if invoked == nil {
				select {
				case <-call.Done():
					if !k.isDead() {
						v, err := call.Wait(t.Context())
						end = seen(app, v, err)
						k.from(-1, false)
						_ = e.Close(context.Background())
						return end, world.times(), false
					}
				default:
				}
			}
		default:
		}
		if k.isDead() {
			break
		}
		time.Sleep(time.Minute) // of the test's clock, for what sleeps
	}
	close(k.over)
	_ = e.Close(context.Background())
	<-promised
	again := world.engine(t, image)
	defer again.Close(context.Background())
	app, err = again.Application("app")
	if err != nil {
		t.Fatal(err)
	}
	if call == nil { // it was never promised, though it may be there
		return ending{}, nil, true
	}
	resumed, err := again.Tasks().Get(call.ID())
	if err != nil {
		return ending{}, nil, true // likewise
	}
	v, err := resumed.Wait(t.Context())
	synctest.Wait()
	return seen(app, v, err), world.times(), true
}

// TestKillAtEveryWrite kills the server at every write to its store, just
// before and just after it, and compares what a new one makes of it with a run
// that nothing happens to.
func TestKillAtEveryWrite(t *testing.T) {
	for _, c := range killed {
		t.Run(c.name, func(t *testing.T) {
			var want ending
			var wantOutside map[string]int
			synctest.Test(t, func(t *testing.T) { want, wantOutside, _ = runKilled(t, c.text, 0, false) })
			if want.err != "" {
				t.Fatalf("undisturbed: %s", want.err)
			}
			kills := 0
			for _, written := range []bool{false, true} {
				for n := 1; ; n++ {
					var got ending
					var outside map[string]int
					var died bool
					synctest.Test(t, func(t *testing.T) { got, outside, died = runKilled(t, c.text, n, written) })
					if !died {
						break
					}
					if kills++; kills > 500 {
						t.Fatal("the run does not end")
					}
					if outside == nil {
						continue
					}
					at := fmt.Sprintf("killed at commit %d (written: %v)", n, written)
					if !c.repeats && c.fails != "-" {
						for what, times := range outside {
							if times > 1 {
								t.Errorf("%s: %s was done %d times", at, what, times)
							}
						}
					}
					switch {
					case got.err != "" && c.fails != "" && strings.Contains(got.err, c.fails):
					case c.fails == "-" && got.err == "":
						if times := outside["one"]; times > 1 {
							t.Errorf("%s: it was done %d times", at, times)
						}
					case !reflect.DeepEqual(got, want):
						t.Errorf("%s:\n got %+v\nwant %+v", at, got, want)
					case !c.repeats && !reflect.DeepEqual(outside, wantOutside):
						t.Errorf("%s: outside %v, want %v", at, outside, wantOutside)
					}
				}
			}
			t.Logf("%d kills", kills)
			if kills < 4 {
				t.Errorf("only %d kills", kills)
			}
		})
	}
}

// A lock that a run held when the server died is held after the restart, before
// anybody else can ask for it; who waited for it gets it in the end. A sleep
// ends when it would have.
func TestLocksAndTimersSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, image := &outsideWorld{}, store.NewMemory()
		k := newKillable(image)
		e := world.engine(t, k)
		app, _, err := e.Deploy(t.Context(), killedBlueprint("steps: [no-op]"))
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		const text = "lock: gate\nsteps: ['let log = ${entity.sensor.log} ?? \"\"', 'set-sensor log = ${log}NAME', sleep 1h, 'let log = ${entity.sensor.log}', 'set-sensor log = ${log}NAME']"
		var ids []task.ID
		for _, name := range []string{"a", "b", "c"} {
			run, err := e.RunWorkflow(t.Context(), app, engine.Request{Text: []byte(strings.ReplaceAll(text, "NAME", name))})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, run.ID())
			synctest.Wait()
		}
		time.Sleep(20 * time.Minute)
		k.from(1, false)
		go func() { _ = k.Commit(t.Context(), &store.Batch{}) }()
		synctest.Wait()
		close(k.over)
		_ = e.Close(context.Background())

		e = world.engine(t, image)
		defer e.Close(context.Background())
		if app, err = e.Application("app"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if v, _ := app.Sensor("log"); v != "a" {
			t.Errorf("log is %v while a sleeps", v)
		}
		for i, want := range []struct {
			log   string
			after time.Duration
		}{{"aa", time.Hour}, {"", 0}, {"", 0}} {
			run, err := e.Tasks().Get(ids[i])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			if i > 0 {
				continue
			}
			if took := time.Since(begun); took != want.after {
				t.Errorf("the first ended after %s, want %s", took, want.after)
			}
		}
		synctest.Wait()
		v, _ := app.Sensor("log")
		if v != "aabbcc" && v != "aaccbb" {
			t.Errorf("log is %v", v)
		}
		if took := time.Since(begun); took != 3*time.Hour {
			t.Errorf("all took %s", took)
		}
		if _, held := app.Sensor("lock-for-gate"); held {
			t.Error("the lock is still held")
		}
	})
}
