package predicate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// node is an entity of the tests, and world what knows them.
type node struct {
	id       string
	config   map[string]any
	children []any
}

func (n *node) EntityID() string { return n.id }
func (n *node) Config(_ context.Context, key string) (any, error) {
	if key == "broken" {
		return nil, errors.New("config broken cannot be read")
	}
	return lookup(n.config, key), nil
}
func (n *node) Sensor(name string) any     { return lookup(map[string]any{"up": true, "null": nil}, name) }
func (n *node) Tags() []any                { return []any{"blue", map[string]any{"team": "a"}} }
func (n *node) Children() []any            { return n.children }
func (n *node) Locations() []any           { return []any{"localhost"} }
func (n *node) InstanceOf(typ string) bool { return typ == "org.x.Web" || typ == "Web" }

type world struct{ self *node }

func (w world) Evaluate(_ context.Context, raw any) (any, error) {
	switch raw {
	case "${self}":
		return w.self, nil
	case "${gone}":
		return predicate.Missing{}, nil
	case "${span}":
		return time.Minute, nil
	case "${list}":
		return []any{"a"}, nil
	case "${bad}":
		return nil, errors.New("cannot resolve bad")
	}
	return strings.Trim(raw.(string), "${}"), nil
}

func (w world) Entity(v any) predicate.Entity {
	if n, ok := v.(*node); ok {
		return n
	}
	return nil
}

func (w world) Self() predicate.Entity { return w.self }

func lookup(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return predicate.Missing{}
}

