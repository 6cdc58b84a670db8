package rewrite

import "github.com/gowanus-project/gowanus/engine/fault"

// The kinds of places that the rewriter changes.
const (
	editLoop   = iota // the head of a loop: take its meter's weight
	editEnter         // the first call or loop
	editEnd           // the end of a loop
	editBranch        // br or br_if out of a loop
	editSwitch        // br_table, of which a target is out of a loop
	editCall          // a call of a function of the module
	editBulk          // an instruction whose cost depends on an operand
	editReturn        // the instruction return
)

// edit is one place in a function's code.
type edit struct {
	kind    int
	at, end int // bytes within the code: the instruction
	meter   int // that counts there; of editLoop and editEnd the loop's own
	label   int // editReturn: label of the function
	crossed int // editBranch, editReturn: loops that are left; editSwitch: where these stand in function.crossed
}

// function is what one pass over a body finds.
type function struct {
	groups  uint32 // groups of declared locals
	decl    []byte // their encoding
	locals  uint32 // parameters included
	code    []byte
	edits   []edit
	meters  []meter // that of the function, then one for each loop
	crossed []int   // loops that each target of a switch leaves
	calls   bool    // calls functions of the module, so it may recurse
	counted bool    // has loops without such calls, which count in a local
	late    bool    // is to be charged at its editEnter and not at its beginning
	first   int     // meter of the loop that its editEnter stands before, 0 when that is a call
	blocks  uint64  // blocks, and targets of br_table
	width   uint64  // most values that a block takes or leaves
	results uint64  // values that calls leave, all together
	several uint64  // of these, those beyond the first of each call
}

// spread is what the compiler's work for the function grows with: it looks at
// all locals in each block, and at some of the blocks before it.
func (f *function) spread() uint64 {
	return f.blocks * (baseSpread + uint64(f.locals) + f.width + f.blocks/blocksSpread)
}

const (
	baseSpread   = 4  // what a block costs in any case
	blocksSpread = 16 // so many blocks cost as much as a local
)

// frame is the nominal size of the function's stack frame in slots of 8 bytes.
// Operands that the compiler has to spill are not known here; a share of the
// code's length stands for them.
func (f *function) frame() int64 {
	return 8 + int64(f.locals) + int64(f.several) + int64(len(f.code)/16)
}

// walker passes over the code of one function.
type walker struct {
	*module
	*reader
	f      *function
	blocks []block
	meter  int
	inside int // how many blocks the editEnter is in; 0 before it, -1 when they are left
}

type block struct {
	op    byte
	meter int
}

// parseCode checks all functions, one after the other, and hands each to the
// module's emitter: what was found of one is forgotten before the next, since
// notes on every place in a file made for it would take far more than the file.
func (m *module) parseCode(r *reader) error {
	n := r.count()
	if int(n) != len(m.defined) {
		return fault.New(fault.Invalid, "declares %d functions and has code for %d", len(m.defined), n)
	}
	m.bodies = int(n)
	total := uint64(0)
	f := &function{}
	w := &walker{module: m, f: f}
	if m.emitter != nil {
		m.emitter.begin(m, len(r.b))
	}
	for i := range m.defined {
		body := r.skip(r.u32())
		if r.err != nil {
			return nil
		}
		if err := w.scan(i, body); err != nil {
			return fault.Wrap(err, "function", itoa(len(m.imports)+i))
		}
		total += f.spread()
		if err := within("TotalBlockLocals", m.rules.Limits.TotalBlockLocals, "blocks times locals of all functions", total); err != nil {
			return err
		}
		if m.emitter != nil {
			m.emitter.put(i, f)
		}
	}
	return nil
}

// scan checks the code of the i-th defined function and finds what to change.
func (w *walker) scan(i int, body []byte) error {
	l := &w.rules.Limits
	if err := within("CodePerFunction", l.CodePerFunction, "bytes of code", uint64(len(body))); err != nil {
		return err
	}
	f := w.f
	*f = function{edits: f.edits[:0], meters: append(f.meters[:0], meter{}), crossed: f.crossed[:0], blocks: 1}
	r := &reader{b: body}
	locals := uint64(len(w.types[w.defined[i]].Params))
	f.groups = r.count()
	start := r.at
	for range f.groups {
		locals += uint64(r.u32())
		checkValueType(r, r.byte())
		if err := within("LocalsPerFunction", l.LocalsPerFunction, "locals", locals); err != nil || r.err != nil {
			return orErr(err, r.err)
		}
	}
	if r.err != nil {
		return r.err
	}
	f.locals = uint32(locals)
	f.decl = body[start:r.at]
	f.code = body[r.at:]
	w.reader, w.blocks, w.meter, w.inside = &reader{b: f.code}, append(w.blocks[:0], block{}), 0, 0
	err := w.walk()
	return orErr(err, w.reader.err)
}

func orErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// walk reads instructions up to the end that closes the function.
func (w *walker) walk() error {
	l := &w.rules.Limits
	for len(w.blocks) > 0 {
		at := w.at
		op := w.byte()
		if w.err != nil {
			return nil
		}
		w.weigh(1)
		switch {
		case op >= 0x45 && op <= 0xc4:
			if divides(op) {
				w.weigh(divideWeight)
			}
		case op == 0x00, op == 0x01, op == 0x1a, op == 0x1b, op == 0xd1:
		case op >= 0x20 && op <= 0x22:
			w.index(w.reader, "local", int(w.f.locals))
		case op >= 0x28 && op <= 0x3e:
			w.u32()
			w.u32()
			w.weigh(memoryWeight)
		case op == 0x02 || op == 0x03 || op == 0x04:
			w.open(op, at)
			if err := within("Nesting", l.Nesting, "nested blocks", uint64(len(w.blocks))); err != nil {
				return err
			}
		case op == 0x05:
			if top := &w.blocks[len(w.blocks)-1]; top.op != 0x04 {
				w.fail("else without if at byte %d", at)
			} else {
				top.op = 0x05
				w.leave(len(w.blocks))
			}
		case op == 0x0b:
			w.close(at)
		case op == 0x0f:
			w.f.edits = append(w.f.edits, edit{
				kind: editReturn, at: at, end: w.at, meter: w.meter, label: len(w.blocks) - 1, crossed: w.loops(len(w.blocks) - 1),
			})
		default:
			w.operand(op, at)
		}
	}
	if w.at != len(w.b) {
		w.fail("%d bytes after the end", len(w.b)-w.at)
	}
	if err := within("BlockLocals", l.BlockLocals, "blocks times locals", w.f.spread()); err != nil {
		return err
	}
	return within("CodePerFunction", l.CodePerFunction, "results of calls", w.f.results)
}

// divides says whether an instruction without operands takes as long as a
// division.
func divides(op byte) bool {
	switch {
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82: // integers
		return true
	case op == 0x91, op == 0x95, op == 0x9f, op == 0xa3: // sqrt and div
		return true
	}
	return false
}

func (w *walker) weigh(n int64) { w.f.meters[w.meter].weight += n }

// open enters a block; a loop has a meter of its own.
func (w *walker) open(op byte, at int) {
	params := false
	switch t := w.signed(33); {
	case t == -5:
		w.fail("uses SIMD (v128), which is not part of the module contract")
	case t >= int64(len(w.types)):
		w.fail("type %d does not exist", t)
	case t >= 0:
		s := w.types[t]
		params = s.Params != ""
		w.f.width = max(w.f.width, uint64(len(s.Params)+len(s.Results)))
	}
	w.f.blocks++
	if op == 0x03 {
		w.enter(op, at)
	}
	w.blocks = append(w.blocks, block{op: op, meter: w.meter})
	if op == 0x03 {
		w.f.meters[w.meter].loops = true
		w.f.meters = append(w.f.meters, meter{parent: w.meter, body: w.at, blocks: w.f.blocks, params: params})
		w.meter = len(w.f.meters) - 1
		w.f.edits = append(w.f.edits, edit{kind: editLoop, at: at, end: w.at, meter: w.meter})
	}
}

// close leaves a block. What a loop calls, the one around it calls.
func (w *walker) close(at int) {
	w.leave(len(w.blocks))
	last := w.blocks[len(w.blocks)-1]
	w.blocks = w.blocks[:len(w.blocks)-1]
	if last.op != 0x03 {
		return
	}
	w.f.edits = append(w.f.edits, edit{kind: editEnd, at: at, end: w.at, meter: w.meter})
	if m := &w.f.meters[w.meter]; m.calls {
		w.f.meters[last.meter].calls = true
	} else {
		w.f.counted = true
		if m.twice = !m.params && !m.loops && at-m.body <= twiceBytes && w.f.blocks <= twiceBlocks; m.twice {
			w.f.blocks += w.f.blocks - m.blocks + 1
		}
		w.f.blocks += wrapping
	}
	w.meter = last.meter
}

// free is the weight that a function may have before its first call or loop and
// be charged there, and so not at all when it returns before.
const free = 64

// enter notes the first call or loop. A function that often returns before it,
// like most that recurse, is charged there, if all other calls and loops come
// after it.
func (w *walker) enter(op byte, at int) {
	switch w.inside {
	case 0:
		w.inside = len(w.blocks)
		w.f.late = w.f.meters[0].weight <= free
		if op == 0x03 {
			w.f.first = len(w.f.meters)
		}
		w.f.edits = append(w.f.edits, edit{kind: editEnter, at: at, end: at})
	case -1:
		w.f.late = false
	}
}

// leave notes that a block, or one arm of an if, ends.
func (w *walker) leave(depth int) {
	if w.inside == depth {
		w.inside = -1
	}
}

// loops says how many loops a branch to a label leaves. The loop that it goes
// on with is not left.
func (w *walker) loops(label int) int {
	n := 0
	for _, b := range w.blocks[len(w.blocks)-label:] {
		if b.op == 0x03 {
			n++
		}
	}
	return n
}

