package engine_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/initializer"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// probes are versions of testdata/probe; they share their compiled code.
var probes struct {
	sync.Mutex
	dir     string
	content map[string][]byte
}

// probe builds a version of testdata/probe.
func probe(t testing.TB, version string) []byte {
	t.Helper()
	probes.Lock()
	defer probes.Unlock()
	if bin := probes.content[version]; bin != nil {
		return bin
	}
	if probes.dir == "" {
		dir, err := os.MkdirTemp("", "gowanus-engine-")
		if err != nil {
			t.Fatal(err)
		}
		probes.dir, probes.content = dir, map[string][]byte{}
	}
	file := filepath.Join(probes.dir, version+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w -X main.version="+version, "-o", file, ".")
	cmd.Dir = filepath.Join("testdata", "probe")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build version %s: %v\n%s", version, err, out)
	}
	bin, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	probes.content[version] = bin
	return bin
}

func TestMain(m *testing.M) {
	code := m.Run()
	if probes.dir != "" {
		_ = os.RemoveAll(probes.dir)
	}
	os.Exit(code)
}

// plant is a store with the folder of modules beside it, for engines one after
// the other.
type plant struct {
	t     *testing.T
	store store.Store
	dir   string

	locations []location.Definition
	providers []location.Provider
	types     []*catalog.Type
}

func newPlant(t *testing.T) *plant { return &plant{t: t, store: store.NewMemory(), dir: t.TempDir()} }

func (p *plant) engine() (e *engine.Engine, stop func()) {
	p.t.Helper()
	probe(p.t, "1.0.0") // for the folder of its code
	e, stop, err := p.open(wasm.Limits{Failures: 2})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(stop)
	return e, stop
}

func (p *plant) open(l wasm.Limits) (*engine.Engine, func(), error) {
	var keeper *module.Keeper
	r, err := wasm.New(wasm.Config{
		CacheDir: filepath.Join(probes.dir, "cache"), Limits: l, OnSuspend: func(m *wasm.Module, reason string) { keeper.Suspended(m, reason) },
	})
	if err != nil {
		return nil, nil, err
	}
	keeper = module.New(module.Config{Runtime: r, Dir: p.dir})
	e, err := engine.New(p.t.Context(), engine.Config{
		Store: p.store, Types: slices.Concat(stock.Types(), initializer.Types(), p.types), Plane: "test",
		Modules: keeper, Locations: p.locations, Providers: p.providers,
	})
	if err != nil {
		return nil, nil, err
	}
	var once sync.Once
	return e, func() {
		once.Do(func() {
			if err := e.Close(context.Background()); err != nil {
				p.t.Error(err)
			}
			if err := r.Close(); err != nil {
				p.t.Error(err)
			}
		})
	}, nil
}

func install(t *testing.T, e *engine.Engine, version string, grants ...string) *engine.BundleResult {
	t.Helper()
	r, err := tryInstall(t, e, version, grants...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryInstall(t *testing.T, e *engine.Engine, version string, grants ...string) (*engine.BundleResult, error) {
	t.Helper()
	r := engine.BundleRequest{Content: probe(t, version)}
	for _, g := range grants {
		if g == "all" {
			r.GrantAll = true
			continue
		}
		kind, value, _ := strings.Cut(g, "=")
		r.Grants = append(r.Grants, hook.Capability{Kind: kind, Value: value})
	}
	return e.AddBundle(t.Context(), r)
}

// call calls an effector and gives its result.
func call(t *testing.T, e *engine.Engine, ent *entity.Entity, effector string, args map[string]any) (any, error) {
	t.Helper()
	task, err := e.Invoke(t.Context(), ent, effector, args)
	if err != nil {
		t.Fatal(err)
	}
	return task.Wait(t.Context())
}

const probeBlueprint = `
services:
- type: probe:one
  id: p
  brooklyn.config: {probe.password: hunter2-probe}
  brooklyn.policies: [{type: org.example.Tally}]
- type: basic-startable
  id: other
  brooklyn.config: {shown.key: seen, hidden.key: unseen}
`

// deployed brings the blueprint up and gives its entities.
func deployed(t *testing.T, e *engine.Engine) (p, other *entity.Entity) {
	t.Helper()
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: []byte(probeBlueprint)})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return app.Nearest("p"), app.Nearest("other")
}

