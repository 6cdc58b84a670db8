// Package predicate is the language of conditions: the maps that say of a
// value, or of an entity, whether something holds. Blueprints write them as
// conditions of workflow steps, as constraints and as filters.
//
// A predicate is compiled once, with all its errors at their places, and then
// tested any number of times. All keys of one map must hold:
//
//	target: children          # what is tested instead of the context value
//	key: name                 # at most one key that narrows the value
//	regex: "web-.*"           # any number of checks
//	not: {equals: web-0}
//
// A scalar in the place of a predicate means equals. A value that is not
// there fails every check but those on absence: when, not.
//
// Where Brooklyn's documentation and its code differ: a predicate with a
// target or a narrowing key but no check holds when the value is there and is
// not null, as in the code.
package predicate

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Missing is a value that is not there, which is not the same as null.
type Missing struct{}

// Subject is what a predicate is tested on.
type Subject struct {
	Value any // plain, an error, a time.Duration, a time.Time, Missing, or what Env knows as an entity
	Env   Env // nil: there are no entities, and expressions are plain text
}

// Env is what a predicate may ask about the world.
type Env interface {
	// Evaluate computes an operand that holds an expression, $brooklyn: or
	// ${}. It gives Missing for a value that is not there.
	Evaluate(ctx context.Context, raw any) (any, error)
	// Entity gives the entity that a value stands for, or nil.
	Entity(v any) Entity
	// Self is the entity that config and sensor mean when the value is
	// none; nil when there is none.
	Self() Entity
}

// Entity is what a predicate may ask about an entity.
type Entity interface {
	EntityID() string
	Config(ctx context.Context, key string) (any, error) // Missing when unset
	Sensor(name string) any                              // Missing when never published
	Tags() []any
	Children() []any // of values that Env.Entity knows
	Locations() []any
	InstanceOf(typ string) bool
}

// Limits bound what a predicate may cost. A zero field takes its default.
type Limits struct {
	Nodes int // predicates in one predicate, itself included; 1000
	Depth int // predicates inside each other; 50
	Regex int // states of one regular expression; 1000
	Steps int // values that one test looks at, long texts counting for more; 1,000,000
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Nodes, 1000}, {&l.Depth, 50}, {&l.Regex, 1000}, {&l.Steps, 1_000_000}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}

// Predicate is compiled. It is immutable and safe for concurrent use.
type Predicate struct {
	lim     Limits
	root    test
	absence bool
}

// AboutAbsence tells whether the predicate says somewhere when a value may be
// absent, so that it makes sense to test it on one that is.
func (p *Predicate) AboutAbsence() bool { return p.absence }

// Test tells whether the predicate holds. Values of unlike types are never an
// error, they just do not match. Errors: those of Env, a failed assert
// (Precondition), Limit, and the end of ctx.
func (p *Predicate) Test(ctx context.Context, s Subject) (bool, error) {
	r := &run{ctx: ctx, env: s.Env, lim: &p.lim}
	return p.root(r, s.Value)
}

// Compile reads a predicate. The error is a *yamlpos.Errors with all problems
// at their places.
func Compile(n *yamlpos.Node, lim Limits) (*Predicate, error) {
	c := &compiler{lim: lim.filled()}
	p := &Predicate{lim: c.lim, root: c.predicate(n, 0)}
	p.absence = c.absence
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// CompileAny is Compile for a plain value, as it comes from the store. Places
// are not known.
func CompileAny(v any, lim Limits) (*Predicate, error) {
	return Compile(yamlpos.FromAny(v, yamlpos.Pos{}), lim)
}

// test is one compiled predicate or check.
type test func(r *run, v any) (bool, error)

// run is one Test.
type run struct {
	ctx   context.Context
	env   Env
	lim   *Limits
	steps int
}

// pay accounts for so many values looked at.
func (r *run) pay(steps int) error {
	if r.steps += steps; r.steps > r.lim.Steps {
		return fault.New(fault.Limit, "the predicate takes more than %d steps (limit Steps)", r.lim.Steps)
	}
	return r.ctx.Err()
}

func (r *run) entity(v any) Entity {
	if r.env == nil {
		return nil
	}
	return r.env.Entity(v)
}

func (r *run) self() Entity {
	if r.env == nil {
		return nil
	}
	return r.env.Self()
}
