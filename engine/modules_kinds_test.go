package engine_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// A module may come with a BOM that builds on its types, and with files.
func TestModuleInBundle(t *testing.T) {
	plant := newPlant(t)
	e, stop := plant.engine()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for name, content := range map[string][]byte{
		"probe.wasm": probe(t, "1.0.0"), "notes/text": []byte("read me"), "notes/data": {0xff, 0},
		"catalog.bom": []byte("brooklyn.catalog:\n  bundle: probing\n  version: 3.0.0\n  items:\n" +
			"  - id: my-probe\n    itemType: entity\n    item: {type: 'probe:mine', name: Mine}\n"),
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: packed.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Module("probe", "")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Capabilities()); r.Message != fmt.Sprintf("bundle probing:3.0.0 is installed; module probe was not granted %d of %d capabilities", n, n) {
		t.Errorf("got %s", r.Message)
	}
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: []byte("services: [{type: my-probe, id: p}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if v, err := call(t, e, app.Nearest("p"), "act", map[string]any{"step": ""}); err == nil {
		t.Errorf("an empty step gives %v", v)
	}
	for name, want := range map[string]string{"notes/text": "read me", "notes/data": "\uFFFD\x00"} { // bytes that are no text do not survive JSON
		if v, err := call(t, e, app.Nearest("p"), "read", map[string]any{"file": name}); v != want || err != nil {
			t.Errorf("file %s is %q, %v", name, v, err)
		}
	}
	if v, err := call(t, e, app.Nearest("p"), "read", map[string]any{"file": "../catalog.bom"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a file that is not there gives %v, %v", v, err)
	}
	stop()
	e, _ = plant.engine()
	p, err := e.Entity("app", "p")
	if err != nil || p.Name() != "Mine" {
		t.Fatalf("%v, %v", p, err)
	}
	if m, err := e.Module("probe", ""); err != nil || m.Stats().Compiled {
		t.Errorf("after a start: %v, compiled before it is needed", err)
	}
	if _, err := call(t, e, p, "start", nil); err != nil {
		t.Error(err)
	}
}

func TestModuleInit(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0", "step=add-policy")
	pair := engine.Request{Text: []byte("services: [{type: org.example.Pair, brooklyn.config: {item: basic-startable}}]")}
	const want = "entity.init of type org.example.Pair of module probe: children needs a capability that module probe was not granted: kind step, value add-entity"
	if _, _, err := e.Deploy(t.Context(), pair); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("without its grant: %v", err)
	}
	if _, err := e.GrantModule(t.Context(), "probe", "", nil, true); err != nil {
		t.Fatal(err)
	}
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: []byte(
		"services: [{type: org.example.Pair, id: two, brooklyn.config: {item: basic-startable}, brooklyn.children: [{type: basic-entity, id: third}]}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range app.Nearest("two").Children() {
		ids = append(ids, c.PlanID())
	}
	if got := strings.Join(ids, " "); got != "two-left two-right third" {
		t.Errorf("children: %s", got)
	}
	if v, err := app.Nearest("two").WhenReady(t.Context(), "pair.size", expr.DefaultWait()); fmt.Sprintf("%T %v", v, v) != "int64 2" {
		t.Errorf("its first sensor: %v, %v", v, err)
	}
	if a := e.Adjuncts(app.Nearest("two")); len(a) != 1 || a[0].Type != "org.example.Restarter" {
		t.Errorf("policies: %v", a)
	}
	_, err = e.Check(t.Context(), engine.Request{File: "x.yaml", Text: []byte("services:\n- type: org.example.Pair\n")})
	if err == nil || !strings.Contains(err.Error(), "x.yaml:2:9: ") || !strings.Contains(err.Error(), "item is needed") {
		t.Errorf("without its config: %v", err)
	}
}

