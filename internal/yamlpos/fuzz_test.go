package yamlpos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// FuzzParse: never a panic; an error names its place; what is read keeps the
// limits, can be written as JSON and YAML, and reads the same from there.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a: 1", "a: &x [1, *x]", "<<: {a: b}", "- - - a", "a: !!int 5", "? a\n: b", "--- a\n--- b", "%TAG ! x\n---\n!a b",
		"{a: [1, 2.5, ~], 'b': \"\\u00e9\"}", "x: |2-\n   a\n", "&a a: *a", "a:\n\tb: c", "\x00", "# c\n- x # y\n", services(1),
	} {
		f.Add([]byte(seed))
	}
	limits := yamlpos.Limits{Bytes: 1 << 16, Nodes: 2_000, Depth: 20, Aliases: 500}
	f.Fuzz(func(t *testing.T, text []byte) {
		node, err := yamlpos.Parse("f", text, limits)
		if err != nil {
			checkPlaces(t, err)
			return
		}
		if n := count(node); n > limits.Nodes {
			t.Errorf("%d values, more than the limit", n)
		}
		first, err := json.Marshal(node.Any())
		if err != nil {
			t.Fatalf("cannot be written as JSON: %v", err)
		}
		first = bytes.ReplaceAll(first, []byte("\u0085"), []byte(`\u0085`)) // a line break to YAML, not to JSON
		again, err := yamlpos.Parse("f", first, yamlpos.Limits{Nodes: 10_000})
		if err != nil {
			t.Fatalf("JSON %s is refused: %v", first, err)
		}
		second, _ := json.Marshal(again.Any())
		if second = bytes.ReplaceAll(second, []byte("\u0085"), []byte(`\u0085`)); !bytes.Equal(first, second) {
			t.Errorf("reads differently from JSON:\n%s\n%s", first, second)
		}
		formatted, err := yamlpos.Parse("f", []byte(yamlpos.Format(node)), yamlpos.Limits{Nodes: 10_000})
		if err != nil || !reflect.DeepEqual(formatted.Any(), node.Any()) {
			t.Errorf("%q reads as %#v, %v; want %#v", yamlpos.Format(node), formatted.Any(), err, node.Any())
		}
	})
}

func checkPlaces(t *testing.T, err error) {
	t.Helper()
	var all *yamlpos.Errors
	var one *yamlpos.Error
	switch {
	case errors.As(err, &all):
	case errors.As(err, &one):
		all = &yamlpos.Errors{}
		all.Append(one.Pos, one)
	default:
		t.Fatalf("error of type %T", err)
	}
	for _, e := range all.List() {
		if e.Pos.Line < 1 || e.Pos.Col < 1 || e.Pos.File != "f" || e.Msg == "" {
			t.Errorf("error without a place: %q", e.Error())
		}
		if strings.Contains(e.Msg, "runtime error") || strings.Contains(e.Msg, "please report") {
			t.Errorf("a defect of the library shows: %s", e.Msg)
		}
	}
}

func count(n *yamlpos.Node) int {
	sum := 1
	for _, item := range n.Items {
		sum += count(item)
	}
	for _, e := range n.Entries {
		sum += count(e.Value)
	}
	return sum
}

// services is a blueprint with n services.
func services(n int) string {
	var b strings.Builder
	b.WriteString("name: large\nservices:\n")
	for i := range n {
		fmt.Fprintf(&b, "- type: docker:example/app:1.%d\n  id: app%d\n  brooklyn.config:\n    port: %d\n    peer: $brooklyn:entity(\"app%d\")\n", i, i, 1000+i, i/2)
	}
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	text := []byte(services(2_000))
	b.Run("yamlpos", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := yamlpos.Parse("f", text, yamlpos.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := yaml.Unmarshal(text, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
