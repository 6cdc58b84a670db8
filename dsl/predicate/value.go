package predicate

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// norm brings Go's other kinds of plain values to those that the checks know.
func (r *run) norm(v any) any {
	switch v := v.(type) {
	case nil, Missing, bool, int64, float64, string, []any, map[string]any, time.Duration, time.Time, error:
		return v
	case int:
		return int64(v)
	case json.Number:
		if n, ok := numeric(v.String()); ok {
			return n
		}
		return v.String()
	}
	if r.entity(v) != nil {
		return v
	}
	if _, typed := v.(interface{ InstanceOf(typ string) bool }); typed {
		return v
	}
	plain, _ := coerce.To("any", v)
	return plain
}

// equals compares with an operand, coerced towards the tested value's type.
// Only what the key equals says may compare with a list or an entity.
func equals(o *operand, implicit bool) test {
	return func(r *run, v any) (bool, error) {
		want, err := o.value(r)
		if err != nil {
			return false, err
		}
		v = r.norm(v)
		if _, list := want.([]any); implicit && (list || r.entity(want) != nil) {
			return false, nil
		}
		if o.scalar && !o.dynamic && want != nil && v == any(o.text) {
			return true, nil // "3.10" is the text 3.10, though not the text of the number
		}
		return r.same(v, want)
	}
}

// same tells whether two values are equal, the second coerced to the type of
// the first.
func (r *run) same(v, want any) (bool, error) {
	if err := r.pay(1); err != nil {
		return false, err
	}
	v, want = r.norm(v), r.norm(want)
	if v == any(Missing{}) || want == any(Missing{}) {
		return false, nil
	}
	if v == nil || want == nil {
		return v == nil && want == nil, nil
	}
	if a, b := r.entity(v), r.entity(want); a != nil || b != nil {
		return a != nil && b != nil && a.EntityID() == b.EntityID(), nil
	}
	switch v := v.(type) {
	case []any:
		list, ok := want.([]any)
		return r.sameItems(v, list, ok)
	case map[string]any:
		m, ok := want.(map[string]any)
		return r.sameEntries(v, m, ok)
	}
	return sameScalar(v, want), nil
}

func (r *run) sameItems(v, want []any, ok bool) (bool, error) {
	if !ok || len(v) != len(want) {
		return false, nil
	}
	for i := range v {
		if ok, err := r.same(v[i], want[i]); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) sameEntries(v, want map[string]any, ok bool) (bool, error) {
	if !ok || len(v) != len(want) {
		return false, nil
	}
	for key, item := range v {
		other, ok := want[key]
		if !ok {
			return false, nil
		}
		if ok, err := r.same(item, other); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func sameScalar(v, want any) bool {
	switch v := v.(type) {
	case bool:
		b, err := coerce.To("boolean", want)
		return err == nil && b == v
	case string, error:
		a, _ := textOf(v)
		b, ok := textOf(want)
		return ok && a == b
	}
	cmp, ok := compare(v, want)
	return ok && cmp == 0
}

// ordered compares the tested value with an operand; what has no order never
// matches.
func ordered(o *operand, holds func(cmp int) bool) test {
	return func(r *run, v any) (bool, error) {
		want, err := o.value(r)
		if err != nil {
			return false, err
		}
		cmp, ok := compare(v, r.norm(want))
		return ok && holds(cmp), nil
	}
}

// compare orders two values: durations and moments with what can be read as
// one, numbers with numbers and their text, text with text in natural order.
func compare(a, b any) (cmp int, ok bool) {
	switch a := a.(type) {
	case time.Duration:
		d, err := coerce.Duration(b)
		return sign(a < d, a > d), err == nil
	case time.Time:
		t, err := coerce.Timestamp(b)
		return a.Compare(t), err == nil
	}
	switch b.(type) {
	case time.Duration, time.Time:
		cmp, ok = compare(b, a)
		return -cmp, ok
	}
	textA, isTextA := a.(string)
	textB, isTextB := b.(string)
	if isTextA && isTextB {
		return natural(textA, textB), true
	}
	x, ok := float(a)
	if !ok {
		return 0, false
	}
	y, ok := float(b)
	if !ok {
		return 0, false
	}
	return x.Cmp(y), true
}

// float gives a number, or the number that a text stands for, exactly.
func float(v any) (*big.Float, bool) {
	if text, ok := v.(string); ok {
		if v, ok = numeric(text); !ok {
			return nil, false
		}
	}
	switch v := v.(type) {
	case int64:
		return new(big.Float).SetInt64(v), true
	case float64:
		if !math.IsNaN(v) {
			return new(big.Float).SetFloat64(v), true
		}
	}
	return nil, false
}

// numeric reads text as an int64, or else a float64.
func numeric(text string) (any, bool) {
	if n, err := coerce.To("long", text); err == nil {
		return n, true
	}
	n, err := coerce.To("double", text)
	return n, err == nil
}

// natural orders text as people do: digits count as numbers, so that v10
// comes after v9.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if digit(x[0]) && digit(y[0]) {
			var m, n string
			m, x = digits(x)
			n, y = digits(y)
			if len(m) != len(n) {
				return sign(len(m) < len(n), true)
			}
			if cmp := strings.Compare(m, n); cmp != 0 {
				return cmp
			}
			continue
		}
		if x[0] != y[0] {
			return sign(x[0] < y[0], true)
		}
		x, y = x[1:], y[1:]
	}
	if len(x) != len(y) {
		return sign(len(x) < len(y), true)
	}
	return strings.Compare(a, b) // 01 and 1
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// digits parts the digits in front off, without leading zeros.
func digits(s string) (number, rest string) {
	end := 0
	for end < len(s) && digit(s[end]) {
		end++
	}
	return strings.TrimLeft(s[:end], "0"), s[end:]
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}