func TestModuleFormat(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0")
	const want = "blueprint.parse of type org.example.Lines of module probe: a blueprint needs a capability that module probe was not granted: kind step, value deploy-application"
	if _, _, err := e.Deploy(t.Context(), engine.Request{File: "web.lines", Text: []byte("one basic-entity\n")}); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("without its grant: %v", err)
	}
	if _, err := e.GrantModule(t.Context(), "probe", "", nil, true); err != nil {
		t.Fatal(err)
	}
	for _, r := range []engine.Request{
		{File: "web.lines"}, {MediaType: "text/x-lines; charset=utf-8"}, {Format: "org.example.Lines"}, {Format: "text/x-lines"},
	} {
		r.Text = []byte("one basic-entity\ntwo basic-entity\n")
		app, _, err := e.Deploy(t.Context(), r)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if n := len(app.Children()); n != 2 {
			t.Errorf("%+v: %d children", r, n)
		}
	}
	_, err := e.Check(t.Context(), engine.Request{File: "web.lines", Text: []byte("one basic-entity\ntwo\n")})
	if want := `web.lines:2:4: expected a name and a type, got "two"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := e.Check(t.Context(), engine.Request{Format: "org.example.Linse", Text: []byte("a b")}); err == nil || !strings.Contains(err.Error(), `did you mean "org.example.Lines"`) {
		t.Errorf("a format that is not there: %v", err)
	}
}

// A location may be of a module's type: its machines are obtained and released
// by what that decides.
func TestModuleLocation(t *testing.T) {
	plant := newPlant(t)
	plant.locations = []location.Definition{{Name: "north", Kind: "org.example.Cloud", Config: map[string]any{"address": "10.0.0.7"}}}
	e, stop := plant.engine()
	blueprint := []byte("location: north\nservices: [{type: 'greet:x', id: g}, {type: 'probe:x', id: p}]")
	_, start, err := e.Deploy(t.Context(), engine.Request{ID: "early", Text: blueprint})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), `"greet:x"`) {
		t.Errorf("before the module is installed: %v, %v", start, err)
	}
	install(t, e, "1.0.0", "all")
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: blueprint})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	g := app.Nearest("g")
	if v, err := call(t, e, g, "start", nil); v != "at north-1" || err != nil {
		t.Errorf("it stands %v, %v", v, err)
	}
	p := app.Nearest("p")
	if v, err := call(t, e, p, "place", nil); err != nil || fmt.Sprint(v) != "map[address:10.0.0.7 host:north-1 kind:org.example.Cloud location:north machine:map[address:10.0.0.7 id:north-1]]" {
		t.Errorf("the machine is %v, %v", v, err)
	}
	if _, err := call(t, e, p, "leave", nil); err != nil {
		t.Error(err)
	}
	released := false
	for _, t := range e.Tasks().OfEntity(string(p.ID())) {
		released = released || t.Info().Name == "release a machine of north"
	}
	if !released {
		t.Error("the module was not asked to release the machine")
	}
	stop() // the lease outlives the server
	e, _ = plant.engine()
	if g, err = e.Entity("app", "g"); err != nil {
		t.Fatal(err)
	}
	if v, err := call(t, e, g, "start", nil); v != "at north-1" || err != nil {
		t.Errorf("after a restart it stands %v, %v", v, err)
	}
}

// A network type of a module is an entity type; what its effectors do is planned
// by the module, for the hosts of the entity's location.
func TestModuleNetwork(t *testing.T) {
	plant := newPlant(t)
	w := newWorld()
	plant.providers = []location.Provider{w}
	e, _ := plant.engine()
	install(t, e, "1.0.0", "all")
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: []byte(
		"location: localhost\nservices: [{type: org.example.Wire, id: n, network.cidr: 10.5.0.0/24}]")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	n := app.Nearest("n")
	if v, _ := n.Sensor("network.cidr"); v != "10.5.0.0/24" {
		t.Errorf("it has the addresses %v", v)
	}
	if v, _ := n.Sensor("network.id"); v != string(n.ID()) {
		t.Errorf("its id is %v", v)
	}
	var logged []string
	for _, task := range e.Tasks().OfEntity(string(n.ID())) {
		if out, err := task.ReadStream("stdout"); err == nil && len(out) > 0 {
			logged = append(logged, strings.Split(strings.TrimSpace(string(out)), "\n")...)
		}
	}
	slices.Sort(logged)
	if got := strings.Join(logged, "; "); got != "10.5.0.0/24 at 10.0.0.1; 10.5.0.0/24 at 10.0.0.2" {
		t.Errorf("the module's steps logged %q", got)
	}
	if _, err := call(t, e, n, "attach", map[string]any{"entity": app, "host": "h1"}); err != nil {
		t.Error(err)
	}
	if _, err := call(t, e, n, "stop", nil); err != nil {
		t.Error(err)
	}
}

// What names a version of a module's type stays with it.
func TestModuleVersionIsPinned(t *testing.T) {
	e, _ := newPlant(t).engine()
	install(t, e, "1.0.0")
	app, start, err := e.Deploy(t.Context(), engine.Request{ID: "app", Text: []byte(
		"services:\n- type: org.example.Probe:1.0.0\n  id: p\n  brooklyn.policies: [{type: 'org.example.Tally:1.0.0'}]\n- {type: org.example.Probe, id: free}")})
	if err == nil {
		_, err = start.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	install(t, e, "2.0.0")
	for id, want := range map[string]string{"p": "1.0.0", "free": "2.0.0"} {
		if v, err := call(t, e, app.Nearest(id), "start", nil); v != want || err != nil {
			t.Errorf("%s is decided by %v, %v", id, v, err)
		}
	}
	if by := beat(t, e, app.Nearest("p"), 1); by != "1.0.0" {
		t.Errorf("the policy is decided by %v", by)
	}
}