// beat publishes the sensor that the policy counts, and waits for the count.
func beat(t *testing.T, e *engine.Engine, p *entity.Entity, n int) (by any) {
	t.Helper()
	got := make(chan any, 10)
	sub := p.Subscribe("tally", func(ev event.Event) { got <- ev.Value })
	defer sub.Cancel()
	if err := e.SetSensor(t.Context(), p, "beat", n); err != nil {
		t.Fatal(err)
	}
	if v := <-got; fmt.Sprint(v) != fmt.Sprint(n) {
		t.Fatalf("beat %d is counted as %v", n, v)
	}
	by, _ = p.Sensor("tally.by")
	return by
}

func TestModuleGrants(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0")
	p, other := deployed(t, e)
	act := func(step string) error {
		_, err := call(t, e, p, "act", map[string]any{"step": step, "input": map[string]any{"sensor": "x", "value": 1}})
		return err
	}
	err := act("set-sensor")
	if want := "module probe was not granted: kind step, value set-sensor"; fault.KindOf(err) != fault.Forbidden || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, acted := p.Sensor("acted"); acted {
		t.Error("a decision that was refused has an effect")
	}
	read := func(args map[string]any) (any, error) {
		args["entity"] = string(other.ID())
		return call(t, e, p, "read", args)
	}
	if _, err := read(map[string]any{"key": "shown.key"}); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("reading without a grant: %v", err)
	}
	m, err := e.Module("probe", "")
	if err != nil {
		t.Fatal(err)
	}
	if list, n := m.Refusals(); n != 2 || list[0].Capability.Value != "set-sensor" || list[1].Capability != (hook.Capability{Kind: "config", Value: "shown.key"}) {
		t.Errorf("%d refusals: %v", n, list)
	}
	for _, g := range []hook.Capability{{Kind: "step", Value: "shell"}, {Kind: "step", Value: "set-sensors"}} {
		if _, err := e.GrantModule(t.Context(), "probe", "", []hook.Capability{g}, false); fault.KindOf(err) != fault.Invalid {
			t.Errorf("granting what is not asked for: %v", err)
		}
	}
	grants := []hook.Capability{{Kind: "step", Value: "set-sensor"}, {Kind: "step", Value: "set-config"}, {Kind: "config", Value: "shown.*"}}
	if _, err := e.GrantModule(t.Context(), "probe", "", grants, false); err != nil {
		t.Fatal(err)
	}
	if err := act("set-sensor"); err != nil {
		t.Error(err)
	}
	if v, err := read(map[string]any{"key": "shown.key"}); v != "seen" || err != nil {
		t.Errorf("reading with a grant gives %v, %v", v, err)
	}
	if _, err := read(map[string]any{"key": "hidden.key"}); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("reading another key: %v", err)
	}
	if err := act("shell"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("a step that the module does not ask for: %v", err)
	}
	result, err := call(t, e, p, "pass", nil)
	if err != nil || fmt.Sprint(result) != "map[$secret:probe.password]" {
		t.Errorf("the module saw %v, %v", result, err)
	}
	if v, err := p.Config(t.Context(), "kept.password"); v != "hunter2-probe" {
		t.Errorf("it passed on %v, %v", v, err)
	}
	result, err = call(t, e, p, "read", map[string]any{"entity": string(p.ID()), "key": "kept.password"})
	if err != nil || fmt.Sprint(result) != "map[$secret:kept.password]" {
		t.Errorf("the module reads %v, %v of what it kept", result, err)
	}
	input := map[string]any{"sensor": "shown", "value": map[string]any{"$secret": "probe.password"}}
	if _, err := call(t, e, p, "act", map[string]any{"step": "set-sensor", "input": input}); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "a secret cannot stand there") {
		t.Errorf("a secret as a sensor: %v", err)
	}
}

