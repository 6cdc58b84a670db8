package expr

import (
	"context"
)

// run is one evaluation: the questions' address and what is left to spend. It
// is the first argument of every call in a program, which is why it carries
// the context: expr.WithContext would thread that alone.
type run struct {
	ctx   context.Context
	scope Scope
	lim   *Limits

	names   Names // what the words of ${…} stand for
	missing OnMissing

	iterations int
	memory     int
	it         any // what the next link of a chain in map form stands on
}

// Go cannot interrupt a computation, so it looks at its context each time
// this many iterations are spent.
const pollEvery = 1 << 10

// tick spends n iterations.
func (r *run) tick(n int) error {
	before := r.iterations
	r.iterations += n
	if n < 0 || r.iterations > r.lim.Iterations {
		r.iterations = r.lim.Iterations
		return exceeded("Iterations", r.lim.Iterations, "rounds")
	}
	if before/pollEvery != r.iterations/pollEvery {
		return r.stopped()
	}
	return nil
}

func (r *run) stopped() error {
	if r.ctx != nil && r.ctx.Err() != nil { // none while Compile computes constants
		return context.Cause(r.ctx)
	}
	return nil
}

// spend accounts for bytes that are about to be made.
func (r *run) spend(bytes int) error {
	r.memory += bytes
	if bytes < 0 || r.memory > r.lim.Memory {
		r.memory = r.lim.Memory
		return exceeded("Memory", r.lim.Memory, "bytes")
	}
	return nil
}

// makeString accounts for a string that is about to be made.
func (r *run) makeString(bytes int) error {
	if bytes < 0 || bytes > r.lim.String {
		return exceeded("String", r.lim.String, "bytes")
	}
	if err := r.tick(bytes >> 8); err != nil {
		return err
	}
	return r.spend(bytes)
}

const elementBytes = 16 // an interface value

// makeList accounts for a list or map that is about to be made.
func (r *run) makeList(elements int) error {
	if elements < 0 || elements > r.lim.List {
		return exceeded("List", r.lim.List, "elements")
	}
	if err := r.tick(elements); err != nil {
		return err
	}
	return r.spend(elements * elementBytes)
}
