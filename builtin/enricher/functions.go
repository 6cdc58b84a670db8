package enricher

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// named gives a function over values by its word in blueprints, or nil. Values
// that a function cannot use count as not there; without any, all but list
// give nil.
func named(word string) func(values []any) any {
	switch word {
	case "list":
		return list
	case "first":
		return first
	case "sum":
		return over(func(sum, v float64, _ int) float64 { return sum + v }, nil)
	case "average", "mean":
		return over(func(sum, v float64, _ int) float64 { return sum + v }, func(sum float64, n int) float64 { return sum / float64(n) })
	case "min":
		return over(func(low, v float64, i int) float64 { return pick(i, low, v, math.Min) }, nil)
	case "max":
		return over(func(high, v float64, i int) float64 { return pick(i, high, v, math.Max) }, nil)
	}
	return nil
}

func pick(i int, a, b float64, f func(a, b float64) float64) float64 {
	if i == 0 {
		return b
	}
	return f(a, b)
}

func list(values []any) any {
	if values == nil {
		return []any{}
	}
	return values
}

func first(values []any) any {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// over folds all numbers.
func over(fold func(acc, v float64, i int) float64, end func(acc float64, n int) float64) func(values []any) any {
	return func(values []any) any {
		acc, n := 0.0, 0
		for _, v := range values {
			if f, ok := number(v); ok {
				acc = fold(acc, f, n)
				n++
			}
		}
		if n == 0 {
			return nil
		}
		if end != nil {
			acc = end(acc, n)
		}
		return acc
	}
}

// number reads a number, or text that is one.
func number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int64:
		return float64(x), true
	case int:
		return float64(x), true
	case json.Number:
		f, err := x.Float64()
		return f, err == nil
	case string:
		out, err := coerce.To("double", x)
		f, ok := out.(float64)
		return f, err == nil && ok
	}
	return 0, false
}

func truthy(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		return x == "true"
	}
	f, ok := number(v)
	return ok && f != 0
}

// text writes a value as users would; null is empty.
func text(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	if out, err := coerce.To("string", v); err == nil {
		if s, ok := out.(string); ok {
			return s
		}
	}
	return fmt.Sprint(v)
}
