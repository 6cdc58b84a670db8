package expr

import (
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Value is a compiled document value. It is immutable and safe for concurrent
// use.
type Value struct {
	lim  Limits
	root node
	refs []Ref
}

// node or the scope; Value.Eval copies it.
type node interface {
	eval(r *run) (any, error)
	place() (yamlpos.Pos, string) // where an expression stands, and its text
}

// IsExpr tells whether a plain value is an expression as a whole: text that
// starts with $brooklyn:, or a map whose only key does.
func IsExpr(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, Prefix)
	case map[string]any:
		if len(v) == 1 {
			for key := range v {
				return strings.HasPrefix(key, Prefix)
			}
		}
	}
	return false
}

// Compile turns a value of a document into a Value. Expressions may stand
// anywhere inside its lists and maps. The error is a *yamlpos.Errors with all
// problems at their places; its kind is fault.Invalid.
func Compile(n *yamlpos.Node, lim Limits) (*Value, error) {
	c := &compiler{lim: lim.filled()}
	v := &Value{lim: c.lim, root: c.node(n)}
	v.refs = c.refs
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return v, nil
}

// CompileAny is Compile for a plain value, as it comes from the store. Places
// are not known.
func CompileAny(v any, lim Limits) (*Value, error) {
	return Compile(nodeOf(v), lim)
}

// Constant tells that Eval gives the same for every scope.
func (v *Value) Constant() bool {
	_, ok := v.root.(constant)
	return ok
}

// Refs lists what the expressions name with constants, in the order in which
// they are evaluated. Those inside an Object are left to whoever uses it.
func (v *Value) Refs() []Ref { return slices.Clone(v.refs) }

// Eval computes the value. The parts of lists and maps are computed in their
// order; the first failure ends it, as an *Error. The caller owns the result:
// a plain value which may also hold Entity, Object, Sensor and Replacement.
func (v *Value) Eval(ctx context.Context, s Scope) (any, error) {
	r := &run{ctx: ctx, scope: s, lim: &v.lim}
	if c, ok := v.root.(constant); ok {
		return c.copy(), nil
	}
	if err := r.stopped(); err != nil {
		return nil, err
	}
	return result(v.root, r)
}
