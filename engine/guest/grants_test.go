package guest_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/secret"
)

const askingDescription = `{"name": "asking", "version": "2.0.0", "abi": [1, 1], "types": [
	{"name": "thing", "kind": "entity", "config": [{"name": "db.password", "type": "string"}, {"name": "env", "type": "map"}]},
	{"name": "sum", "kind": "enricher", "events": [{"sensor": "load"}]},
	{"name": "lines", "kind": "format", "formats": [".lines"]},
	{"name": "pair", "kind": "entity", "init": true}
], "capabilities": [
	{"kind": "step", "value": "http", "reason": "r"}, {"kind": "http", "value": "*.example.org", "reason": "r"}, {"kind": "http", "value": "10.0.0.1:8080", "reason": "r"},
	{"kind": "step", "value": "pull-image", "reason": "r"}, {"kind": "image", "value": "docker.io/library/*", "reason": "r"},
	{"kind": "step", "value": "test-http", "reason": "r"},
	{"kind": "step", "value": "add-entity", "reason": "r"}, {"kind": "step", "value": "deploy-application", "reason": "r"},
	{"kind": "step", "value": "log", "reason": "r"}, {"kind": "secret", "value": "db.password", "reason": "r"}]}`

func asking(t testing.TB, f *fake, grants string) (*guest.Module, map[string]*catalog.Type) {
	t.Helper()
	m, err := guest.Load([]byte(askingDescription), f, guest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var granted []hook.Capability
	for _, word := range strings.Fields(grants) {
		kind, value, _ := strings.Cut(word, "=")
		granted = append(granted, hook.Capability{Kind: kind, Value: value})
	}
	m.Grant(granted)
	types := map[string]*catalog.Type{}
	for _, typ := range m.Types() {
		types[typ.Name] = typ
	}
	return m, types
}

func TestGrants(t *testing.T) {
	step := func(name, input string) string {
		return `{"steps": [{"step": "` + name + `", "input": ` + input + `}]}`
	}
	all := "step=http http=*.example.org http=10.0.0.1:8080 step=pull-image image=docker.io/library/* step=log"
	for _, c := range []struct{ grants, answer, want string }{
		{all, step("log", `{"message": "m"}`), ""},
		{"", step("log", `{"message": "m"}`), "step 1, log, needs a capability that module asking was not granted: kind step, value log"},
		{"step=sleep", step("sleep", `{}`), "step 1, sleep, needs a capability that module asking does not ask for: kind step, value sleep"},
		{all, step("lgo", `{"message": "m"}`), `step 1, lgo, needs a capability that module asking does not ask for: kind step, value lgo; did you mean "log"?`},
		{all, step("http", `{"endpoint": "https://api.example.org/x"}`), ""},
		{all, step("http", `{"url": "http://10.0.0.1:8080/"}`), ""},
		{all, step("http", `{"url": "http://10.0.0.1/"}`), "step 1, http to http://10.0.0.1/, needs a capability that module asking does not ask for: kind http, value 10.0.0.1"},
		{all, step("http", `{"url": "http://api.example.org@evil.test/"}`), "step 1, http to http://api.example.org@evil.test/, needs a capability that module asking does not ask for: kind http, value evil.test"},
		{all, step("http", `{"url": "http://evil.test/.example.org"}`), "step 1, http to http://evil.test/.example.org, needs a capability that module asking does not ask for: kind http, value evil.test"},
		{all + " step=check-endpoint", step("check-endpoint", `{"endpoint": "10.0.0.1:8080"}`), "step 1, check-endpoint, needs a capability that module asking does not ask for: kind step, value check-endpoint"},
		{all + " step=test-http", step("test-http", `{"url": "http://evil.test/"}`), "step 1, test-http to http://evil.test/, needs a capability that module asking does not ask for: kind http, value evil.test"},
		{all + " step=test-http", step("test-endpoint", `{"endpoint": "evil.test:22"}`), "step 1, test-endpoint, needs a capability that module asking does not ask for: kind step, value test-endpoint"},
		{all, step("load", `{"url": "https://api.example.org/x"}`), "step 1, load, needs a capability that module asking does not ask for: kind step, value load"},
		{all, step("pull-image", `{"image": "docker.io/library/redis:7"}`), ""},
		{all, step("pull-image", `{"image": "evil/redis"}`), "step 1, pull-image of image evil/redis, needs a capability that module asking does not ask for: kind image, value evil/redis"},
		{all, `{"steps": [{"step": "log", "resolve": ["message"]}]}`, "step 1: resolve is not for modules"},
	} {
		m, types := asking(t, &fake{answer: c.answer}, c.grants)
		_, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{Entity: hook.Entity{Ref: hook.Ref{ID: "x1"}}})
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "entity.effector of type thing of module asking: ")
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.answer, got, c.want)
		}
		list, n := m.Refusals()
		refused := strings.Contains(c.want, "capability")
		if refused != (n == 1) || refused && (list[0].Entity != "x1" || list[0].Type != "thing" || list[0].Hook != "entity.effector" || list[0].Message != c.want) {
			t.Errorf("%s: refusals %v", c.answer, list)
		}
		if refused && fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%s: kind %s", c.answer, fault.KindOf(err))
		}
	}
}

