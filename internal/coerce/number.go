package coerce

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// integer gives the kind of whole numbers of so many bits.
func integer(name string, bits int) *kind {
	low, high := int64(-1)<<(bits-1), int64(uint64(1)<<(bits-1)-1)
	return &kind{name: name, to: func(v any) (any, error) {
		i, err := whole(v, name, low, high)
		if err != nil {
			return nil, err
		}
		return i, nil
	}}
}

func whole(v any, name string, low, high int64) (int64, error) {
	outside := func() (int64, error) {
		return 0, wrong(v, name, "it is not between %d and %d", low, high)
	}
	var i int64
	switch n := v.(type) {
	case int64:
		i = n
	case float64:
		if n != math.Trunc(n) {
			return 0, wrong(v, name, "it is not a whole number")
		}
		if n < -1<<63 || n >= 1<<63 {
			return outside()
		}
		i = int64(n)
	case string:
		exact, ok := rational(n)
		switch {
		case !ok:
			return 0, wrong(v, name, "")
		case !exact.IsInt():
			return 0, wrong(v, name, "it is not a whole number")
		case !exact.Num().IsInt64():
			return outside()
		}
		i = exact.Num().Int64()
	default:
		return 0, wrong(v, name, "")
	}
	if i < low || i > high {
		return outside()
	}
	return i, nil
}

// maxDigits bounds the text of a number and maxExponent what it can stand
// for; beyond any type there is.
const (
	maxDigits   = 400
	maxExponent = 400
)

// rational reads decimal text exactly, and hexadecimal after 0x.
func rational(text string) (*big.Rat, bool) {
	text = strings.TrimSpace(text)
	if len(text) > maxDigits {
		return nil, false
	}
	if digits := strings.TrimLeft(strings.ToLower(text), "+-"); strings.HasPrefix(digits, "0x") {
		i, ok := new(big.Int).SetString(strings.TrimPrefix(text, "+"), 0)
		if !ok {
			return nil, false
		}
		return new(big.Rat).SetInt(i), true
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if strings.Trim(mantissa, "+-.0123456789") != "" {
		return nil, false
	}
	if exponent != "" {
		if e, err := strconv.Atoi(exponent); err != nil || e > maxExponent || e < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// float gives the kind of finite binary fractions.
func float(name string, bits int) *kind {
	return &kind{name: name, to: func(v any) (any, error) {
		var f float64
		switch n := v.(type) {
		case int64:
			f = float64(n)
		case float64:
			f = n
		case string:
			exact, ok := rational(n)
			if !ok { // Java's literals say their type: 0.5d, 1f
				exact, ok = rational(strings.TrimRight(n, "dDfF"))
			}
			if !ok {
				return nil, wrong(v, name, "")
			}
			f, _ = exact.Float64()
		default:
			return nil, wrong(v, name, "")
		}
		if math.IsNaN(f) || math.IsInf(f, 0) || bits == 32 && math.Abs(f) > math.MaxFloat32 {
			return nil, wrong(v, name, "it is too large")
		}
		return f, nil
	}}
}

// size reads an amount of bytes: a number, or text with one of the units of
// Docker, each 1024 times the one before.
func size(v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return whole(v, "bytes", 0, math.MaxInt64)
	}
	number := strings.ToLower(strings.TrimSpace(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "b"), "i")
	factor := int64(1)
	if len(number) > 0 {
		if power := strings.IndexByte("kmgtp", number[len(number)-1]); power >= 0 {
			number = strings.TrimSpace(number[:len(number)-1])
			factor <<= 10 * (power + 1)
		}
	}
	amount, ok := rational(number)
	if !ok {
		return nil, wrong(v, "bytes", `expected a size such as "512m" or "2g"`)
	}
	amount.Mul(amount, new(big.Rat).SetInt64(factor))
	bytes := new(big.Int).Quo(amount.Num(), amount.Denom())
	if amount.Sign() < 0 || !bytes.IsInt64() {
		return nil, wrong(v, "bytes", "it is not between 0 and %d", int64(math.MaxInt64))
	}
	return bytes.Int64(), nil
}
