package camp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestPositions(t *testing.T) {
	const text = `name: x
location: here
services:
- id: a
  type: "docker:redis:3"
  openPorts: 6379
  brooklyn.config:
    k: [1, $brooklyn:self()]
  brooklyn.policies:
  - brooklyn.config: {}
    type: p
  - q
  brooklyn.parameters:
  - name: n
    type: integer
  brooklyn.children:
  - type: b
`
	spec, err := camp.Parse("app.yaml", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if spec.Source != text {
		t.Errorf("Source = %q", spec.Source)
	}
	a := spec.Children[0]
	for _, tt := range []struct {
		name string
		pos  yamlpos.Pos
		want string
	}{
		{"root", spec.Pos, "1:1"}, {"location", spec.Locations[0].Pos, "2:11"},
		{"service", a.Pos, "4:3"}, {"its type", a.TypePos, "5:9"}, {"its other key", a.Extra[0].KeyPos, "6:3"},
		{"expression in its config", a.Config.Get("k").Items[1].Pos, "8:12"},
		{"policy", a.Policies[0].Pos, "10:5"}, {"type of the policy", a.Policies[0].TypePos, "11:11"}, {"bare policy", a.Policies[1].TypePos, "12:5"},
		{"parameter", a.Parameters[0].Pos, "14:5"}, {"type of the parameter", a.Parameters[0].TypePos, "15:11"}, {"child", a.Children[0].Pos, "17:5"},
	} {
		if got := tt.pos.String(); got != "app.yaml:"+tt.want {
			t.Errorf("%s stands at %s, want app.yaml:%s", tt.name, got, tt.want)
		}
	}
}

func TestParseNode(t *testing.T) {
	node := func(v any) *yamlpos.Node { return yamlpos.FromAny(v, yamlpos.Pos{File: "f", Line: 3, Col: 4}) }
	for _, tt := range []struct {
		in   *yamlpos.Node
		want string
	}{
		{node("java:com.example.Thing:1.0"), "type: com.example.Thing:1.0\n"},
		{node(map[string]any{"type": "t", "brooklyn.config": map[string]any{"a": 1.5}}), "type: t\nbrooklyn.config:\n  a: 1.5\n"},
		{node(map[string]any{"services": []any{map[string]any{"type": "t"}}}), "services:\n- type: t\n"},
	} {
		spec, err := camp.ParseNode(tt.in)
		if err != nil {
			t.Error(err)
		} else if got := blueprint.Format(spec); got != tt.want {
			t.Errorf("ParseNode(%v) = %q, want %q", tt.in.Any(), got, tt.want)
		}
	}
	for _, tt := range []struct {
		in   *yamlpos.Node
		want string
	}{
		{nil, "the blueprint is empty; expected a map with services, or with a type"},
		{node(""), "f:3:4: a type must be a name, not empty"},
		{node("docker:A"), "f:3:12: \"docker:A\" is not an image: its name must be in lower case"},
		{node(map[string]any{"foo": "x"}), "f:3:4: a blueprint must declare a type or services"},
	} {
		if _, err := camp.ParseNode(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("ParseNode(%v): %v, want %s", tt.in.Any(), err, tt.want)
		}
	}
}

func TestErrorKinds(t *testing.T) {
	for text, want := range map[string]fault.Kind{
		"services: 5":            fault.Invalid,
		"a: [":                   fault.Invalid,
		strings.Repeat("a", 200): fault.Limit,
	} {
		_, err := camp.Parse("f", []byte(text), yamlpos.Limits{Bytes: 100})
		if kind := fault.KindOf(err); kind != want {
			t.Errorf("Parse(%.20q): kind %v, want %v", text, kind, want)
		}
	}
}

func TestFormatRoundTripKeepsConfig(t *testing.T) {
	spec, err := camp.Parse("f", []byte("services:\n- type: t\n  brooklyn.config: {'on': \"a\\u0085b\", '<<': 1.0, x: [[], {}, '']}"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, spec)
	if config := spec.Children[0].Config; len(config) != 3 || config.Get("<<").Text != "1.0" {
		t.Errorf("config = %v", config)
	}
}

// FuzzParse: never a panic; each error has its place; the canonical form of a
// spec reads as that spec, and so does its application.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		services(2), "type: docker:redis:3\nversion: 4", "services:\n- type: a\n  location: {b: {c: d}}\n  brooklyn.policies: [p, {type: q:1}]",
		"services:\n- type: 'docker:A/b@sha256:x'\n  brooklyn.parameters: [a, {name: b, default: 1, constraints: [required]}]\n  brooklyn.tags: [1]",
		"brooklyn.catalog: {}", "wrappedApp: true\nservices: [{service_type: t, k: v, brooklyn.x: y}]", "[]", "a", "",
	} {
		f.Add([]byte(seed))
	}
	limits := yamlpos.Limits{Bytes: 1 << 14, Nodes: 1_000, Depth: 20, Aliases: 100}
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := camp.Parse("f", text, limits)
		if err != nil {
			var all *yamlpos.Errors
			var one *yamlpos.Error
			if errors.As(err, &one) {
				all = &yamlpos.Errors{}
				all.Append(one.Pos, one)
			} else if !errors.As(err, &all) {
				t.Fatalf("error of type %T", err)
			}
			for _, e := range all.List() {
				if e.Pos.Line < 1 || e.Pos.Col < 1 || e.Pos.File != "f" || e.Msg == "" {
					t.Errorf("error without a place: %q", e.Error())
				}
			}
			return
		}
		checkSame(t, spec)
		checkSame(t, spec.Application(func(ref string) bool { return len(ref)%2 == 0 }, "Wrapper"))
	})
}

// services is a blueprint with n services.
func services(n int) string {
	var b strings.Builder
	b.WriteString("name: large\nservices:\n")
	for range n {
		b.WriteString("- type: docker:example/app:1.3\n  id: app\n  openPorts: 8080\n  brooklyn.config:\n    peer: $brooklyn:entity(\"app\")\n  brooklyn.policies:\n  - type: p\n")
	}
	return b.String()
}

// BenchmarkParse shows what camp adds to the reading of the YAML, which
// internal/yamlpos compares with the bare library.
func BenchmarkParse(b *testing.B) {
	text := []byte(services(2_000))
	b.Run("camp", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := camp.Parse("f", text, yamlpos.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("yaml", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := yamlpos.Parse("f", text, yamlpos.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
