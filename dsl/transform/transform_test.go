package transform_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

type (
	list  = []any
	table = map[string]any
)

// entity stands for one of the engine.
type entity struct{ id string }

func (e *entity) EntityID() string { return e.id }

// deferred is a value that has to be waited for.
type deferred struct{ v any }

// host has variables, and the operator shout.
type host struct {
	vars table
	set  table
}

func newHost() *host {
	return &host{vars: table{
		"a": "b", "b": "c", "n": int64(1), "l": list{"ccc"}, "m": table{"k": "v"}, "sep": ", ", "pat": "l.", "bad": "(", "far": int64(7),
	}, set: table{}}
}

func (h *host) Fill(_ context.Context, text string) (any, error) {
	if text == `$brooklyn:config("a b")` {
		return "from config", nil
	}
	name, whole := strings.CutPrefix(text, "${")
	if name, end := strings.CutSuffix(name, "}"); whole && end && !strings.ContainsAny(name, "{}") {
		v, ok := h.vars[name]
		if !ok {
			return nil, expr.Unknown(name)
		}
		return v, nil
	}
	for name, v := range h.vars {
		text = strings.ReplaceAll(text, "${"+name+"}", coerce.Text(v))
	}
	return text, nil
}

func (h *host) Evaluate(ctx context.Context, text string) (any, error) { return h.Fill(ctx, text) }

func (h *host) Wait(_ context.Context, v any) (any, error) {
	if d, ok := v.(*deferred); ok {
		return d.v, nil
	}
	return v, nil
}

func (h *host) Set(name string, v any) error {
	if name == "entity" {
		return fault.New(fault.Invalid, "entity is no variable")
	}
	h.set[name] = v
	return nil
}

func (h *host) Convert(_ context.Context, typ string, v any) (any, error) { return coerce.To(typ, v) }

func (h *host) Custom(_ context.Context, name string, args []string, v any) (any, bool, error) {
	if name != "shout" {
		return nil, false, nil
	}
	return strings.ToUpper(coerce.Text(v)) + strings.Join(args, "+"), true, nil
}

func compile(text string) (*transform.Pipeline, error) {
	return transform.Compile(&yamlpos.Node{Pos: yamlpos.Pos{File: "app.yaml", Line: 2, Col: 3}, Kind: yamlpos.Scalar, Value: text, Text: text})
}

func apply(text string, v any) (any, bool, error) {
	p, err := compile(text)
	if err != nil {
		return nil, false, err
	}
	return p.Apply(context.Background(), v, newHost())
}

