package expr

import (
	"errors"

	"github.com/expr-lang/expr/builtin"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Everything in a program that asks the scope, makes strings or lists, or
// reaches into a value is one call of the function "$call", whose first
// arguments are the run and the site.
const callName = "$call"

// site is a place of an expression where something is computed by this
// package. It is immutable.
type site struct {
	src      *source
	off      int    // its place
	from, to int    // the text it stands for
	recv     string // the text that a method is called on
	name     string // the method or member
	method   bool   // the first argument is what it is called on
	bare     bool   // its errors have their place already
	eval     func(r *run, s *site, args []any) (any, error)
}

func (s *site) text() string {
	if s.to <= s.from {
		return s.src.whole()
	}
	return s.src.cut(s.from, s.to)
}

// run computes the site; its error tells the place.
func (s *site) run(r *run, args []any) (any, error) {
	v, err := s.eval(r, s, args)
	if err != nil && s.bare {
		return nil, err
	}
	if err != nil {
		return nil, &Error{Pos: s.src.pos(s.off), Text: s.text(), Err: err}
	}
	return v, nil
}

// caller gives expr-lang the one function that a program calls.
func caller() *builtin.Function {
	return &builtin.Function{
		Name: callName,
		Func: func(params ...any) (any, error) {
			r, ok := params[0].(*run)
			s, is := params[1].(*site)
			if !ok || !is {
				return nil, errors.New("program is not of this package")
			}
			return s.run(r, params[2:])
		},
	}
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }
