package expr

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm/runtime"
)

// operation computes an operator or builtin whose operands are ready.
type operation func(r *run, args []any) (any, error)

func (o operation) eval(r *run, _ *site, args []any) (any, error) { return o(r, args) }

// guarded gives the operators that this package computes, since expr-lang
// would make strings and lists of any size or compare without paying.
func guarded(operator string) (operation, bool) {
	switch operator {
	case "+":
		return add, true
	case "..":
		return span, true
	case "==":
		return func(r *run, args []any) (any, error) { return r.equal(args[0], args[1]) }, true
	case "!=":
		return func(r *run, args []any) (any, error) {
			same, err := r.equal(args[0], args[1])
			return !same, err
		}, true
	case "in":
		return in, true
	case "matches":
		return matches, true
	case "contains":
		return textTest(operator, strings.Contains), true
	case "startsWith":
		return textTest(operator, strings.HasPrefix), true
	case "endsWith":
		return textTest(operator, strings.HasSuffix), true
	}
	return nil, false
}

func add(r *run, args []any) (any, error) {
	a, okA := args[0].(string)
	b, okB := args[1].(string)
	if okA && okB {
		if err := r.makeString(len(a) + len(b)); err != nil {
			return nil, err
		}
		return a + b, nil
	}
	if addable(args[0], args[1]) {
		return runtime.Add(args[0], args[1]), nil
	}
	return nil, invalid("+ joins two numbers or two texts, not %s and %s", kindOf(args[0]), kindOf(args[1]))
}

// addable tells what expr-lang adds by itself: numbers, and spans of time.
func addable(a, b any) bool {
	if _, ok := number(a); ok {
		_, ok = number(b)
		return ok
	}
	_, spanA := a.(time.Duration)
	_, spanB := b.(time.Duration)
	_, timeA := a.(time.Time)
	_, timeB := b.(time.Time)
	return spanA && (spanB || timeB) || timeA && spanB
}

// span makes the list of a..b.
func span(r *run, args []any) (any, error) {
	a, okA := integer(args[0])
	b, okB := integer(args[1])
	if !okA || !okB {
		return nil, invalid(".. stands between two integers, not %s and %s", kindOf(args[0]), kindOf(args[1]))
	}
	if b < a {
		return []any{}, nil
	}
	if b-a < 0 || b-a >= int64(r.lim.Iterations) {
		return nil, exceeded("Iterations", r.lim.Iterations, "rounds")
	}
	n := int(b - a + 1)
	if err := r.spend(n * 8); err != nil {
		return nil, err
	}
	return runtime.MakeRange(int(a), int(b)), r.tick(n)
}

func integer(v any) (int64, bool) {
	switch n, _ := number(v); n := n.(type) {
	case int64:
		return n, true
	case float64:
		if i := int64(n); float64(i) == n {
			return i, true
		}
	}
	return 0, false
}

func in(r *run, args []any) (any, error) {
	if l, ok := elements(args[1]); ok {
		for i := range l.len() {
			if same, err := r.equal(args[0], l.at(i)); same || err != nil {
				return same, err
			}
		}
		return false, nil
	}
	if d, ok := entries(args[1]); ok {
		_, found := d.find(scalarText(args[0]))
		return found, nil
	}
	if args[1] == nil {
		return false, nil
	}
	return nil, invalid("in looks into a list or a map, not %s", kindOf(args[1]))
}

func textTest(operator string, test func(s, part string) bool) operation {
	return func(r *run, args []any) (any, error) {
		if args[0] == nil || args[1] == nil {
			return false, nil
		}
		s, okS := args[0].(string)
		part, okPart := args[1].(string)
		if !okS || !okPart {
			return nil, invalid("%s compares two texts, not %s and %s", operator, kindOf(args[0]), kindOf(args[1]))
		}
		return test(s, part), r.tick(len(s) >> 8)
	}
}

