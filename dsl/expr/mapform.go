package expr

import (
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// mapForm compiles {$brooklyn:function: arguments}. As a link of a chain its
// key needs no prefix, and it stands on recv.
func (c *compiler) mapForm(e yamlpos.Entry, top bool, recv *compiled) compiled {
	key := &source{chars: []rune(e.Key), node: &yamlpos.Node{Pos: e.KeyPos}}
	bare := strings.TrimPrefix(e.Key, Prefix)
	off := len([]rune(e.Key)) - len([]rune(bare))
	name := strings.TrimSpace(bare)
	none := compiled{node: nothing, text: key.whole()}
	if top && name == "chain" {
		return c.chain(e, key)
	}
	if dot := methodDot(name); top && dot > 0 {
		on := c.expression(&source{chars: []rune(Prefix + name[:dot]), node: key.node}, nil)
		recv, off, name = &on, off+len([]rune(name[:dot]))+1, name[dot+1:]
	}
	if strings.ContainsAny(name, "([ ") {
		c.add(key, off, "Invalid map key function %s; should not have arguments if taking arguments from map", key.cut(off, len(key.chars)))
		return none
	}
	f := functionNamed(name)
	if recv != nil && f != nil && f.ask == nil {
		f = nil
	}
	if f == nil && (recv == nil || recv.entity) {
		if isPredicate(name) {
			c.add(key, off, "%s takes a predicate, which only text can hold", name)
		} else {
			c.add(key, off, "%s", noFunction(name, recv != nil))
		}
		return none
	}
	s := &site{src: key, off: off, name: name, from: off, to: len(key.chars), eval: unknownMethod}
	call := &callNode{site: s}
	if recv != nil {
		s.method, s.recv, call.recv = true, recv.text, recv.node
	}
	args := arguments(e.Value)
	if f == nil {
		call.args, _ = c.args(args, false)
		return compiled{node: call, text: s.text()}
	}
	return c.mapCall(f, call, args, recv)
}

// mapCall compiles a call of a known function in map form.
func (c *compiler) mapCall(f *function, call *callNode, args []*yamlpos.Node, recv *compiled) compiled {
	s := call.site
	out := compiled{node: nothing, text: s.text()}
	if err := f.counts(len(args)); err != nil {
		c.add(s.src, s.off, "%s", err)
		return out
	}
	s.eval = f.eval
	var known []arg
	call.args, known = c.args(args, f.raw)
	if f.raw && f.name != "literal" {
		c.quietly(args)
	}
	if f.check != nil {
		if err := f.check(known); err != nil {
			c.problem(s.src.pos(s.off), known, err)
			return out
		}
	}
	var of *Ref
	if recv != nil {
		of = recv.ref
	}
	out.ref, out.entity = c.refer(f, known, of, recv != nil && of == nil), f.entity
	able := f.pure
	for _, a := range known {
		able = able && a.known
	}
	out.node = c.fold(call, able)
	return out
}

// methodDot finds the dot of receiver().method in the key of a map form.
func methodDot(name string) int {
	dot := strings.LastIndexByte(name, '.')
	if dot > 0 && (name[dot-1] == ')' || name[dot-1] == ']') && !strings.ContainsAny(name[dot:], `()[]"' `) {
		return dot
	}
	return -1
}

// arguments gives the arguments that a value of the map form stands for: the
// items of a list, nothing for null, else the value itself.
func arguments(n *yamlpos.Node) []*yamlpos.Node {
	switch {
	case n == nil || n.Kind == yamlpos.Null:
		return nil
	case n.Kind == yamlpos.List:
		return n.Items
	}
	return []*yamlpos.Node{n}
}

func (c *compiler) args(ns []*yamlpos.Node, raw bool) ([]node, []arg) {
	nodes, known := make([]node, len(ns)), make([]arg, len(ns))
	for i, n := range ns {
		if raw {
			nodes[i] = constant{n.Any()}
		} else {
			nodes[i] = c.node(n)
		}
		v, ok := nodes[i].(constant)
		known[i] = arg{v: v.v, known: ok, pos: n.Pos}
	}
	return nodes, known
}

// quietly checks expressions that are compiled again where they are used:
// their mistakes count here, what they refer to does not.
func (c *compiler) quietly(ns []*yamlpos.Node) {
	inner := &compiler{lim: c.lim}
	for _, n := range ns {
		inner.node(n)
	}
	if err := inner.errs.Err(); err != nil {
		c.errs.Append(yamlpos.Pos{}, err)
	}
}

// chain compiles {$brooklyn:chain: [expression, {function: arguments}, ...]}.
func (c *compiler) chain(e yamlpos.Entry, key *source) compiled {
	links := arguments(e.Value)
	if len(links) == 0 {
		c.add(key, len(Prefix), "chain takes a list of functions, of which the first is an expression")
		return compiled{node: nothing}
	}
	before := len(c.errs.List())
	on := c.first(links[0])
	for _, n := range links[1:] {
		if len(c.errs.List()) > before {
			return compiled{node: nothing}
		}
		on = c.link(n, on)
	}
	return on
}

func (c *compiler) first(n *yamlpos.Node) compiled {
	if text, ok := n.Value.(string); ok && n.Kind == yamlpos.Scalar {
		return c.expression(&source{chars: []rune(strings.TrimSpace(text)), node: n}, nil)
	}
	if n.Kind == yamlpos.Map && len(n.Entries) == 1 {
		return c.mapForm(n.Entries[0], true, nil)
	}
	c.errs.Add(n.Pos, "the first link of a chain is an expression")
	return compiled{node: nothing}
}

// itWord is what a link in text form puts before itself.
const itWord = "$it"

func (c *compiler) link(n *yamlpos.Node, on compiled) compiled {
	if n.Kind == yamlpos.Map && len(n.Entries) == 1 {
		return c.mapForm(n.Entries[0], false, &on)
	}
	text, ok := n.Value.(string)
	if n.Kind != yamlpos.Scalar || !ok {
		c.errs.Add(n.Pos, "a link of a chain is a call, as text or as {function: arguments}")
		return compiled{node: nothing}
	}
	head := itWord
	if !strings.HasPrefix(text, "[") {
		head += "."
	}
	src := &source{chars: []rune(head + text), node: n, shift: len(head), it: on.text}
	next := c.expression(src, &on)
	next.node = &linkNode{on.node, next.node}
	next.text = src.whole()
	return next
}
