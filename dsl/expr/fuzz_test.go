package expr_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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

// FuzzTemplate reads any text as a template, as a value and as a key. Nothing
// panics, what is wrong is wrong with the text, and a text without ${ is
// itself.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		"a ${x.y[1]['k']} b", "${ x ?? y }", "${size(foo) > 1 ? 'x' : \"y\"}", "${m[key]} ${", "$brooklyn:config(\"${key}\")",
		"$brooklyn:config(${key})[${n}]", "${map(foo, #.a ?? 'b')}", "${${x}}", "${'}'}", "${{a: 1}.a}", "${m?.x?.y}", "${now + wait}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzTemplate(t, text, expr.CompileTemplate, func(text string) bool {
			return !strings.Contains(text, "${") && !strings.HasPrefix(text, expr.Prefix)
		})
	})
}

// FuzzWords reads any text as the value of a let step.
func FuzzWords(f *testing.F) {
	for _, text := range []string{
		"${n} + 1 ?? 0", "1 * 2 % 3 - 4 / 5", "\"${x}\" is '${y}'", "a ? b ? c : d : e", "${wait} + 1m < ${now}", "true && a || b == c",
		"99 / 0 ?? ${x} ?? 4", "\"open", "$brooklyn:config(\"a b\") + 1", "a : b ?", "?? ? : ??", "9223372036854775807 * -1 / -1 % 0",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fuzzTemplate(t, text, expr.CompileWords, func(text string) bool {
			return !strings.ContainsAny(text, "\"'$?+-*/%=<>&|")
		})
	})
}

type compileFunc func(*yamlpos.Node, expr.Limits) (*expr.Template, error)

func fuzzTemplate(t *testing.T, text string, compile compileFunc, same func(string) bool) {
	if len(text) > 4<<10 || !utf8.ValidString(text) { // as in every document
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lim := expr.Limits{Iterations: 20_000, Memory: 1 << 20, String: 16 << 10, List: 1_000}
	doc := scalar(text)
	for _, n := range []*yamlpos.Node{doc, {Kind: yamlpos.Map, Entries: []yamlpos.Entry{{Key: text, KeyPos: doc.Pos, Value: doc}}}} {
		v, err := compile(n, lim)
		if err != nil {
			check(t, err)
			continue
		}
		for _, o := range []expr.OnMissing{expr.Fail, expr.Ignore, expr.Blank} {
			w := newWorld()
			got, err := v.Eval(ctx, w, variables(w), o)
			switch {
			case fault.KindOf(err) == fault.Internal && err != nil:
				t.Errorf("%q: internal error %v", text, err)
			case o != expr.Fail && expr.IsMissing(err) && n == doc && !strings.Contains(text, "$brooklyn:"):
				t.Errorf("%q: %v", text, err)
			case n == doc && same(text) && got != text:
				t.Errorf("%q = %#v, %v", text, got, err)
			}
		}
	}
}
