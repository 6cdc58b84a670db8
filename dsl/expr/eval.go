package expr

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// constant is a part without expressions, or one that Compile computed.
type constant struct{ v any }

func (c constant) eval(*run) (any, error) { return c.v, nil }

func (c constant) place() (yamlpos.Pos, string) { return yamlpos.Pos{}, "" }

func (c constant) copy() any { return clone(c.v) }

func clone(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out
	case Object:
		return Object{v.Kind, clone(v.Spec)}
	}
	return v
}

// result evaluates a node to a value that its caller owns.
func result(n node, r *run) (any, error) {
	switch n := n.(type) {
	case constant:
		return n.copy(), nil
	case listNode, *mapNode:
		return n.eval(r)
	}
	v, err := n.eval(r)
	if err != nil {
		return nil, err
	}
	if v, err = r.out(v); err != nil {
		pos, text := n.place()
		return nil, &Error{pos, text, err}
	}
	return v, nil
}

// listNode is a list with an expression in it.
type listNode []node

func (l listNode) eval(r *run) (any, error) {
	out := make([]any, len(l))
	for i, n := range l {
		v, err := result(n, r)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (l listNode) place() (yamlpos.Pos, string) { return yamlpos.Pos{}, "" }

// mapNode is a map with an expression in it, in the order of the text.
type mapNode struct {
	keys   []string
	values []node
	slots  []keySlot // keys to be computed
}

// keySlot is a key of a template's map that holds ${…}.
type keySlot struct {
	i   int // of the entry
	key node
}

func (m *mapNode) eval(r *run) (any, error) {
	out := make(map[string]any, len(m.keys))
	slots := m.slots
	for i, n := range m.values {
		key := m.keys[i]
		if len(slots) > 0 && slots[0].i == i {
			v, err := slots[0].key.eval(r)
			if err != nil {
				return nil, err
			}
			key, _ = v.(string)
			slots = slots[1:]
		}
		v, err := result(n, r)
		if err != nil {
			return nil, err
		}
		out[key] = v
	}
	return out, nil
}

func (m *mapNode) place() (yamlpos.Pos, string) { return yamlpos.Pos{}, "" }

// program is an expression in text form.
type program struct {
	code *vm.Program
	src  *source
}

func (p *program) eval(r *run) (any, error) {
	machine := vm.VM{MemoryBudget: uint(r.lim.Memory/elementBytes) + 1}
	v, err := machine.Run(p.code, r)
	if err != nil {
		return nil, p.explain(r, err)
	}
	return inside(v), nil
}

func (p *program) place() (yamlpos.Pos, string) { return p.src.pos(p.src.shift), p.src.whole() }

// explain gives an error of the machine its place.
func (p *program) explain(r *run, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	pos, text := p.place()
	out := &Error{pos, text, invalid("%s", err)}
	var e *file.Error
	if errors.As(err, &e) {
		out.Pos = p.src.pos(e.From)
		switch {
		case e.Message == "memory budget exceeded":
			out.Err = exceeded("Memory", r.lim.Memory, "bytes")
		case strings.Contains(e.Message, "nil pointer"): // the machine also catches the panics of a scope
			out.Err = fault.New(fault.Internal, "%s", e.Message)
		default:
			out.Err = invalid("%s", panicText(e.Message))
		}
	}
	return out
}

// callNode is a call in map form.
type callNode struct {
	site *site
	recv node // nil for the top of a chain
	args []node
}

func (c *callNode) eval(r *run) (any, error) {
	args := make([]any, 0, len(c.args)+1)
	if c.recv != nil {
		v, err := c.recv.eval(r)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	for _, n := range c.args {
		v, err := n.eval(r)
		if err != nil {
			return nil, err
		}
		args = append(args, inside(v))
	}
	return c.site.run(r, args)
}

func (c *callNode) place() (yamlpos.Pos, string) { return c.site.src.pos(c.site.off), c.site.text() }

// linkNode is a link of a chain in text form: next asks for what on gives.
type linkNode struct{ on, next node }

func (l *linkNode) eval(r *run) (any, error) {
	v, err := l.on.eval(r)
	if err != nil {
		return nil, err
	}
	saved := r.it
	r.it = v
	defer func() { r.it = saved }()
	return l.next.eval(r)
}

func (l *linkNode) place() (yamlpos.Pos, string) { return l.next.place() }
