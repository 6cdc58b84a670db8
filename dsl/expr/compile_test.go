package expr_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestCompileErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		// Brooklyn's own words
		{`$brooklyn:self`, "3:20: Invalid function-only expression 'self'; a call is written self(...)"},
		{`$brooklyn:foo.bar`, "3:20: Invalid function-only expression 'foo'; text is written in quotes, and No such function 'foo'"},
		{`$brooklyn:self() x`, "3:27: Unexpected character at position 17: x"},
		{`$brooklyn:self())`, "3:26: Unexpected character at position 16: ) closes nothing"},
		{`$brooklyn:config("x"]`, "3:30: Unexpected character at position 20: ] where ) is expected"},
		{`$brooklyn:config("x"`, "3:26: Unexpected end of arguments to function 'config', no close parenthesis matching character at position 16"},
		{`$brooklyn:function.regexReplacement("x"`, "3:45: Unexpected end of arguments to function 'function.regexReplacement', no close parenthesis matching character at position 35"},
		{`$brooklyn:config("x")[1`, "3:31: Unexpected end of expression to parse, nothing closes [ at position 21"},
		{`$brooklyn:config("x`, "3:27: Unexpected end of expression to parse, looking for close quote since position 17"},
		{"$brooklyn:config(`x", "3:27: Unexpected end of expression to parse, looking for close quote since position 17"},
		{`$brooklyn:config("x\`, "3:27: Unexpected end of expression to parse, looking for close quote since position 17"},
		{`$brooklyn:config("a" "b")`, "3:31: Expected , before position 21"},
		{`$brooklyn:formatString("%s %s", config("a") config("b"))`, "3:54: Expected , before position 44"},
		{`$brooklyn:formatString("a", , "b")`, "3:38: Unexpected character at position 28: ,"},
		{`$brooklyn:`, "3:20: Unexpected end of expression to parse, looking for content since position 10"},
		{`$brooklyn:config("n") *`, "3:33: Unexpected end of expression to parse, looking for content since position 23"},
		{`$brooklyn:config("n") @ 2`, "3:32: Unexpected character at position 22: @"},

		// names and arguments
		{`$brooklyn:noSuchFunction("x")`, "3:20: No such function 'noSuchFunction'"},
		{`$brooklyn:confg("x")`, "3:20: No such function 'confg'; did you mean config?"},
		{`$brooklyn:Config("x")`, "3:20: No such function 'Config'; did you mean config?"},
		{`$brooklyn:self().confg("x")`, "3:27: No such function 'confg'; did you mean config?"},
		{`$brooklyn:component(config("x")).formatString("x")`, "3:43: No such function 'formatString'"},
		{`$brooklyn:function.regexReplacment("x")`, "3:20: No such function 'function.regexReplacment'; did you mean function.regexReplacement?"},
		{`$brooklyn:location(0, 1)`, "3:20: location takes 0 to 1 argument, not 2"},
		{`$brooklyn:external("a")`, "3:20: external takes 2 arguments, not 1"},
		{`$brooklyn:now()`, "3:20: No such function 'now'"},
		{`$brooklyn:$env`, "3:20: Invalid function-only expression '$env'; text is written in quotes, and No such function '$env'"},
		{`$brooklyn:$call($env)`, "3:20: No such function '$call'"},
		{`$brooklyn:let $env = 1; self()`, "3:24: the name of a variable starts with a letter, not $"},
		{`$brooklyn:let config = 1; config`, "3:24: let config hides the function of that name"},
		{`$brooklyn:let x = 1; x()`, "3:31: x is a variable, not a function"},
		{`$brooklyn:config()`, "3:20: config takes 1 argument, not 0"},
		{`$brooklyn:self().config("a", "b")`, "3:27: config takes 1 argument, not 2"},
		{`$brooklyn:parent("x")`, "3:20: parent takes 0 arguments, not 1"},
		{`$brooklyn:component()`, "3:20: component takes 1 to 2 arguments, not 0"},
		{`$brooklyn:formatString()`, "3:20: formatString takes at least 1 argument, not 0"},
		{`$brooklyn:len("a", "b")`, "3:20: len takes 1 argument, not 2"},
		{`$brooklyn:config(null)`, "3:27: expected a name as text, not null"},
		{`$brooklyn:config("")`, "3:27: expected a name, not empty text"},
		{`$brooklyn:component("bogus", "x")`, "3:30: bogus is not a valid scope; expected global, child, parent, sibling, descendant, member, ancestor, root, scopeRoot or this"},
		{`$brooklyn:attributeWhenReady("x", {timeouts: 1})`, `3:44: unknown option "timeouts"; did you mean timeout?`},
		{`$brooklyn:attributeWhenReady("x", {timeout: "soon"})`, `3:44: option timeout: cannot read "soon" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{`$brooklyn:attributeWhenReady("x", {timeout: "-5s"})`, "3:44: option timeout: a wait cannot be negative"},
		{`$brooklyn:attributeWhenReady("x", {wait_for_truthy: "maybe"})`, "3:44: option wait_for_truthy: expected true or false, not maybe"},
		{`$brooklyn:attributeWhenReady("x", "5s")`, "3:44: the options are a map, not text"},
		{`$brooklyn:regexReplacement(config("x"), "a(", "b")`, "3:50: invalid regular expression: missing closing ): `a(`"},
		{`$brooklyn:regexReplacement(config("x"), "a", "$1")`, "3:55: the replacement names group 1; the pattern has 0"},
		{`$brooklyn:regexReplacement(config("x"), "a", "$x")`, `3:55: $ in a replacement stands before the number of a group; write \$ for the character`},
		{`$brooklyn:regexReplacement("a", "\d", "b")`, `3:43: unknown escape \d in quotes; a backslash is written \\`},
		{`$brooklyn:formatString("%q", config("x"))`, "3:33: format %q is unknown; expected one of %s %d %x %o %f %e %g %b %c %n %%"},
		{`$brooklyn:formatString("%s %s", config("x"))`, "3:33: format %s has no argument"},
		{`$brooklyn:formatString("%d", "a")`, `3:20: format %d prints an integer, not text`},
		{`$brooklyn:config("x") matches "("`, "3:40: invalid regular expression: missing closing ): `(`"},
		{`$brooklyn:object([1])`, "3:20: object is described by a map or by the name of a type, not a list"},

		// expr-lang's
		{`$brooklyn:1 + "a"`, "3:22: invalid operation: + (mismatched types int and string)"},
		{`$brooklyn:b"abc"`, "3:20: bytes are not a value; write a text without b before it"},
		{`$brooklyn:1 /* 2`, "3:22: comment is not closed, expected */"},
		{`$brooklyn:99999999999999999999`, `3:39: invalid integer literal: strconv.ParseInt: parsing "99999999999999999999": value out of range`},
		{`$brooklyn:map([1], #acc)`, "3:29: unknown pointer #acc"},
		{`$brooklyn:5 % 0`, "3:22: integer divide by zero"},

		// an expression in the quotes of another, and several problems at once
		{`$brooklyn:formatString("%s", "$brooklyn:confg(\"key\")")`, "3:50: No such function 'confg'; did you mean config?"},
		{`$brooklyn:formatString("%s", "$brooklyn:config(\"a\" \"b\")")`, "3:63: Expected , before position 21"},
		{`$brooklyn:formatString("%s%s", foo(), bar())`, "3:41: No such function 'foo'\napp.yaml:3:48: No such function 'bar'"},
	} {
		_, err := expr.Compile(scalar(tc.text), expr.Limits{})
		if err == nil || err.Error() != "app.yaml:"+strings.TrimPrefix(tc.want, "app.yaml:") {
			t.Errorf("%s\n got %v\nwant app.yaml:%s", tc.text, err, tc.want)
		}
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: kind %s", tc.text, fault.KindOf(err))
		}
	}
}

