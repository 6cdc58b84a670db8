package expr

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// translator rewrites the syntax tree of an expression so that everything
// with an effect or a price is a call of this package. It builds a new tree:
// expr-lang's parser may use a node twice, in 1 < x < 3.
type translator struct {
	c    *compiler
	p    *parsed
	base *source   // of the program
	it   *compiled // what the word it stands for, in a link of a chain

	*shared
	vars     []string // names that let bound
	optional int      // chains with ?. around
}

// shared is what the texts in quotes of an expression share with it.
type shared struct {
	nodes    int // of the syntax tree
	preds    int // predicates around
	impure   bool
	loops    bool
	failed   bool
	entities map[ast.Node]*Ref // nodes that stand for entities; nil is one only evaluation finds
}

func (t *translator) fail(off int, format string, args ...any) ast.Node {
	t.failed = true
	t.c.add(t.p.src, off, format, args...)
	return t.put(&ast.NilNode{}, off)
}

// put gives a new node its place in the text of the program.
func (t *translator) put(n ast.Node, off int) ast.Node {
	for src := t.p.src; src != t.base; src = src.outer {
		if off < len(src.at) {
			off = src.at[off]
		}
	}
	n.SetLocation(file.Location{From: off, To: off + 1})
	return n
}

// invoke makes a call of a site.
func (t *translator) invoke(s *site, args ...ast.Node) ast.Node {
	s.src = t.p.src
	word := func(name string) ast.Node { return t.put(&ast.IdentifierNode{Value: name}, s.off) }
	return t.put(&ast.CallNode{
		Callee:    word(callName),
		Arguments: append([]ast.Node{word("$env"), t.put(&ast.ConstantNode{Value: s}, s.off)}, args...),
	}, s.off)
}

func (t *translator) nodesOf(ns []ast.Node) []ast.Node {
	out := make([]ast.Node, len(ns))
	for i, n := range ns {
		out[i] = t.node(n)
	}
	return out
}

// node rewrites a node.
func (t *translator) node(n ast.Node) ast.Node {
	if n == nil {
		return nil
	}
	off := n.Location().From
	if t.nodes++; t.nodes > t.c.lim.Nodes {
		if t.nodes == t.c.lim.Nodes+1 {
			t.fail(off, "limit Nodes of %d syntax nodes exceeded", t.c.lim.Nodes)
		}
		return t.put(&ast.NilNode{}, off)
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return t.word(n)
	case *ast.BinaryNode:
		return t.binary(n)
	case *ast.CallNode:
		return t.call(n)
	case *ast.BuiltinNode:
		return t.builtin(n)
	case *ast.ChainNode:
		t.optional++
		defer func() { t.optional-- }()
		return t.node(n.Node)
	case *ast.MemberNode:
		if t.c.names {
			return t.reach(n, off)
		}
		s := &site{off: off, recv: t.shown(n.Node), eval: member(t.optional > 0)}
		s.from, s.to = t.p.extent(n)
		return t.invoke(s, t.node(n.Node), t.node(n.Property))
	case *ast.SliceNode:
		s := &site{off: off, recv: t.shown(n.Node), eval: slice}
		return t.invoke(s, t.node(n.Node), t.orNil(n.From, off), t.orNil(n.To, off))
	}
	if leaf := t.leaf(n, off); leaf != nil {
		return leaf
	}
	return t.compound(n, off)
}

// leaf copies a node that holds no other; nil is not one.
func (t *translator) leaf(n ast.Node, off int) ast.Node {
	switch n := n.(type) {
	case *ast.NilNode:
		return t.put(&ast.NilNode{}, off)
	case *ast.BoolNode:
		return t.put(&ast.BoolNode{Value: n.Value}, off)
	case *ast.IntegerNode:
		return t.put(&ast.IntegerNode{Value: n.Value}, off)
	case *ast.FloatNode:
		return t.put(&ast.FloatNode{Value: n.Value}, off)
	case *ast.StringNode:
		if q, ok := t.p.quoted[off]; ok && t.c.braces && hasSlot(q.text) {
			return t.embed(q, off)
		}
		return t.put(&ast.StringNode{Value: t.text(n)}, off)
	case *ast.PointerNode:
		return t.put(&ast.PointerNode{Name: n.Name}, off)
	case *ast.BytesNode:
		return t.fail(off, "bytes are not a value; write a text without b before it")
	}
	return nil
}

// shown gives what a call or access stands on, for messages.
func (t *translator) shown(n ast.Node) string {
	if p, ok := n.(*ast.PointerNode); ok && p.Name == "" {
		return "the element"
	}
	from, to := t.p.extent(n)
	return t.p.src.cut(from, to)
}

