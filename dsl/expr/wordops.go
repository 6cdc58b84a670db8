package expr

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// tokensExtent gives the part of the text that tokens cover, without blanks around.
func tokensExtent(tokens []token) (from, to int) {
	tokens = trimBlanks(tokens)
	return tokens[0].from, tokens[len(tokens)-1].to
}

// fromRight rewrites a < b < c as a < (b < c).
func (w *words) fromRight(ops []*token, sides [][]token, nodes []ast.Node) ast.Node {
	last := len(ops)
	out := nodes[last]
	for i := last - 1; i >= 0; i-- {
		out = w.operation(ops[i], sides[i], sides[last], nodes[i], out)
	}
	return out
}

// operation makes the site of an operator whose operands start and end with
// the given words.
func (w *words) operation(op *token, first, last []token, a, b ast.Node) ast.Node {
	if w.failed {
		return a
	}
	s := &site{off: op.from, name: op.text}
	s.from, _ = tokensExtent(first)
	_, s.to = tokensExtent(last)
	if op.text == "&&" || op.text == "||" {
		return w.put(&ast.BinaryNode{Operator: op.text, Left: w.truth(*s, a), Right: w.truth(*s, b)}, op.from)
	}
	switch op.text {
	case "==":
		s.eval = func(r *run, _ *site, args []any) (any, error) { return r.alike(args[0], args[1]) }
	case "<", "<=", ">", ">=":
		s.eval = ordered
	default:
		s.eval = arithmetic
	}
	return w.invoke(s, a, b)
}

// truth makes a boolean of one side of an operator.
func (w *words) truth(s site, n ast.Node) ast.Node {
	s.eval = truth
	return w.invoke(&s, n)
}

func truth(_ *run, s *site, args []any) (any, error) {
	if b, err := coerce.To("boolean", args[0]); err == nil {
		return b, nil
	}
	if s.name == "?" {
		return nil, invalid("before ? stands true or false, not %s", shownOperand(args[0]))
	}
	return nil, invalid("%s joins true and false, not %s", s.name, shownOperand(args[0]))
}

// shownOperand writes an operand for messages.
func shownOperand(v any) string {
	text, ok := v.(string)
	if !ok {
		return kindOf(v)
	}
	if chars := []rune(text); len(chars) > shownText {
		text = string(chars[:shownText-1]) + "…"
	}
	return strconv.Quote(text)
}

// arithmetic computes + - * / % with numbers, also those in text, and + and -
// with durations and instants. A result without a fraction is an integer.
func arithmetic(_ *run, s *site, args []any) (any, error) {
	a, b := args[0], args[1]
	if s.name == "+" || s.name == "-" {
		if v, isTime, err := timely(s.name, a, b); isTime || err != nil {
			return v, err
		}
	}
	x, ok := numeral(a)
	if !ok {
		return nil, badOperand("left", s.name, a)
	}
	y, ok := numeral(b)
	if !ok {
		return nil, badOperand("right", s.name, b)
	}
	i, isInt := x.(int64)
	j, both := y.(int64)
	if isInt && both {
		if v, ok, err := integers(s.name, i, j); ok || err != nil {
			return v, err
		}
	}
	return floats(s.name, a, b, float(x), float(y))
}

func badOperand(side, op string, v any) error {
	hint := ""
	if text, ok := v.(string); ok && strings.ContainsAny(strings.TrimLeft(text, "+-"), "+-*/%") {
		hint = "; operators have blanks around them"
	}
	return invalid("invalid %s argument to operation '%s': %s is not a number%s", side, op, shownOperand(v), hint)
}

// numeral reads a number, also one in text, as int64 if it has no fraction,
// else as float64.
func numeral(v any) (any, bool) {
	if text, ok := v.(string); ok {
		text = strings.TrimSpace(text)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, true
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.ContainsAny(text, "xX_pPnN") {
			return nil, false
		}
		v = f
	}
	n, ok := number(v)
	if f, isFloat := n.(float64); isFloat {
		return exact(f), !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return n, ok
}

// exact makes an integer of a float64 that is one beyond doubt.
func exact(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int64(f)
	}
	return f
}

