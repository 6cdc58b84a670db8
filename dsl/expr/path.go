package expr

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// segment is a step of a path: a name, or a place in a list.
type segment struct {
	name  string
	index int
	list  bool // index counts, not name
}

func (s segment) String() string {
	if s.list {
		return strconv.Itoa(s.index)
	}
	return s.name
}

// path is a chain of constant segments, which one site follows. The first one
// is a word that Names knows.
type path struct {
	segments []segment
	optional bool // null when something is missing
}

// upTo writes the first n segments as blueprints do.
func (p *path) upTo(n int) string {
	var b strings.Builder
	for i, s := range p.segments[:n] {
		switch {
		case s.list:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0 && !plainWord(s.name):
			b.WriteString("['" + s.name + "']")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func plainWord(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool { return !pathChar(c) }) < 0
}

func pathChar(c rune) bool { return c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }

// eval follows the path.
func (p *path) eval(r *run, s *site, _ []any) (any, error) {
	v, err := p.follow(r, s)
	if err != nil {
		if p.optional && r.forgives(err) {
			return nil, nil
		}
		return nil, err
	}
	return inside(v), nil
}

func (p *path) follow(r *run, s *site) (any, error) {
	first := p.segments[0].name
	if r.names == nil {
		return nil, Unknown(first)
	}
	v, err := r.names.Name(r.ctx, first)
	for i := 1; err == nil && i < len(p.segments); i++ {
		v, err = r.step(s, v, p.segments[i], func() string { return p.upTo(i) })
	}
	return v, err
}

// step gives a member or element of a value; base writes what led there.
func (r *run) step(s *site, v any, seg segment, base func() string) (any, error) {
	lost := func(format string, args ...any) error {
		return &missing{"invalid reference: " + base() + invalid(format, args...).Error()}
	}
	switch v := v.(type) {
	case nil:
		return nil, lost(" is null, which has no %s", seg.label())
	case map[string]any:
		if item, ok := v[seg.String()]; ok {
			return item, nil
		}
		return nil, lost("%s is not defined", seg.shown())
	case handle:
		return r.member(v.of, seg)
	case opaque:
		return r.member(v.of, seg)
	case string:
		if seg.list && seg.index >= 0 {
			if c, err := char(r, s, v, int64(seg.index)); err == nil || !invalidKind(err) {
				return c, err
			}
		}
		return nil, lost(" is text, which has no %s", seg.label())
	}
	if l, ok := elements(v); ok {
		at, isPlace := seg.place()
		if !isPlace || at < 0 || at >= l.len() {
			return nil, lost("%s is not defined: the list has %s, numbered from 0", seg.shown(), plural(l.len(), "element"))
		}
		return l.at(at), nil
	}
	switch v := inside(v).(type) {
	case handle:
		return r.member(v.of, seg)
	case opaque:
		return r.member(v.of, seg)
	}
	return nil, lost(" is %s, which has no %s", kindOf(v), seg.label())
}

func (r *run) member(of any, seg segment) (any, error) {
	if r.names == nil {
		return nil, Unknown(seg.label())
	}
	return r.names.Member(r.ctx, of, seg.String())
}

func invalidKind(err error) bool { return fault.KindOf(err) == fault.Invalid }

// shown writes a segment behind what it is taken of.
func (s segment) shown() string {
	switch {
	case s.list:
		return "[" + strconv.Itoa(s.index) + "]"
	case plainWord(s.name):
		return "." + s.name
	}
	return "['" + s.name + "']"
}

// label writes a segment alone.
func (s segment) label() string {
	if s.list {
		return s.shown()
	}
	return s.name
}

// place gives the place in a list that a segment means.
func (s segment) place() (int, bool) {
	if s.list {
		return s.index, true
	}
	n, err := strconv.Atoi(s.name)
	return n, err == nil
}

// forgives tells whether ?? may take its right side after this error: what its
// left side asks for is not there or makes no sense.
func (r *run) forgives(err error) bool {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Invalid:
		return r.stopped() == nil
	}
	return false
}

// plainPath reads a text that is a path and nothing else: words of letters,
// digits, _ and -, with dots between, [1] and ['key'].
func plainPath(chars []rune) ([]segment, bool) {
	end := wordEnd(chars, 0)
	if end == 0 || !unicode.IsLetter(chars[0]) && chars[0] != '_' {
		return nil, false
	}
	out := []segment{{name: string(chars[:end])}}
	for i := end; i < len(chars); i = end {
		var s segment
		switch chars[i] {
		case '.':
			end = wordEnd(chars, i+1)
			s.name = string(chars[i+1 : end])
			if s.name == "" {
				return nil, false
			}
		case '[':
			if s, end = bracket(chars, i+1); end < 0 {
				return nil, false
			}
		default:
			return nil, false
		}
		out = append(out, s)
	}
	switch out[0].name {
	case "true", "false", "nil", "null":
		return nil, false
	}
	return out, true
}

func wordEnd(chars []rune, i int) int {
	for i < len(chars) && pathChar(chars[i]) {
		i++
	}
	return i
}

// bracket reads what stands between brackets of a path, from behind the first
// to behind the second; end is -1 if it is neither a number nor a quoted key.
func bracket(chars []rune, i int) (s segment, end int) {
	from := i
	if i < len(chars) && (chars[i] == '\'' || chars[i] == '"') {
		for i++; i < len(chars) && chars[i] != chars[from] && chars[i] != '\\'; i++ {
		}
		if i+1 < len(chars) && chars[i] == chars[from] && chars[i+1] == ']' {
			return segment{name: string(chars[from+1 : i])}, i + 2
		}
		return s, -1
	}
	for i < len(chars) && (unicode.IsDigit(chars[i]) || i == from && chars[i] == '-') {
		i++
	}
	n, err := strconv.Atoi(string(chars[from:i]))
	if err != nil || i >= len(chars) || chars[i] != ']' {
		return s, -1
	}
	return segment{index: n, list: true}, i + 1
}

// path makes the site of a path whose first word is at a place.
func (c *compiler) path(src *source, segments []segment, at, from, to int) *site {
	use := Use{Path: make([]string, len(segments)), Optional: c.optional > 0, Pos: src.pos(at)}
	for i, s := range segments {
		use.Path[i] = s.String()
	}
	c.uses = append(c.uses, use)
	p := &path{segments: segments, optional: c.lenient}
	return &site{src: src, off: at, from: from, to: to, eval: p.eval}
}

// nameOf rewrites a path within an expression.
func (t *translator) nameOf(segments []segment, off, from, to int) ast.Node {
	t.impure = true
	s := t.c.path(t.p.src, segments, off, from, to)
	s.eval = orNull(s.eval, t.optional > 0)
	return t.invoke(s)
}

// reach rewrites an access to a member in an expression whose words are names.
func (t *translator) reach(n *ast.MemberNode, off int) ast.Node {
	if segments, ok := t.segments(n); ok {
		from, to := t.p.extent(n)
		return t.nameOf(segments, from, from, to)
	}
	s := &site{off: off, eval: orNull(reachMember, t.optional > 0 || t.c.lenient)}
	s.from, s.to = t.p.extent(n)
	s.recv = strings.TrimRight(t.p.src.cut(s.from, n.Property.Location().From), " .?[")
	if p, ok := n.Node.(*ast.PointerNode); ok && p.Name == "" {
		s.recv = "the element"
	}
	return t.invoke(s, t.node(n.Node), t.node(n.Property))
}

// segments gives a chain of constant members that starts with a name.
func (t *translator) segments(n ast.Node) ([]segment, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []segment{{name: n.Value}}, !t.bound(n.Value) && !t.isIt(n) && n.Value != "null"
	case *ast.MemberNode:
		base, ok := t.segments(n.Node)
		if !ok || len(base) > t.c.lim.Depth {
			return nil, false
		}
		switch property := n.Property.(type) {
		case *ast.StringNode:
			return append(base, segment{name: t.text(property)}), true
		case *ast.IntegerNode:
			return append(base, segment{index: property.Value, list: true}), true
		}
	}
	return nil, false
}

