package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// checkedKeys is the config of the types of this test, as a module writes it.
const checkedKeys = `[
	{"name": "check.period", "flags": ["period"], "type": "duration"},
	{"name": "check.retries", "flags": ["retries"], "type": "integer", "constraints": [{"less-than": 10}]},
	{"name": "check.target", "type": "string", "required": true}]`

// checkedTypes gives an entity type, a native policy and enricher, all with the
// same config keys, and a policy without any.
func checkedTypes() []*catalog.Type {
	keys := []hook.ConfigKey{
		{Name: "check.period", Flags: []string{"period"}, Type: "duration"},
		{Name: "check.retries", Flags: []string{"retries"}, Type: "integer", Constraints: []any{map[string]any{"less-than": int64(10)}}},
		{Name: "check.target", Type: "string", Required: true},
	}
	return []*catalog.Type{
		{Type: hook.Type{Name: "native.Entity", Kind: catalog.Entity, Config: keys}},
		{Type: hook.Type{Name: "native.Policy", Kind: catalog.Policy, Config: keys}, Policy: &listener{}},
		{Type: hook.Type{Name: "native.Enricher", Kind: catalog.Enricher, Config: keys}, Enricher: func(context.Context, catalog.EnricherHost) error { return nil }},
		{Type: hook.Type{Name: "native.Free", Kind: catalog.Policy}, Policy: &listener{}},
	}
}

// checkedEngine has these types and, of a module, a policy and an enricher of
// the same keys.
func checkedEngine(t *testing.T) *engine.Engine {
	t.Helper()
	plant := newPlant(t)
	plant.types = checkedTypes()
	e, _ := plant.engine()
	typ := func(name, kind string) string {
		return fmt.Sprintf(`{"name": %q, "kind": %q, "config": %s}`, name, kind, checkedKeys)
	}
	description := fmt.Sprintf(`{"name": "checked", "version": "1.0.0", "abi": [1, 1], "types": [%s, %s], "capabilities": []}`, typ("module.Policy", "policy"), typ("module.Enricher", "enricher"))
	if _, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: mute(description)}); err != nil {
		t.Fatal(err)
	}
	return e
}

