package expr_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

const web = "entity web"

var evaluations = []struct {
	text string
	want any
}{
	// Brooklyn's grammar
	{`$brooklyn:config("n")`, int64(21)},
	{`$brooklyn:config( "n" )`, int64(21)},
	{`$brooklyn:config(n)`, int64(21)},
	{"$brooklyn:config(\n  \"n\")", int64(21)},
	{`$brooklyn:config("nope")`, nil},
	{`$brooklyn:config(config("key"))`, int64(21)},
	{`$brooklyn:config($brooklyn:config("key"))`, int64(21)},
	{`$brooklyn:config("$brooklyn:config(\"key\")")`, int64(21)},
	{`$brooklyn:formatString("%s%s", $brooklyn:config("host"), config("n"))`, "example.org21"},
	{`$brooklyn:formatString("\"%s\"", "a")`, `"a"`},
	{"$brooklyn:formatString(\"a\nb\\tc\\u00e9\")", "a\nb\tcé"},
	{`$brooklyn:config("list")[1]`, int64(20)},
	{`$brooklyn:config("list")[-1]`, "c"},
	{`$brooklyn:config("map")["a"][1]`, int64(2)},
	{`$brooklyn:config("map")["nope"]`, nil},
	{`$brooklyn:"text"`, "text"},
	{`$brooklyn:sensor("my.name")`, expr.Sensor{Name: "my.name"}},
	{`$brooklyn:sensor(my.name)`, expr.Sensor{Name: "my.name"}},
	{`$brooklyn:sensor("java.Class", "NAME")`, expr.Sensor{Name: "NAME", Class: "java.Class"}},
	{`$brooklyn:self().sensor("a")`, expr.Sensor{Name: "a"}},

	// entities
	{`$brooklyn:self()`, web},
	{`$brooklyn:component("db")`, "entity db"},
	{`$brooklyn:entity("db").config("port")`, int64(3306)},
	{`$brooklyn:component("SIBLING", "db")`, "entity db"},
	{`$brooklyn:component("this", "x")`, web},
	{`$brooklyn:component("scope_root", "x")`, "entity app"},
	{`$brooklyn:sibling("db").child("node")`, "entity node"},
	{`$brooklyn:root().descendant("node").ancestor("db")`, "entity db"},
	{`$brooklyn:parent()`, "entity app"},
	{`$brooklyn:parent().parent()`, nil},
	{`$brooklyn:root()`, "entity app"},
	{`$brooklyn:scopeRoot()`, "entity app"},
	{`$brooklyn:root().member("node").entityId()`, "node"},
	{`$brooklyn:application("db").getDisplayName()`, "Database"},
	{`$brooklyn:component(config("target")).config("port")`, int64(3306)},
	{`$brooklyn:component(config("dbEntity")).config("port")`, int64(3306)},
	{`$brooklyn:config("dbEntity").config("port")`, int64(3306)},
	{`$brooklyn:component("db").config(config("key"))`, nil},
	{`$brooklyn:attributeWhenReady("peer").attributeWhenReady("url")`, "mysql://db"},
	{`$brooklyn:config("entities")[1].entityId()`, "node"},
	{`$brooklyn:config("entities")`, []any{"entity db", "entity node"}},

	// values
	{`$brooklyn:urlEncode("a b&ü~*-_.")`, "a+b%26%C3%BC%7E*-_."},
	{`$brooklyn:urlEncode(config("n"))`, "21"},
	{`$brooklyn:regexReplacement("Broooklyn", "o+", "oo")`, "Brooklyn"},
	{`$brooklyn:regexReplacement("a.b.c", "\\.", "-")`, "a-b-c"},
	{`$brooklyn:regexReplacement("john smith", "(\\w+) (\\w+)", "$2-$1$1 \\$")`, "smith-johnjohn $"},
	{`$brooklyn:regexReplacement(config("nope"), "a", "b")`, nil},
	{`$brooklyn:function.regexReplacement("a", "b")`, expr.Replacement{Pattern: "a", With: "b"}},
	{`$brooklyn:literal("$brooklyn:foo()")`, "$brooklyn:foo()"},
	{`$brooklyn:object("a.Type")`, expr.Object{Kind: "object", Spec: map[string]any{"type": "a.Type"}}},
	{`$brooklyn:entitySpec({type: "a", n: [1, 2.5]})`, expr.Object{Kind: "entitySpec", Spec: map[string]any{"type": "a", "n": []any{int64(1), 2.5}}}},
	{`$brooklyn:template("${config['host']}:${ config[\"n\"] } ${x}$", {x: true})`, "example.org:21 true$"},
	{`$brooklyn:entity("db").template("${config['port']} ${attribute['url']}")`, "3306 mysql://db"},
	{`$brooklyn:template(config("host"))`, "example.org"},

	// expr-lang around it
	{`$brooklyn:config("n") * 2`, int64(42)},
	{`$brooklyn:config("n") / 2`, 10.5},
	{`$brooklyn:config("f") + config("n")`, 23.5},
	{`$brooklyn:component("db").config("user") + "@" + config("host")`, "scott@example.org"},
	{`$brooklyn:config("n") > 20 ? "big" : "small"`, "big"},
	{`$brooklyn:if config("yes") { "on" } else { "off" }`, "on"},
	{`$brooklyn:let x = config("n"); x + x`, int64(42)},
	{`$brooklyn:config("nope") ?? "none"`, "none"},
	{`$brooklyn:parent().parent() ?? self()`, web},
	{`$brooklyn:map(config("entities"), # ?? self())[0]`, "entity db"},
	{`$brooklyn:reduce(config("entities"), #, config("entities")[0])`, "entity node"},
	{`$brooklyn:config("nope")?.a.b`, nil},
	{`$brooklyn:config("map")?.a[0]`, int64(1)},
	{`$brooklyn:config("nope")?.getId()`, nil},
	{`$brooklyn:map(config("ports"), .port)`, []any{int64(80), int64(443)}},
	{`$brooklyn:filter(config("ports"), .name == "http")[0].port`, int64(80)},
	{`$brooklyn:config("ports") | map(.name) | join(",")`, "http,https"},
	{`$brooklyn:map(config("entities"), #.entityId())`, []any{"db", "node"}},
	{`$brooklyn:find(config("entities"), #.entityId() == "node")`, "entity node"},
	{`$brooklyn:sortBy(config("ports"), -.port)[0].name`, "https"},
	{`$brooklyn:groupBy(config("ports"), .port)`, map[string]any{
		"80":  []any{map[string]any{"name": "http", "port": int64(80)}},
		"443": []any{map[string]any{"name": "https", "port": int64(443)}},
	}},
	{`$brooklyn:sum(config("ports"), .port) + sum([1, 2]) + count([true, false])`, int64(527)},
	{`$brooklyn:all(1..3, # > 0) and any(1..3, # == 2) and none(1..3, # > 3) and one(1..3, # == 1)`, true},
	{`$brooklyn:reduce(1..4, #acc * #, 1)`, int64(24)},
	{`$brooklyn:[1, "a", config("n")]`, []any{int64(1), "a", int64(21)}},
	{`$brooklyn:{"a": config("n"), b: null}`, map[string]any{"a": int64(21), "b": nil}},
	{`$brooklyn:config("list") == [10, 20, "c"]`, true},
	{`$brooklyn:config("map") != {a: [1, 2.0], Name: "x"}`, false},
	{`$brooklyn:config("entities")[0] == component("db")`, true},
	{`$brooklyn:component("node") in config("entities")`, true},
	{`$brooklyn:"a" in config("map") and not ("b" in config("map"))`, true},
	{`$brooklyn:config("host") matches "^ex.*org$"`, true},
	{`$brooklyn:config("host") contains "ample" and config("host") startsWith "ex" and config("host") endsWith "org"`, true},
	{`$brooklyn:1 < config("n") < 22`, true},
	{`$brooklyn:config("host")[0:2] + config("host")[-3:]`, "exorg"},
	{`$brooklyn:"höst"[1]`, "ö"},
	{`$brooklyn:"höst"[1:3]`, "ös"},
	{`$brooklyn:config("list")[1:]`, []any{int64(20), "c"}},
	{`$brooklyn:1 /* one */ + 2 // it's three`, int64(3)},
	{"$brooklyn:`a\\``b`", "a\\`b"},
	{`$brooklyn:'it\'s' + "."`, "it's."},
}

