package expr_test

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

// evalWords computes the value of a let step.
func evalWords(text string, o expr.OnMissing) (any, error) {
	w := newWorld()
	t, err := expr.CompileWords(scalar(text), expr.Limits{})
	if err != nil {
		return nil, err
	}
	return t.Eval(context.Background(), w, variables(w), o)
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want any
		err  string
	}{
		// Words without operators are one text.
		{in: "1", want: "1"},
		{in: "Anna", want: "Anna"},
		{in: " a  b ", want: " a  b "},
		{in: "", want: ""},
		{in: "  ", want: "  "},
		{in: "${n}", want: int64(3)},
		{in: "val is ${n}", want: "val is 3"},
		{in: "${n}+1", want: "3+1"},
		{in: "{ a: ${n}, b: [ 1, 2 ] }", want: "{ a: 3, b: [ 1, 2 ] }"},
		{in: "a : b", want: "a : b"},
		{in: "key: value", want: "key: value"},
		{in: "a != b", want: "a != b"},
		{in: "it's here", want: "it's here"},
		{in: "${m.bar}", want: "b"},

		// Quotes.
		{in: `"${person}" is ${person}`, want: "${person} is Anna"},
		{in: `"${person}" is  '${person}'`, want: "${person} is  ${person}"},
		{in: `"${person}"`, want: "${person}"},
		{in: `"1 + 1"`, want: "1 + 1"},
		{in: `1 "+" 1`, want: "1 + 1"},
		{in: `'Hello, World!   '`, want: "Hello, World!   "},
		{in: `"${" ${key} "}"`, want: "${ bar }"},
		{in: `"say \"hi\" \\ \n \d"`, want: "say \"hi\" \\ \n \\d"},
		{in: `"a" and "b"`, want: "a and b"},
		{in: `"a"b" c`, want: `a"b c`},
		{in: `echo var is "${VAR}"`, want: "echo var is ${VAR}"},
		{in: `"open 1 + 1`, want: `"open 1 + 1`},
		{in: `"open ${n}`, want: `"open 3`},
		{in: `a "b"c`, want: `a "b"c`},
		{in: `k="a b"`, want: `k="a b"`},

		// Arithmetic.
		{in: "1 + 1", want: int64(2)},
		{in: "${n} * 3 + 1", want: int64(10)},
		{in: "1 + ${n} * 3", want: int64(10)},
		{in: "7 / 2", want: 3.5},
		{in: "8 / 2", want: int64(4)},
		{in: "8 / 2.0", want: int64(4)},
		{in: "${text3} * 8 / 2.0", want: int64(12)},
		{in: "1.5 + 1.5", want: int64(3)},
		{in: "1 / 5", want: 0.2},
		{in: "11 % 7 % 4", want: int64(0)},
		{in: "2 * 7 % 4", want: int64(6)},
		{in: "-7 % 4", want: int64(-3)},
		{in: "7 % 4.0", want: int64(3)},
		{in: "5 - 2 - 1", want: int64(2)},
		{in: "8 / 2 / 2", want: int64(2)},
		{in: "4 * 4 - 5 * 3", want: int64(1)},
		{in: "99 / 0 ?? ${nope} ?? 4 * 4 - 5 * 3", want: int64(1)},
		{in: "9223372036854775807 + 1", want: 9223372036854775808.0},
		{in: "-9223372036854775808 / -1", want: 9223372036854775808.0},
		{in: "3037000500 * 3037000500", want: 9223372037000250000.0},
		{in: "3 * -4", want: int64(-12)},
		{in: "1\n+\n2", want: int64(3)},
		{in: "1  +   2", want: int64(3)},
		{in: `"1" + '2'`, want: int64(3)},
		{in: "${half} + ${half}", want: int64(1)},

		// What fails, and ??.
		{in: "${x} + 1 ?? 0", want: int64(0)},
		{in: "${nope} ?? 0", want: int64(0)},
		{in: "${nothing} ?? 0", want: int64(0)},
		{in: `${entity.sensor.does_not_exist} ?? "unset"`, want: "unset"},
		{in: "${n} ?? 0", want: int64(3)},
		{in: "${n} + ${workflow.step.l1.output.prev} ?? 1", want: int64(1)},
		{in: "${n} ?? ${nope}", want: int64(3)},
		{in: "a ${nope} b ?? c d", want: "c d"},
		{in: "${nope ?? n} ?? 0", want: int64(3)},
		{in: "${nope} ??", want: nil},
		{in: "${entity} ?? 0", want: "web"},
		{in: "${m} ?? 0", want: variables(newWorld())["m"]},
		{in: "${nope} ?? ${foo}", want: []any{"baz", "bar"}},

		// Comparisons, && and ||.
		{in: "4 > 3", want: true},
		{in: "4 > 4", want: false},
		{in: "4 >= 4", want: true},
		{in: "3 < 4", want: true},
		{in: "4 <= 3", want: false},
		{in: "10 > 9", want: true},
		{in: "1.5 > 1.25", want: true},
		{in: "v10 > v9", want: true},
		{in: "${wait} > 1m", want: true},
		{in: "${now} < 2026-02-01", want: true},
		{in: "${n} == 3", want: true},
		{in: "${n} == 3.0", want: true},
		{in: "${yes} == true", want: true},
		{in: "${person} == Anna", want: true},
		{in: "${person} == 'Bob'", want: false},
		{in: "${entity} == web", want: true},
		{in: "${nothing} == x", want: false},
		{in: "${foo} == ${foo}", want: true},
		{in: "${wait} == 90s", want: true},
		{in: "true && true", want: true},
		{in: "false && true", want: false},
		{in: "false || true", want: true},
		{in: "true && false || true", want: true},
		{in: "false && true || true", want: false},
		{in: "${yes} && ${n} == 3", err: `app.yaml:3:17: ${yes} && ${n}: && joins true and false, not a number`},

		// Ternaries.
		{in: `true ? "left" : "right"`, want: "left"},
		{in: `false ? "left" : "right"`, want: "right"},
		{in: "${n} == 4 ? 5 : 6", want: int64(6)},
		{in: `true ? true ? "a" : "b" : "c"`, want: "a"},
		{in: `true ? false ? "a" : "b" : "c"`, want: "b"},
		{in: `false ? ignored ? "a" : "b" : "c"`, want: "c"},
		{in: `false ? ignored : true ? "b" : "c"`, want: "b"},
		{in: "true ? true && false || false : true", want: false},
		{in: "false ? ${nope} : ${n} + 1", want: int64(4)},
		{in: "${nope} ?? true ? 1 : 2", want: int64(1)},
		{in: "true ? ${nope} ?? a b : c", want: "a b"},

		// Time.
		{in: "${wait} + 30s", want: 2 * time.Minute},
		{in: "1m + ${wait}", want: 150 * time.Second},
		{in: "${wait} - ${wait}", want: time.Duration(0)},
		{in: "${now} + ${wait}", want: time.Date(2026, 1, 2, 3, 5, 35, 0, time.UTC)},
		{in: "${wait} + ${now}", want: time.Date(2026, 1, 2, 3, 5, 35, 0, time.UTC)},
		{in: "${now} - 1h", want: time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)},
		{in: "${now} - ${now}", want: time.Duration(0)},

		// $brooklyn: expressions.
		{in: `$brooklyn:config("n")`, want: int64(21)},
		{in: `$brooklyn:config("n") + 1`, want: int64(22)},
		{in: `$brooklyn:formatString("%s b", config("host")) == "example.org b" ? yes : no`, want: "yes"},
		{in: `$brooklyn:config("nope") ?? none at all`, want: "none at all"},
		{in: `$brooklyn:config("${key}")`, want: nil},
		{in: `is $brooklyn:config("n")`, want: `is $brooklyn:config("n")`},

		// Mistakes.
		{in: "a + 1", err: `app.yaml:3:12: a + 1: invalid left argument to operation '+': "a" is not a number`},
		{in: "1 + 2*3", err: `app.yaml:3:12: 1 + 2*3: invalid right argument to operation '+': "2*3" is not a number; operators have blanks around them`},
		{in: "99 / 0", err: "app.yaml:3:13: 99 / 0: division by zero"},
		{in: "9.5 / 0", err: "app.yaml:3:14: 9.5 / 0: division by zero"},
		{in: "1 % 0", err: "app.yaml:3:12: 1 % 0: division by zero"},
		{in: "1.5 % 2", err: "app.yaml:3:14: 1.5 % 2: invalid left argument to operation '%': 1.5 is not an integer"},
		{in: "${nope} + 1", err: "app.yaml:3:12: ${nope}: invalid reference: nope is not defined"},
		{in: "a ${m} + 1", err: "app.yaml:3:12: ${m}: it is a map, which cannot stand within a text; make text of it first, or write it alone"},
		{in: "a ${nothing}", err: "app.yaml:3:12: ${nothing}: invalid reference: it is null, which cannot stand within a text"},
		{in: "${foo} < 3", err: `app.yaml:3:17: ${foo} < 3: < has no order for a list and a number`},
		{in: "maybe ? 1 : 2", err: `app.yaml:3:16: maybe: before ? stands true or false, not "maybe"`},
		{in: "1 +", err: "app.yaml:3:12: + needs a value on its right; as text it is written in quotes"},
		{in: "- 1", err: "app.yaml:3:10: - needs a value on its left; as text it is written in quotes"},
		{in: "1 * / 2", err: "app.yaml:3:12: * needs a value on its right; as text it is written in quotes"},
		{in: "?? 2", err: "app.yaml:3:10: ?? needs a value on its left; as text it is written in quotes"},
		{in: "how are you ?", err: "app.yaml:3:22: Mismatched ternary operator: no : follows ?; as text it is written in quotes"},
		{in: "true ? 1", err: "app.yaml:3:15: Mismatched ternary operator: no : follows ?; as text it is written in quotes"},
		{in: "true ? 1 :", err: "app.yaml:3:19: : needs a value on its right; as text it is written in quotes"},
		{in: "a ${n", err: "app.yaml:3:12: ${ is not closed, expected }"},
		{in: "${} + 1", err: "app.yaml:3:10: ${} names nothing"},
		{in: "${list[${n}]}", err: "app.yaml:3:17: a ${…} holds no other; write the name without ${ and }"},
		{in: "${now} - x", err: `app.yaml:3:17: ${now} - x: invalid right argument to operation '-': cannot read "x" as duration: expected one such as "10s", "1m 30s" or "forever"`},
		{in: "1 - ${now}", err: "app.yaml:3:12: 1 - ${now}: an instant is only subtracted from an instant, not from a number"},
	} {
		got, err := evalWords(tt.in, expr.Fail)
		if e, ok := got.(*entity); ok {
			got = e.ID
		}
		if fmt.Sprint(err) != cmp.Or(tt.err, "<nil>") || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s = %#v, %v", tt.in, got, err)
		}
	}
}