func TestModuleUpgrade(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	install(t, e, "1.0.0", "step=wait", "step=set-sensor")
	p, _ := deployed(t, e)
	if by := beat(t, e, p, 1); by != "1.0.0" {
		t.Errorf("decided by %v", by)
	}
	slow, err := e.Invoke(t.Context(), p, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := p.WhenReady(t.Context(), "slow.by", expr.DefaultWait()); by != "1.0.0" || err != nil {
		t.Fatalf("it began with %v, %v", by, err)
	}
	if _, err := e.Invoke(t.Context(), p, "new", nil); fault.KindOf(err) != fault.NotFound {
		t.Errorf("version 1 has an effector new: %v", err)
	}
	install(t, e, "2.0.0")
	if v, err := call(t, e, p, "new", nil); v != "2.0.0" || err != nil {
		t.Errorf("the running entity has not moved: %v, %v", v, err)
	}
	if by := beat(t, e, p, 2); by != "2.0.0" {
		t.Errorf("decided by %v", by)
	}
	m, err := e.Module("probe", "2.0.0")
	if err != nil || fmt.Sprint(m.Granted()) != "[{step wait waits} {step set-sensor publishes}]" {
		t.Errorf("grants of the new version: %v, %v", m.Granted(), err)
	}

	stop() // what runs, and the modules, outlive the server
	e, _ = plant.engine()
	p, err = e.Entity("app", "p")
	if err != nil {
		t.Fatal(err)
	}
	if slow, err = e.Tasks().Get(slow.ID()); err != nil {
		t.Fatal(err)
	}
	if err := e.SetSensor(t.Context(), p, "go", true); err != nil {
		t.Fatal(err)
	}
	if v, err := slow.Wait(t.Context()); v != "decided by 1.0.0" || err != nil {
		t.Errorf("what began with version 1 ended with %v, %v", v, err)
	}
	if by := beat(t, e, p, 3); by != "2.0.0" {
		t.Errorf("decided by %v", by)
	}

	before, err := e.RollbackModule(t.Context(), "probe")
	if err != nil || before.Version() != "1.0.0" {
		t.Fatalf("rollback to %v: %v", before, err)
	}
	if by := beat(t, e, p, 2); by != "1.0.0" { // where version 1 stood: one beat before
		t.Errorf("decided by %v", by)
	}
	if _, err := e.RollbackModule(t.Context(), "probe"); err == nil || err.Error() != "module probe has no version before 1.0.0" {
		t.Errorf("a second rollback: %v", err)
	}
	if _, err := e.RemoveBundle(t.Context(), "probe", "1.0.0", false); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "is of its type") {
		t.Errorf("removing what is in use: %v", err)
	}
}

// States that cannot be brought over keep the version that left them.
func TestModuleUpgradeRefused(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0")
	p, _ := deployed(t, e)
	for n := 1; n <= 3; n++ {
		beat(t, e, p, n)
	}
	_, err := tryInstall(t, e, "2.0.0")
	want := "probe:2.0.0 is not installed, and nothing is changed: policy Tally of p: its state of version 1.0.0 cannot be brought to version 2.0.0: more than two beats cannot be brought over"
	if fault.KindOf(err) != fault.Precondition || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if by := beat(t, e, p, 4); by != "1.0.0" {
		t.Errorf("decided by %v", by)
	}
	if list := e.Modules(); len(list) != 1 {
		t.Errorf("modules: %v", list)
	}
}