func TestEval(t *testing.T) {
	for _, tc := range evaluations {
		got, _, err := eval(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		} else if got := named(got); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s = %#v, want %#v", tc.text, got, tc.want)
		}
	}
}

// named writes entities as text, also inside lists.
func named(v any) any {
	switch v := v.(type) {
	case expr.Entity:
		return "entity " + v.EntityID()
	case []any:
		for i := range v {
			v[i] = named(v[i])
		}
	}
	return v
}

// What expr-lang brings along works on values of the scope.
func TestBuiltins(t *testing.T) {
	for text, want := range map[string]any{
		`type(config("n")) + type(1.5) + type("a") + type(nil) + type([1]) + type({}) + type(self()) + type(true)`: "intfloatstringnilarraymapentitybool",
		`string([1, {a: null}, self()])`:                                                        "[1, {a=null}, web]",
		`len(config("list")) + len("höst") + len({a: 1})`:                                       int64(8),
		`get(config("map"), "nope") ?? get(config("list"), 9) ?? get(self(), "Secret") ?? "no"`: "no",
		`join([1, "a"], "-") + join(["b"])`:                                                     "1-ab",
		`repeat("ab", 2) + repeat("", 9)`:                                                       "abab",
		`replace("aaa", "a", "b") + replace("aaa", "a", "", 2)`:                                 "bbba",
		`split("a,b,c", ",", 2)`:                                                                []any{"a", "b,c"},
		`splitAfter("a,b", ",")`:                                                                []any{"a,", "b"},
		`toJSON({b: 1, a: [config("n")]})`:                                                      `{"a":[21],"b":1}`,
		`fromJSON("{\"a\": [1, 2.5, null]}").a`:                                                 []any{int64(1), 2.5, nil},
		`[first([1, 2]), last([1, 2]), first([])]`:                                              []any{int64(1), int64(2), nil},
		`take([1, 2, 3], 2)`:                                                                    []any{int64(1), int64(2)},
		`reverse(1..3)`:                                                                         []any{int64(3), int64(2), int64(1)},
		`concat([1], 2..3, config("list"))`:                                                     []any{int64(1), int64(2), int64(3), int64(10), int64(20), "c"},
		`flatten([1, [2, [3]]])`:                                                                []any{int64(1), int64(2), int64(3)},
		`uniq([1, 1.0, "1", 2])`:                                                                []any{int64(1), "1", int64(2)},
		`keys(config("map"))`:                                                                   []any{"Name", "a"},
		`values({b: 1, a: 2})`:                                                                  []any{int64(2), int64(1)},
		`toPairs({b: 1})`:                                                                       []any{[]any{"b", int64(1)}},
		`fromPairs([["a", 1], [2, 3]])`:                                                         map[string]any{"a": int64(1), "2": int64(3)},
		`sort([3, config("n"), 1], "desc")`:                                                     []any{int64(21), int64(3), int64(1)},
		`[abs(-1), ceil(1.2), floor(1.8), round(1.5), int("7"), float("1.5")]`:                  []any{int64(1), 2.0, 1.0, 2.0, int64(7), 1.5},
		`[max(1, config("n")), min([3, 2]), mean([1, 2]), median([1, 2, 9])]`:                   []any{int64(21), int64(2), 1.5, 2.0},
		`upper("a") + lower("B") + trim(" c ") + trimPrefix("-d", "-") + trimSuffix("e-", "-")`:     "Abcde",
		`[indexOf("abc", "c"), lastIndexOf("aa", "a"), hasPrefix("ab", "a"), hasSuffix("ab", "a")]`: []any{int64(2), int64(1), true, false},
		`fromBase64(toBase64("hi"))`: "hi",
		`[bitand(6, 3), bitor(6, 3), bitxor(6, 3), bitnand(6, 3), bitshl(1, 3), bitshr(8, 1), bitushr(8, 2), bitnot(0)]`: []any{int64(2), int64(7), int64(5), int64(4), int64(8), int64(4), int64(2), int64(-1)},
	} {
		got, _, err := eval("$brooklyn:" + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", text, got, want)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for _, tc := range []struct {
		text string
		kind fault.Kind
		want string
	}{
		{`$brooklyn:component("nope")`, fault.NotFound, `3:20: component("nope"): No entity matching id 'nope'`},
		{`$brooklyn:config("broken")`, fault.OnFire, `3:20: config("broken"): Abort due to db on-fire`},
		{`$brooklyn:formatString("%s", attributeWhenReady("x"))`, fault.Timeout, `3:39: attributeWhenReady("x"): Unsatisfied after 10ms: sensor x of Web`},
		{`$brooklyn:config("nope").getId()`, fault.Invalid, `3:35: config("nope").getId(): config("nope") evaluates to null`},
		{`$brooklyn:config("nope").config("x").y`, fault.Invalid, `3:35: config("nope").config("x"): config("nope") evaluates to null`},
		{`$brooklyn:parent().parent().config("x")`, fault.Invalid, `3:38: parent().parent().config("x"): parent().parent() evaluates to null`},
		{`$brooklyn:config("nope")["a"]`, fault.Invalid, `3:34: config("nope")["a"]: config("nope") evaluates to null`},
		{`$brooklyn:config("n").config("x")`, fault.Invalid, `3:32: config("n").config("x"): config("n") is a number; config is asked of an entity`},
		{`$brooklyn:config("dbEntity").Destroy()`, fault.Invalid, `3:39: config("dbEntity").Destroy(): No such function 'Destroy'`},
		{`$brooklyn:config("dbEntity").Secret`, fault.Invalid, `3:39: config("dbEntity").Secret: config("dbEntity") is an entity, which has no Secret`},
		{`$brooklyn:self()["Destroy"]`, fault.Invalid, `3:26: self()["Destroy"]: self() is an entity, which has no Destroy`},
		{`$brooklyn:map(config("entities"), .Secret)`, fault.Invalid, `3:45: .Secret: the element is an entity, which has no Secret`},
		{`$brooklyn:config("list")[3]`, fault.Invalid, `3:34: config("list")[3]: config("list") has 3 elements, none at 3`},
		{`$brooklyn:config("list").name`, fault.Invalid, `3:35: config("list").name: config("list") is a list, whose elements are numbered from 0, not name`},
		{`$brooklyn:config("host") + config("n")`, fault.Invalid, `3:35: $brooklyn:config("host") + config("n"): + joins two numbers or two texts, not text and a number`},
		{`$brooklyn:config("host") * 2`, fault.Invalid, `3:35: $brooklyn:config("host") * 2: invalid operation: string * int`},
		{`$brooklyn:config("n") ? 1 : 2`, fault.Invalid, `3:38: $brooklyn:config("n") ? 1 : 2: expected a boolean, not a number`},
		{`$brooklyn:not config("n")`, fault.Invalid, `3:20: $brooklyn:not config("n"): expected a boolean, not a number`},
		{`$brooklyn:map(config("n"), #)`, fault.Invalid, `3:20: $brooklyn:map(config("n"), #): map takes a list, not a number`},
		{`$brooklyn:upper(config("n"))`, fault.Invalid, `3:20: upper(config("n")): upper: expected text, not a number`},
		{`$brooklyn:config(config("list"))`, fault.Invalid, `3:20: config(config("list")): expected a config key as text, not a list`},
		{`$brooklyn:config(config("empty"))`, fault.Invalid, `3:20: config(config("empty")): expected a config key, not empty text`},
		{`$brooklyn:component(config("key"), "db")`, fault.Invalid, `3:20: component(config("key"), "db"): n is not a valid scope; expected global, child, parent, sibling, descendant, member, ancestor, root, scopeRoot or this`},
		{`$brooklyn:formatString("%d", config("host"))`, fault.Invalid, `3:20: formatString("%d", config("host")): format %d prints an integer, not text`},
		{`$brooklyn:attributeWhenReady("x", config("map"))`, fault.Invalid, `3:20: attributeWhenReady("x", config("map")): unknown option "Name"; expected one of timeout, timeout_if_down, timeout_if_on_fire, abort_if_on_fire, wait_for_truthy`},
		{`$brooklyn:template("${config['nope']}")`, fault.Invalid, `3:20: template("${config['nope']}"): ${config['nope']} evaluates to null`},
		{`$brooklyn:template("${foo()}")`, fault.Invalid, `3:20: template("${foo()}"): ${foo()} names nothing; expected config['KEY'], attribute['SENSOR'] or a substitution`},
		{`$brooklyn:config("n") / 0`, fault.Invalid, `3:10: $brooklyn:config("n") / 0: +Inf is not a number that a value can hold`},
		{`$brooklyn:config("n") % 0`, fault.Invalid, `3:32: $brooklyn:config("n") % 0: integer divide by zero`},
		{`$brooklyn:groupBy(config("ports"), #)`, fault.Invalid, `3:20: $brooklyn:groupBy(config("ports"), #): groupBy takes text, numbers or booleans as keys, not a map`},
		{`$brooklyn:config("$brooklyn:config(\"broken\")")`, fault.OnFire, `3:38: config("broken"): Abort due to db on-fire`},
	} {
		_, _, err := eval(tc.text)
		if err == nil || err.Error() != "app.yaml:"+tc.want {
			t.Errorf("%s\n got %v\nwant app.yaml:%s", tc.text, err, tc.want)
		} else if kind := fault.KindOf(err); kind != tc.kind {
			t.Errorf("%s: kind %s, want %s", tc.text, kind, tc.kind)
		}
		var e *expr.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s: %T is no *expr.Error", tc.text, err)
		}
	}
}

