package yamlpos_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

func TestParseScalars(t *testing.T) {
	for _, tt := range []struct {
		text string
		want any
	}{
		{"", nil}, {"# nothing\n", nil}, {"---\n", nil}, {"~", nil}, {"null", nil},
		{"abc", "abc"}, {"'1'", "1"}, {`"a\tb"`, "a\tb"}, {"|\n a\n b\n", "a\nb\n"}, {">\n a\n b\n", "a b\n"},
		{"true", true}, {"False", false}, {"yes", "yes"}, {"on", "on"}, {"y", "y"},
		{"1", int64(1)}, {"-7", int64(-7)}, {"+3", int64(3)}, {"1_000", int64(1000)}, {"-0", int64(0)}, {"-0.0", 0.0},
		{"0x1F", int64(31)}, {"0o17", int64(15)}, {"0b11", int64(3)},
		{"0644", int64(420)}, {"08", "08"}, {"0189", "0189"},
		{"9223372036854775807", int64(9223372036854775807)},
		{"9223372036854775808", 9223372036854775808.0}, {"-800000000000000000000", -8e20}, {"9223372036854775809", "9223372036854775809"}, {"18446744073709551615", "18446744073709551615"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.5", 1.5}, {"1e3", 1000.0}, {".5", 0.5}, {"3.0", 3.0}, {"1e999", "1e999"}, {".inf", ".inf"}, {"-.Inf", "-.Inf"}, {".nan", ".nan"},
		{"2026-12-01", "2026-12-01"}, {"2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"}, {"1:30", "1:30"}, {"1.2.3", "1.2.3"},
		{"!!str 5", "5"}, {"!!int 5", int64(5)}, {"!!float 5", 5.0}, {"!!bool true", true}, {"!!null ~", nil}, {"! 5", "5"}, {"!!int '5'", int64(5)},
		{"!!timestamp 2026-12-01", "2026-12-01"},
		{`$brooklyn:entity("x")`, `$brooklyn:entity("x")`}, {"docker:redis:3", "docker:redis:3"}, {"8080+", "8080+"},
		{`{"a": [1, "x", null, true]}`, map[string]any{"a": []any{int64(1), "x", nil, true}}},
		{"80: 9090\ntrue: x\n1.10: y\nnull: z", map[string]any{"80": int64(9090), "true": "x", "1.10": "y", "null": "z"}},
		{"'': x", map[string]any{"": "x"}},
		{"a: &x {b: 1}\nc: *x", map[string]any{"a": map[string]any{"b": int64(1)}, "c": map[string]any{"b": int64(1)}}},
		{"a: &x k\n*x : 1", map[string]any{"a": "k", "k": int64(1)}},
		{"&x k: 1\nb: *x", map[string]any{"b": "k", "k": int64(1)}},
		{"!!map {a: !!seq [1]}", map[string]any{"a": []any{int64(1)}}},
		{"\ufeffa: 1", map[string]any{"a": int64(1)}},
	} {
		node, err := yamlpos.Parse("f", []byte(tt.text), yamlpos.Limits{})
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.text, err)
		} else if got := node.Any(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Parse(%q) = %#v, want %#v", tt.text, got, tt.want)
		}
	}
}

func TestParseMergeKeys(t *testing.T) {
	const base = "b: &b {x: 1, y: 2}\nc: &c {y: 3, z: 4}\n"
	for _, tt := range []struct{ text, want string }{
		{"r: {<<: *b, y: 9}", "y=9 x=1"},
		{"r: {y: 9, <<: *b}", "y=9 x=1"},
		{"r: {<<: [*b, *c]}", "x=1 y=2 z=4"},
		{"r: {<<: {q: 1}}", "q=1"},
		{"r: {<<: }", ""},
		{`r: {"<<": 1}`, "<<=1"},
	} {
		node, err := yamlpos.Parse("f", []byte(base+tt.text), yamlpos.Limits{})
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var got []string
		for _, e := range node.Get("r").Entries {
			got = append(got, fmt.Sprint(e.Key, "=", e.Value.Any()))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s gave %q, want %q", tt.text, s, tt.want)
		}
	}
}

