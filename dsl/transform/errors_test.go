package transform_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestApplyErrors(t *testing.T) {
	for _, c := range []struct {
		ops  string
		v    any
		want string
		kind fault.Kind
	}{
		{"trimm", "", `app.yaml:2:3: trimm: there is no such operator; did you mean "trim"?`, fault.NotFound},
		{"trim | nothing", "", "app.yaml:2:10: nothing: there is no such operator", fault.NotFound},
		{"replace regex ${bad} x", "a", "app.yaml:2:3: replace: invalid regular expression: missing closing ): `(`", fault.Invalid},
		{"replace a ${nope}", "a", "app.yaml:2:3: replace: invalid reference: nope is not defined", fault.NotFound},
		{"replace a ${l}", "a", "app.yaml:2:3: replace: ${l} is a list, expected text", fault.Invalid},
		{"replace a b", list{}, "app.yaml:2:3: replace: it takes a text, not a list", fault.Invalid},
		{"append x", nil, "app.yaml:2:3: append: it takes a list or a text, not null", fault.Invalid},
		{"append ${m}", "a", "app.yaml:2:3: append: what is added to a text is a text, not a map", fault.Invalid},
		{"join", list{"a", nil}, "app.yaml:2:3: join: item 1 of the list is null, expected text", fault.Invalid},
		{"join", "a", "app.yaml:2:3: join: it takes a list, not a text", fault.Invalid},
		{"split ,", int64(1), "app.yaml:2:3: split: it takes a text, not a number", fault.Invalid},
		{"split limit ${a} ,", "a", `app.yaml:2:3: split: limit "b" is no whole number`, fault.Invalid},
		{"split limit 0 ,", "a", "app.yaml:2:3: split: limit 0 is less than one", fault.Invalid},
		{"slice 4", list{"a"}, "app.yaml:2:3: slice: invalid start index 4: the size is 1", fault.Invalid},
		{"slice 0 ${far}", "abc", "app.yaml:2:3: slice: invalid end index 7: the size is 3", fault.Invalid},
		{"slice -1 0", "abc", "app.yaml:2:3: slice: invalid end index 0: it is before the start index 2", fault.Invalid},
		{"slice 0", table{}, "app.yaml:2:3: slice: it takes a list or a text, not a map", fault.Invalid},
		{"remove 1", list{"a"}, "app.yaml:2:3: remove: invalid index 1: the size is 1", fault.Invalid},
		{"remove x", list{"a"}, `app.yaml:2:3: remove: index "x" is no whole number`, fault.Invalid},
		{"remove x", "a", "app.yaml:2:3: remove: it takes a map or a list, not a text", fault.Invalid},
		{"first", "a", "app.yaml:2:3: first: it takes a list, not a text", fault.Invalid},
		{"size", "a", "app.yaml:2:3: size: it takes a list or a map, not a text", fault.Invalid},
		{"max", list{true, false}, "app.yaml:2:3: max: item 0 of the list: it is a boolean, which has no order", fault.Invalid},
		{"min", list{int64(1), "x"}, `app.yaml:2:3: min: item 1 of the list: cannot read "x" as double`, fault.Invalid},
		{"sum", list{"x"}, `app.yaml:2:3: sum: item 0 of the list: cannot read "x" as double`, fault.Invalid},
		{"sum", list{nil}, `app.yaml:2:3: sum: item 0 of the list: cannot read null as a number`, fault.Invalid},
		{"average", list{}, "app.yaml:2:3: average: the list is empty", fault.Invalid},
		{"to_upper_case", list{}, "app.yaml:2:3: to_upper_case: it takes a text, not a list", fault.Invalid},
		{"get x", table{}, "app.yaml:2:3: get: invalid reference: x is not defined", fault.NotFound},
		{"get 2", list{"a"}, "app.yaml:2:3: get: invalid reference: [2] of a list of size 1 is not defined", fault.NotFound},
		{"get x", list{"a"}, `app.yaml:2:3: get: "x" is no index of a list`, fault.Invalid},
		{"get x", "a", "app.yaml:2:3: get: x of a text: it takes a map or a list", fault.Invalid},
		{"json", "{", `app.yaml:2:3: json: "{" is no JSON: unexpected EOF`, fault.Invalid},
		{"json", "", "app.yaml:2:3: json: the text is empty, expected JSON", fault.Invalid},
		{"json", "1 2", `app.yaml:2:3: json: "1 2" is no JSON: there is more behind the first value`, fault.Invalid},
		{"json", strings.Repeat("[", 200) + strings.Repeat("]", 200), "app.yaml:2:3: json: limit Depth of 100 lists and maps inside each other exceeded", fault.Limit},
		{"yaml", "a: b: c", `app.yaml:2:3: yaml: "a: b: c" is no YAML: 1:5: a map cannot begin here; put text that holds ": " in quotes, or correct the indentation`, fault.Invalid},
		{"set entity", "a", "app.yaml:2:3: set: entity is no variable", fault.Invalid},
		{"type integer", "x", `app.yaml:2:3: type: cannot read "x" as integer`, fault.Invalid},
		{"merge", "a", "app.yaml:2:3: merge: it takes several values, not a text", fault.Invalid},
		{"merge", list{list{}, table{}}, "app.yaml:2:3: merge: there are lists and maps", fault.Invalid},
		{"merge", list{list{}, int64(1)}, "app.yaml:2:3: merge: value 1: it is a number, expected a list or a map; lax ignores it", fault.Invalid},
		{"merge map", list{list{}}, "app.yaml:2:3: merge: value 0: it is a list, expected a map", fault.Invalid},
		{"merge list deep", list{list{}}, "app.yaml:2:3: merge: value 0: deep applies to maps, and it is a list", fault.Invalid},
	} {
		_, _, err := apply(c.ops, c.v)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind {
			t.Errorf("%#v | %s gave %v (%v)\nwant %s (%v)", c.v, c.ops, err, fault.KindOf(err), c.want, c.kind)
		}
	}
	_, _, err := apply("get x", table{})
	if !expr.IsMissing(err) {
		t.Errorf("a missing key gave %v, which is not a missing reference", err)
	}
}

func TestCompileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "app.yaml:2:3: expected an operator, such as trim or to_string",
		"trim |":                  "app.yaml:2:9: expected an operator, such as trim or to_string",
		"trim || trim":            "app.yaml:2:9: expected an operator, such as trim or to_string",
		"first 1":                 "app.yaml:2:3: first does not accept args, not even 1",
		"replace a":               "app.yaml:2:3: replace takes [all] [regex|glob|literal] PATTERN REPLACEMENT",
		"replace a b c":           "app.yaml:2:3: replace takes [all] [regex|glob|literal] PATTERN REPLACEMENT",
		"replace regex glob a b":  "app.yaml:2:3: replace takes regex or glob, not both",
		"replace regex ( b":       "app.yaml:2:17: replace (: invalid regular expression: missing closing ): `(`",
		"replace regex a $1":      "app.yaml:2:17: replace a: the replacement names group 1; the pattern has 0",
		"replace glob [a b":       `app.yaml:2:16: replace [a: glob "[a": "[" without a class and its "]"`,
		"append":                  "app.yaml:2:3: append takes one argument, what to add, not 0",
		"prepend a b":             "app.yaml:2:3: prepend takes one argument, what to add, not 2",
		"join a b":                "app.yaml:2:3: join takes one separator at most, not 2 arguments",
		"split":                   "app.yaml:2:3: split takes [limit N] [keep_delimiters] [literal|regex] DELIMITER",
		"split a b":               "app.yaml:2:3: split takes [limit N] [keep_delimiters] [literal|regex] DELIMITER",
		"split limit x ,":         `app.yaml:2:15: split takes a whole number as limit, not "x"`,
		"split literal regex a":   "app.yaml:2:3: split takes literal or regex, not both",
		"split regex (":           "app.yaml:2:15: split (: invalid regular expression: missing closing ): `(`",
		"slice":                   "app.yaml:2:3: slice takes START [END], not 0 arguments",
		"slice x":                 `app.yaml:2:9: slice takes a whole number as start, not "x"`,
		"remove":                  "app.yaml:2:3: remove takes one argument, the key of a map or the index of a list, not 0",
		"merge lists":             `app.yaml:2:9: merge does not know the word "lists"; did you mean "list"?`,
		"merge map list":          "app.yaml:2:3: merge takes map or list, not both",
		"json strin":              `app.yaml:2:8: json does not know the word "strin"; did you mean "string"?`,
		"json parse encode":       "app.yaml:2:3: json takes parse or encode, not both",
		"yaml parse string":       "app.yaml:2:3: yaml takes parse or string, not both",
		"bash parse":              `app.yaml:2:8: bash does not know the word "parse"`,
		"type":                    "app.yaml:2:3: type takes the name of a type",
		"set":                     "app.yaml:2:3: set takes one argument, the name of a variable, not 0",
		"get a b":                 "app.yaml:2:3: get takes one place at most, such as .key or [0], not 2 arguments",
		"get a..b":                "app.yaml:2:7: get a..b: expected a key behind the dot",
		"get [0":                  `app.yaml:2:7: get [0: expected [INDEX] or ["KEY"]`,
		"append ${a":              "app.yaml:2:10: ${ is not closed, expected }",
		"${a} x":                  "app.yaml:2:3: an operator is a plain word, not ${a}",
		"first 1 | slice":         "app.yaml:2:3: first does not accept args, not even 1\napp.yaml:2:13: slice takes START [END], not 0 arguments",
		"append ${a[\"}\"]} | xx": "",
	} {
		_, err := compile(text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s gave\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestLists(t *testing.T) {
	n, err := yamlpos.Parse("t.yaml", []byte("- sum\n- to_string | append '|'\n"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := transform.Compile(n)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := p.Apply(context.Background(), list{int64(1), int64(2)}, newHost()); got != "3|" || err != nil {
		t.Errorf("gave %v, %v", got, err)
	}
	for text, want := range map[string]string{
		"- trim\n- {a: 1}":  "t.yaml:2:3: expected operators, such as trim or to_string, in a text or a list of texts",
		"[]":                "t.yaml:1:1: expected operators, such as trim or to_string, in a text or a list of texts",
		"12":                "t.yaml:1:1: expected operators, such as trim or to_string, in a text or a list of texts",
		"- trim\n- first x": "t.yaml:2:3: first does not accept args, not even x",
		"a: b":              "t.yaml:1:1: expected operators, such as trim or to_string, in a text or a list of texts",
		"'trim | first x'":  "t.yaml:1:9: first does not accept args, not even x",
	} {
		n, err := yamlpos.Parse("t.yaml", []byte(text), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transform.Compile(n); err == nil || err.Error() != want {
			t.Errorf("%s gave %v, want %s", text, err, want)
		}
	}
	if _, err := transform.Compile(nil); err == nil || err.Error() != "expected operators, such as trim or to_string" {
		t.Errorf("nothing gave %v", err)
	}
}