// A chain asks from left to right, and arguments before the call they are of.
func TestOrder(t *testing.T) {
	_, w, err := eval(`$brooklyn:formatString("%s %s %s", component(config("target")).config("port"), config("n"), root().config("n"))`)
	if err != nil {
		t.Fatal(err)
	}
	want := "config target of web, find component db of web, config port of db, config n of web, find root  of web, config n of app"
	if got := strings.Join(w.asked, ", "); got != want {
		t.Errorf("asked %s\nwant %s", got, want)
	}
	_, w, _ = eval(`$brooklyn:config("nope") == nil || config("n") > 3 ? config("host") : config("broken")`)
	if got := strings.Join(w.asked, ", "); got != "config nope of web, config host of web" {
		t.Errorf("asked %s", got)
	}
}

// Whoever gets a value may change it.
func TestResultIsOwned(t *testing.T) {
	w := newWorld()
	v := compile(t, map[string]any{"list": "$brooklyn:config(\"list\")", "map": "$brooklyn:config(\"map\")", "plain": []any{map[string]any{"a": "b"}}, "spec": map[string]any{"$brooklyn:entitySpec": map[string]any{"type": "x"}}})
	for range 2 {
		got, err := v.Eval(context.Background(), w)
		if err != nil {
			t.Fatal(err)
		}
		m := got.(map[string]any)
		if m["list"].([]any)[0] != int64(10) || m["map"].(map[string]any)["Name"] != "x" || m["plain"].([]any)[0].(map[string]any)["a"] != "b" ||
			m["spec"].(expr.Object).Spec.(map[string]any)["type"] != "x" {
			t.Fatalf("the result before shines through: %v", m)
		}
		m["list"].([]any)[0] = "changed"
		m["map"].(map[string]any)["Name"] = "changed"
		m["plain"].([]any)[0].(map[string]any)["a"] = "changed"
		m["spec"].(expr.Object).Spec.(map[string]any)["type"] = "changed"
	}
	plain := compile(t, []any{"a", map[string]any{"b": int64(1)}})
	one, _ := plain.Eval(context.Background(), nil)
	one.([]any)[1].(map[string]any)["b"] = "changed"
	if two, _ := plain.Eval(context.Background(), nil); two.([]any)[1].(map[string]any)["b"] != int64(1) {
		t.Error("a constant shines through")
	}
}

