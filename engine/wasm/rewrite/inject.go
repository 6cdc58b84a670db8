package rewrite

// Instructions that are injected.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opIf          = 0x04
	opEnd         = 0x0b
	opBr          = 0x0c
	opCall        = 0x10
	opDrop        = 0x1a
	opSelect      = 0x1b
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI64LtS      = 0x53
	opI64Add      = 0x7c
	opI64Sub      = 0x7d
	opI64Or       = 0x84
	opI64ShrU     = 0x88
	opExtendU     = 0xad
	noResult      = 0x40
)

// code is a sequence of instructions under construction.
type code []byte

func (c code) op(bytes ...byte) code           { return append(c, bytes...) }
func (c code) with(op byte, index uint32) code { return appendU32(append(c, op), index) }
func (c code) number(v int64) code             { return appendS64(append(c, opI64Const), v) }
func (c code) get(global uint32) code          { return c.with(opGlobalGet, global) }
func (c code) set(global uint32) code          { return c.with(opGlobalSet, global) }
func (c code) add(global uint32, v int64) code {
	return c.get(global).number(v).op(opI64Add).set(global)
}
func (c code) less(global uint32, v int64) code {
	return c.get(global).number(v).op(opI64Sub).set(global)
}
func (c code) refillIfNegative(refill uint32) code {
	return c.number(0).op(opI64LtS, opIf, noResult).with(opCall, refill).op(opEnd)
}

// function writes the i-th defined function with its meter.
func (e *emitter) function(out code, i int, f *function) code {
	out = e.declare(out, f)
	if f.calls {
		out = e.enter(out, i, f)
	}
	from := 0
	for k, d := range f.edits {
		out = append(out, f.code[from:d.at]...)
		from = d.at
		switch {
		case d.kind == editCharge && k == 0 && f.calls: // enter has charged it
		case d.kind == editCharge:
			out = out.less(e.fuel, f.cost(d.arg)).get(e.fuel).refillIfNegative(e.refill)
		case d.kind == editMemory:
			out = e.chargeOperand(out, f, 8)
		case d.kind == editTable:
			out = e.chargeOperand(out, f, 3)
		case f.calls: // return leaves the block that enter opened
			out = out.with(opBr, uint32(d.arg))
			from++
		}
	}
	out = append(out, f.code[from:]...)
	if f.calls {
		out = out.add(e.stack, f.frame()).op(opEnd)
	}
	return out
}

// declare writes the locals, with one more for the size of a bulk operation.
func (e *emitter) declare(out code, f *function) code {
	groups := f.groups
	if f.bulk {
		groups++
	}
	out = append(appendU32(out, groups), f.decl...)
	if f.bulk {
		out = out.op(1, I32)
	}
	return out
}

// enter charges the function's own weight and its frame with one test for
// both, and opens the block that every way out of the function ends.
func (e *emitter) enter(out code, i int, f *function) code {
	out = out.less(e.fuel, f.cost(0)).less(e.stack, f.frame())
	out = out.get(e.fuel).get(e.stack).op(opI64Or).refillIfNegative(e.refill)
	switch results := e.types[e.defined[i]].Results; len(results) {
	case 0:
		return out.op(opBlock, noResult)
	case 1:
		return out.op(opBlock, results[0])
	default:
		return appendS64(out.op(opBlock), int64(e.typeOf(Signature{Results: results})))
	}
}

// chargeOperand takes the number on top of the stack, divided by 1<<shift, from
// the fuel.
func (e *emitter) chargeOperand(out code, f *function, shift int64) code {
	out = out.with(opLocalSet, f.locals).get(e.fuel).with(opLocalGet, f.locals).op(opExtendU).number(shift).op(opI64ShrU)
	out = out.op(opI64Sub).set(e.fuel).get(e.fuel).refillIfNegative(e.refill)
	return out.with(opLocalGet, f.locals)
}

// refillBody is the appended function. It runs when the fuel slice or the
// stack is used up, and traps unless there is fuel to go on with.
func (e *emitter) refillBody() []byte {
	trapIf := func(c code) code { return c.op(opIf, noResult, opUnreachable, opEnd) }
	c := code{0} // no locals
	c = trapIf(c.get(e.stack).number(0).op(opI64LtS))
	c = c.op(opI32Const, 0, opMemoryGrow, 0, opDrop)
	c = trapIf(c.get(e.stop))
	c = c.get(e.reserve).get(e.fuel).op(opI64Add).set(e.reserve)
	c = trapIf(c.get(e.reserve).number(0).op(opI64LtS))
	c = c.get(e.reserve).number(Slice).get(e.reserve).number(Slice).op(opI64LtS, opSelect).set(e.fuel)
	c = c.get(e.reserve).get(e.fuel).op(opI64Sub).set(e.reserve)
	return c.op(opEnd)
}
