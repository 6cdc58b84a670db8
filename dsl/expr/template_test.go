package expr_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// names is a Names of variables; members of entities and objects are here too.
type names map[string]any

// thing is an object that names gives out.
type thing map[string]any

func (n names) Name(_ context.Context, name string) (any, error) {
	if v, ok := n[name]; ok {
		return v, nil
	}
	return nil, expr.Unknown(name)
}

func (n names) Member(_ context.Context, of any, name string) (any, error) {
	switch of := of.(type) {
	case *entity:
		switch name {
		case "id":
			return of.ID, nil
		case "sensor":
			t := thing(of.sensors)
			return &t, nil
		case "config":
			t := thing(of.config)
			return &t, nil
		}
	case *thing:
		if v, ok := (*of)[name]; ok {
			return v, nil
		}
	}
	return nil, expr.Unknown(name)
}

// variables are what the tests' ${…} can name.
func variables(w *world) names {
	workflow := thing{"name": "run", "step": map[string]any{"my-step": map[string]any{"output": "done"}}}
	return names{
		"entity": w.self, "workflow": &workflow,
		"person": "Anna", "n": int64(3), "half": 0.5, "yes": true, "nothing": nil, "text3": "3",
		"foo": []any{"baz", "bar"}, "m": map[string]any{"bar": "b", "x-id": "7", "odd.key": "odd", "deep": map[string]any{"a": []any{int64(1), int64(2)}}},
		"key": "bar", "my-var": "dashed", "wait": 90 * time.Second,
		"now": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "count": int64(2),
	}
}

// evalTemplate computes a value of a document.
func evalTemplate(v any, o expr.OnMissing) (any, error) {
	w := newWorld()
	t, err := expr.CompileTemplate(place(v), expr.Limits{})
	if err != nil {
		return nil, err
	}
	return t.Eval(context.Background(), w, variables(w), o)
}

// place gives a value the place of scalar.
func place(v any) *yamlpos.Node { return yamlpos.FromAny(v, scalar("").Pos) }

func TestTemplate(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want any
		err  string
	}{
		{in: "plain $x {y}", want: "plain $x {y}"},
		{in: "${n}", want: int64(3)},
		{in: "${ n }", want: int64(3)},
		{in: "n is ${n}", want: "n is 3"},
		{in: "${foo[1]}-${m.bar}", want: "bar-b"},
		{in: "${half}${yes}", want: "0.5true"},
		{in: "${m}", want: map[string]any{"bar": "b", "x-id": "7", "odd.key": "odd", "deep": map[string]any{"a": []any{int64(1), int64(2)}}}},
		{in: "${m['odd.key']} ${m.x-id}", want: "odd 7"},
		{in: "${m.deep.a[1]}", want: int64(2)},
		{in: "${m[key]}", want: "b"},
		{in: "${m.deep.a.0}", want: int64(1)},
		{in: "${workflow.step.my-step.output}", want: "done"},
		{in: "${my-var}", want: "dashed"},
		{in: "${n - 1}", want: int64(2)},
		{in: "${count + n}", want: int64(5)},
		{in: "${size(foo) > 1 ? 'x' : 'y'}", want: "x"},
		{in: "${nope ?? n}", want: int64(3)},
		{in: "${nope.a.b ?? m.nope ?? 'z'}", want: "z"},
		{in: "${nothing ?? 'z'}", want: "z"},
		{in: "${nothing}", want: nil},
		{in: "${(nope + 1) ?? 0}", want: int64(0)},
		{in: "${string(nope) ?? 0}", want: int64(0)},
		{in: "${map(foo, # + '!')}", want: []any{"baz!", "bar!"}},
		{in: "${filter([m], .bar == 'b')[0].x-id}", err: "x"},
		{in: "${filter([m], .bar == 'b')[0]['x-id']}", want: "7"},
		{in: "${map([m], .nope ?? 'none')}", want: []any{"none"}},
		{in: "${m?.nope}", want: nil},
		{in: "${entity.id} ${entity.sensor.peer.id}", want: "web db"},
		{in: "${entity.sensor['peer'].sensor.url}", want: "mysql://db"},
		{in: "${wait} ${now}", want: "1m 30s 2026-01-02T03:04:05Z"},
		{in: "${wait}", want: 90 * time.Second},
		{in: "${now + wait - now}", want: 90 * time.Second},
		{in: "${1 + 1}", want: int64(2)},
		{in: "${true}", want: true},
		{in: map[string]any{"a": []any{"${n}", "b"}, "${key}": "${person}", "c": nil}, want: map[string]any{"a": []any{int64(3), "b"}, "bar": "Anna", "c": nil}},
		{in: `$brooklyn:formatString("%s-%s", "${person}", config("host"))`, want: "Anna-example.org"},
		{in: `$brooklyn:config("${key}") ?? "no ${n}"`, want: "no 3"},
		{in: `$brooklyn:component(${m.deep.a ?? "x"})`, want: nil, err: "x"},
		{in: `$brooklyn:config("list")[${n - 2}]`, want: int64(20)},
		{in: map[string]any{"$brooklyn:formatString": []any{"%s", "${n}"}}, want: "3"},
	} {
		got, err := evalTemplate(tt.in, expr.Fail)
		if fmt.Sprint(err) != cmp.Or(tt.err, "<nil>") || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v = %#v, %v", tt.in, got, err)
		}
	}
}
