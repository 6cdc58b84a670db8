package engine_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestConstraintsAreCheckedAtDeploy(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	const head = "services:\n- type: basic-startable\n  brooklyn.parameters:\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no value", head + "  - {name: p, constraints: [required]}\n", "b.yaml:2:3: Invalid value for p: a value is required"},
		{"a default is one", head + "  - {name: p, default: x, constraints: [required]}\n", ""},
		{"a wrong default", head + "  - {name: p, default: x, constraints: [{regex: y}]}\n", `b.yaml:2:3: Invalid value for p: "x" does not match regex "y"`},
		{"wrong value", head + "  - {name: p, constraints: [{regex: a.*}]}\n  brooklyn.config:\n    p: b\n", `b.yaml:6:8: Invalid value for p: "b" does not match regex "a.*"`},
		{"value of a constant expression", head + "  - {name: p, constraints: [{regex: a.*}]}\n  brooklyn.config:\n    p: $brooklyn:formatString(\"b%s\", \"c\")\n", `b.yaml:6:8: Invalid value for p: "bc" does not match regex "a.*"`},
		{"value not known yet", head + "  - {name: p, constraints: [required, {regex: a.*}]}\n  brooklyn.config:\n    p: $brooklyn:config(\"x\")\n", ""},
		{"coerced", head + "  - {name: p, type: integer, constraints: [{less-than: 10}]}\n  brooklyn.config:\n    p: \"9\"\n", ""},
		{"only the better error", head + "  - {name: p, type: integer, constraints: [required, {less-than: 10}]}\n  brooklyn.config:\n    p: many\n", `b.yaml:6:8: Invalid value for p: cannot read "many" as integer`},
		{"inherited", "brooklyn.config: {p: x}\n" + head + "  - {name: p, constraints: [required]}\n", ""},
		{"wrong inherited", "brooklyn.config: {p: x}\n" + head + "  - {name: p, constraints: [{glob: y}]}\n", `b.yaml:3:3: Invalid value for p: "x" does not match glob "y"`},
		{"not inherited", "brooklyn.config: {p: x}\n" + head + "  - {name: p, inheritance.runtime: never, constraints: [required]}\n", `b.yaml:3:3: Invalid value for p: a value is required`},
		{"other key", head + "  - {name: p, constraints: [{requiredIf: x}]}\n  brooklyn.config:\n    x: y\n", "b.yaml:2:3: Invalid value for p: a value is required because x is set"},
		{"other key inherited", "brooklyn.config: {x: y}\n" + head + "  - {name: p, constraints: [{requiredUnless: x}]}\n", ""},
		{"no such constraint", head + "  - name: p\n    constraints:\n    - requird\n    - regex: (\n", "b.yaml:6:7: unknown constraint \"requird\"; did you mean \"required\"?\nb.yaml:7:14: regex: invalid regular expression: missing closing ): `(`"},
	} {
		got := ""
		if _, err := e.Check(context.Background(), engine.Request{File: "b.yaml", Text: []byte(tt.text)}); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestConstraintsAreCheckedAtStart(t *testing.T) {
	w := newWorld()
	e := newEngine(t, w, store.NewMemory())
	defer closeEngine(t, e)
	_, start := deploy(t, e, `
location: localhost
services:
- type: vanilla-software-process
  name: web
  launch.command: x
  brooklyn.parameters:
  - {name: p, constraints: [{regex: a.*}]}
  brooklyn.config:
    q: b
    p: $brooklyn:config("q")
`)
	const want = `Invalid value for p: "b" does not match regex "a.*"`
	if err := wait(t, start); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if w.started != 0 {
		t.Errorf("%d processes were started", w.started)
	}
}

// Constraints of an added child see what its parent has.
func TestConstraintsOfAnAddedChild(t *testing.T) {
	e := newEngine(t, newWorld(), store.NewMemory())
	defer closeEngine(t, e)
	app, start := deploy(t, e, "brooklyn.config: {p: x}\nservices:\n- type: basic-startable\n")
	if err := wait(t, start); err != nil {
		t.Fatal(err)
	}
	for glob, want := range map[string]string{"x": "", "y": `b.yaml:2:3: Invalid value for p: "x" does not match glob "y"`} {
		text := "services:\n- type: basic-startable\n  brooklyn.parameters:\n  - {name: p, constraints: [required, {glob: " + glob + "}]}\n"
		_, _, err := e.AddChildren(context.Background(), app, engine.Request{File: "b.yaml", Text: []byte(text)}, false)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// The cases of the conformance suite, with the parameters of their catalog
// item written where the item is used.
func TestConstraintCases(t *testing.T) {
	const folder = "../test/conformance/cases/constraints/"
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 {
		t.Fatal("no cases in "+folder, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(folder + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := yamlpos.Parse(file.Name(), text, yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		e := newEngine(t, newWorld(), store.NewMemory())
		if n := doc.Get("catalog"); n != nil {
			if _, err := e.AddBundle(t.Context(), engine.BundleRequest{Content: []byte(n.Text)}); err != nil {
				t.Errorf("%s: %v", file.Name(), err)
			}
		}
		_, err = e.Check(t.Context(), engine.Request{Text: []byte(doc.Get("blueprint").Text)})
		want := doc.Get("expect_deploy_error")
		if want == nil && err != nil || want != nil && (err == nil || !strings.Contains(err.Error(), "Invalid value for p: ")) {
			t.Errorf("%s: %v", file.Name(), err)
		}
		closeEngine(t, e)
	}
}
