package rewrite

// What operations count beyond 1 instruction. The weights keep the time that a
// unit of fuel lasts within bounds: a load that misses every cache takes as
// long as a hundred additions.
const (
	memoryWeight = 7    // loads and stores
	divideWeight = 7    // divisions, remainders, square roots
	growWeight   = 1000 // memory.grow and table.grow leave compiled code
	importWeight = 256  // so do calls of imported functions
)

// unit is how many instructions cost 1 of fuel more. It is not 1, since a
// charge is made for all instructions up to the next loop although branches may
// skip most of them: the loop that Go makes around each function body would
// cost fifty times what it takes.
const unit = 256

// meter counts the instructions from one place of charge to the next.
type meter struct {
	weight int64
	parent int  // the meter around the loop
	calls  bool // functions of the module are called before the loop's end
	twice  bool // the loop's body is written twice, so that a turn does two

	// What decides about that.
	body   int    // where it begins
	blocks uint64 // there were before
	params bool   // it takes values
	loops  bool   // it has loops
}

// twiceBytes is how long a body may be to be written twice. A longer one gains
// little, since the charge is a smaller share of its turn, and loses registers:
// a JSON parser in C took 20 % longer with twice as many.
const twiceBytes = 32

// twiceBlocks is how many blocks a function may have before a loop that is
// written twice: more of them make the compiler slow, and no loop fast.
const twiceBlocks = 500

// turn is what a turn of a loop without calls takes.
func (m *meter) turn() int64 {
	if m.twice {
		return 2 * m.cost()
	}
	return m.cost()
}

func (m *meter) cost() int64 { return 1 + m.weight/unit }

// merged says whether the function is charged by the loop that it begins with,
// which is entered if the function does anything at all.
func (f *function) merged() bool {
	return f.late && f.first != 0 && f.meters[f.first].calls && f.meters[0].weight < unit
}
