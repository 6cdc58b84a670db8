package expr

import (
	"strings"

	"github.com/expr-lang/expr/ast"
)

// call rewrites a call of a function or method.
func (t *translator) call(n *ast.CallNode) ast.Node {
	off := n.Location().From
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if t.bound(callee.Value) {
			return t.fail(off, "%s is a variable, not a function", callee.Value)
		}
		f := functionNamed(callee.Value)
		if f == nil {
			return t.fail(off, "%s", noFunction(callee.Value, false))
		}
		return t.invokeFunction(n, f, callee.Value, n.Arguments, off)
	case *ast.MemberNode:
		property, ok := callee.Property.(*ast.StringNode)
		if !ok {
			return t.fail(off, "a function is called by its name")
		}
		if space, ok := callee.Node.(*ast.IdentifierNode); ok && !t.c.names && !t.bound(space.Value) && !t.isIt(space) {
			full := space.Value + "." + property.Value
			if f := functionNamed(full); f != nil {
				return t.invokeFunction(n, f, full, n.Arguments, space.Location().From)
			}
			return t.fail(space.Location().From, "%s", noFunction(full, false))
		}
		return t.method(n, callee, property.Value, off)
	}
	return t.fail(off, "a function is called by its name")
}

// invokeFunction makes a call at the top of a chain.
func (t *translator) invokeFunction(n ast.Node, f *function, name string, arguments []ast.Node, off int) ast.Node {
	if f == nil {
		return t.fail(off, "%s", noFunction(name, false))
	}
	if err := f.counts(len(arguments)); err != nil {
		return t.fail(off, "%s", err)
	}
	s := &site{off: off, name: name, eval: f.eval}
	s.from, s.to = t.p.extent(n)
	s.from = min(s.from, off)
	nodes, known := t.arguments(f, arguments)
	call := t.invoke(s, nodes...)
	t.finish(f, call, off, known, nil, false)
	return call
}

// method makes a call on what stands before it.
func (t *translator) method(n *ast.CallNode, callee *ast.MemberNode, name string, off int) ast.Node {
	recv := t.node(callee.Node)
	of, isEntity := t.entities[recv]
	s := &site{off: off, name: name, recv: t.shown(callee.Node), method: true, eval: unknownMethod}
	s.from, s.to = t.p.extent(n)
	f := functionNamed(name)
	if f != nil && f.ask == nil {
		f = nil
	}
	if f == nil && isEntity {
		return t.fail(off, "%s", noFunction(name, true))
	}
	if f == nil {
		nodes, _ := t.arguments(nil, n.Arguments)
		t.impure = true
		return t.optionally(t.invoke(s, append([]ast.Node{recv}, nodes...)...), s)
	}
	if err := f.counts(len(n.Arguments)); err != nil {
		return t.fail(off, "%s", err)
	}
	s.eval = f.eval
	nodes, known := t.arguments(f, n.Arguments)
	call := t.invoke(s, append([]ast.Node{recv}, nodes...)...)
	t.finish(f, call, off, known, of, of == nil)
	return t.optionally(call, s)
}

// optionally lets a call after ?. give null on null.
func (t *translator) optionally(call ast.Node, s *site) ast.Node {
	if t.optional > 0 {
		eval := s.eval
		s.eval = func(r *run, s *site, args []any) (any, error) {
			if args[0] == nil {
				return nil, nil
			}
			return eval(r, s, args)
		}
	}
	return call
}

// finish checks the arguments of a call and notes what it refers to.
func (t *translator) finish(f *function, call ast.Node, off int, args []arg, of *Ref, deferred bool) {
	if !f.pure {
		t.impure = true
	}
	if f.check != nil {
		if err := f.check(args); err != nil {
			t.problem(off, args, err)
			return
		}
	}
	ref := t.c.refer(f, args, of, deferred)
	if f.entity {
		t.entities[call] = ref
	}
}

// refer notes what a call refers to, and gives it when it is an entity.
func (c *compiler) refer(f *function, args []arg, of *Ref, deferred bool) *Ref {
	if f.refer == nil {
		return nil
	}
	ref := f.refer(args)
	if ref == nil {
		return nil
	}
	ref.Of, ref.Deferred = of, deferred
	if ref.Name != "" {
		c.refs = append(c.refs, *ref)
	}
	return ref
}

// arguments rewrites the arguments of a function.
func (t *translator) arguments(f *function, arguments []ast.Node) ([]ast.Node, []arg) {
	nodes, known := make([]ast.Node, len(arguments)), make([]arg, len(arguments))
	for i, a := range arguments {
		nodes[i] = t.argument(f, a)
		v, ok := constantOf(nodes[i])
		known[i] = arg{v: v, known: ok, pos: t.p.src.pos(leftmost(a))}
	}
	return nodes, known
}

// argument rewrites one argument. A bare word is text there, and a text in
// quotes that starts with the prefix is an expression.
func (t *translator) argument(f *function, a ast.Node) ast.Node {
	off := a.Location().From
	if word, ok := t.bareword(a); ok && !t.c.names && (f == nil || !f.builtin) {
		return t.put(&ast.StringNode{Value: word}, leftmost(a))
	}
	text, ok := a.(*ast.StringNode)
	if !ok || f != nil && (f.raw || f.builtin) {
		return t.node(a)
	}
	q, ok := t.p.quoted[off]
	if !ok || !strings.HasPrefix(q.text, Prefix) {
		return t.node(text)
	}
	src := &source{chars: []rune(q.text), outer: t.p.src, at: q.at}
	p, err := parse(src, t.c.lim, t.c.braces)
	if err != nil {
		t.failed = true
		t.c.syntax(src, err)
		return t.put(&ast.NilNode{}, off)
	}
	inner := &translator{c: t.c, p: p, base: t.base, shared: t.shared, vars: t.vars}
	return inner.node(p.tree)
}

// bareword gives the text of a word, or of words with dots between.
func (t *translator) bareword(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, !t.bound(n.Value) && n.Value != "null"
	case *ast.MemberNode:
		base, ok := t.bareword(n.Node)
		property, isName := n.Property.(*ast.StringNode)
		if !ok || !isName || n.Optional {
			return "", false
		}
		if _, inQuotes := t.p.quoted[property.Location().From]; inQuotes {
			return "", false
		}
		return base + "." + property.Value, true
	}
	return "", false
}

// constantOf gives the value of a node that is a constant.
func constantOf(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return nil, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.IntegerNode:
		return int64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.ArrayNode:
		out := make([]any, len(n.Nodes))
		for i, item := range n.Nodes {
			v, ok := constantOf(item)
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		return out, true
	case *ast.MapNode:
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			pair, ok := p.(*ast.PairNode)
			if !ok {
				return nil, false
			}
			key, okKey := constantOf(pair.Key)
			v, okValue := constantOf(pair.Value)
			text, isText := key.(string)
			if !okKey || !okValue || !isText {
				return nil, false
			}
			out[text] = v
		}
		return out, true
	}
	return nil, false
}
