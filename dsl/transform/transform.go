// Package transform is the language of the transform step: operators that take
// a value one after the other.
//
//	trim | replace regex "[0-9]+" # | split "," | first
//
// A Pipeline is compiled once, with all its errors at their places, and applied
// any number of times. What it needs of the workflow around it, it asks a Host.
//
// Values are plain (nil, bool, int64, float64, string, []any, map[string]any),
// time.Duration, time.Time, and whatever else the host has, which passes
// through unseen. A value that is given is never changed.
package transform

import (
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Host is what operators ask of the workflow that they run in.
type Host interface {
	// Fill computes an argument that has ${…} or $brooklyn: in it.
	Fill(ctx context.Context, text string) (any, error)
	// Evaluate computes text that came to be at run time; resolve_expression
	// asks for it.
	Evaluate(ctx context.Context, text string) (any, error)
	// Wait gives a value once all that it waits for is there.
	Wait(ctx context.Context, v any) (any, error)
	// Set sets a variable, or what a path such as x.key names in one.
	Set(name string, v any) error
	// Convert gives a value in the type that a name of a blueprint stands for.
	Convert(ctx context.Context, typ string, v any) (any, error)
	// Custom applies the operator that a type of the catalog is; known is
	// false when there is none of that name.
	Custom(ctx context.Context, name string, args []string, v any) (out any, known bool, err error)
}

// Limits bound what applying a pipeline may cost. A zero field means its
// default.
type Limits struct {
	Text  int // bytes of a text that an operator makes; 8 MiB
	Items int // items of a list that an operator makes; 100,000
	Regex int // states of one regular expression; 1000
	Work  int // bytes of a text that is searched, times the states of the expression; 256 Mi
	Depth int // lists and maps inside each other; 100
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Text, 8 << 20}, {&l.Items, 100_000}, {&l.Regex, 1000}, {&l.Work, 256 << 20}, {&l.Depth, 100}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// Pipeline is a row of operators. It is immutable and safe for concurrent use.
type Pipeline struct {
	ops []op
	lim Limits
}

// op is an operator with its arguments.
type op struct {
	pos  yamlpos.Pos
	name string
	run  operator
}

type operator func(c *call, v any) (any, error)

// call is one application of a pipeline.
type call struct {
	context.Context
	host     Host
	lim      *Limits
	returned bool
}

// Error is an operator that failed: where it stands and why. Its kind is that
// of the cause.
type Error struct {
	Pos yamlpos.Pos // unknown when the pipeline was not read from a text
	Op  string
	Err error
}

// Error gives file:line:col: operator: cause.
func (e *Error) Error() string {
	text := e.Op + ": " + e.Err.Error()
	if at := e.Pos.String(); at != "" {
		return at + ": " + text
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// FaultKind gives the kind of the cause.
func (e *Error) FaultKind() fault.Kind { return fault.KindOf(e.Err) }

// Compile reads operators: a text with | between them, or a list of such texts.
// A word that is none of Operators may be one that the host has; only applying
// it can tell. The error is a *yamlpos.Errors with all problems.
func Compile(n *yamlpos.Node) (*Pipeline, error) { return CompileLimited(n, Limits{}) }

// CompileLimited is Compile with limits of the caller.
func CompileLimited(n *yamlpos.Node, lim Limits) (*Pipeline, error) {
	c := &compiler{lim: lim.filled()}
	switch {
	case n == nil:
		c.errs.Add(yamlpos.Pos{}, "expected operators, such as trim or to_string")
	case n.Kind == yamlpos.List && len(n.Items) > 0:
		for _, item := range n.Items {
			c.line(item)
		}
	default:
		c.line(n)
	}
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return &Pipeline{c.ops, c.lim}, nil
}

// Apply gives what the operators make of v; returned tells that one of them was
// return, so the workflow ends with the result. The error is an *Error.
func (p *Pipeline) Apply(ctx context.Context, v any, h Host) (out any, returned bool, err error) {
	c := &call{Context: ctx, host: h, lim: &p.lim}
	for _, o := range p.ops {
		if err = context.Cause(ctx); err == nil {
			v, err = o.run(c, v)
		}
		if err == nil {
			err = c.lim.check(v)
		}
		if err != nil {
			return nil, false, &Error{o.pos, o.name, err}
		}
	}
	return v, c.returned, nil
}

// Merges tells whether the first operator is merge. The value to transform is
// then a list of values: one for each of Words, when it is written as a text.
func (p *Pipeline) Merges() bool { return p.ops[0].name == "merge" }

// Operators lists the operators that are always there, sorted.
func Operators() []string { return slices.Clone(operatorNames) }

// check is the last guard against values that grow.
func (l *Limits) check(v any) error {
	switch v := v.(type) {
	case string:
		if len(v) > l.Text {
			return exceeded("Text", l.Text, "bytes")
		}
	case []any:
		if len(v) > l.Items {
			return exceeded("Items", l.Items, "items")
		}
	}
	return nil
}

func exceeded(name string, limit int, unit string) error {
	return fault.New(fault.Limit, "limit %s of %d %s exceeded", name, limit, unit)
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

// custom asks the host for an operator that is not one of ours.
func custom(name string, args []word) operator {
	return func(c *call, v any) (any, error) {
		texts := make([]string, len(args))
		for i := range args {
			var err error
			if texts[i], err = c.text(args[i]); err != nil {
				return nil, err
			}
		}
		out, known, err := c.host.Custom(c, name, texts, v)
		if !known && err == nil {
			err = fault.New(fault.NotFound, "there is no such operator%s", nearest.Hint(name, operatorNames))
		}
		return out, err
	}
}
