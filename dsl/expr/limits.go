package expr

import (
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Limits bounds what a value may cost. A zero field takes its default.
//
// The first four are checked by Compile, for each expression. The others are
// checked while a value is evaluated, for all its expressions together; what
// a Scope gives is measured only when an expression makes something of it.
type Limits struct {
	Source     int // bytes of one expression; default 16 Ki
	Nodes      int // nodes of its syntax tree; default 2,000
	Depth      int // brackets within brackets, and lists within lists of a value; default 100
	Predicates int // predicates (filter, map, reduce, ...) within predicates; default 3

	Iterations int // rounds of predicates and elements that functions walk; default 1,000,000
	String     int // bytes of a string that an expression makes; default 64 Ki
	List       int // elements of a list that an expression makes; default 10,000
	Memory     int // bytes of all strings and lists made, whether still in use or not; default 16 Mi
}

// DefaultLimits gives the limits of blueprints.
func DefaultLimits() Limits { return Limits{}.filled() }

func (l Limits) filled() Limits {
	fill := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	fill(&l.Source, 16<<10)
	fill(&l.Nodes, 2_000)
	fill(&l.Depth, 100)
	fill(&l.Predicates, 3)
	fill(&l.Iterations, 1_000_000)
	fill(&l.String, 64<<10)
	fill(&l.List, 10_000)
	fill(&l.Memory, 16<<20)
	return l
}

func exceeded(name string, limit int, unit string) error {
	return fault.New(fault.Limit, "limit %s of %d %s exceeded", name, limit, unit)
}