func TestApply(t *testing.T) {
	abc := list{"a", "bb", "ccc"}
	for _, c := range []struct {
		ops  string
		v    any
		want any
	}{
		{"trim", "Hello, World!   ", "Hello, World!"},
		{"trim", list{" a ", nil, "  ", int64(1)}, list{"a", int64(1)}},
		{"trim", table{"a": " x", "b": nil}, table{"a": "x"}},
		{"trim", nil, nil},
		{"trim", int64(3), int64(3)},

		{"replace regex l. k", "silly world", "siky world"},
		{"replace all regex l. k", "silly world", "siky work"},
		{"replace all regex ${pat} ${a}", "silly world", "siby worb"},
		{"replace regex 'c/d' 000", "abc/def", "ab000ef"},
		{"replace regex 'c d' ''", "abc def ghi", "abef ghi"},
		{"replace regex 'c.*d' 000", "abc def ghi c2d", "ab000"},
		{"replace all regex 'c.*?d' 000", "abc def ghi c2d", "ab000ef ghi 000"},
		{"replace literal c.*d 000", "abc.*def ghi", "ab000ef ghi"},
		{"replace c.*d 000", "abc.*def ghi", "ab000ef ghi"},
		{"replace all literal . $1", "a.b.c", "a$1b$1c"},
		{"replace glob c*e 000", "abc def ghi c2e", "ab000"},
		{"replace all glob c*e 000", "abc def ghi c2e", "ab000f ghi 000"},
		{`replace all regex "(\\w)(\\d)" $2$1`, "a1 b2", "1a 2b"},
		{`replace all regex '(\w)(\d)' '$2\$'`, "a1 b2", "1$ 2$"},
		{"replace all x", "an all", "an x"},
		{"replace all regex x", "all regex", "all x"}, // regex is what is replaced
		{"replace 2 3", int64(12), "13"},
		{"replace a b", nil, nil},

		{"prepend x", "y", "xy"},
		{"append _world", "hello", "hello_world"},
		{`append " world"`, "hello", "hello world"},
		{`append "|"`, "a", "a|"},
		{`append "${n}!"`, "a", "a1!"},
		{`append '${n}!'`, "a", "a${n}!"},
		{`append "say \"x\"\n"`, "", "say \"x\"\n"},
		{"append ${a}${n}", "a", "ab1"},
		{"append don't", "I ", "I don't"},
		{"append 'tis", "", "'tis"},
		{`append $brooklyn:config("a b")`, "", "from config"},
		{"append 2", int64(1), "12"},
		{"append ${l}", list{"a", "bb"}, list{"a", "bb", list{"ccc"}}},
		{"prepend ccc", list{"a"}, list{"ccc", "a"}},
		{"append ${n}", list{}, list{int64(1)}},

		{`join " "`, list{"hello", int64(1), "world"}, "hello 1 world"},
		{"join", list{"a", true, time.Minute}, "atrue1m"},
		{"join ${sep}", list{"a", 1.5}, "a, 1.5"},
		{"join", list{}, ""},

		{`split " "`, "hello 1 world", list{"hello", "1", "world"}},
		{`split " "`, " h ey ", list{"", "h", "ey", ""}},
		{`split ""`, "hé", list{"", "h", "é", ""}},
		{`split keep_delimiters ""`, "h", list{"", "", "h", "", ""}},
		{`split ""`, "", list{""}},
		{`split ","`, "", list{""}},
		{`split limit 4 keep_delimiters regex " +"`, "hello  1 world", list{"hello", "  ", "1", " "}},
		{`split limit 2 ","`, "a,b,c", list{"a", "b"}},
		{`split limit 20 ","`, "a,b", list{"a", "b"}},
		{`split regex [0-9]+`, "a1b22c", list{"a", "b", "c"}},
		{`split literal regex`, "aregexb", list{"a", "b"}},
		{`split "\n"`, "a\nb", list{"a", "b"}},
		{"split ${sep}", "a, b", list{"a", "b"}},

		{"slice 1", abc, list{"bb", "ccc"}},
		{"slice 1 -1", abc, list{"bb"}},
		{"slice -1", abc, list{"ccc"}},
		{"slice 3", abc, list{}},
		{"slice 0 2", "héllo", "hé"},
		{"slice ${n}", "abc", "bc"},

		{"remove 1", abc, list{"a", "ccc"}},
		{"remove -1", abc, list{"a", "bb"}},
		{"remove b", table{"a": int64(1), "b": int64(2)}, table{"a": int64(1)}},
		{"remove ${b}", table{"a": int64(1)}, table{"a": int64(1)}},

		{"first", abc, "a"},
		{"last", abc, "ccc"},
		{"first", list{}, nil},
		{"last", nil, nil},
		{"size", abc, int64(3)},
		{"size", table{"a": nil}, int64(1)},
		{"min", list{int64(1), int64(2)}, int64(1)},
		{"max", list{"10", int64(9), 9.5}, "10"},
		{"max", list{"10", "9"}, "9"},
		{"min", list{"1m", time.Second}, time.Second},
		{"max", list{}, nil},
		{"max", nil, nil},
		{"sum", list{"2", int64(5)}, int64(7)},
		{"sum", list{0.1, 0.2}, 0.3},
		{"sum", list{}, int64(0)},
		{"sum", list{24 * time.Hour, "1h 1m"}, 25*time.Hour + time.Minute},
		{"sum | to_string", list{24 * time.Hour, "1h 1m"}, "1d 1h 1m"},
		{"sum", list{int64(9007199254740993), int64(1)}, int64(9007199254740994)},
		{"average", list{int64(1), int64(2)}, 1.5},
		{"average", list{time.Second, 2 * time.Second}, 1500 * time.Millisecond},
		{"average", nil, nil},

		{"to_string", int64(2), "2"},
		{"to_string", table{"a": "<"}, `{"a":"<"}`},
		{"to_string", nil, nil},
		{"to_string", &entity{"e1"}, "e1"},
		{"to_upper_case", "value é", "VALUE É"},
		{"to_lower_case", "VALUE", "value"},

		{"get", "x", "x"},
		{"get 0", list{int64(42)}, int64(42)},
		{"get [-1]", abc, "ccc"},
		{"get .a.b[1]", table{"a": table{"b": abc}}, "bb"},
		{`get '["a.b"]'`, table{"a.b": int64(1)}, int64(1)},
		{"get ${a}", table{"b": "x"}, "x"},

		{"type list | set c", "['a','bb']", list{"a", "bb"}},
		{"type map<string, integer>", "a: 1", table{"a": int64(1)}},
		{"resolve_expression", "${a}", "b"},
		{"resolve_expression", list{"${a}", table{"x": "${b}"}, int64(1)}, list{"b", table{"x": "c"}, int64(1)}},
		{"wait", &deferred{"there"}, "there"},
		{"shout ! ${n}", "hey", "HEY!+1"},
	} {
		got, returned, err := apply(c.ops, c.v)
		if err != nil || returned || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v | %s = %#v, %v, want %#v", c.v, c.ops, got, err, c.want)
		}
	}
}