// What a module was in charge of is on fire when it is suspended, everything
// else goes on, and only an operator lets it be called again.
func TestModuleSuspended(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	install(t, e, "1.0.0")
	p, other := deployed(t, e)
	burning := make(chan struct{})
	sub := p.Subscribe(entity.ServiceState, func(ev event.Event) {
		if ev.Value == entity.OnFire {
			close(burning)
		}
	})
	for range 2 {
		if _, err := call(t, e, p, "crash", nil); err == nil || !strings.Contains(err.Error(), "exited with code 3") {
			t.Errorf("crash: %v", err)
		}
	}
	<-burning
	sub.Cancel()
	if v, _ := other.Sensor(entity.ServiceState); v != entity.Running {
		t.Errorf("the other entity is %v", v)
	}
	problem := func() string {
		v, _ := p.Sensor(entity.ServiceProblems)
		problems, _ := v.(map[string]any)
		text, _ := problems["module-suspended"].(string)
		return text
	}
	if want := "module probe is suspended: 2 failures in a row, the last: "; !strings.HasPrefix(problem(), want) {
		t.Errorf("problem %q, want %s", problem(), want)
	}

	stop()
	e, _ = plant.engine()
	p, err := e.Entity("app", "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, e, p, "start", nil); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "module probe is suspended: 2 failures in a row") {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := e.ResumeModule(t.Context(), "probe", ""); err != nil {
		t.Fatal(err)
	}
	if problem() != "" {
		t.Errorf("it still has the problem %q", problem())
	}
	if _, err := call(t, e, p, "start", nil); err != nil {
		t.Error(err)
	}
	if v, _ := p.Sensor(entity.ServiceState); v != entity.Running {
		t.Errorf("it is %v", v)
	}
}

// What began with a version ends with it, though a version before is in charge
// again; and that can be changed once more.
func TestModuleRollback(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	install(t, e, "1.0.0", "step=wait", "step=set-sensor")
	install(t, e, "2.0.0")
	p, _ := deployed(t, e)
	slow, err := e.Invoke(t.Context(), p, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if by, err := p.WhenReady(t.Context(), "slow.by", expr.DefaultWait()); by != "2.0.0" || err != nil {
		t.Fatalf("it began with %v, %v", by, err)
	}
	if _, err := e.RollbackModule(t.Context(), "probe"); err != nil {
		t.Fatal(err)
	}
	stop()
	e, _ = plant.engine()
	if p, err = e.Entity("app", "p"); err != nil {
		t.Fatal(err)
	}
	if v, err := call(t, e, p, "start", nil); v != "1.0.0" || err != nil {
		t.Errorf("after the rollback %v decides, %v", v, err)
	}
	if slow, err = e.Tasks().Get(slow.ID()); err != nil {
		t.Fatal(err)
	}
	if err := e.SetSensor(t.Context(), p, "go", true); err != nil {
		t.Fatal(err)
	}
	if v, err := slow.Wait(t.Context()); v != "decided by 2.0.0" || err != nil {
		t.Errorf("what began with version 2 ended with %v, %v", v, err)
	}
	if r := install(t, e, "2.0.0"); r.Code != engine.BundleUpdated {
		t.Errorf("installing it again: %s", r.Code)
	}
	if v, err := call(t, e, p, "new", nil); v != "2.0.0" || err != nil {
		t.Errorf("installed again, %v decides, %v", v, err)
	}
}

func TestModuleRefused(t *testing.T) {
	e, _ := newPlant(t).engine()
	good := probe(t, "1.0.0")
	for name, content := range map[string][]byte{
		"cut":      good[:len(good)/2],
		"no hooks": []byte("\x00asm\x01\x00\x00\x00"),
		"no text":  []byte("\x00asm"),
	} {
		if _, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: content}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tryInstall(t, e, "1.0.0", "step=launch"); err == nil || err.Error() != "module probe does not ask for the capability step=launch" {
		t.Errorf("grant that is not asked for: %v", err)
	}
	install(t, e, "1.0.0")
	if r := install(t, e, "1.0.0"); r.Code != engine.BundleIgnored {
		t.Errorf("the same again: %s", r.Code)
	}
	if list := e.Modules(); len(list) != 1 {
		t.Errorf("%d modules are kept", len(list))
	}
}