// A text that only holds the prefix is text.
func TestText(t *testing.T) {
	for _, text := range []string{"", "plain", `x $brooklyn:config("a"`, ` $brooklyn:config(`, "let x = $brooklyn:self()", "$brooklyn"} {
		if got, _, err := eval(text); err != nil || got != text {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
}

// Without places an error shows the expression.
func TestErrorsAfterRestart(t *testing.T) {
	_, err := expr.CompileAny(map[string]any{"a": []any{`$brooklyn:confg("x")`}}, expr.Limits{})
	if want := `No such function 'confg'; did you mean config? in $brooklyn:confg("x")`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = compile(t, `$brooklyn:config("broken")`).Eval(context.Background(), newWorld())
	if want := `config("broken"): Abort due to db on-fire`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func document(t testing.TB, text string) *yamlpos.Node {
	t.Helper()
	n, err := yamlpos.Parse("app.yaml", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMapForm(t *testing.T) {
	for _, tc := range []struct {
		text string
		want any
	}{
		{"$brooklyn:config: n", int64(21)},
		{"$brooklyn:config: [n]", int64(21)},
		{"$brooklyn:config: $brooklyn:config(\"key\")", int64(21)},
		{"$brooklyn:config: {$brooklyn:config: key}", int64(21)},
		{"$brooklyn:formatString: ['%s-%s', '$brooklyn:config(\"host\")', v2]", "example.org-v2"},
		{"$brooklyn:formatString: ['%d', 8080]", "8080"},
		{"$brooklyn:self:", "entity web"},
		{"$brooklyn:root: []", "entity app"},
		{"$brooklyn:component: [sibling, db]", "entity db"},
		{"$brooklyn:sensor: [java.Class, NAME]", expr.Sensor{Name: "NAME", Class: "java.Class"}},
		{"$brooklyn:literal: $brooklyn:foo()", "$brooklyn:foo()"},
		{"$brooklyn:literal: {a: '$brooklyn:foo('}", map[string]any{"a": "$brooklyn:foo("}},
		{"$brooklyn:entitySpec: {type: x, brooklyn.config: {a: '$brooklyn:config(\"n\")'}}",
			expr.Object{Kind: "entitySpec", Spec: map[string]any{"type": "x", "brooklyn.config": map[string]any{"a": `$brooklyn:config("n")`}}}},
		{"$brooklyn:object: a.Type", expr.Object{Kind: "object", Spec: map[string]any{"type": "a.Type"}}},
		{"$brooklyn:function.regexReplacement: [a, b]", expr.Replacement{Pattern: "a", With: "b"}},
		{"$brooklyn:join: [[a, b], '-']", "a-b"},
		{"$brooklyn:component(\"db\").config: port", int64(3306)},
		{"$brooklyn:chain: ['$brooklyn:entity(\"db\")', {attributeWhenReady: [url, {timeout: 5s}]}]", "mysql://db"},
		{"$brooklyn:chain: ['entity(\"db\")', {config: port}]", nil},
		{"$brooklyn:chain: ['$brooklyn:root()', 'descendant(\"node\")', 'ancestor(\"db\").config(\"port\")']", int64(3306)},
		{"$brooklyn:chain: [{$brooklyn:config: map}, '[\"a\"]', '[1]']", int64(2)},
		{"$brooklyn:chain: [{$brooklyn:config: list}, '[0]']", int64(10)},
		{"$brooklyn:chain: [{$brooklyn:self: }, {$brooklyn:config: n}]", int64(21)},
		{"{a: {$brooklyn:config: n}, b: ['$brooklyn:config(\"host\")', c]}", map[string]any{"a": int64(21), "b": []any{"example.org", "c"}}},
		{"a: >\n  $brooklyn:formatString(\n    \"%s/%s\",\n    config(\"n\"), 2)\n", map[string]any{"a": "21/2"}},
		{"a: |\n  $brooklyn:formatString(\n    \"%s/%s\",\n    config(\"n\"), 2)\n", map[string]any{"a": "21/2"}},
		{"a: \"$brooklyn:formatString(\\\"%s\\\", \\\"x\\\")\"", map[string]any{"a": "x"}},
	} {
		v, err := expr.Compile(document(t, tc.text), expr.Limits{})
		if err != nil {
			if tc.want != nil {
				t.Errorf("%s: %v", tc.text, err)
			}
			continue
		}
		got, err := v.Eval(context.Background(), newWorld())
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		} else if got := named(got); tc.want != nil && !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s = %#v, want %#v", tc.text, got, tc.want)
		}
		// After a restart the same language comes from plain values.
		again, err := compile(t, document(t, tc.text).Any()).Eval(context.Background(), newWorld())
		if err != nil || !reflect.DeepEqual(named(again), named(got)) {
			t.Errorf("%s: plain gives %v, %v", tc.text, again, err)
		}
	}
}

func TestMapFormErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"{$brooklyn:config: source, other: 1}", "1:2: Map-entry DSL syntax only supported with single item in map; this one has 2"},
		{"a:\n  other: 1\n  $brooklyn:config: source", "3:3: Map-entry DSL syntax only supported with single item in map; this one has 2"},
		{"$brooklyn:config(\"x\"): 1", "1:11: Invalid map key function config(\"x\"); should not have arguments if taking arguments from map"},
		{"$brooklyn:confg: x", "1:11: No such function 'confg'; did you mean config?"},
		{"$brooklyn:filter: [a]", "1:11: filter takes a predicate, which only text can hold"},
		{"$brooklyn:config: [a, b]", "1:11: config takes 1 argument, not 2"},
		{"$brooklyn:config:", "1:11: config takes 1 argument, not 0"},
		{"$brooklyn:component: [bogus, x]", "1:23: bogus is not a valid scope; expected global, child, parent, sibling, descendant, member, ancestor, root, scopeRoot or this"},
		{"$brooklyn:formatString: ['%s', '$brooklyn:foo()']", "1:43: No such function 'foo'"},
		{"$brooklyn:formatString: ['%d', a]", `1:11: format %d prints an integer, not text`},
		{"$brooklyn:entitySpec: {type: x, c: '$brooklyn:foo()'}", "1:47: No such function 'foo'"},
		{"$brooklyn:entitySpec: [a, b]", "1:11: entitySpec takes 1 argument, not 2"},
		{"$brooklyn:attributeWhenReady: [a, {timeot: 1}]", `1:35: unknown option "timeot"; did you mean timeout?`},
		{"$brooklyn:chain: []", "1:11: chain takes a list of functions, of which the first is an expression"},
		{"$brooklyn:chain: [[a], {config: x}]", "1:19: the first link of a chain is an expression"},
		{"$brooklyn:chain: ['$brooklyn:self()', [a]]", "1:39: a link of a chain is a call, as text or as {function: arguments}"},
		{"$brooklyn:chain: ['$brooklyn:self()', {confg: a}]", "1:40: No such function 'confg'; did you mean config?"},
		{"$brooklyn:chain: ['$brooklyn:self()', 'confg(\"a\")']", "1:40: No such function 'confg'; did you mean config?"},
		{"$brooklyn:chain: ['$brooklyn:nope()', {config: a}]", "1:30: No such function 'nope'"},
		{"a: >\n  $brooklyn:foo()\n", "2:11: No such function 'foo'"},
		{"a: |\n  $brooklyn:formatString(\"%s\",\n  foo())\n", "3:1: No such function 'foo'"},
		{"a: '$brooklyn:foo()'", "1:15: No such function 'foo'"},
		{"a: $brooklyn:foo()\nb: [$brooklyn:bar()]", "1:14: No such function 'foo'\napp.yaml:2:15: No such function 'bar'"},
	} {
		_, err := expr.Compile(document(t, tc.text), expr.Limits{})
		if err == nil || err.Error() != "app.yaml:"+tc.want {
			t.Errorf("%s\n got %v\nwant app.yaml:%s", tc.text, err, tc.want)
		}
	}
}

func TestMapFormEvalErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"$brooklyn:config: broken", `1:11: config: Abort due to db on-fire`},
		{"$brooklyn:chain: ['$brooklyn:config(\"nope\")', {getId: []}]", `1:48: getId: $brooklyn:config("nope") evaluates to null`},
		{"$brooklyn:chain: ['$brooklyn:config(\"nope\")', 'getId()']", `1:48: $brooklyn:config("nope").getId(): $brooklyn:config("nope") evaluates to null`},
		{"$brooklyn:chain: ['$brooklyn:config(\"n\")', {foo: a}]", `1:45: foo: No such function 'foo'`},
		{"{a: 1, b: {c: ['$brooklyn:component(\"x\")']}}", `1:27: component("x"): No entity matching id 'x'`},
	} {
		v, err := expr.Compile(document(t, tc.text), expr.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if _, err = v.Eval(context.Background(), newWorld()); err == nil || err.Error() != "app.yaml:"+tc.want {
			t.Errorf("%s\n got %v\nwant app.yaml:%s", tc.text, err, tc.want)
		}
	}
}

func TestWaitOptions(t *testing.T) {
	d := func(v time.Duration) *time.Duration { return &v }
	std := expr.DefaultWait()
	for _, tc := range []struct {
		text string
		want expr.WaitOptions
	}{
		{`$brooklyn:attributeWhenReady("peer")`, std},
		{`$brooklyn:attributeWhenReady("peer", {})`, std},
		{`$brooklyn:attributeWhenReady("peer", {timeout: "5s"})`, expr.WaitOptions{Timeout: d(5 * time.Second), TimeoutIfDown: std.TimeoutIfDown, AbortIfOnFire: true, WaitForTruthy: true}},
		{`$brooklyn:attributeWhenReady("peer", {timeout: 0, timeout_if_on_fire: 1500})`, expr.WaitOptions{Timeout: d(0), TimeoutIfDown: std.TimeoutIfDown, TimeoutIfOnFire: d(1500 * time.Millisecond), AbortIfOnFire: true, WaitForTruthy: true}},
		{`$brooklyn:attributeWhenReady("peer", {timeout: "1m 30s", timeout_if_down: "forever", abort_if_on_fire: false, wait_for_truthy: "false"})`, expr.WaitOptions{Timeout: d(90 * time.Second)}},
		{`$brooklyn:attributeWhenReady("peer", {timeout: "2 minutes", timeout_if_down: "1 day"})`, expr.WaitOptions{Timeout: d(2 * time.Minute), TimeoutIfDown: d(24 * time.Hour), AbortIfOnFire: true, WaitForTruthy: true}},
		{`$brooklyn:attributeWhenReadyAllowingOnFire("peer")`, expr.WaitOptions{TimeoutIfDown: std.TimeoutIfDown, WaitForTruthy: true}},
		{`$brooklyn:attributeWhenReady(sensor("peer"))`, std},
	} {
		_, w, err := eval(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		} else if !reflect.DeepEqual(w.waits, []expr.WaitOptions{tc.want}) {
			t.Errorf("%s waits %+v", tc.text, w.waits)
		}
	}
}