func TestNotations(t *testing.T) {
	for _, c := range []struct {
		ops  string
		v    any
		want any
	}{
		{"json", "2", int64(2)},
		{"json", int64(2), int64(2)},
		{"json", `"2"`, "2"},
		{"json", `{"a": [1, 2.0, null]}`, table{"a": list{int64(1), 2.0, nil}}},
		{"json", table{"x": time.Minute}, table{"x": "1m"}},
		{"json parse", int64(2), int64(2)},
		{"json parse", table{"e": &entity{"e1"}}, table{"e": "e1"}},
		{"json string", "2", "2"},
		{"json string", int64(2), "2"},
		{"json string", table{"b": list{nil}, "a": "<"}, `{"a":"<","b":[null]}`},
		{"json encode", "2", `"2"`},
		{"json encode", " \n ", `" \n "`},
		{"json encode", nil, "null"},
		{"json string | json encode", table{"a": int64(1)}, `"{\"a\":1}"`},

		{"yaml", "bogus\n- not valid: yaml: here\nthat's: okay\n---\n key: value\n", table{"key": "value"}},
		{"yaml", "2", int64(2)},
		{"yaml", `"2"`, "2"},
		{"yaml", "ignore \n--- \r\n x: 1 \n", table{"x": int64(1)}},
		{"yaml", "---\n---", nil},
		{"yaml", "a\n----\nb", "a ---- b"},
		{"yaml parse", table{"a": "1m"}, table{"a": "1m"}},
		{"yaml", list{int64(1)}, list{int64(1)}},
		{"yaml string", "ignore\n---\nx: 1\n", "x: 1\n"},
		{"yaml string", table{"a": int64(1)}, "a: 1"},
		{"yaml string", table{"i": list{int64(1), "A"}}, "i:\n- 1\n- A\n"},
		{"yaml string", int64(2), "2"},
		{"yaml encode", table{"a": list{nil}, "x": "1"}, "a:\n- null\nx: \"1\""},
		{"yaml encode", "2", `"2"`},
		{"yaml encode", `"2"`, `'"2"'`},
		{"yaml encode", " ", "' '"},
		{"yaml encode", " \n ", `" \n "`},

		{"bash", "hello(n $o!)", `"hello(n \$o"'!'")"`},
		{"bash", "a \\ \" ` b", "\"a \\\\ \\\" \\` b\""},
		{"bash", table{"a": int64(1)}, `"{\"a\":1}"`},
		{"bash encode", "x", `"\"x\""`},
		{"bash json", int64(1), `"1"`},
	} {
		got, _, err := apply(c.ops, c.v)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v | %s = %#v, %v, want %#v", c.v, c.ops, got, err, c.want)
		}
	}
}

func TestMerge(t *testing.T) {
	a, b := table{"i": int64(1), "z": table{"a": int64(1)}}, table{"j": int64(2), "z": table{"b": int64(2)}}
	for _, c := range []struct {
		ops  string
		v    list
		want any
	}{
		{"merge", list{list{int64(1), int64(2)}, list{int64(2), int64(3)}}, list{int64(1), int64(2), int64(2), int64(3)}},
		{"merge list", list{"[1, 2]", list{"x"}}, list{int64(1), int64(2), "x"}},
		{"merge set", list{list{int64(1), int64(2)}, list{int64(2), int64(3)}}, list{int64(1), int64(2), int64(3)}},
		{"merge", list{a, b}, table{"i": int64(1), "j": int64(2), "z": table{"b": int64(2)}}},
		{"merge map deep", list{a, b}, table{"i": int64(1), "j": int64(2), "z": table{"a": int64(1), "b": int64(2)}}},
		{"merge", list{a, "{i: 3}"}, table{"i": int64(3), "z": table{"a": int64(1)}}},
		{"merge lax list", list{list{int64(1)}, nil, int64(4)}, list{int64(1)}},
		{"merge lax", list{nil}, nil},
		{"merge wait", list{&deferred{a}}, a},
		{"merge map", list{}, table{}},
		{"merge", list{list{int64(2), nil}}, list{int64(2), nil}},
	} {
		got, _, err := apply(c.ops, c.v)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v | %s = %#v, %v, want %#v", c.v, c.ops, got, err, c.want)
		}
	}
	if !reflect.DeepEqual(a, table{"i": int64(1), "z": table{"a": int64(1)}}) {
		t.Errorf("merge changed its first value to %v", a)
	}
}