func (t *translator) orNil(n ast.Node, off int) ast.Node {
	if n == nil {
		return t.put(&ast.NilNode{}, off)
	}
	return t.node(n)
}

// compound rewrites the nodes that only hold others.
func (t *translator) compound(n ast.Node, off int) ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return t.put(&ast.UnaryNode{Operator: n.Operator, Node: t.node(n.Node)}, off)
	case *ast.ConditionalNode:
		return t.put(&ast.ConditionalNode{Ternary: n.Ternary, Cond: t.node(n.Cond), Exp1: t.node(n.Exp1), Exp2: t.node(n.Exp2)}, off)
	case *ast.SequenceNode:
		return t.put(&ast.SequenceNode{Nodes: t.nodesOf(n.Nodes)}, off)
	case *ast.ArrayNode:
		return t.put(&ast.ArrayNode{Nodes: t.nodesOf(n.Nodes)}, off)
	case *ast.MapNode:
		return t.put(&ast.MapNode{Pairs: t.nodesOf(n.Pairs)}, off)
	case *ast.PairNode:
		return t.put(&ast.PairNode{Key: t.node(n.Key), Value: t.node(n.Value)}, off)
	case *ast.VariableDeclaratorNode:
		if functionNamed(n.Name) != nil {
			return t.fail(off, "let %s hides the function of that name", n.Name)
		}
		if strings.HasPrefix(n.Name, "$") {
			return t.fail(off, "the name of a variable starts with a letter, not $")
		}
		value := t.node(n.Value)
		t.vars = append(t.vars, n.Name)
		defer func() { t.vars = t.vars[:len(t.vars)-1] }()
		return t.put(&ast.VariableDeclaratorNode{Name: n.Name, Value: value, Expr: t.node(n.Expr)}, off)
	}
	return t.fail(off, "this form of expression is not known")
}

// text gives what a string holds, which the parser saw as blanks.
func (t *translator) text(n *ast.StringNode) string {
	if q, ok := t.p.quoted[n.Location().From]; ok {
		return q.text
	}
	return n.Value
}

func (t *translator) bound(name string) bool {
	for _, v := range t.vars {
		if v == name {
			return true
		}
	}
	return false
}

// isIt tells the word it that a link of a chain was given.
func (t *translator) isIt(n *ast.IdentifierNode) bool { return t.it != nil && n.Location().From == 0 }

// word rewrites a name that stands alone.
func (t *translator) word(n *ast.IdentifierNode) ast.Node {
	off := n.Location().From
	switch {
	case t.isIt(n):
		t.impure = true
		before := t.invoke(&site{off: off, eval: func(r *run, _ *site, _ []any) (any, error) { return r.it, nil }})
		if t.it.entity {
			t.entities[before] = t.it.ref
		}
		return before
	case t.bound(n.Value):
		return t.put(&ast.IdentifierNode{Value: n.Value}, off)
	case n.Value == "null":
		return t.put(&ast.NilNode{}, off)
	case t.c.names:
		return t.nameOf([]segment{{name: n.Value}}, off, off, off+len([]rune(n.Value)))
	case functionNamed(n.Value) != nil:
		return t.fail(off, "Invalid function-only expression '%s'; a call is written %s(...)", n.Value, n.Value)
	}
	return t.fail(off, "Invalid function-only expression '%s'; text is written in quotes, and %s", n.Value, noFunction(n.Value, false))
}

func (t *translator) binary(n *ast.BinaryNode) ast.Node {
	off := n.Location().From
	if n.Operator == "matches" {
		t.checkPattern(n.Right)
	}
	left := t.left(n)
	right := t.node(n.Right)
	op, ok := guarded(n.Operator)
	switch n.Operator {
	case "+":
		ok = ok && !isNumber(left) && !isNumber(right)
	case "==", "!=":
		ok = ok && !isScalar(left) && !isScalar(right)
	case "??":
		left, right = t.whole(left), t.whole(right)
	}
	if ok {
		return t.invoke(&site{off: off, eval: op.eval}, left, right)
	}
	return t.put(&ast.BinaryNode{Operator: n.Operator, Left: left, Right: right}, off)
}

// whole protects a value that may be an entity from expr-lang, which would
// follow the pointer it may be.
func (t *translator) whole(n ast.Node) ast.Node {
	if isScalar(n) {
		return n
	}
	s := &site{off: n.Location().From, eval: func(_ *run, _ *site, args []any) (any, error) { return inside(args[0]), nil }}
	return t.invoke(s, n)
}

