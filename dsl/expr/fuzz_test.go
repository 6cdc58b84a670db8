package expr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// FuzzCompile reads any text as an expression: in text form, as key and
// argument of the map form, and after a restart. Nothing panics, what is wrong
// is wrong with the text, and what compiles ends.
func FuzzCompile(f *testing.F) {
	seeds(f)
	lim := expr.Limits{Iterations: 20_000, Memory: 1 << 20, String: 4 << 10, List: 1_000}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		doc := scalar(expr.Prefix + text)
		for _, n := range []*yamlpos.Node{
			doc,
			{Kind: yamlpos.Map, Entries: []yamlpos.Entry{{Key: expr.Prefix + text, KeyPos: doc.Pos, Value: doc}}},
			{Kind: yamlpos.Map, Entries: []yamlpos.Entry{{Key: expr.Prefix + "chain", KeyPos: doc.Pos, Value: &yamlpos.Node{Kind: yamlpos.List, Items: []*yamlpos.Node{
				scalar(expr.Prefix + "self()"), scalar(text), {Kind: yamlpos.Map, Entries: []yamlpos.Entry{{Key: text, Value: scalar(text)}}},
			}}}}},
		} {
			v, err := expr.Compile(n, lim)
			if err != nil {
				check(t, err)
				continue
			}
			got, err := v.Eval(ctx, newWorld())
			if err != nil {
				if fault.KindOf(err) == fault.Internal {
					t.Errorf("%q: internal error %v", text, err)
				}
				continue
			}
			plain(t, got, 0)
			if _, err := expr.CompileAny(n.Any(), lim); err != nil {
				t.Errorf("%q compiles with places only: %v", text, err)
			}
		}
	})
}

// check demands that an error is one of the text, with a place in its file.
func check(t *testing.T, err error) {
	t.Helper()
	var es *yamlpos.Errors
	if fault.KindOf(err) != fault.Invalid || !errors.As(err, &es) {
		t.Fatalf("kind %s: %v", fault.KindOf(err), err)
	}
	for _, e := range es.List() {
		if e.Msg == "" || strings.Contains(e.Msg, "goroutine") {
			t.Errorf("message %q", e.Msg)
		}
	}
}

// plain demands that nothing of the machine's own gets out.
func plain(t *testing.T, v any, depth int) {
	t.Helper()
	switch v := v.(type) {
	case nil, bool, string, int64, float64, expr.Sensor, expr.Replacement, expr.Entity:
	case expr.Object:
		plain(t, v.Spec, depth+1)
	case []any:
		for _, item := range v {
			plain(t, item, depth+1)
		}
	case map[string]any:
		for _, item := range v {
			plain(t, item, depth+1)
		}
	default:
		t.Errorf("%T came out", v)
	}
}

// seeds adds every expression of the tests and of the conformance cases.
func seeds(f *testing.F) {
	for _, tc := range hostile {
		f.Add(tc.text)
	}
	for _, pattern := range []string{"*_test.go", "../../test/conformance/cases/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if _, after, ok := strings.Cut(line, expr.Prefix); ok {
					f.Add(strings.TrimRight(after, "`\"'},\n"))
					f.Add(strings.TrimSpace(after))
				}
			}
		}
	}
}
