package expr_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestTemplateLimits(t *testing.T) {
	lim := expr.Limits{Source: 40, Nodes: 8, String: 16, List: 3}
	for in, want := range map[string]string{
		"${person} and ${person} again":                   "app.yaml:3:10: ${person} and ${person} again: limit String of 16 bytes exceeded",
		"${" + strings.Repeat("n+", 30) + "n}":            "app.yaml:3:12: limit Source of 40 bytes exceeded: the expression has 61",
		"${n+n+n+n+n+n}":                                  "app.yaml:3:21: limit Nodes of 8 syntax nodes exceeded",
		strings.Repeat("1 + ", 10) + "1":                  "app.yaml:3:10: limit Nodes of 8 syntax nodes exceeded",
		"${reverse(big)}":                                 "app.yaml:3:12: reverse(big): limit List of 3 elements exceeded",
		"${reverse(big)} ?? 1":                            "app.yaml:3:12: reverse(big): limit List of 3 elements exceeded",
		"a text without names is no expression, any size": "<nil>",
	} {
		tpl, err := expr.CompileWords(scalar(in), lim)
		if err == nil {
			_, err = tpl.Eval(context.Background(), nil, names{"person": "Anna", "n": int64(1), "big": make([]any, 4)}, expr.Fail)
			if err != nil && fault.KindOf(err) != fault.Limit {
				t.Errorf("%s: kind %v", in, fault.KindOf(err))
			}
		}
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%s: %s\n     want %s", in, got, want)
		}
	}
}

// failing is a Names whose every word fails.
type failing struct{ err error }

func (f failing) Name(context.Context, string) (any, error) { return nil, f.err }

func (f failing) Member(context.Context, any, string) (any, error) { return nil, f.err }

func TestWordsCatch(t *testing.T) {
	for _, in := range []string{"${x} ?? 1", "${x} + 1 ?? 1", "${x ?? '1'}", "${(x + 1) ?? '1'}", "a${x.y} ?? 1"} {
		tpl, err := expr.CompileWords(scalar(in), expr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range fault.Kinds() {
			got, err := tpl.Eval(context.Background(), nil, failing{fault.New(kind, "no")}, expr.Fail)
			if caught := kind == fault.NotFound || kind == fault.Invalid; caught != (err == nil) || caught && fmt.Sprint(got) != "1" {
				t.Errorf("%s, %v: %v, %v", in, kind, got, err)
			}
			if err != nil && fault.KindOf(err) != kind {
				t.Errorf("%s: kind %v became %v", in, kind, fault.KindOf(err))
			}
		}
		stop := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(context.Background())
		if _, err := tpl.Eval(ctx, nil, cancelling{func() { cancel(stop) }}, expr.Fail); err == nil {
			t.Errorf("%s: the end of the context is caught", in)
		}
		if _, err := tpl.Eval(ctx, nil, names{}, expr.Fail); !errors.Is(err, stop) {
			t.Errorf("%s: %v after the context", in, err)
		}
	}
}

// cancelling is a Names during whose work the context ends.
type cancelling struct{ cancel func() }

func (c cancelling) Name(_ context.Context, name string) (any, error) {
	c.cancel()
	return nil, expr.Unknown(name)
}

func (c cancelling) Member(context.Context, any, string) (any, error) { return nil, nil }

func TestTemplateAlone(t *testing.T) {
	for in, want := range map[string]string{
		"${x}":                    "app.yaml:3:12: ${x}: invalid reference: x is not defined",
		"$brooklyn:config(\"n\")": "app.yaml:3:20: config(\"n\"): config is asked of an entity; here is none",
		"${x} ?? 1":               "<nil>",
	} {
		tpl, err := expr.CompileWords(scalar(in), expr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tpl.Eval(context.Background(), nil, nil, expr.Fail); fmt.Sprint(err) != want {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// A value belongs to whoever evaluates it, whatever it came from.
func TestTemplateOwns(t *testing.T) {
	given := names{"m": map[string]any{"list": []any{"a"}}}
	for _, in := range []any{"${m}", map[string]any{"list": []any{"a"}}} {
		tpl, err := expr.CompileTemplate(place(in), expr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := tpl.Eval(context.Background(), nil, given, expr.Fail)
			if err != nil || !reflect.DeepEqual(got, map[string]any{"list": []any{"a"}}) {
				t.Errorf("%v = %v, %v", in, got, err)
			}
			got.(map[string]any)["list"].([]any)[0] = "changed"
		}
	}
}