func compile(t testing.TB, v any) *expr.Value {
	t.Helper()
	out, err := expr.CompileAny(v, expr.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestConstant(t *testing.T) {
	for text, want := range map[string]bool{
		`plain $brooklyn:config("x")`:               true,
		`$brooklyn:formatString("%s", "myval")`:     true,
		`$brooklyn:1 + 2`:                           true,
		`$brooklyn:urlEncode(literal("a b"))`:       true,
		`$brooklyn:config("n")`:                     false,
		`$brooklyn:self()`:                          false,
		`$brooklyn:formatString("%s", config("n"))`: false,
		`$brooklyn:sum(1..3)`:                       false,
	} {
		if got := compile(t, text).Constant(); got != want {
			t.Errorf("%s: constant %v, want %v", text, got, want)
		}
	}
	if v := compile(t, map[string]any{"a": []any{"b", int64(1)}}); !v.Constant() {
		t.Error("a map without expressions is constant")
	}
}

func TestIsExpr(t *testing.T) {
	for _, tc := range []struct {
		v    any
		want bool
	}{
		{`$brooklyn:self()`, true}, {` $brooklyn:self()`, false}, {`x $brooklyn:self()`, false}, {nil, false}, {int64(1), false},
		{map[string]any{"$brooklyn:self": nil}, true}, {map[string]any{"self": nil}, false},
		{map[string]any{"$brooklyn:self": nil, "a": 1}, false}, {[]any{"$brooklyn:self()"}, false},
	} {
		if got := expr.IsExpr(tc.v); got != tc.want {
			t.Errorf("IsExpr(%v) = %v", tc.v, got)
		}
	}
}

func TestWithoutEntity(t *testing.T) {
	for _, v := range []any{`$brooklyn:config("n")`, map[string]any{"$brooklyn:config": "n"}} {
		_, err := compile(t, v).Eval(context.Background(), nil)
		if err == nil || !strings.HasSuffix(err.Error(), ": config is asked of an entity; here is none") || fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	}
	if got, err := compile(t, `$brooklyn:sum(1..3)`).Eval(context.Background(), nil); err != nil || got != int64(6) {
		t.Errorf("got %v, %v", got, err)
	}
}
