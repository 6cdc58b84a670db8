package expr_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
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
func place(v any) *yamlpos.Node {
	if text, ok := v.(string); ok {
		return scalar(text)
	}
	return yamlpos.FromAny(v, scalar("").Pos)
}

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
		{in: "${filter([m], .bar == 'b')[0].x-id}", err: "app.yaml:3:40: filter([m], .bar == 'b')[0].x: invalid reference: filter([m], .bar == 'b')[0].x is not defined"},
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
		{in: `$brooklyn:component(${m.deep.a ?? "x"})`, err: `app.yaml:3:20: component(${m.deep.a ?? "x"}): expected an entity as text, not a list`},
		{in: `$brooklyn:config("list")[${n - 2}]`, want: int64(20)},
		{in: map[string]any{"$brooklyn:formatString": []any{"%s", "${n}"}}, want: "3"},
	} {
		got, err := evalTemplate(tt.in, expr.Fail)
		if fmt.Sprint(err) != cmp.Or(tt.err, "<nil>") || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v = %#v, %v", tt.in, got, err)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for in, want := range map[string]string{
		"${unknown_person}":         "app.yaml:3:12: ${unknown_person}: invalid reference: unknown_person is not defined",
		"hi ${m.nope}":              "app.yaml:3:15: ${m.nope}: invalid reference: m.nope is not defined",
		"${m['a b']}":               "app.yaml:3:12: ${m['a b']}: invalid reference: m['a b'] is not defined",
		"${foo[-1]}":                "app.yaml:3:12: ${foo[-1]}: invalid reference: foo[-1] is not defined: the list has 2 elements, numbered from 0",
		"${foo[n]}":                 "app.yaml:3:15: foo[n]: invalid reference: foo[3] is not defined: the list has 2 elements, numbered from 0",
		"${map(foo, #[0][5])}":      "app.yaml:3:25: #[0][5]: invalid reference: #[0] is text, which has no [5]",
		"${filter([m], .z == 1)}":   "app.yaml:3:25: .z: invalid reference: the element.z is not defined",
		"${foo.bar}":                "app.yaml:3:12: ${foo.bar}: invalid reference: foo.bar is not defined: the list has 2 elements, numbered from 0",
		"${nothing.x}":              "app.yaml:3:12: ${nothing.x}: invalid reference: nothing is null, which has no x",
		"${person.x}":               "app.yaml:3:12: ${person.x}: invalid reference: person is text, which has no x",
		"${n.x}":                    "app.yaml:3:12: ${n.x}: invalid reference: n is a number, which has no x",
		"${entity.nope}":            "app.yaml:3:12: ${entity.nope}: invalid reference: nope is not defined",
		"a ${foo} b":                "app.yaml:3:12: ${foo}: it is a list, which cannot stand within a text; make text of it first, or write it alone",
		"a ${workflow}":             "app.yaml:3:12: ${workflow}: it is an object, which cannot stand within a text; make text of it first, or write it alone",
		"a ${nothing}":              "app.yaml:3:12: ${nothing}: invalid reference: it is null, which cannot stand within a text",
		"${person + n}":             "app.yaml:3:19: person + n: + joins two numbers or two texts, not text and a number",
		"${n - person}":             "app.yaml:3:14: n - person: invalid operation: int64 - string",
		"${":                        "app.yaml:3:10: ${ is not closed, expected }",
		"a ${'}":                    "app.yaml:3:12: ${ is not closed, expected }",
		"${}":                       "app.yaml:3:10: ${} names nothing",
		"${ }":                      "app.yaml:3:10: ${ } names nothing",
		"${${n}}":                   "app.yaml:3:12: a ${…} holds no other; write the name without ${ and }",
		"${n +}":                    "app.yaml:3:15: Unexpected end of expression to parse, looking for content since position 3",
		"${VAR:-x}":                 "app.yaml:3:15: Unexpected character at position 3: :",
		"$brooklyn:config(${n)":     "app.yaml:3:27: ${ is not closed, expected }",
		"$brooklyn:config(\"${n\")": "app.yaml:3:28: ${ is not closed, expected }",
	} {
		if got, err := evalTemplate(in, expr.Fail); fmt.Sprint(err) != want {
			t.Errorf("%s = %v, %v\n     want %s", in, got, err, want)
		}
	}
}