func (t *translator) checkPattern(n ast.Node) {
	text, ok := n.(*ast.StringNode)
	if !ok || t.c.braces && hasSlot(t.text(text)) {
		return
	}
	if _, err := compileRegexp(t.text(text)); err != nil {
		t.fail(text.Location().From, "%s", err)
	}
}

func isNumber(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	}
	return false
}

func isScalar(n ast.Node) bool {
	switch n.(type) {
	case *ast.NilNode, *ast.BoolNode, *ast.StringNode:
		return true
	}
	return isNumber(n)
}

// builtin rewrites a call of a function of expr-lang.
func (t *translator) builtin(n *ast.BuiltinNode) ast.Node {
	off := n.Location().From
	if !isPredicate(n.Name) {
		return t.invokeFunction(n, functionNamed(n.Name), n.Name, n.Arguments, off)
	}
	if t.preds++; t.preds > t.c.lim.Predicates {
		return t.fail(off, "limit Predicates of %d predicates within predicates exceeded", t.c.lim.Predicates)
	}
	defer func() { t.preds-- }()
	t.loops = true
	out := &ast.BuiltinNode{Name: n.Name, Throws: n.Throws}
	for i, a := range n.Arguments {
		if p, ok := a.(*ast.PredicateNode); ok {
			body := t.node(p.Node)
			if n.Name == "groupBy" || n.Name == "sortBy" {
				body = t.invoke(&site{off: off, eval: sortingKey(n.Name)}, body)
			}
			out.Arguments = append(out.Arguments, t.round(off, body))
			continue
		}
		if i == 2 && n.Name == "reduce" {
			out.Arguments = append(out.Arguments, t.whole(t.node(a)))
			continue
		}
		out.Arguments = append(out.Arguments, t.node(a))
	}
	if len(n.Arguments) == 1 { // sum and count may do without
		out.Arguments = append(out.Arguments, t.round(off, t.put(&ast.PointerNode{}, off)))
	}
	if len(out.Arguments) > 0 {
		out.Arguments[0] = t.collection(n.Name, off, out.Arguments[0])
	}
	if n.Name == "groupBy" {
		return t.invoke(&site{off: off, eval: groups}, t.put(out, off))
	}
	return t.put(out, off)
}

// groups makes a plain map of what groupBy gives.
func groups(_ *run, _ *site, args []any) (any, error) {
	found, _ := args[0].(map[any][]any)
	out := make(map[string]any, len(found))
	for key, items := range found {
		text := scalarText(key)
		if more, ok := out[text].([]any); ok { // 1 and "1"
			items = append(more, items...)
		}
		out[text] = items
	}
	return out, nil
}

// round makes a predicate pay for each of its rounds.
func (t *translator) round(off int, body ast.Node) ast.Node {
	pay := t.invoke(&site{off: off, eval: func(r *run, _ *site, _ []any) (any, error) { return nil, r.tick(1) }})
	return t.put(&ast.PredicateNode{Node: t.put(&ast.SequenceNode{Nodes: []ast.Node{pay, body}}, off)}, off)
}

// sortingKey pays for an element that groupBy or sortBy puts in its place.
func sortingKey(name string) func(r *run, s *site, args []any) (any, error) {
	const bytes = 128 // of an entry of a map with a list, the larger of the two
	return func(r *run, _ *site, args []any) (any, error) {
		_, isList := elements(args[0])
		_, isMap := entries(args[0])
		if isList || isMap {
			return nil, invalid("%s takes text, numbers or booleans as keys, not %s", name, kindOf(args[0]))
		}
		return args[0], r.spend(bytes)
	}
}

// collection checks that a predicate has a list to go through.
func (t *translator) collection(name string, off int, n ast.Node) ast.Node {
	s := &site{off: off, eval: func(_ *run, _ *site, args []any) (any, error) {
		if _, err := needList(name, args[0]); err != nil {
			return nil, err
		}
		return args[0], nil
	}}
	return t.invoke(s, n)
}

// problem records an error of a function's check at the argument it is about.
func (t *translator) problem(off int, args []arg, err error) {
	t.failed = true
	t.c.problem(t.p.src.pos(off), args, err)
}

// problem records an error at pos, or at the argument that it is about.
func (c *compiler) problem(at yamlpos.Pos, args []arg, err error) {
	var ae *argError
	if errors.As(err, &ae) && ae.i < len(args) && args[ae.i].pos.Line > 0 {
		at = args[ae.i].pos
	}
	c.errs.Add(at, "%s", err)
}
