package predicate

import (
	"encoding/json"
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
		if n, ok := coerce.Number(v.String()); ok {
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
	cmp, ok := coerce.Compare(v, want)
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
		cmp, ok := coerce.Compare(v, r.norm(want))
		return ok && holds(cmp), nil
	}
}
