package testing

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/secret"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// assertion says one thing of a value.
type assertion struct {
	word  string
	want  any
	holds func(actual any) bool
}

// words are the conditions, in Brooklyn's names, with what makes the check of
// what is expected.
var words = map[string]func(want any) (holds func(actual any) bool, err error){
	"isNull":        boolean(func(v any) bool { return v == nil }),
	"notNull":       boolean(func(v any) bool { return v != nil }),
	"isEmpty":       boolean(empty),
	"notEmpty":      boolean(func(v any) bool { return !empty(v) }),
	"hasTruthValue": boolean(func(v any) bool { return strings.EqualFold(text(v), "true") }),
	"isEqualTo":     comparing(equal),
	"equalTo":       comparing(equal),
	"equals":        comparing(equal),
	"notEqual":      comparing(func(v, want any) bool { return !equal(v, want) }),
	"contains":      comparing(contains),
	"matches":       matching(`^(?:`, `)$`),
	"containsMatch": matching("", ""),
	"greaterThan":   ordering(func(order int) bool { return order > 0 }),
	"lessThan":      ordering(func(order int) bool { return order < 0 }),
}

// Words gives the names of the conditions, sorted.
func Words() []string { return slices.Sorted(maps.Keys(words)) }

func boolean(is func(any) bool) func(any) (func(any) bool, error) {
	return func(want any) (func(any) bool, error) {
		b, err := coerce.To("boolean", want)
		yes, isBool := b.(bool)
		if err != nil || !isBool {
			return nil, fault.New(fault.Invalid, "expected true or false, not %s", text(want))
		}
		return func(actual any) bool { return is(actual) == yes }, nil
	}
}

func comparing(same func(actual, want any) bool) func(any) (func(any) bool, error) {
	return func(want any) (func(any) bool, error) {
		return func(actual any) bool { return same(actual, want) }, nil
	}
}

func matching(before, after string) func(any) (func(any) bool, error) {
	return func(want any) (func(any) bool, error) {
		re, err := regexp.Compile(before + text(want) + after)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%w", err)
		}
		return func(actual any) bool { return actual != nil && re.MatchString(text(actual)) }, nil
	}
}

func ordering(ok func(order int) bool) func(any) (func(any) bool, error) {
	return func(want any) (func(any) bool, error) {
		return func(actual any) bool {
			order, ordered := coerce.Compare(actual, want)
			return actual != nil && ordered && ok(order)
		}, nil
	}
}

// equal compares as the types of the two allow: numbers and their texts by
// value, unlike types as texts.
func equal(actual, want any) bool {
	if actual == nil || want == nil {
		return false
	}
	_, isText := actual.(string)
	_, wantText := want.(string)
	if order, ordered := coerce.Compare(actual, want); ordered && !(isText && wantText) {
		return order == 0
	}
	if reflect.TypeOf(actual) == reflect.TypeOf(want) {
		return reflect.DeepEqual(actual, want)
	}
	return text(actual) == text(want)
}

// contains looks for an item of a list, a key of a map or a part of a text.
func contains(actual, want any) bool {
	switch x := actual.(type) {
	case nil:
		return false
	case []any:
		return slices.ContainsFunc(x, func(item any) bool { return equal(item, want) })
	case map[string]any:
		_, has := x[text(want)]
		return has
	}
	return strings.Contains(text(actual), text(want))
}

func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case []any:
		return len(x) == 0
	case map[string]any:
		return len(x) == 0
	}
	return text(v) == ""
}

// text gives the text of a value; null for nothing.
func text(v any) string {
	if v == nil {
		return "null"
	}
	return coerce.Text(v)
}

// readAssertions reads a map of conditions, or a list of such maps. Errors:
// Invalid, with the nearest condition.
func readAssertions(v any) ([]assertion, error) {
	var out []assertion
	list, isList := v.([]any)
	if !isList && v != nil {
		list = []any{v}
	}
	for _, item := range list {
		m, is := item.(map[string]any)
		if !is {
			return nil, fault.New(fault.Invalid, "expected a map of conditions, or a list of these, not %s", text(item))
		}
		for _, word := range slices.Sorted(maps.Keys(m)) {
			check, known := words[word]
			if !known {
				return nil, fault.New(fault.Invalid, "unknown condition %q%s; expected one of %s", word, nearest.Hint(word, Words()), strings.Join(Words(), ", "))
			}
			holds, err := check(m[word])
			if err != nil {
				return nil, fault.New(fault.Invalid, "%s: %w", word, err)
			}
			out = append(out, assertion{word, m[word], holds})
		}
	}
	return out, nil
}

// verify holds a value to assertions. what says what the value is of; the
// error tells what was expected and what there is.
func verify(all []assertion, what, name string, actual any) error {
	for _, a := range all {
		if !a.holds(actual) {
			return fault.New(fault.Precondition, "%s expected %s %s, but found %s", what, a.word, shown(name, a.want), shown(name, actual))
		}
	}
	return nil
}

// longest is how much of a value a message shows.
const longest = 500

// shown gives a value as messages show it, without secrets.
func shown(name string, v any) string {
	out := secret.Hide(text(secret.Mask(name, v)))
	if len(out) > longest {
		out = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(out[:longest], ""), len(out))
	}
	return out
}

// checkAssertions tells the errors of assertions as they are written; what
// expressions give is not known then.
func checkAssertions(n *yamlpos.Node) error {
	var errs yamlpos.Errors
	list := []*yamlpos.Node{n}
	if n.Kind == yamlpos.List {
		list = n.Items
	}
	for _, m := range list {
		if v := m.Any(); v == nil || expr.IsExpr(v) {
			continue
		}
		if m.Kind != yamlpos.Map {
			errs.Add(m.Pos, "expected a map of conditions, or a list of these")
			continue
		}
		for _, e := range m.Entries {
			want := e.Value.Any()
			if expr.IsExpr(want) {
				want = true // every condition takes it
			}
			if _, err := readAssertions(map[string]any{e.Key: want}); err != nil {
				errs.Append(e.KeyPos, err)
			}
		}
	}
	return errs.Err()
}
