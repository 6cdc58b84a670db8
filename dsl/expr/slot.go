package expr

import (
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

const openBrace = "${"

// hasSlot tells whether a text holds a ${…}.
func hasSlot(text string) bool { return strings.Contains(text, openBrace) }

// slot is a ${…} of a template.
type slot struct {
	node
	src      *source
	from, to int  // with its braces
	caught   bool // it stands left of ??, so that OnMissing does not concern it
}

func (s *slot) eval(r *run) (any, error) {
	v, err := s.node.eval(r)
	if err != nil {
		if text, ok := s.instead(r, err); ok {
			return text, nil
		}
	}
	return v, err
}

// instead gives what stands for a value that is missing.
func (s *slot) instead(r *run, err error) (string, bool) {
	switch {
	case r.missing == Fail || s.caught || !IsMissing(err):
		return "", false
	case r.missing == Blank:
		return "", true
	}
	return string(s.src.chars[s.from:s.to]), true
}

func (s *slot) place() (yamlpos.Pos, string) { return s.src.pos(s.from), s.src.cut(s.from, s.to) }

// text gives what the slot stands for within a longer text.
func (s *slot) text(r *run) (string, error) {
	v, err := s.eval(r)
	if err != nil {
		return "", err
	}
	text, err := embedded(v)
	if err == nil {
		return text, nil
	}
	if text, ok := s.instead(r, err); ok {
		return text, nil
	}
	pos, shown := s.place()
	return "", &Error{pos, shown, err}
}

// embedded writes a value that stands within a text.
func embedded(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "", &missing{"invalid reference: it is null, which cannot stand within a text"}
	case opaque, Object, Replacement:
	default:
		_, isList := elements(v)
		_, isMap := entries(v)
		if !isList && !isMap {
			return scalarText(v), nil
		}
	}
	return "", invalid("it is %s, which cannot stand within a text; make text of it first, or write it alone", kindOf(v))
}

// joined is a text with slots in it.
type joined struct {
	parts []any // string or *slot
	src   *source
}

func (j *joined) eval(r *run) (any, error) {
	var b strings.Builder
	for _, p := range j.parts {
		text, ok := p.(string)
		if s, isSlot := p.(*slot); isSlot {
			var err error
			if text, err = s.text(r); err != nil {
				return nil, err
			}
		} else if !ok {
			continue
		}
		if b.Len()+len(text) > r.lim.String {
			pos, whole := j.place()
			return nil, &Error{pos, whole, exceeded("String", r.lim.String, "bytes")}
		}
		b.WriteString(text)
	}
	if err := r.makeString(b.Len()); err != nil {
		pos, whole := j.place()
		return nil, &Error{pos, whole, err}
	}
	return b.String(), nil
}

func (j *joined) place() (yamlpos.Pos, string) { return j.src.pos(0), j.src.whole() }

// template compiles the part of a text from one place to another. If all of it
// is one slot, the value keeps its type unless text is wanted.
func (c *compiler) template(src *source, from, to int, wantText bool) node {
	parts := c.parts(src, nil, from, to)
	if len(parts) == 1 {
		switch p := parts[0].(type) {
		case string:
			return constant{p}
		case *slot:
			if known, ok := p.node.(constant); ok && !wantText {
				return known
			}
			if !wantText {
				return p
			}
		}
	}
	if len(parts) == 0 {
		return constant{""}
	}
	return &joined{parts: parts, src: src}
}

// parts splits a text at its slots.
func (c *compiler) parts(src *source, out []any, from, to int) []any {
	start := from
	flush := func(end int) {
		if end > start {
			out = append(out, string(src.chars[start:end]))
		}
	}
	for i := from; i+1 < to; i++ {
		if src.chars[i] != '$' || src.chars[i+1] != '{' {
			continue
		}
		end := slotEnd(src.chars[:to], i)
		if end < 0 {
			c.add(src, i, "${ is not closed, expected }")
			return out
		}
		flush(i)
		out = append(out, c.slot(src, i, end))
		start, i = end, end-1
	}
	flush(to)
	return out
}

// slotEnd gives the place behind the brace that closes the ${ at a place, or
// -1 if none does.
func slotEnd(chars []rune, at int) int {
	depth, quote := 0, rune(0)
	for i := at + 2; i < len(chars); i++ {
		switch c := chars[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth < 0 {
				return i + 1
			}
		}
	}
	return -1
}

// slot compiles the ${…} between two places.
func (c *compiler) slot(src *source, from, to int) *slot {
	s := &slot{node: nothing, src: src, from: from, to: to, caught: c.optional > 0}
	inner := src.chars[from+2 : to-1]
	lead, end := 0, len(inner)
	for lead < end && unicode.IsSpace(inner[lead]) {
		lead++
	}
	for end > lead && unicode.IsSpace(inner[end-1]) {
		end--
	}
	if lead == end {
		c.add(src, from, "%s names nothing", src.cut(from, to))
		return s
	}
	if i := strings.Index(string(inner), openBrace); i >= 0 {
		c.add(src, from+2+len([]rune(string(inner)[:i])), "a ${…} holds no other; write the name without ${ and }")
		return s
	}
	at := from + 2 + lead
	if p, ok := plainPath(inner[lead:end]); ok {
		s.node = &callNode{site: c.path(src, p, at, from, to)}
		return s
	}
	s.node = c.named(src.part(at, at+end-lead))
	return s
}

// named compiles an expression whose words are names.
func (c *compiler) named(src *source) node {
	saved := c.names
	c.names = true
	defer func() { c.names = saved }()
	return c.expression(src, nil).node
}

// embed compiles a quoted text with slots in a $brooklyn: expression. What it
// gives is text, unless the slot was written without quotes.
func (t *translator) embed(q quoted, off int) ast.Node {
	src := &source{chars: []rune(q.text), outer: t.p.src, at: q.at}
	n := t.c.template(src, 0, len(src.chars), !q.slot)
	t.impure = true
	s := &site{off: off, bare: true, eval: func(r *run, _ *site, _ []any) (any, error) {
		v, err := n.eval(r)
		return inside(v), err
	}}
	return t.invoke(s)
}