func compile(t testing.TB, text string) *predicate.Predicate {
	t.Helper()
	n, err := yamlpos.Parse("p", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := predicate.Compile(n, predicate.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func TestPlainValues(t *testing.T) {
	list, m := []any{"Astrid", "Bob"}, map[string]any{"id": 124, "name": "Bob", "in": map[string]any{"a b": []any{1, 2}}}
	fail := fmt.Errorf("outer: %w", fault.New(fault.Timeout, "wtf happened"))
	for _, tt := range []struct {
		text  string
		value any
		want  bool
	}{
		{`x`, "x", true}, {`x`, "y", false}, {`5`, "5", true}, {`equals: 5`, "5", true}, {`equals: "5"`, 5, true}, {`equals: 5.0`, 5, true},
		{`equals: 3.10`, "3.10", true}, {`equals: 3.1`, "3.10", false}, {`equals: true`, "true", true}, {`equals: "yes"`, true, true}, {`equals: 1`, true, false},
		{`equals: null`, nil, true}, {`equals: null`, predicate.Missing{}, false}, {`equals: null`, "", false}, {`equals: 60s`, time.Minute, true},
		{`equals: 9007199254740993`, 9007199254740992.0, false}, {`equals: [x, y]`, []any{"y", "x"}, false}, {`equals: [x, 1]`, []any{"x", "1"}, true},
		{`equals: {a: 1}`, map[string]any{"a": 1.0}, true}, {`equals: {a: 1}`, map[string]any{"b": 1}, false}, {`equals: [1]`, "[1]", false}, {`equals: {}`, list, false},
		{`regex: y`, "xyz", false}, {`regex: x.z`, "x\nz", true}, {`regex: "x|y"`, "xz", false}, {`regex: 1.*`, 12, true}, {`regex: .*`, list, false}, {`regex: .*`, nil, false},
		{`glob: x*z`, "yxaz", false}, {`glob: x*z`, "x\nz", true}, {`glob: "a?"`, "ab", true}, {`glob: "{a,b}.[!0-9]"`, "b.x", true}, {`glob: "{a,b}.[0-9]"`, "b.x", false}, {`glob: 'a\*.(b)'`, "a*.(b)", true},
		{`less-than: "5"`, "10", false}, {`less-than: 5`, "10", false}, {`less-than: v10`, "v9", true}, {`greater-than: v9`, "v10", true}, {`less-than: z`, "zx", false},
		{`greater-than: 25.45`, 3.3, false}, {`less-than: x`, 5, false}, {`greater-than: x`, 5, false}, {`less-than: 90s`, time.Minute, true}, {`greater-than: soon`, time.Minute, false},
		{`less-than-or-equal-to: 5`, 5.0, true}, {`greater-than-or-equal-to: 5`, "5", true}, {`less-than: "1"`, "01", true}, {`less-than: [1]`, list, false}, {`greater-than: 0`, true, false},
		{`greater-than: "2026-01-01"`, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), true}, {`less-than: 1`, predicate.Missing{}, false},
		{`in-range: [2, 5]`, "4", true}, {`in-range: [2, 5]`, 5, true}, {`in-range: [2, 5]`, 1.9, false}, {`in-range: [a, c]`, "b", true},
		{`size: 2`, list, true}, {`size: {greater-than: 2}`, m, true}, {`size: 3`, "größ"[:4], true}, {`size: 0`, nil, false}, {`not: {size: 0}`, list, true},
		{`has-element: Bob`, list, true}, {`has-element: {glob: '?'}`, []any{"xx"}, false}, {`has-element: Bob`, m, true}, {`has-element: x`, "x", false},
		{`{key: name, regex: "[Bb].*"}`, m, true}, {`{key: none, when: absent}`, m, true}, {`key: name`, m, true}, {`key: none`, m, false}, {`{key: a, equals: b}`, "a", false},
		{`{index: -1, equals: Bob}`, list, true}, {`{index: 0, equals: Astrid}`, list, true}, {`{index: 2, when: absent}`, list, true}, {`{index: -3, equals: x}`, list, false},
		{`{jsonpath: name, equals: Bob}`, m, true}, {`{jsonpath: "$.in['a b'][1]", equals: 2}`, m, true}, {`{jsonpath: "$.in[*][-1]", equals: [2]}`, m, true}, {`{jsonpath: "$..id", has-element: 124}`, m, true},
		{`{jsonpath: "[0]", equals: Astrid}`, list, true}, {`{jsonpath: no.where, when: absent}`, m, true}, {`{jsonpath: "$", size: 3}`, m, true}, {`{jsonpath: "$..*", size: 6}`, m, true}, {`{jsonpath: ".*", size: 3}`, m, true},
		{`{filter: {regex: A.*}, size: 1}`, list, true}, {`{filter: x, equals: []}`, list, true}, {`{filter: x, when: absent}`, "x", true},
		{`{any: [x, {equals: y}]}`, "y", true}, {`{any: [x, z]}`, "y", false}, {`{all: [{regex: .*x}, {less-than: z}]}`, "zx", false}, {`{all: [{regex: .*x}, {less-than: zz}]}`, "zx", true},
		{`{key: in, check: {key: "a b", check: {index: 0, equals: 1}}}`, m, true}, {`not: x`, predicate.Missing{}, true}, {`{target: 5, less-than: 6}`, "x", true}, {`{target: [x], has-element: x}`, nil, true},
		{`when: absent`, predicate.Missing{}, true}, {`when: absent`, nil, false}, {`when: Absent-or-null`, nil, true}, {`when: present`, nil, true}, {`when: present_non_null`, nil, false},
		{`when: truthy`, "x", true}, {`when: truthy`, 0.0, false}, {`when: falsy`, predicate.Missing{}, true}, {`when: falsy`, []any{}, true}, {`when: always`, nil, true}, {`when: never`, 1, false},
		{`error-cause: {regex: .*wtf.*}`, fail, true}, {`error-cause: {equals: wtf happened}`, fail, true}, {`error-cause: x`, "x", false}, {`regex: outer.*`, fail, true}, {`equals: outer`, fail, false},
		{`{error-field: kind, equals: timeout}`, fail, true}, {`{error-field: message, glob: "*wtf*"}`, fail, true}, {`error-field: other`, fail, false}, {`error-field: kind`, "x", false},
		{`java-instance-of: java.lang.String`, "x", true}, {`java-instance-of: Map`, m, true}, {`java-instance-of: List`, m, false}, {`java-instance-of: Throwable`, fail, true}, {`java-instance-of: Object`, 1, true}, {`java-instance-of: Integer`, nil, false},
		{`assert: x`, "x", true}, {`equals: "${x}"`, "${x}", true}, {`{sensor: up, when: absent}`, "x", true}, {`{target: children, when: absent}`, "x", true}, {`tag: x`, "x", false},
	} {
		got, err := compile(t, tt.text).Test(context.Background(), predicate.Subject{Value: tt.value})
		if err != nil || got != tt.want {
			t.Errorf("%s of %#v: got %v, %v; want %v", tt.text, tt.value, got, err, tt.want)
		}
	}
}

func TestEntities(t *testing.T) {
	a, b := &node{id: "a", config: map[string]any{"n": 1}}, &node{id: "b", config: map[string]any{"n": 2, "null": nil}}
	parent := &node{id: "p", config: map[string]any{"own": "x"}, children: []any{a, b}}
	for _, tt := range []struct {
		text  string
		value any
		want  bool
	}{
		{`{config: own, equals: x}`, parent, true}, {`{config: own, equals: x}`, "not an entity", true}, {`config: "null"`, b, false}, {`{config: "null", when: present}`, b, true},
		{`{config: none, when: absent}`, parent, true}, {`sensor: up`, a, true}, {`{sensor: no, when: absent_or_null}`, a, true}, {`sensor: "${up}"`, a, true},
		{`{target: children, size: 2}`, parent, true}, {`{target: child, config: n, equals: 2}`, parent, true}, {`{target: child, config: n, equals: 3}`, parent, false},
		{`{target: children, has-element: {config: n, greater-than: 1}}`, parent, true}, {`{target: child, config: n, equals: 1}`, a, false}, {`{target: children, filter: {config: n, equals: 1}, size: 1}`, parent, true},
		{`{target: tag, equals: blue}`, a, true}, {`{target: tags, size: 2}`, a, true}, {`tag: {key: team, equals: a}`, a, true}, {`tag: red`, a, false}, {`{target: location, glob: local*}`, a, true}, {`{target: locations, size: 1}`, a, true},
		{`{target: "${self}", config: own, equals: x}`, a, true}, {`{target: "${gone}", when: absent}`, a, true}, {`{target: x, config: own}`, a, false}, {`{target: x, config: own, when: absent}`, a, true},
		{`equals: "${self}"`, parent, true}, {`"${self}"`, parent, false}, {`"${list}"`, []any{"a"}, false}, {`equals: "${list}"`, []any{"a"}, true}, {`equals: "${self}"`, "p", false}, {`equals: p`, parent, false}, {`equals: "${gone}"`, nil, false},
		{`java-instance-of: Web`, a, true}, {`java-instance-of: org.y.Web`, a, false}, {`less-than: "${span}"`, "30s", true}, {`equals: "${span}"`, "1m", true},
		{`regex: "${a.c}"`, "abc", true}, {`glob: "${a*}"`, "abc", true}, {`{jsonpath: "${a.b}", equals: 1}`, map[string]any{"a": map[string]any{"b": 1}}, true}, {`{index: "${1}", equals: y}`, []any{"x", "y"}, true},
	} {
		got, err := compile(t, tt.text).Test(context.Background(), predicate.Subject{Value: tt.value, Env: world{parent}})
		if err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestErrorsOfTest(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	many := make([]any, 2000)
	for _, tt := range []struct {
		ctx        context.Context
		text, want string
		kind       fault.Kind
	}{
		{nil, `assert: x`, "Assertion in DSL predicate failed", fault.Precondition},
		{nil, `equals: "${bad}"`, "cannot resolve bad", fault.Internal},
		{nil, `any: [{config: broken}]`, "config broken cannot be read", fault.Internal},
		{nil, `regex: "${(}"`, "p:1:8: regex: invalid regular expression: missing closing ): `(`", fault.Invalid},
		{nil, `jsonpath: "${a[}"`, `p:1:11: jsonpath "a[": cannot read "["; expected .key, ['key'], [n], [*] or ..key`, fault.Invalid},
		{nil, `{target: x, index: "${x}"}`, `cannot read "x" as long`, fault.Invalid},
		{nil, `has-element: {target: "${list}", has-element: {check: {not: {check: {equals: a}}}}}`, "the predicate takes more than 1000 steps (limit Steps)", fault.Limit},
		{done, `{key: x}`, "context canceled", fault.Internal},
	} {
		n, err := yamlpos.Parse("p", []byte(tt.text), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := predicate.Compile(n, predicate.Limits{Steps: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if tt.ctx == nil {
			tt.ctx = context.Background()
		}
		_, err = p.Test(tt.ctx, predicate.Subject{Value: many, Env: world{&node{}}})
		if err == nil || err.Error() != tt.want || tt.ctx != done && fault.KindOf(err) != tt.kind {
			t.Errorf("%s: got %v (%v), want %s (%v)", tt.text, err, fault.KindOf(err), tt.want, tt.kind)
		}
	}
}

func TestErrorsOfCompile(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`regx: a`, `p:1:1: unknown key "regx" of a predicate; did you mean "regex"?`},
		{"equals: a\nfoo: a", `p:2:1: unknown key "foo" of a predicate`},
		{"config: a\nkey: b", `p:2:1: both config and key narrow the value; only one may, put the other inside "check"`},
		{`[a]`, `p:1:1: a list is no predicate; write "equals: [...]" to compare with it, or "any: [...]" to try each`},
		{`not: [a]`, `p:1:6: a list is no predicate; write "equals: [...]" to compare with it, or "any: [...]" to try each`},
		{`{}`, `p:1:1: a predicate with nothing to check; expected keys such as equals, regex or when`},
		{``, `p:1:1: an empty predicate; expected a value to equal, or keys such as equals, regex or when`},
		{"not:\n  regex: (", "p:2:10: regex: invalid regular expression: missing closing ): `(`"},
		{`regex: a(?=b)`, "p:1:8: regex: invalid regular expression: invalid or unsupported Perl syntax: `(?=`"},
		{`regex: "a{900}{900}"`, "p:1:8: regex: invalid regular expression: invalid nested repetition operator: `{900}{900}`"},
		{`regex: "(ab){800}"`, "p:1:8: regex: a regular expression of more than 1000 states (limit Regex)"},
		{`regex: [a]`, "p:1:8: regex: expected text"},
		{`glob: "[a"`, `p:1:7: glob: glob "[a": "[" without a class and its "]"`},
		{`glob: "{a,b"`, `p:1:7: glob: glob "{a,b": "{" without "}"`},
		{`any: x`, "p:1:6: any: expected a list of predicates"},
		{`all: []`, "p:1:6: all: expected a list of predicates"},
		{`in-range: [1]`, "p:1:11: in-range: expected a list of two values, the lowest and the highest"},
		{`when: presnt`, `p:1:7: when: unknown word "presnt"; did you mean "present"?`},
		{`when: 5`, `p:1:7: when: unknown word "5"; expected one of absent, absent_or_null, present, present_non_null, truthy, falsy, always, never`},
		{`index: one`, "p:1:8: index: expected a whole number, negative to count from the end"},
		{`index: 1.5`, "p:1:8: index: expected a whole number, negative to count from the end"},
		{`config: {a: b}`, "p:1:9: config: expected text"},
		{`jsonpath: "$.a[?(@.b)]"`, `p:1:11: jsonpath "$.a[?(@.b)]": cannot read "[?(@.b)]"; expected .key, ['key'], [n], [*] or ..key`},
		{`jsonpath: "$a"`, `p:1:11: jsonpath "$a": cannot read "a"; expected .key, ['key'], [n], [*] or ..key`},
		{`jsonpath: "a[99999999999]"`, `p:1:11: jsonpath "a[99999999999]": index 99999999999 is too large`},
		{`$brooklyn:object: {type: x}`, `p:1:1: $brooklyn:object cannot make a predicate here; write the predicate itself, such as "regex: ..."`},
		{strings.Repeat("{not: ", 60) + "a" + strings.Repeat("}", 60), "p:1:301: predicates are nested more than 50 deep (limit Depth)"},
		{"any: [" + strings.Repeat("a,", 1100) + "a]", "p:1:2005: a predicate of more than 1000 predicates (limit Nodes)"},
		{"a: 1\nb: 2", "p:1:1: unknown key \"a\" of a predicate\np:2:1: unknown key \"b\" of a predicate"},
	} {
		n, err := yamlpos.Parse("p", []byte(tt.text), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = predicate.Compile(n, predicate.Limits{}); err == nil || err.Error() != tt.want {
			t.Errorf("%.80s:\n got %v\nwant %s", tt.text, err, tt.want)
		} else if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.80s: kind %v", tt.text, fault.KindOf(err))
		}
	}
	if _, err := predicate.CompileAny(map[string]any{"when": "?"}, predicate.Limits{}); err == nil {
		t.Error("CompileAny accepts an unknown word")
	}
}

func TestAboutAbsence(t *testing.T) {
	for text, want := range map[string]bool{`regex: a`: false, `any: [x, {when: absent}]`: true} {
		if got := compile(t, text).AboutAbsence(); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

// FuzzCompile: never a panic, whatever is compiled can be tested, and an error
// is the caller's.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`{target: children, filter: {config: n, equals: 1}, size: 1}`, `any: [x, {regex: "a|(b"}]`, `{jsonpath: "$..a[*]['b'].c", in-range: [1, 2]}`,
		`{glob: "{a,[!b]}*?", when: absent}`, `{key: "${x}", not: {assert: {less-than: v10}}}`, `{index: -1, equals: [1, {a: 2.5}]}`, `$brooklyn:config("x")`,
	} {
		f.Add(seed)
	}
	values := []any{nil, predicate.Missing{}, "v9", 5, 2.5, true, []any{"a", 1, []any{}}, map[string]any{"a": []any{map[string]any{"b": 1}}}, errors.New("x"), time.Second}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := yamlpos.Parse("p", []byte(text), yamlpos.Limits{Bytes: 10_000})
		if err != nil {
			return
		}
		p, err := predicate.Compile(n, predicate.Limits{})
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("kind of %v is internal", err)
			}
			return
		}
		for _, v := range values {
			_, _ = p.Test(context.Background(), predicate.Subject{Value: v, Env: world{&node{}}})
			_, _ = p.Test(context.Background(), predicate.Subject{Value: v})
		}
	})
}

func BenchmarkTest(b *testing.B) {
	p := compile(b, `{key: name, regex: "web-[0-9]+", not: {equals: web-0}, size: {less-than: 10}}`)
	value := map[string]any{"name": "web-12"}
	for b.Loop() {
		if ok, err := p.Test(context.Background(), predicate.Subject{Value: value}); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	n, err := yamlpos.Parse("p", []byte(`{key: name, regex: "web-[0-9]+", not: {equals: web-0}, size: {less-than: 10}}`), yamlpos.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := predicate.Compile(n, predicate.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// odd is an error that knows its fields and its type.
type odd struct{}

func (odd) Error() string              { return "odd" }
func (odd) InstanceOf(typ string) bool { return typ == "OddException" }
func (odd) Field(name string) (any, bool) {
	return []string{"x", "y"}, name == "parts"
}

func TestOtherKindsOfValues(t *testing.T) {
	for _, tt := range []struct {
		text  string
		value any
	}{
		{`equals: 5`, json.Number("5")}, {`greater-than: 5`, json.Number("5.5")}, {`equals: 1e999`, json.Number("1e999")}, {`equals: 5`, uint8(5)}, {`equals: [a, b]`, []string{"a", "b"}},
		{`{key: a, equals: 1}`, map[string]int{"a": 1}}, {`{error-field: parts, check: {index: -1, equals: y}}`, odd{}}, {`{error-field: message, equals: odd}`, odd{}}, {`java-instance-of: OddException`, odd{}},
		{`not: {java-instance-of: Exception}`, odd{}}, {`java-instance-of: java.lang.Boolean`, true}, {`java-instance-of: Double`, 1.5}, {`java-instance-of: java.util.Collection`, []any{}}, {`java-instance-of: long`, 5},
		{`not: {equals: .nan}`, math.NaN()}, {`not: {less-than: 5}`, math.NaN()}, {`when: truthy`, true}, {`when: truthy`, 1}, {`when: truthy`, map[string]any{"a": 1}}, {`when: truthy`, odd{}},
		{`equals: {a: "${x}"}`, map[string]any{"a": "${x}"}}, {`equals: ["${x}"]`, []any{"${x}"}}, {`equals: {"${x}": 1}`, map[string]any{"${x}": 1}},
	} {
		if ok, err := compile(t, tt.text).Test(context.Background(), predicate.Subject{Value: tt.value}); !ok || err != nil {
			t.Errorf("%s of %#v: got %v, %v", tt.text, tt.value, ok, err)
		}
	}
}

func TestLongTextsCost(t *testing.T) {
	p := compile(t, `{any: [{regex: "(a|b|c){150}x.*"}, {size: 3000000}]}`)
	_, err := p.Test(context.Background(), predicate.Subject{Value: strings.Repeat("a", 3_000_000)})
	if fault.KindOf(err) != fault.Limit {
		t.Errorf("got %v, want a Limit fault", err)
	}
}
