package transform

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// has tells whether one of a list's items is of a type.
func has[T any](list []any) bool {
	for _, item := range list {
		if _, ok := item.(T); ok {
			return true
		}
	}
	return false
}

// extreme gives the least or the greatest item. Text that stands beside
// numbers, durations or timestamps is read as one; texts alone go by the
// alphabet.
func extreme(sign int) operator {
	return func(_ *call, v any) (any, error) {
		list, ok := v.([]any)
		switch {
		case v == nil || ok && len(list) == 0:
			return nil, nil
		case !ok:
			return nil, invalid("it takes a list, not %s", kindOf(v))
		}
		compare, err := order(list)
		if err != nil {
			return nil, err
		}
		best := 0
		for i := range list {
			if sign*compare(i, best) > 0 {
				best = i
			}
		}
		return list[best], nil
	}
}

// order gives a comparison of the items of a list by their places.
func order(list []any) (func(i, j int) int, error) {
	switch {
	case has[time.Duration](list):
		keys, err := read(list, coerce.Duration)
		return func(i, j int) int { return cmp.Compare(keys[i], keys[j]) }, err
	case has[time.Time](list):
		keys, err := read(list, coerce.Timestamp)
		return func(i, j int) int { return keys[i].Compare(keys[j]) }, err
	case has[int64](list) || has[float64](list):
		keys, err := read(list, number)
		return func(i, j int) int { return keys[i].Cmp(keys[j]) }, err
	}
	keys, err := read(list, func(v any) (string, error) {
		if text, ok := v.(string); ok {
			return text, nil
		}
		return "", invalid("it is %s, which has no order", kindOf(v))
	})
	return func(i, j int) int { return strings.Compare(keys[i], keys[j]) }, err
}

// read converts the items of a list.
func read[T any](list []any, convert func(any) (T, error)) ([]T, error) {
	out := make([]T, len(list))
	for i, item := range list {
		var err error
		if out[i], err = convert(item); err != nil {
			return nil, invalid("item %d of the list: %w", i, err)
		}
	}
	return out, nil
}

// number reads a number as it is written, so that sums of decimals are exact.
func number(v any) (*big.Rat, error) {
	if text, ok := v.(string); ok {
		if i, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			return new(big.Rat).SetInt64(i), nil
		}
	}
	if i, ok := v.(int64); ok {
		return new(big.Rat).SetInt64(i), nil
	}
	if v == nil {
		return nil, invalid("cannot read null as a number")
	}
	f, err := coerce.To("double", v)
	if err != nil {
		return nil, err
	}
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(f.(float64), 'g', -1, 64))
	if !ok {
		return nil, invalid("cannot read %s as a number", shown(v))
	}
	return exact, nil
}

// simplest gives a number as an integer if it is one.
func simplest(n *big.Rat) any {
	if n.IsInt() && n.Num().IsInt64() {
		return n.Num().Int64()
	}
	f, _ := n.Float64()
	return f
}

// total sums a list up: durations if there is one, else numbers.
func total(v any) (sum *big.Rat, items int, durations bool, err error) {
	list, ok := v.([]any)
	if !ok {
		return nil, 0, false, invalid("it takes a list, not %s", kindOf(v))
	}
	sum = new(big.Rat)
	if durations = has[time.Duration](list); durations {
		parts, err := read(list, coerce.Duration)
		for _, d := range parts {
			sum.Add(sum, new(big.Rat).SetInt64(int64(d)))
		}
		return sum, len(list), true, err
	}
	parts, err := read(list, number)
	for _, n := range parts {
		sum.Add(sum, n)
	}
	return sum, len(list), false, err
}

func sum(_ *call, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	n, _, durations, err := total(v)
	switch {
	case err != nil:
		return nil, err
	case durations:
		return span(n)
	}
	return simplest(n), nil
}

func average(_ *call, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	n, items, durations, err := total(v)
	switch {
	case err != nil:
		return nil, err
	case items == 0:
		return nil, invalid("the list is empty")
	}
	n.Quo(n, new(big.Rat).SetInt64(int64(items)))
	if durations {
		return span(n)
	}
	return simplest(n), nil
}

// span gives nanoseconds as a duration.
func span(n *big.Rat) (any, error) {
	whole := new(big.Int).Quo(n.Num(), n.Denom())
	if !whole.IsInt64() {
		return nil, invalid("the duration is longer than 292 years")
	}
	return time.Duration(whole.Int64()), nil
}
