package rewrite

// Bulk operations are replaced by calls of appended functions that charge by
// the operand. The ones on memory also work in pieces, since compiled code
// cannot be interrupted within one instruction, and neither garbage
// collection nor the stop flag may have to wait for a hundred megabytes.
//
// A piecewise operation that leaves the memory has written something before it
// traps, other than the whole one. Nobody can tell: a trap ends the instance.

// pieceBytes is how much one instruction copies or fills at most.
const pieceBytes = 256 << 10

const (
	memoryShift = 8 // 256 bytes cost 1 of fuel
	tableShift  = 3 // 8 entries cost 1 of fuel
)

// helper gives the index of the function that stands for an instruction.
func (e *emitter) helper(instruction []byte) uint32 {
	if f, ok := e.helpers[string(instruction)]; ok {
		return f
	}
	r := &reader{b: instruction, at: 1}
	op := r.u32()
	s, body := Signature{Params: string([]byte{I32, I32, I32})}, code(nil)
	switch op {
	case 8, 11: // memory.init, memory.fill
		body = e.piecewise(instruction, op == 8)
	case 10: // memory.copy
		body = e.copyBody(instruction)
	case 15: // table.grow
		s = Signature{Params: string([]byte{e.tables[r.u32()], I32}), Results: string([]byte{I32})}
		body = e.chargeLength(code{0}, 1, tableShift).with(opLocalGet, 0).with(opLocalGet, 1).op(instruction...).op(opEnd)
	case 17: // table.fill
		s.Params = string([]byte{I32, e.tables[r.u32()], I32})
		fallthrough
	default: // table.init, table.copy
		body = apply(e.chargeLength(code{0}, 2, tableShift), instruction).op(opEnd)
	}
	f := e.function0 + uint32(len(e.added))
	e.added = append(e.added, added{typ: e.typeOf(s), body: body})
	e.helpers[string(instruction)] = f
	return f
}

// apply runs an instruction of three operands on the first three locals.
func apply(c code, instruction []byte) code {
	return c.with(opLocalGet, 0).with(opLocalGet, 1).with(opLocalGet, 2).op(instruction...)
}

// chargeLength takes a local, divided by 1<<shift, from the fuel.
func (e *emitter) chargeLength(c code, local uint32, shift int64) code {
	return c.with(opLocalGet, local).op(opExtendU).number(shift).op(opI64ShrU).with(opCall, e.spend)
}

// longer asks whether more than a piece is left.
func longer(c code) code {
	return c.with(opLocalGet, 2).number32(pieceBytes).op(opI32GtU, opIf, noResult)
}

// advance adds a piece to a local, or takes it off.
func advance(c code, local uint32, op byte) code {
	return c.with(opLocalGet, local).number32(pieceBytes).op(op).with(opLocalSet, local)
}

// piecewise is memory.fill, or memory.init and memory.copy forwards, where the
// source moves as well.
func (e *emitter) piecewise(instruction []byte, source bool) code {
	c := e.forwards(code{0}, instruction, source)
	return apply(e.chargeLength(c, 2, memoryShift), instruction).op(opEnd)
}

func (e *emitter) forwards(c code, instruction []byte, source bool) code {
	c = longer(c.op(opLoop, noResult))
	c = c.number(pieceBytes>>memoryShift).with(opCall, e.spend)
	c = c.with(opLocalGet, 0).with(opLocalGet, 1).number32(pieceBytes).op(instruction...)
	c = advance(advance(c, 0, opI32Add), 2, opI32Sub)
	if source {
		c = advance(c, 1, opI32Add)
	}
	return c.with(opBr, 1).op(opEnd, opEnd)
}

// copyBody copies backwards when the destination lies behind the source, so
// that nothing is overwritten before it was read.
func (e *emitter) copyBody(instruction []byte) code {
	c := code{0}.with(opLocalGet, 0).with(opLocalGet, 1).op(opI32LeU, opIf, noResult)
	c = e.forwards(c, instruction, true).op(opElse)
	c = longer(c.op(opLoop, noResult))
	c = c.number(pieceBytes>>memoryShift).with(opCall, e.spend)
	c = advance(c, 2, opI32Sub)
	for _, local := range []uint32{0, 1} {
		c = c.with(opLocalGet, local).with(opLocalGet, 2).op(opI32Add)
	}
	c = c.number32(pieceBytes).op(instruction...).with(opBr, 1).op(opEnd, opEnd, opEnd)
	return apply(e.chargeLength(c, 2, memoryShift), instruction).op(opEnd)
}