// reachMember gives value[key] where both are computed.
func reachMember(r *run, s *site, args []any) (any, error) {
	seg := segment{name: scalarText(args[1])}
	if i, ok := integer(args[1]); ok {
		seg = segment{index: int(i), list: true}
	}
	v, err := r.step(s, args[0], seg, func() string { return s.recv })
	return inside(v), err
}

type siteEval func(r *run, s *site, args []any) (any, error)

// orNull makes null of what is missing.
func orNull(eval siteEval, able bool) siteEval {
	if !able {
		return eval
	}
	return func(r *run, s *site, args []any) (any, error) {
		v, err := eval(r, s, args)
		if err != nil && r.forgives(err) {
			return nil, nil
		}
		return v, err
	}
}

// left rewrites the left side of an operator. What is missing left of ?? is
// null: a path gives it itself, anything else is a program of its own, unless
// it shares the variables of the one around.
func (t *translator) left(n *ast.BinaryNode) ast.Node {
	if n.Operator != "??" || !t.c.braces {
		return t.node(n.Left)
	}
	saved := t.c.lenient
	t.c.optional++
	defer func() { t.c.optional--; t.c.lenient = saved }()
	t.c.lenient = isSpine(n.Left)
	if t.c.lenient || t.preds > 0 || len(t.vars) > 0 {
		return t.node(n.Left)
	}
	tree := t.node(n.Left)
	if t.failed {
		return tree
	}
	prog, err := assemble(t.base, tree)
	if err != nil {
		t.c.syntax(t.base, err)
		t.failed = true
		return tree
	}
	t.impure = true
	return t.invoke(&site{off: n.Location().From, bare: true, eval: orNull(func(r *run, _ *site, _ []any) (any, error) {
		return prog.eval(r)
	}, true)})
}

// isSpine tells whether a side of ?? only follows members.
func isSpine(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode, *ast.PointerNode:
		return true
	case *ast.MemberNode:
		return isSpine(n.Node)
	case *ast.ChainNode:
		return isSpine(n.Node)
	case *ast.BinaryNode:
		return n.Operator == "??" && isSpine(n.Left) && isSpine(n.Right)
	}
	return false
}