func TestOnMissing(t *testing.T) {
	for _, tt := range []struct {
		in            string
		ignore, blank any
	}{
		{"${nope}", "${nope}", ""},
		{"hi ${ m.nope } ${n}", "hi ${ m.nope } 3", "hi  3"},
		{"a ${nothing}", "a ${nothing}", "a "},
		{"${nothing}", nil, nil},
		{"${nope ?? n}", int64(3), int64(3)},
		{"${nope ?? more}", "${nope ?? more}", ""},
	} {
		for o, want := range map[expr.OnMissing]any{expr.Ignore: tt.ignore, expr.Blank: tt.blank} {
			if got, err := evalTemplate(tt.in, o); got != want || err != nil {
				t.Errorf("%s = %#v, %v, want %#v", tt.in, got, err, want)
			}
			if got, err := evalWords(tt.in, o); got != want || err != nil {
				t.Errorf("words %s = %#v, %v, want %#v", tt.in, got, err, want)
			}
		}
	}
	for _, o := range []expr.OnMissing{expr.Ignore, expr.Blank} {
		if got, err := evalWords("${nope} + 1 ?? a${nope} ?? 7", o); got != int64(7) || err != nil {
			t.Errorf("?? = %v, %v", got, err)
		}
	}
}

func TestIsMissing(t *testing.T) {
	for in, want := range map[string]bool{
		"${nope}": true, "a ${m.x}": true, "${foo[9]}": true, "a ${nothing}": true, "${entity.x.y}": true,
		"a ${m}": false, "${n + person}": false, "$brooklyn:component(\"zzz\")": false, "${n}": false,
	} {
		_, err := evalTemplate(in, expr.Fail)
		if got := expr.IsMissing(err); got != want {
			t.Errorf("%s: %v, IsMissing %v", in, err, got)
		}
		if want && fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: kind %v", in, fault.KindOf(err))
		}
	}
}

func TestTemplateUses(t *testing.T) {
	n := place(map[string]any{
		"a": "${x.y} and ${foo[1]['k k']} ${ p ?? q.r }",
		"b": []any{"${size(items) + m[key].z}", `$brooklyn:config("${name}")`},
		"c": "plain",
	})
	tpl, err := expr.CompileTemplate(n, expr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	words, err := expr.CompileWords(scalar("${a.b} + 1 ?? ${c} ?? ${d}"), expr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range append(tpl.Uses(), words.Uses()...) {
		text := strings.Join(u.Path, "/")
		if u.Optional {
			text += "?"
		}
		got = append(got, text)
	}
	want := []string{"x/y", "foo/1/k k", "p?", "q/r", "items", "m", "key", "name", "a/b?", "c?", "d"}
	if !slices.Equal(got, want) {
		t.Errorf("uses %q, want %q", got, want)
	}
	if at := words.Uses()[1].Pos.String(); at != "app.yaml:3:26" {
		t.Errorf("place of c: %s", at)
	}
}

func TestTemplateConstant(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want any
		is   bool
	}{
		{"plain", "plain", true},
		{"${1 + 1}", int64(2), true},
		{map[string]any{"a": []any{int64(1)}}, map[string]any{"a": []any{int64(1)}}, true},
		{"${n}", nil, false},
		{[]any{"a", "${n}"}, nil, false},
	} {
		tpl, err := expr.CompileTemplate(place(tt.in), expr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got, is := tpl.Constant(); is != tt.is || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: %v, %v", tt.in, got, is)
		}
	}
	for in, want := range map[string]any{"1 + 1": int64(2), `"a" b`: "a b", "true ? x : y": "x"} {
		tpl, err := expr.CompileWords(scalar(in), expr.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got, is := tpl.Constant(); !is || got != want {
			t.Errorf("%v: %v, %v", in, got, is)
		}
	}
}

// TestExpression: a text that is one expression as a whole, and never two with
// text between.
func TestExpression(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`n + 1`, "4"}, {`person`, "Anna"}, {` m.deep.a[1] `, "2"}, {`m["odd.key"]`, "odd"}, {`foo[0] startsWith "b"`, "true"},
		{`gone ?? "none"`, "none"}, {`"}"`, "}"}, {`${n} + 1`, "4"},
		{`n} ${n`, `:1:2: Unexpected character at position 1: } closes nothing`},
		{``, `:1:1: Unexpected end of expression to parse, looking for content since position 0`},
		{`gone`, `:1:1: gone: invalid reference: gone is not defined`},
	} {
		n := &yamlpos.Node{Pos: yamlpos.Pos{File: "", Line: 1, Col: 1}, Kind: yamlpos.Scalar, Value: c.text, Text: c.text}
		compiled, err := expr.CompileExpression(n, expr.Limits{})
		var v any
		if err == nil {
			v, err = compiled.Eval(t.Context(), nil, variables(newWorld()), expr.Fail)
		}
		got := fmt.Sprint(v)
		if err != nil {
			got = ":" + err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}
