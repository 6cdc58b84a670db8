package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/builtin"
)

// isPredicate tells the functions of expr-lang that take a predicate. They
// stay its own: each round pays, and reaches values through this package.
func isPredicate(name string) bool {
	i, ok := builtin.Index[name]
	return ok && builtin.Builtins[i].Predicate
}

// builtinFunctions are the functions of expr-lang without a predicate. Those
// that only compute numbers or look at text are its own, behind a check of
// what they are given; those that make strings or lists are this package's.
func builtinFunctions() []*function {
	all := []*function{
		{name: "type", min: 1, max: 1, run: typeName},
		{name: "string", min: 1, max: 1, run: func(r *run, args []any) (any, error) { return r.text(args[0]) }},
		{name: "len", min: 1, max: 1, run: length("len")},
		{name: "size", min: 1, max: 1, run: length("size")},
		{name: "int", min: 1, max: 1, run: toInt},
		{name: "float", min: 1, max: 1, run: toFloat},
		{name: "get", min: 2, max: 2, run: get},
		{name: "join", min: 1, max: 2, run: join},
		{name: "repeat", min: 2, max: 2, run: repeat},
		{name: "replace", min: 3, max: 4, run: replace},
		{name: "split", min: 2, max: 3, run: split(strings.SplitN)},
		{name: "splitAfter", min: 2, max: 3, run: split(strings.SplitAfterN)},
		{name: "toJSON", min: 1, max: 1, run: toJSON},
		{name: "fromJSON", min: 1, max: 1, run: fromJSON},
	}
	all = append(all, listFunctions()...)
	for _, b := range []struct {
		names    string
		min, max int
	}{
		{"abs ceil floor round upper lower toBase64 fromBase64 bitnot", 1, 1},
		{"trim trimPrefix trimSuffix", 1, 2},
		{"indexOf lastIndexOf hasPrefix hasSuffix bitand bitor bitxor bitnand bitshl bitshr bitushr", 2, 2},
		{"max min mean median", 1, -1},
		{"sort", 1, 2},
	} {
		for name := range strings.FieldsSeq(b.names) {
			all = append(all, &function{name: name, min: b.min, max: b.max, run: native(name)})
		}
	}
	for _, f := range all {
		f.pure, f.builtin = true, true
	}
	return all
}

// native calls a function of expr-lang.
func native(name string) operation {
	f := builtin.Builtins[builtin.Index[name]]
	return func(r *run, args []any) (v any, err error) {
		bytes := 0
		for _, a := range args {
			n, err := r.measure(a)
			if err != nil {
				return nil, err
			}
			bytes += n
		}
		// None of them gives more than four thirds of what it takes.
		if err := r.spend(2 * bytes); err != nil {
			return nil, err
		}
		defer func() {
			if p := recover(); p != nil {
				v, err = nil, invalid("%s: %s", name, panicText(p))
			}
		}()
		switch {
		case f.Fast != nil:
			v = f.Fast(args[0])
		case f.Safe != nil:
			v, _, err = f.Safe(args...)
		default:
			v, err = f.Func(args...)
		}
		if err != nil {
			return nil, invalid("%s: %s", name, err)
		}
		return v, r.made(v)
	}
}

// made checks the size of something that was made.
func (r *run) made(v any) error {
	if s, ok := v.(string); ok {
		return r.makeString(len(s))
	}
	if l, ok := elements(v); ok {
		return r.makeList(l.len())
	}
	return nil
}

func typeName(_ *run, args []any) (any, error) {
	if args[0] == nil {
		return "nil", nil
	}
	if _, isInt := args[0].(float64); isInt {
		return "float", nil
	}
	if _, isNumber := number(args[0]); isNumber {
		return "int", nil
	}
	words := map[string]string{"a boolean": "bool", "text": "string", "a list": "array"}
	kind := kindOf(args[0])
	if word, ok := words[kind]; ok {
		return word, nil
	}
	return kind[strings.IndexByte(kind, ' ')+1:], nil
}

func length(name string) operation {
	return func(r *run, args []any) (any, error) {
		if s, ok := args[0].(string); ok {
			return utf8.RuneCountInString(s), r.tick(len(s) >> 8)
		}
		if l, ok := elements(args[0]); ok {
			return l.len(), nil
		}
		if d, ok := entries(args[0]); ok {
			return len(d), nil
		}
		return nil, invalid("%s takes text, a list or a map, not %s", name, kindOf(args[0]))
	}
}

func toFloat(_ *run, args []any) (any, error) {
	if n, ok := number(args[0]); ok {
		return float(n), nil
	}
	if s, ok := args[0].(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			return f, nil
		}
	}
	return nil, invalid("float takes a number, also one in text, not %s", kindOf(args[0]))
}

