package expr

import (
	"context"
	"errors"
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Names answers what the words of ${…} stand for. Its methods may block and
// end with ctx. Beside the values of a Scope they may give time.Duration,
// time.Time, and pointers of any type, which an expression carries around
// without looking behind them.
type Names interface {
	// Name gives what the first word of a path stands for. A word that stands
	// for nothing is the error Unknown makes.
	Name(ctx context.Context, name string) (any, error)
	// Member gives a member of an Entity, or of a pointer that Names gave out.
	// One that is not there is the error Unknown makes.
	Member(ctx context.Context, of any, name string) (any, error)
}

// Use is a path that a ${…} names.
type Use struct {
	Path     []string    // the first word and its members, as far as they are constants
	Optional bool        // it stands left of ??, so that it may be missing
	Pos      yamlpos.Pos // of the first word
}

// OnMissing tells what becomes of a ${…} whose value is missing.
type OnMissing uint8

const (
	Fail   OnMissing = iota // the evaluation fails
	Ignore                  // it stays as it is written
	Blank                   // it becomes an empty text
)

// missing is the error for a path that leads to nothing.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }

// FaultKind is fault.NotFound.
func (m *missing) FaultKind() fault.Kind { return fault.NotFound }

// Unknown makes the error of a path that names nothing; its kind is
// fault.NotFound.
func Unknown(path string) error {
	return &missing{"invalid reference: " + path + " is not defined"}
}

// IsMissing tells whether an error says that something a ${…} names is not
// there.
func IsMissing(err error) bool {
	var m *missing
	return errors.As(err, &m)
}

// Template is a document value of a workflow, whose texts may hold ${…} and
// $brooklyn: expressions. It is immutable and safe for concurrent use.
type Template struct {
	lim  Limits
	root node
	uses []Use
}

// CompileTemplate turns a value of a document into a Template. Expressions may
// stand anywhere inside its lists and maps, in their keys too. A text that is
// one ${…} has the value of that; in a longer text each stands for its text.
// What they give is not read for expressions again. The error is a
// *yamlpos.Errors with all problems at their places.
func CompileTemplate(n *yamlpos.Node, lim Limits) (*Template, error) {
	return compileTemplate(lim, func(c *compiler) node { return c.node(n) })
}

// CompileWords turns the value of a let step, a scalar, into a Template. Where
// operators stand between its words they are computed, from the loosest to the
// tightest: ? :, ??, + and -, * and /, %, comparisons, &&, ||. Blanks are
// around each; there are no brackets. Else the words and the blanks between
// them are one text, as CompileTemplate has it. A word in quotes is text as it
// stands, without ${…}. If a quote is not closed, no quote and no operator
// means anything.
func CompileWords(n *yamlpos.Node, lim Limits) (*Template, error) {
	return compileTemplate(lim, func(c *compiler) node { return c.words(n) })
}

// CompileExpression turns a text that is one expression as a whole, whose words
// are names, into a Template.
func CompileExpression(n *yamlpos.Node, lim Limits) (*Template, error) {
	return compileTemplate(lim, func(c *compiler) node { return c.named(&source{chars: []rune(n.Text), node: n}) })
}

func compileTemplate(lim Limits, compile func(c *compiler) node) (*Template, error) {
	c := &compiler{lim: lim.filled(), braces: true}
	t := &Template{lim: c.lim, root: compile(c)}
	t.uses = c.uses
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

// Constant gives the value, which the caller owns, if nothing in it is an
// expression.
func (t *Template) Constant() (any, bool) {
	c, ok := t.root.(constant)
	if !ok {
		return nil, false
	}
	return c.copy(), true
}

// Uses lists the paths that each ${…} names, in the order of the text. The
// caller must not change their Path.
func (t *Template) Uses() []Use { return slices.Clone(t.uses) }

// Eval computes the value, its parts in the order of the text; the first
// failure ends it, as an *Error. The caller owns the result: the values of
// Value.Eval, and what names gives beyond them. s may be nil when nothing in
// the value asks for an entity.
func (t *Template) Eval(ctx context.Context, s Scope, names Names, o OnMissing) (any, error) {
	if c, ok := t.root.(constant); ok {
		return c.copy(), nil
	}
	r := &run{ctx: ctx, scope: s, names: names, missing: o, lim: &t.lim}
	if err := r.stopped(); err != nil {
		return nil, err
	}
	return result(t.root, r)
}
