package coerce

import (
	"cmp"
	"math"
	"math/big"
	"strings"
	"time"
)

// Compare orders two values: durations and moments with what can be read as
// one, numbers with numbers and their text, text with text in natural order,
// where digits count as numbers. ok is false for values without an order.
func Compare(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case time.Duration:
		d, err := Duration(b)
		return sign(a < d, a > d), err == nil
	case time.Time:
		t, err := Timestamp(b)
		return a.Compare(t), err == nil
	}
	switch b.(type) {
	case time.Duration, time.Time:
		order, ok = Compare(b, a)
		return -order, ok
	}
	textA, isTextA := a.(string)
	textB, isTextB := b.(string)
	if isTextA && isTextB {
		return natural(textA, textB), true
	}
	if x, isInt := a.(int64); isInt {
		if y, both := b.(int64); both {
			return cmp.Compare(x, y), true
		}
	}
	x, ok := amount(a)
	if !ok {
		return 0, false
	}
	y, ok := amount(b)
	if !ok {
		return 0, false
	}
	return x.Cmp(y), true
}

// amount gives a number, or the number that a text stands for, exactly.
func amount(v any) (*big.Float, bool) {
	if text, ok := v.(string); ok {
		if v, ok = Number(text); !ok {
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

// Number reads text as an int64, or else a float64.
func Number(text string) (any, bool) {
	if n, err := To("long", text); err == nil {
		return n, true
	}
	n, err := To("double", text)
	return n, err == nil
}

// natural orders text as people do: digits count as numbers, so that v10
// comes after v9.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			var m, n string
			m, x = digits(x)
			n, y = digits(y)
			if len(m) != len(n) {
				return sign(len(m) < len(n), true)
			}
			if order := strings.Compare(m, n); order != 0 {
				return order
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

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digits parts the digits in front off, without leading zeros.
func digits(s string) (number, rest string) {
	end := 0
	for end < len(s) && isDigit(s[end]) {
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