// toInt cuts off what stands behind the point.
func toInt(r *run, args []any) (any, error) {
	if s, ok := args[0].(string); ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
			return n, nil
		}
	}
	v, err := toFloat(r, args)
	if n, ok := number(args[0]); ok && err == nil {
		if i, ok := n.(int64); ok {
			return i, nil
		}
	}
	if f, ok := v.(float64); ok && math.Abs(f) < 1<<63 {
		return int64(f), nil
	}
	return nil, invalid("int takes a number, also one in text, not %s", kindOf(args[0]))
}

// get is value[key], but null where there is nothing.
func get(r *run, args []any) (any, error) {
	v, err := member(true)(r, &site{recv: "the first argument"}, args)
	if err != nil {
		return nil, nil
	}
	return v, nil
}

// textArgs gives the arguments from the first on that must be text.
func textArgs(name string, args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, a := range args {
		s, ok := a.(string)
		if !ok {
			return nil, invalid("%s takes text, not %s", name, kindOf(a))
		}
		out[i] = s
	}
	return out, nil
}

func join(r *run, args []any) (any, error) {
	glue := ""
	if len(args) == 2 {
		texts, err := textArgs("join", args[1:])
		if err != nil {
			return nil, err
		}
		glue = texts[0]
	}
	l, ok := elements(args[0])
	if !ok {
		return nil, invalid("join takes a list, not %s", kindOf(args[0]))
	}
	var b strings.Builder
	for i := range l.len() {
		if i > 0 {
			b.WriteString(glue)
		}
		if err := r.write(&b, l.at(i), 1); err != nil {
			return nil, err
		}
		if err := r.tick(1); err != nil {
			return nil, err
		}
	}
	return b.String(), r.makeString(b.Len())
}

func repeat(r *run, args []any) (any, error) {
	texts, err := textArgs("repeat", args[:1])
	if err != nil {
		return nil, err
	}
	n, ok := integer(args[1])
	if !ok || n < 0 {
		return nil, invalid("repeat takes a number of times, not %s", shown(args[1]))
	}
	if len(texts[0]) > 0 && n > int64(r.lim.String/len(texts[0])) {
		return nil, exceeded("String", r.lim.String, "bytes")
	}
	if err := r.makeString(len(texts[0]) * int(min(n, int64(r.lim.String)))); err != nil || texts[0] == "" {
		return "", err
	}
	return strings.Repeat(texts[0], int(n)), nil
}

func replace(r *run, args []any) (any, error) {
	texts, err := textArgs("replace", args[:3])
	if err != nil {
		return nil, err
	}
	times := strings.Count(texts[0], texts[1])
	if len(args) == 4 {
		n, ok := integer(args[3])
		if !ok {
			return nil, invalid("replace takes a number of times, not %s", shown(args[3]))
		}
		if n >= 0 {
			times = int(min(int64(times), n))
		}
	}
	grow := len(texts[2]) - len(texts[1])
	if grow > 0 && times > r.lim.String/grow {
		return nil, exceeded("String", r.lim.String, "bytes")
	}
	if err := r.makeString(len(texts[0]) + times*grow); err != nil {
		return nil, err
	}
	return strings.Replace(texts[0], texts[1], texts[2], times), nil
}

func split(by func(s, sep string, n int) []string) operation {
	return func(r *run, args []any) (any, error) {
		texts, err := textArgs("split", args[:2])
		if err != nil {
			return nil, err
		}
		n := int64(-1)
		if len(args) == 3 {
			var ok bool
			if n, ok = integer(args[2]); !ok {
				return nil, invalid("split takes a number of parts, not %s", shown(args[2]))
			}
		}
		if err := r.makeList(strings.Count(texts[0], texts[1]) + 1); err != nil {
			return nil, err
		}
		parts := by(texts[0], texts[1], int(max(-1, min(n, int64(r.lim.List)))))
		out := make([]any, len(parts))
		for i, p := range parts {
			out[i] = p
		}
		return out, nil
	}
}

// panicText gives what a panic of expr-lang's says, in words for people.
func panicText(p any) string {
	text := fmt.Sprint(p)
	text = strings.TrimPrefix(text, "runtime error: ")
	var have, want string
	if rest, ok := strings.CutPrefix(text, "interface conversion: interface {} is "); ok {
		have, want, _ = strings.Cut(rest, ", not ")
		return fmt.Sprintf("expected %s, not %s", goType(want), goType(have))
	}
	if strings.HasPrefix(text, "reflect: ") || strings.HasPrefix(text, "interface conversion") {
		return "the value has the wrong type"
	}
	return text
}

func goType(name string) string {
	names := map[string]string{
		"nil": "null", "string": "text", "bool": "a boolean", "int": "a number", "int64": "a number", "float64": "a number",
		"[]interface {}": "a list", "[]int": "a list", "map[string]interface {}": "a map", "expr.handle": "an entity",
	}
	if word, ok := names[name]; ok {
		return word
	}
	return "a value of another type"
}
