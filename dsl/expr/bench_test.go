package expr_test

import (
	"context"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

var benchmarks = []struct {
	name string
	v    any
}{
	{"config", `$brooklyn:config("n")`},
	{"chain", `$brooklyn:component("db").attributeWhenReady("url")`},
	{"format", `$brooklyn:formatString("%s:%d/%s", component("db").config("user"), config("n"), config("host"))`},
	{"mapform", map[string]any{"$brooklyn:formatString": []any{"%s-%s", `$brooklyn:config("host")`, "v2"}}},
	{"loop", `$brooklyn:sum(1..1000, # * 2)`},
	{"constant", map[string]any{"a": []any{"b", int64(1)}, "c": `$brooklyn:formatString("%s", "x")`}},
}

func BenchmarkCompile(b *testing.B) {
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := expr.CompileAny(bm.v, expr.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// still is a Scope that keeps no record, so that only expressions are timed.
type still struct{ *world }

func (s still) Config(_ context.Context, of expr.Entity, key string) (any, error) {
	return of.(*entity).config[key], nil
}

func (s still) AttributeWhenReady(_ context.Context, of expr.Entity, sensor string, _ expr.WaitOptions) (any, error) {
	return of.(*entity).sensors[sensor], nil
}

func (s still) Find(_ context.Context, from expr.Entity, _ expr.Locator, id string) (expr.Entity, error) {
	return below(from.(*entity).parent, id, 99), nil
}

func BenchmarkEval(b *testing.B) {
	scope := still{newWorld()}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			v := compile(b, bm.v)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Eval(context.Background(), scope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// few is a Names that looks a word up and nothing else.
type few map[string]any

func (f few) Name(_ context.Context, name string) (any, error) { return f[name], nil }

func (f few) Member(_ context.Context, _ any, name string) (any, error) { return f[name], nil }

var templates = []struct {
	name, text string
	words      bool
}{
	{"plain", "just a text", false},
	{"name", "${x}", false},
	{"path", "${m.a[1]}", false},
	{"text", "x is ${x} of ${m.b}", false},
	{"expression", "${x > 2 ? 'more' : 'less'}", false},
	{"words", "${x} + 1", true},
	{"nullish", "${x} + 1 ?? 0", true},
	{"ternary", "${x} == 3 ? yes : no", true},
}

func BenchmarkTemplateCompile(b *testing.B) {
	for _, bm := range templates {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				template(b, bm.text, bm.words)
			}
		})
	}
}

func template(b *testing.B, text string, words bool) *expr.Template {
	compile := expr.CompileTemplate
	if words {
		compile = expr.CompileWords
	}
	t, err := compile(scalar(text), expr.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func BenchmarkTemplateEval(b *testing.B) {
	names := few{"x": int64(3), "m": map[string]any{"a": []any{"p", "q"}, "b": "many"}}
	for _, bm := range templates {
		b.Run(bm.name, func(b *testing.B) {
			t := template(b, bm.text, bm.words)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.Eval(context.Background(), nil, names, expr.Fail); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