// A decision with a step that cannot have its input is refused as a whole, and
// recorded. The error names the step, the key and the nearest one, and shows no
// value: it may be a secret.
func TestInputs(t *testing.T) {
	const description = `{"name": "asking", "version": "2.0.0", "abi": [1, 1], "types": [
		{"name": "thing", "kind": "entity"}, {"name": "watch", "kind": "policy"}, {"name": "act", "kind": "step"}], "capabilities": [
		{"kind": "step", "value": "log", "reason": "r"}, {"kind": "step", "value": "wait", "reason": "r"}, {"kind": "step", "value": "repeat", "reason": "r"},
		{"kind": "step", "value": "invoke-effector", "reason": "r"}, {"kind": "step", "value": "http", "reason": "r"}, {"kind": "http", "value": "*", "reason": "r"},
		{"kind": "step", "value": "set-config", "reason": "r"}, {"kind": "step", "value": "of-a-plug-in", "reason": "r"}]}`
	const nowhere = "a secret cannot stand there, where it would be seen or decide what is done"
	const noExpression = "input value: an expression cannot stand there; a module reads what it was granted"
	for _, c := range []struct{ steps, want string }{
		{`{"step": "log", "input": {"message": "a"}}, {"step": "invoke-effector", "input": {"effector": "stop", "lenient": null}}`, ""},
		{`{"step": "log", "input": {"message": "a"}}, {"step": "invoke-effector", "input": {"efector": "hunter2"}}`, `step 2, invoke-effector: it has no input "efector"; did you mean "effector"?`},
		{`{"step": "log", "input": {"message": "a", "colour": "hunter2"}}`, `step 1, log: it has no input "colour"; expected one of message, level, category`},
		{`{"step": "invoke-effector"}`, "step 1, invoke-effector: it needs the input effector"},
		{`{"step": "invoke-effector", "input": {"effector": "", "args": {}}}`, "step 1, invoke-effector: it needs the input effector"},
		{`{"step": "invoke-effector", "input": {"effector": null}}`, "step 1, invoke-effector: it needs the input effector"},
		{`{"step": "invoke-effector", "input": {"effector": ["hunter2"]}}`, "step 1, invoke-effector: input effector: expected a text, not a list"},
		{`{"step": "wait", "input": {"sensor": "a", "timeout": "hunter2"}}`, `step 1, wait: input timeout: expected a duration such as "10s" or "1m 30s", not this text`},
		{`{"step": "wait", "input": {"sensor": "a", "entity": {"id": "x2"}}}`, "step 1, wait: input entity: expected an entity, not an object"},
		{`{"step": "wait", "input": {"sensor": "a", "entity": {"$entity": "x2", "name": "n"}, "read": ["b"], "timeout": 500}}`, ""},
		{`{"step": "wait", "input": {"sensor": {"$secret": "name"}}}`, "step 1, wait: input sensor: " + nowhere},
		{`{"step": "repeat", "input": {"step": {"$secret": "name"}, "input": {"command": "id"}}}`, "step 1, repeat: input step: " + nowhere},
		{`{"step": "repeat", "input": {"step": "log", "input": {"message": [{"a": {"$secret": "name"}}]}}}`, "step 1, log: input message: " + nowhere},
		{`{"step": "http", "input": {"url": {"$secret": "name"}}}`, "step 1, http: input url: " + nowhere},
		{`{"step": "http", "input": {"url": "http://a/", "headers": {"Authorization": {"$secret": "name"}}, "body": [{"$secret": "name"}]}}`, ""},
		{`{"step": "of-a-plug-in", "input": {"anything": {"$secret": "name"}}}`, "step 1, of-a-plug-in: input anything: " + nowhere},
		{`{"step": "invoke-effector", "input": {"effector": "a", "args": {"user": "u", "db": {"password": {"$secret": "name"}}}}}`, ""},
		{`{"step": "invoke-effector", "input": {"effector": "a", "args": {"user": {"$secret": "name"}}}}`, "step 1, invoke-effector: input args: " + nowhere},
		{`{"step": "set-config", "input": {"config": {"name": "a.token", "type": "string"}, "value": {"$secret": "name"}}}`, ""},
		{`{"step": "set-config", "input": {"config": {"name": "a"}, "name": "a.token", "value": {"$secret": "name"}}}`, "step 1, set-config: input value: " + nowhere},
		{`{"step": "set-config", "input": {"config": "a", "value": "$brooklyn:external(\"vault\", \"k\")"}}`, "step 1, set-config: " + noExpression},
		{`{"step": "set-config", "input": {"config": "a", "value": ["x", {"y": {"$brooklyn:config": "k"}, "z": 1}]}}`, "step 1, set-config: " + noExpression},
		{`{"step": "set-config", "input": {"config": "a[$brooklyn:config]", "value": "k"}}`, "step 1, set-config: " + noExpression},
		{`{"step": "set-config", "input": {"config": {"name": "a", "type": "map"}, "value": "{\"$brooklyn:config\": \"k\"}"}}`, "step 1, set-config: " + noExpression},
		{`{"step": "set-config", "input": {"config": "a", "value": "costs $brooklyn:5"}}`, ""},
		{`{"step": "repeat", "input": {"step": "wait", "input": {"sensr": "a"}}}`, `step 1, wait: it has no input "sensr"; did you mean "sensor"?`},
		{`{"step": "repeat", "input": {"step": 5}}`, "step 1, repeat: input step: expected a text, not a number"},
		{`{"step": "http", "input": {"method": "GET"}}`, "step 1, http: it needs the input endpoint or url"},
		{`{"step": "http", "input": {"url": {"$brooklyn:config": "x"}}}`, "step 1, http: input url: expected a text, a number, true or false, not an object"},
		{`{"step": "http", "input": {"url": "http://a/", "confine": ["b"]}}`, `step 1, http: it has no input "confine"; did you mean "config"?`},
		{`{"step": "of-a-plug-in", "input": {"anything": 1}}`, ""},
	} {
		f := &fake{answer: `{"steps": [` + c.steps + `]}`}
		m, err := guest.Load([]byte(description), f, guest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m.GrantAll()
		for _, typ := range m.Types() {
			hookName := map[string]string{"thing": "entity.effector", "watch": "policy.event", "act": "step.plan"}[typ.Name]
			ent := hook.Entity{Ref: hook.Ref{ID: "x1"}}
			switch typ.Name {
			case "thing":
				_, err = typ.Entity.Effector(t.Context(), &hook.EffectorCall{Entity: ent})
			case "watch":
				_, err = typ.Policy.Event(t.Context(), &hook.PolicyCall{Entity: ent, Timer: true})
			default:
				_, err = typ.Step(t.Context(), &hook.EffectorCall{Entity: ent})
			}
			got, want := "", c.want
			if err != nil {
				got = err.Error()
			}
			if want != "" {
				want = hookName + " of type " + typ.Name + " of module asking: " + want
			}
			if got != want || err != nil && fault.KindOf(err) != fault.Invalid && !strings.Contains(want, noExpression) {
				t.Errorf("%s\n got %s (%s)\nwant %s", c.steps, got, fault.KindOf(err), want)
			}
		}
		list, n := m.Refusals()
		if c.want == "" && n > 0 || c.want != "" && (n != 3 || list[0].Message != c.want || list[0].Type != "thing" || list[0].Entity != "x1" || list[0].Capability != (hook.Capability{})) {
			t.Errorf("%s: %d refusals: %v", c.steps, n, list)
		}
	}
}

// A module that may not see a secret can pass it on.
func TestSecretsAreVeiled(t *testing.T) {
	const password = "hunter2-of-veil"
	f := &fake{answer: `{"steps": [{"step": "http", "input": {"url": "http://a.example.org/", "password": {"$secret": "db.password"},
		"body": [{"c": {"$secret": "env.API_TOKEN"}}, {"$secret": "args.list[0].token"}], "username": {"$secret": "other"}}}]}`}
	call := func(grants string) *hook.Decision {
		_, types := asking(t, f, grants+" http=*.example.org")
		d, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{Args: map[string]any{"db.password": "another-4711"}, Entity: hook.Entity{Config: map[string]any{
			"db.password": password, "env": map[string]any{"API_TOKEN": "tok-4711-veil", "PLAIN": "seen"},
			"args": map[string]any{"list": []any{map[string]any{"token": "deep-4711"}, "shown"}, "passwords": []any{map[string]any{"user": "u-4711"}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := call("step=http")
	if strings.Contains(f.got, password) || strings.Contains(f.got, "4711") || !strings.Contains(f.got, `"PLAIN":"seen"`) || !strings.Contains(f.got, `"args":{"db.password":{"$secret":"db.password#2"}}`) {
		t.Errorf("the module was given %s", f.got)
	}
	want := map[string]any{
		"url": "http://a.example.org/", "password": password, "body": []any{map[string]any{"c": "tok-4711-veil"}, "deep-4711"}, "username": map[string]any{"$secret": "other"},
		"confine": []any{"*.example.org"},
	}
	if !reflect.DeepEqual(d.Steps[0].Input, want) {
		t.Errorf("got %v", d.Steps[0].Input)
	}
	if hidden := secret.Hide("says " + password); strings.Contains(hidden, password) {
		t.Errorf("a log would show %s", hidden)
	}
	if call("step=http secret=db.password"); !strings.Contains(f.got, password) || strings.Contains(f.got, "tok-4711") {
		t.Errorf("with the grant the module was given %s", f.got)
	}
}

// Each document that a module is given is without secrets, also those whose
// answer has no steps.
func TestEveryDocumentIsVeiled(t *testing.T) {
	const description = `{"name": "m", "version": "1.0.0", "abi": [1, 1], "types": [
		{"name": "made", "kind": "entity", "init": true}, {"name": "net", "kind": "network"}, {"name": "cloud", "kind": "location", "config": [{"name": "api.key", "type": "string"}]},
		{"name": "best", "kind": "strategy", "config": [{"name": "api.key", "type": "string"}]}]}`
	f := &fake{answer: `{}`}
	m, err := guest.Load([]byte(description), f, guest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	given := func() map[string]any { return map[string]any{"api.key": "hunter2"} }
	for _, typ := range m.Types() {
		f.got = ""
		switch typ.Name {
		case "made":
			_, err = typ.Init(t.Context(), &hook.InitCall{Entity: hook.InitEntity{Config: given()}})
		case "net":
			_, err = typ.Networks(t.Context(), &hook.NetworkCall{Network: &hook.Network{Options: given()}})
		case "cloud":
			_, err = typ.Machines(t.Context(), &hook.LocationCall{Config: given(), Demand: given()})
		default:
			s, serr := typ.Strategy(given())
			if serr != nil {
				t.Fatal(serr)
			}
			err = s.(interface{ Check(context.Context) error }).Check(t.Context())
			if err != nil && strings.Contains(err.Error(), "neither a ranking nor an error") {
				err = nil
			}
		}
		if err != nil || strings.Contains(f.got, "hunter2") || !strings.Contains(f.got, `{"$secret":"api.key"}`) {
			t.Errorf("%s: %v, it was given %s", typ.Name, err, f.got)
		}
	}
}

// A module that may see one secret cannot put another one there.
func TestSecretsAreNotMoved(t *testing.T) {
	const description = `{"name": "m", "version": "1.0.0", "abi": [1, 1], "types": [{"name": "thing", "kind": "entity"}], "capabilities": [
		{"kind": "secret", "value": "own.token", "reason": "r"}, {"kind": "step", "value": "set-config", "reason": "r"}, {"kind": "step", "value": "invoke-effector", "reason": "r"}]}`
	for _, step := range []string{
		`{"step": "set-config", "input": {"config": "own.token", "value": {"$secret": "db.password"}}}`,
		`{"step": "invoke-effector", "input": {"effector": "start", "args": {"own.token": {"$secret": "db.password"}}}}`,
	} {
		m, err := guest.Load([]byte(description), &fake{answer: `{"steps": [` + step + `]}`}, guest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m.GrantAll()
		_, err = m.Types()[0].Entity.Effector(t.Context(), &hook.EffectorCall{})
		if fault.KindOf(err) != fault.Forbidden || !strings.HasSuffix(err.Error(), "a secret that the module may not see cannot become own.token, which it may") {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// What a module was not granted of other entities it does not learn.
func TestRelatedIsGranted(t *testing.T) {
	f := &fake{answer: `{}`}
	description := strings.Replace(askingDescription, `"capabilities": [`, `"capabilities": [
		{"kind": "sensor", "value": "load*", "reason": "r"}, {"kind": "config", "value": "weight", "reason": "r"}, `, 1)
	m, err := guest.Load([]byte(description), f, guest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	policy := func() catalog.PolicyImpl {
		for _, typ := range m.Types() {
			if typ.Name == "sum" {
				return typ.Policy
			}
		}
		return nil
	}()
	call := func(sensor string) error {
		_, err := policy.Event(t.Context(), &hook.PolicyCall{
			Entity: hook.Entity{Ref: hook.Ref{ID: "x1"}}, Event: &hook.Event{Sensor: sensor, Source: hook.Ref{ID: "x2"}},
			Related: []hook.Related{{Ref: hook.Ref{ID: "x2"}, Of: "members", Sensors: map[string]any{"load": 1, "load.max": 2, "other": 3}, Config: map[string]any{"weight": 4, "secret.key": 5}}},
		})
		return err
	}
	if err := call("load"); fault.KindOf(err) != fault.Forbidden || err.Error() != "hearing of sensor load of other entities needs a capability that module asking does not ask for: kind sensor, value load" {
		t.Errorf("without a grant: %v", err)
	}
	m.GrantAll()
	if err := call("load"); err != nil || !strings.Contains(f.got, `"config":{"weight":4},"sensors":{"load":1,"load.max":2}`) {
		t.Errorf("%v, the module was given %s", err, f.got)
	}
	if err := call("other"); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("another sensor: %v", err)
	}
}

// What stands in blueprints runs whatever it says, so that to answer with parts
// of these needs the capability of every step.
func TestBlueprintsAreGranted(t *testing.T) {
	for _, c := range []struct{ grants, answer, want string }{
		{"", `{"config": {"a": 1}, "sensors": {"b": "text"}, "tags": ["c"]}`, ""},
		{"", `{"children": [{"type": "x"}]}`, "children needs a capability that module asking was not granted: kind step, value add-entity"},
		{"step=add-entity", `{"children": [{"type": "x"}]}`, ""},
		{"step=add-entity", `{"policies": [{"type": "x"}]}`, "policies or enrichers needs a capability that module asking does not ask for: kind step, value add-policy"},
		{"step=add-entity", `{"enrichers": [{"type": "x"}]}`, "policies or enrichers needs a capability that module asking does not ask for: kind step, value add-policy"},
		{"", `{"config": {"a": {"b": ["$brooklyn:external(\"vault\", \"k\")"]}}}`, "an expression needs a capability that module asking was not granted: kind step, value add-entity"},
		{"", `{"sensors": {"a": {"$brooklyn:external": ["vault", "k"]}}}`, "an expression needs a capability that module asking was not granted: kind step, value add-entity"},
		{"", `{"tags": ["$brooklyn:config(\"k\")"]}`, "an expression needs a capability that module asking was not granted: kind step, value add-entity"},
		{"step=add-entity", `{"config": {"a": "$brooklyn:config(\"k\")"}}`, ""},
	} {
		m, types := asking(t, &fake{answer: c.answer}, c.grants)
		_, err := types["pair"].Init(t.Context(), &hook.InitCall{})
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "entity.init of type pair of module asking: ")
		}
		if _, n := m.Refusals(); got != c.want || n != int64(min(1, len(c.want))) {
			t.Errorf("%s with %q: got %s, %d refusals", c.answer, c.grants, got, n)
		}
	}
	m, types := asking(t, &fake{answer: `{"blueprint": {"services": []}}`}, "")
	_, err := types["lines"].Format(t.Context(), &hook.ParseCall{})
	if _, n := m.Refusals(); n != 1 || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("format: %v", err)
	}
}

func TestKinds(t *testing.T) {
	f := &fake{}
	_, types := asking(t, f, "step=add-entity step=deploy-application")
	f.answer = `{"sensors": {"total": 3}, "wakeAfter": "1m"}`
	d, err := types["sum"].Policy.Event(t.Context(), &hook.PolicyCall{Timer: true})
	if err != nil || f.asked != hook.EnricherEvent || d.WakeAfter != "1m" {
		t.Errorf("enricher: %v, %v, asked %s", d, err, f.asked)
	}
	f.answer = `{"steps": [{"step": "log"}]}`
	if _, err := types["sum"].Policy.Event(t.Context(), &hook.PolicyCall{Timer: true}); err == nil || !strings.HasSuffix(err.Error(), ": an enricher has no steps") {
		t.Errorf("enricher with steps: %v", err)
	}
	f.answer = `{"blueprint": {"services": []}}`
	p, err := types["lines"].Format(t.Context(), &hook.ParseCall{Text: "a b"})
	if err != nil || p.Blueprint == nil || f.got != `{"type":"lines","text":"a b"}` {
		t.Errorf("format: %v, %v, given %s", p, err, f.got)
	}
	f.answer = `{}`
	if _, err := types["lines"].Format(t.Context(), &hook.ParseCall{}); err == nil || !strings.HasSuffix(err.Error(), "expected either a blueprint or errors") {
		t.Errorf("format that says nothing: %v", err)
	}
	f.answer = `{"children": [{"type": "x"}], "sensors": {"a": 1}}`
	i, err := types["pair"].Init(t.Context(), &hook.InitCall{Entity: hook.InitEntity{Type: "pair"}})
	if err != nil || len(i.Children) != 1 || f.asked != hook.EntityInit {
		t.Errorf("init: %v, %v", i, err)
	}
	f.answer = `{"state": {"n": 1}}`
	state, err := types["sum"].Migrate(t.Context(), &hook.MigrateCall{From: "1.0.0", State: json.RawMessage(`{}`)})
	if err != nil || string(state) != `{"n": 1}` || f.got != `{"type":"sum","from":"1.0.0","to":"2.0.0","state":{}}` {
		t.Errorf("migrate: %s, %v, given %s", state, err, f.got)
	}
	f.answer = `{"error": {"kind": "not-found", "message": "no"}}`
	if _, err := types["sum"].Migrate(t.Context(), &hook.MigrateCall{State: json.RawMessage(`{}`)}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("migrate that is not known: %v", err)
	}
}

// What is kept of a refusal is short, however long what was wanted is.
func TestRefusalsAreBrief(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	m, types := asking(t, &fake{answer: `{"steps": [{"step": "http", "input": {"url": "http://a` + long + `/"}}]}`}, "step=http")
	_, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
	list, _ := m.Refusals()
	if err == nil || len(err.Error()) > 4000 || len(list) != 1 || len(list[0].Message) > 1100 || len(list[0].Capability.Value) > 1100 {
		t.Errorf("%d bytes of error, refusals %.200v", len(err.Error()), list)
	}
}

// Nor is the place that an error names longer than a message may be.
func TestPlacesOfErrorsAreBrief(t *testing.T) {
	_, types := asking(t, &fake{answer: `{"error": {"kind": "invalid", "message": "no", "at": "config.` + strings.Repeat("x", 100_000) + `"}}`}, "")
	_, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
	if err == nil || len(err.Error()) > 5000 {
		t.Errorf("%.100v", err)
	}
}