// label reads the label of a branch and says how many loops it leaves.
func (w *walker) label() int {
	l := w.u32()
	if w.err == nil && int64(l) >= int64(len(w.blocks)) {
		w.fail("label %d does not exist", l)
	}
	if w.err != nil || w.meter == 0 {
		return 0
	}
	return w.loops(int(l))
}

func (w *walker) branch(at int) {
	if crossed := w.label(); crossed > 0 {
		w.f.edits = append(w.f.edits, edit{kind: editBranch, at: at, end: w.at, meter: w.meter, crossed: crossed})
	}
}

func (w *walker) switches(at int) {
	n := w.count()
	w.f.blocks += uint64(n)
	first, most := len(w.f.crossed), 0
	for i := uint32(0); i <= n && w.err == nil; i++ {
		crossed := w.label()
		w.f.crossed = append(w.f.crossed, crossed)
		most = max(most, crossed)
	}
	if most == 0 {
		w.f.crossed = w.f.crossed[:first]
		return
	}
	w.f.edits = append(w.f.edits, edit{kind: editSwitch, at: at, end: w.at, meter: w.meter, crossed: first})
}

// operand reads what follows the less frequent instructions.
func (w *walker) operand(op byte, at int) {
	switch op {
	case 0x0c, 0x0d: // br, br_if
		w.branch(at)
	case 0x0e: // br_table
		w.switches(at)
	case 0x10: // call
		if f := w.functionIndex(w.reader); w.err == nil {
			w.call(f, at)
		}
	case 0x11: // call_indirect
		if t := w.typeIndex(w.reader); w.err == nil {
			w.calls(len(w.types[t].Results), at)
		}
		w.index(w.reader, "table", len(w.tables))
	case 0x1c: // select with types
		for range w.count() {
			checkValueType(w.reader, w.byte())
		}
	case 0x23, 0x24:
		w.index(w.reader, "global", w.globals)
	case 0x25, 0x26:
		w.index(w.reader, "table", len(w.tables))
	case 0x3f, 0x40: // memory.size, memory.grow
		w.index(w.reader, "memory", 1)
		if op == 0x40 {
			w.weigh(growWeight)
		}
	case 0x41:
		w.signed(32)
	case 0x42:
		w.signed(64)
	case 0x43:
		w.skip(4)
	case 0x44:
		w.skip(8)
	case 0xd0: // ref.null
		w.byte()
	case 0xd2: // ref.func
		w.functionIndex(w.reader)
	case 0xfc:
		w.bulk(w.u32(), at)
	case 0xfd:
		w.fail("uses SIMD instructions at byte %d, which are not part of the module contract", at)
	case 0xfe:
		w.fail("uses threads (atomic instructions) at byte %d, which are not part of the module contract", at)
	default:
		w.fail("unknown instruction 0x%02x at byte %d", op, at)
	}
}

func (w *walker) call(f uint32, at int) {
	results := len(w.signature(f).Results)
	if int(f) >= len(w.imports) {
		w.calls(results, at)
		return
	}
	w.f.results += uint64(results)
	w.weigh(importWeight)
}

// calls notes a call of a function of the module.
func (w *walker) calls(results, at int) {
	w.f.results += uint64(results)
	w.f.several += uint64(max(results-1, 0))
	w.f.calls = true
	w.enter(opCall, at)
	w.f.meters[w.meter].calls = true
	w.f.edits = append(w.f.edits, edit{kind: editCall, at: at, end: at})
}

// bulk reads the instructions of prefix 0xfc.
func (w *walker) bulk(op uint32, at int) {
	metered := true
	switch {
	case op <= 7: // saturating conversions
		metered = false
	case op == 8: // memory.init
		w.dataIndex()
		w.index(w.reader, "memory", 1)
	case op == 9: // data.drop
		w.dataIndex()
		metered = false
	case op == 10: // memory.copy
		w.index(w.reader, "memory", 1)
		w.index(w.reader, "memory", 1)
	case op == 11: // memory.fill
		w.index(w.reader, "memory", 1)
	case op == 12: // table.init
		w.index(w.reader, "element segment", int(w.elements))
		w.index(w.reader, "table", len(w.tables))
	case op == 13: // elem.drop
		w.index(w.reader, "element segment", int(w.elements))
		metered = false
	case op == 14: // table.copy
		w.index(w.reader, "table", len(w.tables))
		w.index(w.reader, "table", len(w.tables))
	case op == 15, op == 16, op == 17: // table.grow, table.size, table.fill
		w.index(w.reader, "table", len(w.tables))
		metered = op != 16
		if op == 15 {
			w.weigh(growWeight)
		}
	default:
		w.fail("unknown instruction 0xfc %d at byte %d", op, at)
	}
	if metered {
		w.f.edits = append(w.f.edits, edit{kind: editBulk, at: at, end: w.at})
	}
}

func (w *walker) dataIndex() { w.index(w.reader, "data segment", int(max(w.data, 0))) }