func TestParsePositions(t *testing.T) {
	const text = "name: x\nservices:\n- type: \"redis\"\n  ports: [80, 443]\n  text: |\n    a\n  name: größe\n  é: &a v\n  al: *a\n"
	node, err := yamlpos.Parse("app.yaml", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	service := node.Get("services").Items[0]
	for _, tt := range []struct {
		name string
		pos  yamlpos.Pos
		want string
	}{
		{"root", node.Pos, "app.yaml:1:1"},
		{"services", node.Get("services").Pos, "app.yaml:3:1"},
		{"services key", node.Entries[1].KeyPos, "app.yaml:2:1"},
		{"service", service.Pos, "app.yaml:3:3"},
		{"type", service.Get("type").Pos, "app.yaml:3:9"},
		{"second port", service.Get("ports").Items[1].Pos, "app.yaml:4:15"},
		{"block", service.Get("text").Pos, "app.yaml:5:9"},
		{"value after é", service.Get("é").Pos, "app.yaml:8:6"},
		{"alias is where it was written", service.Get("al").Pos, "app.yaml:8:6"},
	} {
		if got := tt.pos.String(); got != tt.want {
			t.Errorf("%s stands at %s, want %s", tt.name, got, tt.want)
		}
	}
	if n := service.Get("type"); !n.Quoted {
		t.Error("a quoted scalar does not say so")
	}
}

func TestParseKeepsText(t *testing.T) {
	node, err := yamlpos.Parse("", []byte("a: 3.10\nb: 0x1F\nc: '3.10'\nd: true\ne:\nf: &x 1.0\ng: *x"), yamlpos.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "3.10", "b": "0x1F", "c": "3.10", "d": "true", "e": "", "f": "1.0", "g": "1.0"} {
		if got := node.Get(key).Text; got != want {
			t.Errorf("text of %s = %q, want %q", key, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a: 1\nb: 2\na: 3", `f:3:1: key "a" is already set at f:1:1`},
		{"80: 1\n'80': 2", `f:2:1: key "80" is already set at f:1:1`},
		{"x: {a: 1, a: 2}\ny: {b: 1, b: 2}", "f:1:11: key \"a\" is already set at f:1:5\nf:2:11: key \"b\" is already set at f:2:5"},
		{"a: 1\n---\nb: 2", "f:2:1: a second document begins here; expected one document"},
		{"a: !foo b", "f:1:4: tag !foo is not supported; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq"},
		{"a: !!binary aGk=", "f:1:4: tag !!binary is not supported; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq"},
		{"a: !!set {b: }", "f:1:4: tag !!set is not supported; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq"},
		{"a: !!int abc", `f:1:4: "abc" cannot be read as !!int`},
		{"a: !!int 1.5", `f:1:4: "1.5" cannot be read as !!int`},
		{"a: !!float x", `f:1:4: "x" cannot be read as !!float`},
		{"a: !!bool yes", `f:1:4: "yes" cannot be read as !!bool`},
		{"a: !!null x", `f:1:4: "x" cannot be read as !!null`},
		{"a: !!map [1]", "f:1:4: tag !!map does not fit this value"},
		{"a: !!seq x", "f:1:4: tag !!seq does not fit this value"},
		{"a: !!str {b: 1}", "f:1:4: tag !!str does not fit this value"},
		{"? [a]\n: b", "f:1:3: a key must be a single value, not a list or a map"},
		{": b", `f:1:1: a key is missing before ":"`},
		{"a: &a [*a]", "f:1:8: alias *a stands inside the value that it names"},
		{"a: &a\n  <<: *a", "f:2:7: alias *a stands inside the value that it names"},
		{"a: *b", "f:1:4: alias *b names no anchor"},
		{"a: {<<: 5}", `f:1:5: merge key "<<" needs a map or a list of maps`},
		{"a: {<<: [5]}", `f:1:5: merge key "<<" needs a map or a list of maps`},
		{"a: {<<: {b: 1}, <<: {c: 1}}", `f:1:17: key "<<" is already set at f:1:5; give it a list to merge several maps`},
		{"a:\n\tb: c", "f:2:1: a tab cannot indent; use spaces"},
		{"a: @b", `f:1:4: a value cannot begin with "@"; put it in quotes`},
		{"é: `b`", "f:1:4: a value cannot begin with \"`\"; put it in quotes"},
		{"a: %b", `f:1:4: a value cannot begin with "%"; put it in quotes`},
		{"a: b: c", `f:1:5: a map cannot begin here; put text that holds ": " in quotes, or correct the indentation`},
		{"a: [1, 2\nb: c", "f:2:2: the text cannot be read as YAML: while parsing a flow sequence: did not find expected ',' or ']' (it began at line 1)"},
		{"- a\nb: c", "f:2:1: the text cannot be read as YAML: while parsing a block collection: did not find expected '-' indicator (it began at line 1)"},
		{"a: \"x", "f:1:6: the text cannot be read as YAML: while scanning a quoted scalar: found unexpected end of stream"},
		{"a: b\nc: \x01", `f:2:4: control character U+0001 is not allowed; write it as an escape in double quotes`},
		{"a: b\nc: \xff", "f:2:4: the text is not UTF-8"},
		{"\xff\xfea\x00", "f:1:1: the text is not UTF-8"},
	} {
		_, err := yamlpos.Parse("f", []byte(tt.text), yamlpos.Limits{})
		if err == nil {
			t.Errorf("Parse(%q) gave no error, want %s", tt.text, tt.want)
		} else if err.Error() != tt.want {
			t.Errorf("Parse(%q):\n got %s\nwant %s", tt.text, err, tt.want)
		} else if kind := fault.KindOf(err); kind != fault.Invalid {
			t.Errorf("Parse(%q): kind %v, want invalid", tt.text, kind)
		}
	}
}

func TestParseStopsAfterManyErrors(t *testing.T) {
	_, err := yamlpos.Parse("", []byte(strings.Repeat("a: 1\n", 1000)), yamlpos.Limits{})
	var all *yamlpos.Errors
	if !errors.As(err, &all) || len(all.List()) != 50 {
		t.Errorf("got %T with the wrong number of problems, want 50", err)
	}
}
