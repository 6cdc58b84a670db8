package transform

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/dsl/expr"
)

// end gives an item of a list, null of none.
func end(item func([]any) any) operator {
	return func(_ *call, v any) (any, error) {
		list, ok := v.([]any)
		switch {
		case v == nil || ok && len(list) == 0:
			return nil, nil
		case !ok:
			return nil, invalid("it takes a list, not %s", kindOf(v))
		}
		return item(list), nil
	}
}

func size(_ *call, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return int64(len(v)), nil
	case map[string]any:
		return int64(len(v)), nil
	}
	return nil, invalid("it takes a list or a map, not %s", kindOf(v))
}

func readSlice(s *statement) operator {
	if len(s.args) < 1 || len(s.args) > 2 {
		return s.fail("takes START [END], not %d arguments", len(s.args))
	}
	args := s.args
	for i, what := range []string{"start", "end"}[:len(args)] {
		s.constantInt(args[i], what)
	}
	return func(c *call, v any) (any, error) {
		length := 0
		switch v := v.(type) {
		case []any:
			length = len(v)
		case string:
			length = utf8.RuneCountInString(v)
		default:
			return nil, invalid("it takes a list or a text, not %s", kindOf(v))
		}
		from, to := 0, length
		for i, at := range []*int{&from, &to}[:len(args)] {
			var err error
			if *at, err = c.bound(args[i], []string{"start", "end"}[i], length); err != nil {
				return nil, err
			}
		}
		if to < from {
			return nil, invalid("invalid end index %d: it is before the start index %d", to, from)
		}
		if list, ok := v.([]any); ok {
			return slices.Clone(list[from:to]), nil
		}
		return string([]rune(v.(string))[from:to]), nil
	}
}

// bound gives a place between the items of a list; negative ones count from
// its end.
func (c *call) bound(w word, what string, length int) (int, error) {
	n, err := c.integer(w, what+" index")
	if err != nil {
		return 0, err
	}
	at := n
	if n < 0 {
		at += length
	}
	if at < 0 || at > length {
		return 0, invalid("invalid %s index %d: the size is %d", what, n, length)
	}
	return at, nil
}

func readRemove(s *statement) operator {
	arg, ok := s.one("the key of a map or the index of a list")
	if !ok {
		return nil
	}
	return func(c *call, v any) (any, error) {
		switch v := v.(type) {
		case map[string]any:
			key, err := c.text(arg)
			if err != nil {
				return nil, err
			}
			out := maps.Clone(v)
			delete(out, key)
			return out, nil
		case []any:
			n, err := c.integer(arg, "index")
			if err != nil {
				return nil, err
			}
			at := n
			if n < 0 {
				at += len(v)
			}
			if at < 0 || at >= len(v) {
				return nil, invalid("invalid index %d: the size is %d", n, len(v))
			}
			return slices.Delete(slices.Clone(v), at, at+1), nil
		}
		return nil, invalid("it takes a map or a list, not %s", kindOf(v))
	}
}

// readGet reads where in a value another one is: .key, [1] or ["key"], one
// behind the other.
func readGet(s *statement) operator {
	if len(s.args) > 1 {
		return s.fail("takes one place at most, such as .key or [0], not %d arguments", len(s.args))
	}
	if len(s.args) == 0 {
		return func(_ *call, v any) (any, error) { return v, nil }
	}
	arg := s.args[0]
	if !arg.fill {
		if _, err := places(arg.text); err != nil {
			s.failAt(arg, "%s", err)
		}
	}
	return func(c *call, v any) (any, error) {
		path, err := c.text(arg)
		if err != nil {
			return nil, err
		}
		steps, err := places(path)
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			if v, err = get(v, step); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
}

func get(v any, step string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if item, ok := v[step]; ok {
			return item, nil
		}
		return nil, expr.Unknown(step)
	case []any:
		n, err := strconv.Atoi(step)
		if err != nil {
			return nil, invalid("%q is no index of a list", step)
		}
		if n < 0 {
			n += len(v)
		}
		if n < 0 || n >= len(v) {
			return nil, expr.Unknown("[" + step + "] of a list of size " + strconv.Itoa(len(v)))
		}
		return v[n], nil
	}
	return nil, invalid("%s of %s: it takes a map or a list", step, kindOf(v))
}

// places takes a path apart.
func places(path string) ([]string, error) {
	var out []string
	for rest := path; rest != ""; {
		switch rest[0] {
		case '[':
			inner := rest[1:]
			closed := strings.IndexByte(inner, ']')
			if n := quotedPart(inner); n > 0 && strings.HasPrefix(inner[n:], "]") {
				closed = n
			}
			if closed < 1 {
				return nil, invalid("%s: expected [INDEX] or [\"KEY\"]", path)
			}
			key := strings.TrimSpace(inner[:closed])
			if n := quotedPart(key); n > 0 && n == len(key) {
				key = unescape(key[1 : n-1])
			}
			out, rest = append(out, key), inner[closed+1:]
		default:
			rest = strings.TrimPrefix(rest, ".")
			n := strings.IndexAny(rest, ".[")
			if n < 0 {
				n = len(rest)
			}
			if n == 0 {
				return nil, invalid("%s: expected a key behind the dot", path)
			}
			out, rest = append(out, rest[:n]), rest[n:]
		}
	}
	return out, nil
}

func quotedPart(text string) int {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return 0
	}
	return QuotedLength(text)
}