// What is wrong with the config of a policy or enricher is told like what is
// wrong with that of an entity: in the same words, at the same place, by a check
// and when the blueprint is submitted.
func TestAdjunctConfigIsChecked(t *testing.T) {
	e := checkedEngine(t)
	ctx := context.Background()
	for _, c := range []struct{ name, config, err, warning string }{
		{"good", "check.period: 5s|retries: 9|check.target: x", "", ""},
		{"expressions are left for later", `check.period: $brooklyn:config("p")|retries: $brooklyn:config("r")|check.target: $brooklyn:attributeWhenReady("t")`, "", ""},
		{"not of the type", "check.period: soon|check.target: x", `b.yaml:6:21: Invalid value for check.period: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`, ""},
		{"not of the type, by its flag", "check.target: x|retries: many", `b.yaml:7:16: Invalid value for check.retries: cannot read "many" as integer`, ""},
		{"a constant expression that gives a number", `check.target: x|retries: $brooklyn:formatString("%s", "9")`, "", ""},
		{"a sensor is a constant", `check.target: $brooklyn:sensor("s")`, "", ""},
		{"a constant expression is a literal", `check.target: x|retries: $brooklyn:formatString("%s", "many")`, `b.yaml:7:16: Invalid value for check.retries: cannot read "many" as integer`, ""},
		{"a constraint", "check.target: x|retries: 10", `b.yaml:7:16: Invalid value for check.retries: 10 does not satisfy {"less-than":10}`, ""},
		{"missing", "check.period: 5s", "b.yaml:4:5: Invalid value for check.target: a value is required", ""},
		{"empty", "check.target: ''", "b.yaml:6:21: Invalid value for check.target: a value is required", ""},
		{"all at once", "check.period: soon|retries: 10",
			"b.yaml:4:5: Invalid value for check.target: a value is required\n" +
				"b.yaml:6:21: Invalid value for check.period: cannot read \"soon\" as duration: expected one such as \"10s\", \"1m 30s\" or \"forever\"\n" +
				"b.yaml:7:16: Invalid value for check.retries: 10 does not satisfy {\"less-than\":10}", ""},
		{"unknown", "check.target: x|check.perod: 5s", "", `b.yaml:7:7: KIND has no config key "check.perod"; did you mean "check.period"?`},
		{"near a flag", "check.target: x|retris: 5", "", `b.yaml:7:7: KIND has no config key "retris"; did you mean "retries"?`},
		{"near nothing", "check.target: x|colour: red", "", `b.yaml:7:7: KIND has no config key "colour"`},
		{"what every adjunct has", "check.target: x|uniqueTag: only|name: mine", "", ""},
	} {
		for _, kind := range []string{"native.Entity", "native.Policy", "native.Enricher", "module.Policy", "module.Enricher"} {
			list := map[bool]string{true: "brooklyn.policies", false: "brooklyn.enrichers"}[strings.HasSuffix(kind, "Policy")]
			if kind == "native.Entity" {
				list = "brooklyn.children"
			}
			text := fmt.Sprintf("services:\n- type: basic-entity\n  %s:\n  - type: %s\n    brooklyn.config:\n      %s\n", list, kind, strings.ReplaceAll(c.config, "|", "\n      "))
			want := strings.ReplaceAll(c.warning, "KIND", kind)
			if kind == "native.Entity" {
				want = "" // those below it may have the key
			}
			report, err := e.Check(ctx, engine.Request{File: "b.yaml", Text: []byte(text)})
			if got := strings.ReplaceAll(message(err), ":4:3:", ":4:5:"); got != c.err {
				t.Errorf("%s, %s: checked:\n got %s\nwant %s", c.name, kind, got, c.err)
			}
			if got := joined(report.Warnings); got != want {
				t.Errorf("%s, %s: checked with the warnings:\n got %s\nwant %s", c.name, kind, got, want)
			}
			var told []*yamlpos.Error
			_, _, err = e.Deploy(ctx, engine.Request{File: "b.yaml", Text: []byte(text), Warn: func(w *yamlpos.Error) { told = append(told, w) }})
			if got := strings.ReplaceAll(message(err), ":4:3:", ":4:5:"); got != c.err {
				t.Errorf("%s, %s: deployed:\n got %s\nwant %s", c.name, kind, got, c.err)
			}
			if got := joined(told); got != want {
				t.Errorf("%s, %s: deployed with the warnings:\n got %s\nwant %s", c.name, kind, got, want)
			}
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func joined(warnings []*yamlpos.Error) string {
	lines := make([]string, len(warnings))
	for i, w := range warnings {
		lines[i] = w.Error()
	}
	return strings.Join(lines, "\n")
}

// A type that declares no keys takes any, and what a user interface writes
// beside the type is heeded only where it looks like a slip.
func TestAdjunctConfigThatMeansNothing(t *testing.T) {
	e := checkedEngine(t)
	for _, c := range []struct{ adjunct, want string }{
		{"{type: native.Free, brooklyn.config: {anything: 1}}", ""},
		{"{type: native.Policy, check.target: x, colour: red, iconUrl: i}", ""},
		{"{type: native.Policy, check.target: x, retris: 5}", `b.yaml:4:44: native.Policy has no config key "retris"; did you mean "retries"?`},
	} {
		text := "services:\n- type: basic-entity\n  brooklyn.policies:\n  - " + c.adjunct + "\n"
		report, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(text)})
		if got := joined(report.Warnings); got != c.want || err != nil {
			t.Errorf("%s:\n got %s %v\nwant %s", c.adjunct, got, err, c.want)
		}
	}
}

// The slips in an item of the catalog are told to who adds it, and not to those
// who use it; what they say themselves is.
func TestAdjunctConfigInTheCatalog(t *testing.T) {
	e, err := engine.New(t.Context(), engine.Config{Store: store.NewMemory(), Types: append(stock.Types(), checkedTypes()...)})
	if err != nil {
		t.Fatal(err)
	}
	defer closeEngine(t, e)
	const bom = `brooklyn.catalog:
  bundle: b
  version: 1
  items:
  - id: my-policy
    itemType: policy
    item:
      type: native.Policy
      brooklyn.config: {retris: 5}
  - id: my-entity
    item:
      type: basic-entity
      brooklyn.policies:
      - {type: native.Policy, brooklyn.config: {check.target: x, check.perod: 5s}}
`
	r, err := e.AddBundle(t.Context(), engine.BundleRequest{File: "b.bom", Content: []byte(bom)})
	if err != nil {
		t.Fatal(err)
	}
	const want = "b.bom:9:25: native.Policy has no config key \"retris\"; did you mean \"retries\"?\n" +
		"b.bom:14:66: native.Policy has no config key \"check.perod\"; did you mean \"check.period\"?"
	if got := joined(r.Warnings); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	const use = "services:\n- type: my-entity\n  brooklyn.policies:\n  - type: my-policy\n    brooklyn.config: {check.target: x, check.retris: 1}\n"
	report, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(use)})
	if got, want := joined(report.Warnings), `b.yaml:5:40: native.Policy has no config key "check.retris"; did you mean "check.retries"?`; got != want || err != nil {
		t.Errorf("got %s %v\nwant %s", got, err, want)
	}
	const without = "services:\n- type: basic-entity\n  brooklyn.policies:\n  - type: my-policy\n"
	if _, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(without)}); message(err) != "b.yaml:4:5: Invalid value for check.target: a value is required" {
		t.Errorf("what neither of them says: %v", err)
	}
}

// What a step of a module is given in a workflow is held to what its type
// declares, as far as it is written out.
func TestInputsOfModuleSteps(t *testing.T) {
	plant := newPlant(t)
	plant.types = flow.Types()
	e, _ := plant.engine()
	const description = `{"name": "steps", "version": "1.0.0", "abi": [1, 1], "capabilities": [], "types": [{"name": "org.x.act", "kind": "step", "related": [{"of": "config:peers"}], "config": [
		{"name": "text", "type": "string", "required": true}, {"name": "times", "flags": ["n"], "type": "integer"}]}]}`
	if _, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: mute(description)}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ step, want string }{
		{"{step: org.x.act, input: {text: a, n: 3, peers: []}}", ""},
		{"{step: org.x.act, input: {text: '${x}', times: '${y}'}}", ""},
		{"{step: org.x.act, input: {text: a, tims: 3}}", `b.yaml:5:48: org.x.act has no input "tims"; did you mean "times"?`},
		{"{step: org.x.act, input: {text: a, n: often}}", `b.yaml:5:51: input times of org.x.act: cannot read "often" as integer`},
		{"{step: org.x.act, input: {n: 1}}", "b.yaml:5:13: org.x.act needs the input text"},
		{"org.x.act", "b.yaml:5:13: org.x.act needs the input text"},
		{"{step: 'if ${x}', steps: [{step: org.x.act}]}", "b.yaml:5:39: org.x.act needs the input text"},
	} {
		text := "services:\n- type: basic-entity\n  brooklyn.policies:\n  - type: workflow-policy\n    steps: [" + c.step + "]\n    input: {x: 1, y: 2}\n    triggers: x\n"
		_, err := e.Check(t.Context(), engine.Request{File: "b.yaml", Text: []byte(text)})
		if got := message(err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.step, got, c.want)
		}
	}
}
