package expr

import (
	"errors"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	bytecode "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// compiler turns one document value into nodes and collects its problems.
type compiler struct {
	lim  Limits
	errs yamlpos.Errors
	refs []Ref

	// Of templates:
	braces   bool // texts may hold ${…}
	names    bool // the words of an expression are names
	lenient  bool // a path that leads to nothing is null
	optional int  // left sides of ?? around
	uses     []Use
}

// compiled is an expression and what is known of its result.
type compiled struct {
	node   node
	text   string // for messages
	entity bool   // gives an entity
	ref    *Ref   // which one, unless only evaluation can tell
}

var nothing = constant{}

// node compiles any value.
func (c *compiler) node(n *yamlpos.Node) node {
	if n == nil {
		return nothing
	}
	switch n.Kind {
	case yamlpos.Scalar:
		return c.scalar(n)
	case yamlpos.List:
		return c.list(n.Items)
	case yamlpos.Map:
		return c.mapping(n)
	}
	return nothing
}

func (c *compiler) scalar(n *yamlpos.Node) node {
	text, ok := n.Value.(string)
	switch {
	case ok && strings.HasPrefix(text, Prefix):
		return c.expression(&source{chars: []rune(strings.TrimRight(text, " \t\r\n")), node: n}, nil).node
	case ok && c.braces && hasSlot(text):
		src := &source{chars: []rune(text), node: n}
		return c.template(src, 0, len(src.chars), false)
	}
	return constant{n.Value}
}

func (c *compiler) list(items []*yamlpos.Node) node {
	nodes := make([]node, len(items))
	plain := make([]any, len(items))
	same := true
	for i, item := range items {
		nodes[i] = c.node(item)
		v, ok := nodes[i].(constant)
		plain[i], same = v.v, same && ok
	}
	if same {
		return constant{plain}
	}
	return listNode(nodes)
}

func (c *compiler) mapping(n *yamlpos.Node) node {
	n = c.sensorKeys(n)
	isExpr := func(e yamlpos.Entry) bool { return strings.HasPrefix(e.Key, Prefix) }
	if i := slices.IndexFunc(n.Entries, isExpr); i >= 0 {
		if len(n.Entries) == 1 {
			return c.mapForm(n.Entries[0], true, nil).node
		}
		c.errs.Add(n.Entries[i].KeyPos, "Map-entry DSL syntax only supported with single item in map; this one has %d", len(n.Entries))
		return nothing
	}
	m := &mapNode{keys: make([]string, len(n.Entries)), values: make([]node, len(n.Entries))}
	plain := make(map[string]any, len(n.Entries))
	same := true
	for i, e := range n.Entries {
		if c.braces && hasSlot(e.Key) {
			m.slots, same = append(m.slots, keySlot{i, c.key(e)}), false
		}
		m.keys[i], m.values[i] = e.Key, c.node(e.Value)
		v, ok := m.values[i].(constant)
		plain[e.Key], same = v.v, same && ok
	}
	if same {
		return constant{plain}
	}
	return m
}

// key compiles a key that holds ${…}.
func (c *compiler) key(e yamlpos.Entry) node {
	src := &source{chars: []rune(e.Key), node: &yamlpos.Node{Pos: e.KeyPos}}
	return c.template(src, 0, len(src.chars), true)
}

// sensorKeys gives a map in which each key that is sensor("name"), as the
// mappings of enrichers have them, is that name.
func (c *compiler) sensorKeys(n *yamlpos.Node) *yamlpos.Node {
	var out *yamlpos.Node
	for i, e := range n.Entries {
		if !strings.HasPrefix(e.Key, Prefix+"sensor(") {
			continue
		}
		src := &source{chars: []rune(e.Key), node: &yamlpos.Node{Pos: e.KeyPos}}
		v, ok := c.expression(src, nil).node.(constant)
		s, isSensor := v.v.(Sensor)
		if !ok || !isSensor {
			continue
		}
		if out == nil {
			copied := *n
			copied.Entries = slices.Clone(n.Entries)
			out = &copied
		}
		out.Entries[i].Key = s.Name
	}
	if out == nil {
		return n
	}
	return out
}

// expression compiles text, in a chain as a link behind it.
func (c *compiler) expression(src *source, it *compiled) compiled {
	none := compiled{node: nothing, text: src.whole()}
	if size := len(string(src.chars)); size > c.lim.Source {
		c.add(src, src.shift, "limit Source of %d bytes exceeded: the expression has %d", c.lim.Source, size)
		return none
	}
	p, err := parse(src, c.lim, c.braces)
	if err != nil {
		c.syntax(src, err)
		return none
	}
	t := &translator{c: c, p: p, base: src, it: it, shared: &shared{entities: map[ast.Node]*Ref{}}}
	tree := t.node(p.tree)
	if t.failed {
		return none
	}
	prog, err := assemble(src, tree)
	if err != nil {
		c.syntax(src, err)
		return none
	}
	ref, isEntity := t.entities[tree]
	return compiled{c.fold(prog, !t.impure && !t.loops), none.text, isEntity, ref}
}

// builtins are the functions of expr-lang, which its checker wants to know.
var builtins = conf.CreateNew().Builtins

// assemble checks types and makes bytecode.
func assemble(src *source, tree ast.Node) (*program, error) {
	config := &conf.Config{
		Functions:    conf.FunctionsTable{callName: caller()},
		Builtins:     builtins,
		ShortCircuit: true,
		Optimize:     false, // it would compute constants without limits
	}
	parsed := &parser.Tree{Node: tree, Source: file.NewSource(string(src.chars))}
	if _, err := checker.Check(parsed, config); err != nil {
		return nil, fileError(err)
	}
	code, err := bytecode.Compile(parsed, config)
	if err != nil {
		return nil, fileError(err)
	}
	return &program{code, src}, nil
}

func fileError(err error) error {
	var e *file.Error
	if errors.As(err, &e) {
		return failAt(e.From, "%s", e.Message)
	}
	msg, _, _ := strings.Cut(err.Error(), "\n")
	return failAt(0, "%s", msg)
}

// fold computes at once what needs nobody and no loop. What fails then can
// never work, unless it only costs too much to be computed here.
func (c *compiler) fold(n node, able bool) node {
	if !able {
		return n
	}
	lim := c.lim
	lim.Iterations, lim.Memory = min(lim.Iterations, 10_000), min(lim.Memory, 256<<10)
	v, err := result(n, &run{lim: &lim})
	var e *Error
	switch {
	case err == nil:
		return constant{v}
	case fault.KindOf(err) == fault.Limit:
		return n
	case errors.As(err, &e):
		c.errs.Add(e.Pos, "%s", e.Err)
	}
	return nothing
}

// add records a problem. Where places are not known, it shows the text.
func (c *compiler) add(src *source, off int, format string, args ...any) {
	pos := src.pos(off)
	if pos.Line == 0 {
		format, args = format+" in %s", append(args, src.whole())
	}
	c.errs.Add(pos, format, args...)
}

func (c *compiler) syntax(src *source, err error) {
	var e *scanError
	if errors.As(err, &e) {
		c.add(src, e.off, "%s", e.msg)
		return
	}
	c.add(src, src.shift, "%s", err)
}

// nodeOf gives a plain value as a node without places.
func nodeOf(v any) *yamlpos.Node {
	switch v := v.(type) {
	case nil:
		return &yamlpos.Node{Kind: yamlpos.Null}
	case []any:
		n := &yamlpos.Node{Kind: yamlpos.List, Items: make([]*yamlpos.Node, len(v))}
		for i, item := range v {
			n.Items[i] = nodeOf(item)
		}
		return n
	case map[string]any:
		n := &yamlpos.Node{Kind: yamlpos.Map}
		for _, key := range dict(v).keys() {
			n.Entries = append(n.Entries, yamlpos.Entry{Key: key, Value: nodeOf(v[key])})
		}
		return n
	}
	return &yamlpos.Node{Kind: yamlpos.Scalar, Value: v}
}