func TestValuesAreNotChanged(t *testing.T) {
	v := list{"a", " b ", table{"k": "x"}}
	for _, ops := range []string{"append x | prepend y", "remove 0", "slice 1", "trim", "json", "resolve_expression"} {
		if _, _, err := apply(ops, v); err != nil {
			t.Error(err)
		}
		if !reflect.DeepEqual(v, list{"a", " b ", table{"k": "x"}}) {
			t.Fatalf("%s changed the value to %v", ops, v)
		}
	}
}

func TestReturnAndSet(t *testing.T) {
	p, err := compile("to_upper_case | set x.key | return")
	if err != nil {
		t.Fatal(err)
	}
	h := newHost()
	got, returned, err := p.Apply(context.Background(), "value", h)
	if got != "VALUE" || !returned || err != nil {
		t.Errorf("gave %v, %v, %v", got, returned, err)
	}
	if !maps.Equal(h.set, table{"x.key": "VALUE"}) {
		t.Errorf("set %v", h.set)
	}
}

func TestMerges(t *testing.T) {
	for text, want := range map[string]bool{"merge": true, "merge lax | first": true, "trim | merge": false} {
		p, err := compile(text)
		if err != nil || p.Merges() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	got := transform.Words(`${a} ${b["x y"]}  "c d" {e:1} | f`)
	if want := []string{"${a}", `${b["x y"]}`, `"c d"`, "{e:1}", "|", "f"}; !slices.Equal(got, want) {
		t.Errorf("Words gave %q", got)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		ops  string
		v    any
		lim  transform.Limits
		want string
	}{
		{"append xxxx", "xxxx", transform.Limits{Text: 7}, "append: limit Text of 7 bytes exceeded"},
		{"replace all a bbbb", "aaaa", transform.Limits{Text: 7}, "replace: limit Text of 7 bytes exceeded"},
		{"replace all regex a bbbb", "aaaa", transform.Limits{Text: 7}, "replace: limit Text of 7 bytes exceeded"},
		{"replace all regex a b", "aaaa", transform.Limits{Items: 3}, "replace: limit Items of 3 matches exceeded"},
		{"replace all regex ab b", "aaaa", transform.Limits{Work: 7}, "replace: limit Work of 7 steps of a search exceeded"},
		{"join ,", list{"aaaa", "bbbb"}, transform.Limits{Text: 7}, "join: limit Text of 7 bytes exceeded"},
		{"split ''", "abcdef", transform.Limits{Items: 3}, "split: limit Items of 3 items exceeded"},
		{"split regex ''", "abcdef", transform.Limits{Items: 3}, "split: limit Items of 3 items exceeded"},
		{"append x", list{"a", "b"}, transform.Limits{Items: 2}, "append: limit Items of 2 items exceeded"},
		{"merge", list{list{"a"}, list{"b"}}, transform.Limits{Items: 1}, "merge: value 1: limit Items of 1 items exceeded"},
		{"json", list{list{list{}}}, transform.Limits{Depth: 1}, "json: limit Depth of 1 lists and maps inside each other exceeded"},
		{"merge deep", list{table{"a": table{"b": table{}}}, table{"a": table{"b": table{}}}}, transform.Limits{Depth: 1},
			"merge: value 1: limit Depth of 1 lists and maps inside each other exceeded"},
	} {
		n := &yamlpos.Node{Kind: yamlpos.Scalar, Value: c.ops, Text: c.ops}
		p, err := transform.CompileLimited(n, c.lim)
		if err != nil {
			t.Errorf("%s: %v", c.ops, err)
			continue
		}
		if _, _, err = p.Apply(context.Background(), c.v, newHost()); err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Limit {
			t.Errorf("%s gave %v, want %s", c.ops, err, c.want)
		}
	}
}

func TestContextEnds(t *testing.T) {
	p, err := compile("trim")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if _, _, err := p.Apply(ctx, "x", newHost()); !errors.Is(err, cause) {
		t.Errorf("gave %v", err)
	}
}

func TestOperators(t *testing.T) {
	names := transform.Operators()
	if !slices.IsSorted(names) || !slices.Contains(names, "resolve_expression") {
		t.Errorf("Operators gave %v", names)
	}
}
