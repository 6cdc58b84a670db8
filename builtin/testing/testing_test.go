package testing_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/group"
	"github.com/gowanus-project/gowanus/builtin/stock"
	framework "github.com/gowanus-project/gowanus/builtin/testing"
	"github.com/gowanus-project/gowanus/builtin/web"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/store"
)

// open gives an engine.
func open(t *testing.T) *engine.Engine {
	t.Helper()
	g, w := group.New(group.Config{}), web.Config{}
	e, err := engine.New(context.Background(), engine.Config{
		Store:   store.NewMemory(),
		Types:   slices.Concat(stock.Types(), flow.Types(), cluster.Types(), g.Types(), framework.Types()),
		Actions: slices.Concat(g.Actions(), w.Actions(), framework.Actions()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

// run deploys and gives the application, and the error of its start.
func run(t *testing.T, e *engine.Engine, services string) (*entity.Entity, error) {
	t.Helper()
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n" + services)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = start.Wait(t.Context())
	return app, err
}

// target has a sensor n, 100, and effectors.
const target = `
- type: basic-startable
  id: t
  name: Target
  brooklyn.initializers:
  - {type: workflow-initializer, brooklyn.config: {name: n, steps: [set-sensor integer n = 100]}}
  - {type: workflow-effector, brooklyn.config: {name: double, parameters: {of: {type: integer}}, steps: ['let r = ${of} * 2', 'return ${r}']}}
  - {type: workflow-effector, brooklyn.config: {name: broken, steps: [fail message out of order]}}
  - {type: workflow-effector, brooklyn.config: {name: count, steps: ['let n = ${entity.sensor.calls} ?? 0', 'let n = ${n} + 1', 'set-sensor calls = ${n}', 'return ${n}']}}
`

// Each test passes, or fails with a message.
func TestSingle(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, "%s %s", r.Method, r.Header.Get("X-Who"))
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	for _, tt := range []struct{ config, want string }{
		{"test-sensor, sensor: n, assert: {equals: 100}", ""},
		{"test-sensor, sensor: n, assert: [{greaterThan: 99}, {lessThan: 101}]", ""},
		{"test-sensor, sensor: n, timeout: 50ms, assert: {equals: 101}", "sensor n of Target expected equals 101, but found 100 (after 50ms)"},
		{"test-sensor, sensor: n, maxAttempts: 1, assert: {equals: 101}", "sensor n of Target expected equals 101, but found 100 (1 attempt)"},
		{"test-sensor, sensor: none, timeout: 50ms, assert: {notNull: true}", "sensor none of Target expected notNull true, but found null (after 50ms)"},
		{"test-sensor, sensor: none, assert: {isNull: true}", ""},
		{"test-sensor, sensor: n, assert: {equals: 1}, abortConditions: {greaterThan: 50}", "sensor n of Target is 100, which ends the test: greaterThan 50"},
		{"test-sensor, sensor: service.state, assert: {equals: running}", ""},
		{"test-effector, effector: double, params: {of: 21}, assert: {equals: 42}", ""},
		{"test-effector, effector: double, params: {of: 21}, assert: {equals: 43}", "result of effector double of Target expected equals 43, but found 42 (1 attempt)"},
		{"test-effector, effector: broken", "effector broken of Target failed: "},
		{"test-effector, effector: nope", "Entity 'Target' has no effector with name 'nope'"},
		{"test-effector, effector: count, maxAttempts: 5, assert: {equals: 3}", ""},
		{"test-effector, effector: count, maxAttempts: 2, assert: {equals: 3}", "result of effector count of Target expected equals 3, but found 2 (2 attempts)"},
		{"test-http-call, url: 'http://" + address + "/', headers: {X-Who: me}, assert: {equals: GET me}", ""},
		{"test-http-call, url: 'http://" + address + "/', method: POST, assert: {contains: POST}", ""},
		{"test-http-call, url: 'http://" + address + "/none', applyAssertionTo: status, assert: {equals: 404}", ""},
		{"test-http-call, url: 'http://" + address + "/none', applyAssertionTo: status, timeout: 50ms, assert: {equals: 200}", "status of http://" + address + "/none expected equals 200, but found 404"},
		{"test-http-call, url: 'http://" + address + "/', applyAssertionTo: head", "applyAssertionTo: expected body or status, not head"},
		{"test-http-call, url: 'ftp://x', timeout: 20ms", "no answer of ftp://x: "},
		{"test-endpoint-reachable, endpoint: '" + address + "'", ""},
		{"test-endpoint-reachable, endpoint: 'http://" + address + "/x', assert: {reachable: true}", ""},
		{"test-endpoint-reachable, endpoint: '" + address + "', timeout: 50ms, assert: {reachable: false}", address + " expected not reachable, but found that it is"},
		{"test-endpoint-reachable, endpoint: '" + closed(t) + "', assert: {reachable: false}", ""},
		{"test-endpoint-reachable, endpoint: '" + closed(t) + "', timeout: 50ms", "expected reachable, but found it is not"},
		{"test-endpoint-reachable, endpoint: nowhere", `endpoint "nowhere": expected host:port or a URL`},
		{"test-endpoint-reachable", "expected endpoint or endpointSensor"},
		{"test-endpoint-reachable, endpoint: 'a:1', endpointSensor: b", "expected endpoint or endpointSensor, not both"},
		{"test-endpoint-reachable, endpointSensor: '$brooklyn:sensor(\"n\")', timeout: 50ms", `endpoint "100": expected host:port or a URL`},
		{"test-endpoint-reachable, endpointSensor: none, timeout: 50ms", "sensor none of Target expected an address, but found null"},
		{"test-endpoint-reachable, endpointSensor: n, timeout: 50ms", `endpoint "100": expected host:port or a URL`},
	} {
		app, err := run(t, open(t), target+"- {type: basic-entity, id: other}\n- {id: test, name: test, targetId: t, type: "+tt.config+"}\n")
		test := app.Nearest("test")
		if tt.want == "" {
			if err != nil || test.State() != entity.Running || !test.Up() {
				t.Errorf("%s: %s, %v", tt.config, test.State(), err)
			}
			continue
		}
		problems, _ := test.Sensor(entity.ServiceProblems)
		if err == nil || !strings.Contains(err.Error(), tt.want) || test.State() != entity.OnFire || app.State() != entity.OnFire || !strings.Contains(fmt.Sprint(problems), tt.want) {
			t.Errorf("%s: %s, problems %v, error %v\n want %s", tt.config, test.State(), problems, err, tt.want)
		}
	}
}

// closed gives an address that nobody listens on.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTarget(t *testing.T) {
	e := open(t)
	app, err := run(t, e, target+"- {id: test, type: test-sensor, sensor: n, target: '$brooklyn:component(\"t\")', assert: {equals: 100}}\n")
	if err != nil {
		t.Fatal(err)
	}
	test, of := app.Nearest("test"), app.Nearest("t")
	for name, want := range map[string]any{"id": string(of.ID()), "name": "Target", "type": of.Type()} {
		if v, _ := test.Sensor("test.target.entity." + name); v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for config, want := range map[string]string{
		"targetId: nobody": "No entity matching id 'nobody'",
		"targetId: nobody, targetResolutionTimeout: 20ms": "No entity matching id 'nobody'",
		"name: lost": "lost does not say what is tested: expected target or targetId",
	} {
		if _, err := run(t, e, "- {type: test-sensor, sensor: n, "+config+"}\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", config, err)
		}
	}
}

// A target that comes later is waited for.
func TestTargetThatComesLater(t *testing.T) {
	e := open(t)
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- {id: test, type: test-sensor, sensor: n, targetId: late, targetResolutionTimeout: 10s, assert: {equals: 1}}\n")})
	if err != nil {
		t.Fatal(err)
	}
	late, _, err := e.AddChildren(t.Context(), app, engine.Request{Text: []byte("services: [{type: basic-entity, id: late}]")}, false)
	if err != nil {
		t.Fatal(err)
	}
	late[0].Set("n", 1)
	if _, err := start.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// A test of a sensor is woken by the event, whatever the time that it has.
func TestSensorsAreNotPolled(t *testing.T) {
	e := open(t)
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n" + target + "- {id: test, type: test-sensor, sensor: m, targetId: t, timeout: 1h, backoffToPeriod: 1h, assert: {equals: 2}}\n")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		app.Nearest("t").Set("m", i)
	}
	if _, err := start.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestATargetThatIsRemovedFailsTheTest(t *testing.T) {
	e := open(t)
	app, start, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n" + target + "- {id: test, type: test-sensor, sensor: m, targetId: t, timeout: 1h, assert: {equals: 2}}\n")})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := e.Expunge(t.Context(), app.Nearest("t"), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = start.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "was removed while its sensor m was tested") && !strings.Contains(err.Error(), "No entity matching id 't'") {
		t.Errorf("error %v", err)
	}
}

// suite has a test that passes between two that fail, each of which would set
// a sensor of the target when it runs.
func suite(typ, config string) string {
	test := func(id string, want int) string {
		return fmt.Sprintf("  - {type: test-case, id: %s, brooklyn.children: [{type: test-effector, effector: count}, {type: test-sensor, sensor: n, timeout: 20ms, assert: {equals: %d}}]}\n", id, want)
	}
	return target + "- type: " + typ + "\n  id: suite\n  targetId: t\n" + config + "  brooklyn.children:\n" + test("one", 1) + test("two", 100) + test("three", 3)
}

func TestSuites(t *testing.T) {
	const wrong = "sensor n of Target expected equals %d, but found 100"
	for _, tt := range []struct {
		typ, config string
		calls       int64
		states      string
		fails       []string
		after       []string // of the types of the children that were added
	}{
		{"test-case", "", 1, "on-fire created created", []string{fmt.Sprintf(wrong, 1)}, nil},
		{"test-case", "  continueOnFailure: true\n", 3, "on-fire running on-fire", []string{fmt.Sprintf(wrong, 1), fmt.Sprintf(wrong, 3)}, nil},
		{"parallel-test-case", "", -1, "on-fire running on-fire", []string{fmt.Sprintf(wrong, 1), fmt.Sprintf(wrong, 3)}, nil},
		{"test-case", "  on.error.spec: {$brooklyn:entitySpec: {type: basic-startable, id: err}}\n  on.finally.spec: {$brooklyn:entitySpec: {type: basic-startable, id: end}}\n",
			1, "on-fire created created", []string{fmt.Sprintf(wrong, 1)}, []string{"err", "end"}},
		{"test-case", "  on.finally.spec: {$brooklyn:entitySpec: {type: test-effector, id: end, effector: broken}}\n",
			1, "on-fire created created", []string{fmt.Sprintf(wrong, 1), "on.finally.spec: ", "out of order"}, []string{"end"}},
	} {
		app, err := run(t, open(t), suite(tt.typ, tt.config))
		var states []string
		for _, id := range []string{"one", "two", "three"} {
			states = append(states, app.Nearest(id).State())
		}
		calls, _ := app.Nearest("t").Sensor("calls")
		if got := strings.Join(states, " "); got != tt.states || tt.calls >= 0 && calls != tt.calls || app.Nearest("suite").State() != entity.OnFire {
			t.Errorf("%s%s: states %s, %v calls, %s", tt.typ, tt.config, got, calls, app.Nearest("suite").State())
		}
		for _, want := range tt.fails {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s%s: error %v\n want %s", tt.typ, tt.config, err, want)
			}
		}
		for i, c := range app.Nearest("suite").Children()[3:] {
			if i >= len(tt.after) || c.PlanID() != tt.after[i] {
				t.Errorf("%s%s: %s was added", tt.typ, tt.config, c.PlanID())
			}
		}
		if n := len(app.Nearest("suite").Children()); n != 3+len(tt.after) {
			t.Errorf("%s%s: %d children", tt.typ, tt.config, n)
		}
	}
}

func TestSuiteThatPasses(t *testing.T) {
	e := open(t)
	app, err := run(t, e, target+`
- type: test-case
  id: suite
  targetId: t
  on.error.spec: {$brooklyn:entitySpec: {type: basic-startable, id: err}}
  on.finally.spec: {$brooklyn:entitySpec: {type: basic-startable, id: end}}
  brooklyn.children:
  - {type: test-effector, id: doubled, effector: double, params: {of: 2}, assert: {equals: 4}}
  - {type: parallel-test-case, brooklyn.children: [{type: test-sensor, sensor: n, assert: {equals: 100}}]}
`)
	if err != nil || app.Nearest("suite").State() != entity.Running || app.Nearest("err") != nil || app.Nearest("end").State() != entity.Running {
		t.Errorf("%v, %s", err, app.Nearest("suite").State())
	}
	if v, _ := app.Nearest("doubled").Sensor("result"); v != int64(4) {
		t.Errorf("result %v", v)
	}
	again, err := e.Invoke(t.Context(), app.Nearest("suite"), "restart", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Wait(t.Context()); err != nil || app.Nearest("suite").State() != entity.Running {
		t.Errorf("restart: %v, %s", err, app.Nearest("suite").State())
	}
}

func TestLoop(t *testing.T) {
	const loop = `
- type: dynamic-cluster
  id: c
  initialSize: 3
  memberSpec: {$brooklyn:entitySpec: {type: basic-startable}}
- type: loop-test-case
  id: loop
  targetId: c
  testSpec:
    $brooklyn:entitySpec:
      type: test-case
      brooklyn.children:
      - {type: test-sensor, sensor: service.isUp, assert: {equals: true}}
      - {type: test-sensor, sensor: odd, timeout: 20ms, assert: {isNull: true}}
`
	e := open(t)
	// The cluster starts at the same time; the loop must come after it.
	app, err := run(t, e, strings.Replace(loop, "- type: loop-test-case", "- type: basic-entity", 1))
	if err != nil {
		t.Fatal(err)
	}
	kids, start, err := e.AddChildren(t.Context(), app, engine.Request{Text: []byte("services:\n" + loop[strings.Index(loop, "- type: loop"):])}, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start.Wait(t.Context()); err != nil || len(kids[0].Children()) != 3 || kids[0].State() != entity.Running {
		t.Fatalf("%v, %d tests, %s", err, len(kids[0].Children()), kids[0].State())
	}
	app.Nearest("c").Members()[1].Set("odd", true)
	again, err := e.Invoke(t.Context(), kids[0], "restart", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = again.Wait(t.Context())
	var states []string
	for _, c := range kids[0].Children() {
		states = append(states, c.State())
	}
	if got := strings.Join(states, " "); err == nil || !strings.Contains(err.Error(), "expected isNull true, but found true") || got != "running on-fire running" {
		t.Errorf("%v; %s", err, got)
	}
	if _, err := run(t, e, target+"- {type: loop-test-case, targetId: t, testSpec: {$brooklyn:entitySpec: {type: test-case}}}\n"); err == nil || !strings.Contains(err.Error(), "Target is no group") {
		t.Errorf("error %v", err)
	}
}

// What is wrong with a test is told when it is deployed.
func TestBadTests(t *testing.T) {
	e := open(t)
	for config, want := range map[string]string{
		"test-sensor": "sensor",
		"test-sensor, sensor: a, assert: {equal: 1}":                    `blueprint:2:56: unknown condition "equal"; did you mean "equals"?`,
		"test-sensor, sensor: a, assert: 5":                             "expected a map of conditions, or a list of these",
		"test-sensor, sensor: a, assert: {matches: (}":                  "missing closing )",
		"test-sensor, sensor: a, abortConditions: {greater: 1}":         `unknown condition "greater"`,
		"test-endpoint-reachable, endpoint: 'a:1', assert: {equals: 1}": "expected {reachable: true} or {reachable: false}",
		"test-sensor, sensor: a, timeout: soon":                         "timeout",
	} {
		_, _, err := e.Deploy(t.Context(), engine.Request{Text: []byte("services:\n- {targetId: t, type: " + config + "}\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\n want %s", config, err, want)
		}
	}
}

// An answer that comes to be right is waited for.
func TestHTTPIsTriedAgain(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, calls.Add(1)) }))
	defer server.Close()
	if _, err := run(t, open(t), "- {type: test-http-call, url: '"+server.URL+"', backoffToPeriod: 10ms, assert: {equals: 4}}\n"); err != nil || calls.Load() != 4 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}