func TestRefs(t *testing.T) {
	text := `a: $brooklyn:component("db").config("port")
b: [$brooklyn:config(config("key")), $brooklyn:parent().attributeWhenReady("up")]
c: {$brooklyn:component: [sibling, db2]}
d: $brooklyn:component(config("target")).config("x")
e: {$brooklyn:chain: [$brooklyn:child("c1"), {config: k}]}
f: {$brooklyn:entitySpec: {c: $brooklyn:component("inner")}}
`
	v, err := expr.Compile(document(t, text), expr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range v.Refs() {
		line := r.Pos.String() + " " + []string{"entity " + r.How.String(), "config", "sensor"}[r.Kind] + " " + r.Name
		for of := r.Of; of != nil; of = of.Of {
			line += " of " + of.How.String() + " " + of.Name
		}
		if r.Deferred {
			line += " deferred"
		}
		got = append(got, line)
	}
	want := []string{
		"app.yaml:1:24 entity component db",
		"app.yaml:1:37 config port of component db",
		"app.yaml:2:29 config key",
		"app.yaml:2:76 sensor up of parent ",
		"app.yaml:3:36 entity sibling db2",
		"app.yaml:4:31 config target",
		"app.yaml:4:49 config x deferred",
		"app.yaml:5:39 entity child c1",
		"app.yaml:5:55 config k of child c1",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("refs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Values of the language write themselves so that they can be read again.
func TestJSON(t *testing.T) {
	for _, v := range []any{
		expr.Object{Kind: "entitySpec", Spec: map[string]any{"type": "x"}},
		expr.Sensor{Name: "a"},
		expr.Sensor{Name: "a", Class: "b"},
		expr.Replacement{Pattern: "a", With: "b"},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatal(err)
		}
		got, err := compile(t, plain).Eval(context.Background(), nil)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s = %#v, %v", text, got, err)
		}
	}
}

func TestReplacementApply(t *testing.T) {
	got, err := expr.Replacement{Pattern: "(a)b", With: "$1"}.Apply(context.Background(), "abab", expr.Limits{})
	if err != nil || got != "aa" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = expr.Replacement{Pattern: "a", With: strings.Repeat("b", 100)}.Apply(context.Background(), strings.Repeat("a", 1000), expr.Limits{})
	if fault.KindOf(err) != fault.Limit {
		t.Errorf("got %v, want a limit", err)
	}
}
