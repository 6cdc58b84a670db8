package step

import (
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Append is the index that adds to a list: x[-1] and x[].
const Append = int64(-1)

// Path is a name with what it reaches into: a key (string) or an index (int64)
// each.
type Path struct {
	Root string
	Keys []any
}

// String gives the path as it is written.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString(p.Root)
	for _, k := range p.Keys {
		if s, ok := k.(string); ok {
			b.WriteString("['" + s + "']")
			continue
		}
		b.WriteString("[" + strconv.FormatInt(k.(int64), 10) + "]")
	}
	return b.String()
}

// ParsePath reads NAME['key'][0]. With dots, NAME.key reaches into it too; names
// of sensors and config keys have dots of their own.
func ParsePath(s string, dots bool) (Path, error) {
	bad := func(why string) (Path, error) {
		return Path{}, fault.New(fault.Invalid, "%q is not a name with keys in brackets: %s", s, why)
	}
	end := strings.IndexByte(s, '[')
	if end < 0 {
		end = len(s)
	}
	p := Path{Root: strings.TrimSpace(s[:end])}
	if dots {
		parts := strings.Split(p.Root, ".")
		p.Root = parts[0]
		for _, part := range parts[1:] {
			p.Keys = append(p.Keys, part)
		}
	}
	if p.Root == "" {
		return bad("the name is missing")
	}
	for rest := s[end:]; rest != ""; {
		switch {
		case dots && rest[0] == '.':
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			p.Keys, rest = append(p.Keys, rest[1:n+1]), rest[n+1:]
			continue
		case rest[0] != '[':
			return bad("unexpected " + rest)
		}
		n := bracketLength(rest)
		if n == 0 {
			return bad("a bracket is not closed")
		}
		inner := strings.TrimSpace(rest[1 : n-1])
		rest = rest[n:]
		if inner == "" {
			p.Keys = append(p.Keys, Append)
		} else if i, err := strconv.ParseInt(inner, 10, 64); err == nil {
			p.Keys = append(p.Keys, i)
		} else {
			p.Keys = append(p.Keys, unquote(inner))
		}
	}
	return p, nil
}

// Set gives the value at the path's root with v put where the path leads. What
// is on the way is made when it is not there; nothing that was given is changed.
func (p Path) Set(root any, there bool, v any) (any, error) { return p.set(root, there, 0, v) }

func (p Path) set(at any, there bool, i int, v any) (any, error) {
	if i == len(p.Keys) {
		return v, nil
	}
	here := Path{p.Root, p.Keys[:i]}
	if key, ok := p.Keys[i].(string); ok {
		m, isMap := at.(map[string]any)
		if !isMap && there && at != nil {
			return nil, fault.New(fault.Invalid, "cannot set key %q of %s, which is a %s", key, here, kindOf(at))
		}
		out := make(map[string]any, len(m)+1)
		for k, x := range m {
			out[k] = x
		}
		old, has := m[key]
		next, err := p.set(old, has, i+1, v)
		out[key] = next
		return out, err
	}
	index := p.Keys[i].(int64)
	l, isList := at.([]any)
	undefined := !there || at == nil
	if !isList && !undefined {
		return nil, fault.New(fault.Invalid, "cannot set index %d of %s, which is a %s", index, here, kindOf(at))
	}
	n := int64(len(l))
	if index == Append {
		index = n
	} else if index < 0 {
		index += n
	}
	if index < 0 || index > n || undefined && index > 0 {
		what := "has " + strconv.Itoa(len(l)) + " items"
		if undefined {
			what = "is undefined"
		}
		return nil, fault.New(fault.Invalid, "cannot set index %d of %s, which %s", p.Keys[i], here, what)
	}
	out := append([]any(nil), l...)
	var old any
	if index < n {
		old = l[index]
	} else {
		out = append(out, nil)
	}
	next, err := p.set(old, index < n, i+1, v)
	out[index] = next
	return out, err
}

// Clear gives the value at the root without what the path leads to; has tells
// whether there was anything.
func (p Path) Clear(root any) (out any, has bool) { return clearAt(root, p.Keys) }

func clearAt(at any, keys []any) (any, bool) {
	switch key := keys[0].(type) {
	case string:
		m, _ := at.(map[string]any)
		old, has := m[key]
		if !has {
			return at, false
		}
		out := make(map[string]any, len(m))
		for k, x := range m {
			out[k] = x
		}
		if len(keys) == 1 {
			delete(out, key)
			return out, true
		}
		out[key], has = clearAt(old, keys[1:])
		return out, has
	case int64:
		l, _ := at.([]any)
		if key < 0 {
			key += int64(len(l))
		}
		if key < 0 || key >= int64(len(l)) {
			return at, false
		}
		out := append([]any(nil), l...)
		if len(keys) == 1 {
			return append(out[:key], out[key+1:]...), true
		}
		var has bool
		out[key], has = clearAt(l[key], keys[1:])
		return out, has
	}
	return at, false
}

func kindOf(v any) string {
	switch v.(type) {
	case []any:
		return "list"
	case map[string]any:
		return "map"
	case string:
		return "text"
	}
	return "value"
}