// integers computes what stays an integer; ok is false if it does not.
func integers(op string, a, b int64) (v int64, ok bool, err error) {
	switch op {
	case "+":
		v = a + b
		return v, (v > a) == (b > 0), nil
	case "-":
		v = a - b
		return v, (v < a) == (b > 0), nil
	case "*":
		return times(a, b)
	}
	if b == 0 {
		return 0, false, invalid("division by zero")
	}
	if op == "%" {
		if b == -1 {
			return 0, true, nil
		}
		return a % b, true, nil
	}
	if b == -1 {
		return -a, a != math.MinInt64, nil
	}
	return a / b, a%b == 0, nil
}

func times(a, b int64) (int64, bool, error) {
	if a == math.MinInt64 || b == math.MinInt64 {
		return 0, false, nil
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	return a * b, high == 0 && low <= math.MaxInt64, nil
}

func magnitude(n int64) uint64 { return uint64(max(n, -n)) }

func floats(op string, a, b any, x, y float64) (any, error) {
	var v float64
	switch op {
	case "+":
		v = x + y
	case "-":
		v = x - y
	case "*":
		v = x * y
	case "/":
		if y == 0 {
			return nil, invalid("division by zero")
		}
		v = x / y
	default:
		if x != math.Trunc(x) {
			return nil, invalid("invalid left argument to operation '%%': %s is not an integer", scalarText(a))
		}
		if y != math.Trunc(y) {
			return nil, invalid("invalid right argument to operation '%%': %s is not an integer", scalarText(b))
		}
		if y == 0 {
			return nil, invalid("division by zero")
		}
		v = math.Mod(x, y)
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil, invalid("the result is beyond all numbers")
	}
	return exact(v), nil
}

// timely adds and subtracts where a side is a duration or an instant; ok is
// false if neither is.
func timely(op string, a, b any) (v any, ok bool, err error) {
	if at, isTime := a.(time.Time); isTime {
		if other, isTime := b.(time.Time); isTime && op == "-" {
			return at.Sub(other), true, nil
		}
		d, err := spanOf("right", op, b)
		if op == "-" {
			d = -d
		}
		return at.Add(d), true, err
	}
	if at, isTime := b.(time.Time); isTime {
		if op == "-" {
			return nil, true, invalid("an instant is only subtracted from an instant, not from %s", kindOf(a))
		}
		d, err := spanOf("left", op, a)
		return at.Add(d), true, err
	}
	_, isSpanA := a.(time.Duration)
	_, isSpanB := b.(time.Duration)
	if !isSpanA && !isSpanB {
		return nil, false, nil
	}
	x, err := spanOf("left", op, a)
	if err != nil {
		return nil, true, err
	}
	y, err := spanOf("right", op, b)
	if err != nil {
		return nil, true, err
	}
	n, fits, _ := integers(op, int64(x), int64(y))
	if !fits {
		return nil, true, invalid("the result is beyond all durations")
	}
	return time.Duration(n), true, nil
}

func spanOf(side, op string, v any) (time.Duration, error) {
	d, err := coerce.Duration(v)
	if err != nil {
		return 0, invalid("invalid %s argument to operation '%s': %w", side, op, err)
	}
	return d, nil
}

// ordered compares numbers, also those in text, spans and moments of time, and
// texts in natural order.
func ordered(_ *run, s *site, args []any) (any, error) {
	a, okA := numeral(args[0])
	b, okB := numeral(args[1])
	if !okA || !okB {
		a, b = args[0], args[1]
	}
	c, ok := coerce.Compare(a, b)
	if !ok {
		return nil, invalid("%s has no order for %s and %s", s.name, shownOperand(args[0]), shownOperand(args[1]))
	}
	switch s.name {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// alike compares values of which one may be a text that stands for the other.
func (r *run) alike(a, b any) (bool, error) {
	if same, err := r.equal(a, b); same || err != nil {
		return same, err
	}
	_, isTextA := a.(string)
	_, isTextB := b.(string)
	switch {
	case isTextA == isTextB:
		return false, nil
	case isTextA:
		a, b = b, a
	}
	if is, ok := a.(bool); ok {
		v, err := coerce.To("boolean", b)
		return err == nil && v == is, nil
	}
	if e, ok := entityOf(a); ok {
		return e.EntityID() == b, nil
	}
	if n, ok := number(a); ok {
		other, isNumber := numeral(b)
		return isNumber && scalarEqual(n, other), nil
	}
	c, ok := coerce.Compare(a, b)
	return ok && c == 0, nil
}