func matches(r *run, args []any) (any, error) {
	if args[0] == nil || args[1] == nil {
		return false, nil
	}
	s, okS := args[0].(string)
	pattern, okPattern := args[1].(string)
	if !okS || !okPattern {
		return nil, invalid("matches compares two texts, not %s and %s", kindOf(args[0]), kindOf(args[1]))
	}
	re, err := compileRegexp(pattern)
	if err != nil {
		return nil, err
	}
	if err := re.pay(r, len(s)); err != nil {
		return nil, err
	}
	return re.MatchString(s), nil
}

// member gives value.name and value[name]; with an optional access nothing
// comes of null.
func member(optional bool) func(r *run, s *site, args []any) (any, error) {
	return func(r *run, s *site, args []any) (any, error) {
		v, key := args[0], args[1]
		if v == nil {
			if optional {
				return nil, nil
			}
			return nil, invalid("%s evaluates to null", s.recv)
		}
		if l, ok := elements(v); ok {
			return item(s, l, key)
		}
		if d, ok := entries(v); ok {
			return d.get(scalarText(key)), nil
		}
		if text, ok := v.(string); ok {
			if i, ok := integer(key); ok {
				return char(r, s, text, i)
			}
		}
		return nil, invalid("%s is %s, which has no %s", s.recv, kindOf(v), scalarText(key))
	}
}

// item gives an element of a list; negative places count from the end.
func item(s *site, l list, key any) (any, error) {
	i, ok := integer(key)
	if !ok {
		return nil, invalid("%s is a list, whose elements are numbered from 0, not %s", s.recv, scalarText(key))
	}
	at, err := place(s, i, l.len())
	if err != nil {
		return nil, err
	}
	return l.at(at), nil
}

func place(s *site, i int64, size int) (int, error) {
	at := i
	if at < 0 {
		at += int64(size)
	}
	if at < 0 || at >= int64(size) {
		return 0, invalid("%s has %d elements, none at %d", s.recv, size, i)
	}
	return int(at), nil
}

func char(r *run, s *site, text string, i int64) (any, error) {
	if err := r.tick(len(text) >> 8); err != nil {
		return nil, err
	}
	at, err := place(s, i, utf8.RuneCountInString(text))
	if err != nil {
		return nil, err
	}
	from := byteOf(text, at)
	_, size := utf8.DecodeRuneInString(text[from:])
	return text[from : from+size], nil
}

// byteOf gives where a character of a text begins.
func byteOf(text string, char int) int {
	for at := range text {
		if char == 0 {
			return at
		}
		char--
	}
	return len(text)
}

// slice gives value[from:to] of a list or text. Places beyond its ends mean
// the ends.
func slice(r *run, s *site, args []any) (any, error) {
	text, isText := args[0].(string)
	l, isList := elements(args[0])
	size := utf8.RuneCountInString(text)
	switch {
	case isList:
		size = l.len()
	case args[0] == nil:
		return nil, invalid("%s evaluates to null", s.recv)
	case !isText:
		return nil, invalid("%s is %s, of which no part can be taken", s.recv, kindOf(args[0]))
	}
	from, err := bound(args[1], 0, size)
	if err != nil {
		return nil, err
	}
	to, err := bound(args[2], size, size)
	if err != nil {
		return nil, err
	}
	if from = min(from, to); isList {
		return sub(r, l, from, to)
	}
	if err := r.tick(len(text) >> 8); err != nil {
		return nil, err
	}
	part := text[byteOf(text, from):byteOf(text, to)]
	return part, r.makeString(len(part))
}

// bound reads a side of [from:to].
func bound(v any, otherwise, size int) (int, error) {
	if v == nil {
		return otherwise, nil
	}
	i, ok := integer(v)
	if !ok {
		return 0, invalid("[from:to] takes integers, not %s", kindOf(v))
	}
	if i < 0 {
		i += int64(size)
	}
	return int(max(0, min(i, int64(size)))), nil
}

func sub(r *run, l list, from, to int) (any, error) {
	if err := r.makeList(to - from); err != nil {
		return nil, err
	}
	out := make([]any, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, l.at(i))
	}
	return out, nil
}
