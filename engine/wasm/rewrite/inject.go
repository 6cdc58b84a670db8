package rewrite

// Instructions that are injected.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opReturn      = 0x0f
	opCall        = 0x10
	opDrop        = 0x1a
	opSelect      = 0x1b
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI32LeU      = 0x4d
	opI32GtU      = 0x4b
	opI64Ne       = 0x52
	opI64LtS      = 0x53
	opI64GtS      = 0x55
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
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
func (c code) number32(v int64) code           { return appendS64(append(c, opI32Const), v) }
func (c code) get(global uint32) code          { return c.with(opGlobalGet, global) }
func (c code) set(global uint32) code          { return c.with(opGlobalSet, global) }

// less takes v from a global and keeps in a local what is left.
func (c code) less(global uint32, v int64, left uint32) code {
	return c.get(global).number(v).op(opI64Sub).with(opLocalTee, left).set(global)
}

// refillIfNegative calls refill when a local is negative.
func (c code) refillIfNegative(local, refill uint32) code {
	return c.with(opLocalGet, local).number(0).op(opI64LtS, opIf, noResult).with(opCall, refill).op(opEnd)
}

// batch is how much a loop without calls counts in a local before it is taken
// from the fuel: a local stays in a register, a global is in memory.
const batch = 1 << 10

// shape is where the locals that a function is given stand.
type shape struct {
	*function
	left  uint32 // what was left of a global after taking from it
	depth uint32 // what is left of the stack below this function, if it calls
	steps uint32 // what its loops without calls took, if it has some
}

// function writes the i-th defined function with its meter.
func (e *emitter) function(out code, i int, f *function) code {
	s := &shape{function: f, left: f.locals, depth: f.locals + 1, steps: f.locals + 1}
	extra := uint32(1)
	if f.calls {
		extra, s.steps = extra+1, s.steps+1
	}
	if f.counted {
		extra++
	}
	out = append(appendU32(out, f.groups+1), f.decl...)
	out = append(appendU32(out, extra), I64)
	if !f.calls || !f.late {
		out = e.enter(out, s)
	}
	if f.counted {
		out = e.wrap(out, i)
	}
	out = e.span(out, s, f.edits, 0, len(f.code), 0)
	if f.counted {
		out = e.leave(out, s)
	}
	return out
}

// span writes a part of the code with its edits. Branches that leave a loop leave
// that many more blocks.
func (e *emitter) span(out code, s *shape, edits []edit, from, to int, more uint32) code {
	for k := range edits {
		d := &edits[k]
		out = append(out, s.code[from:d.at]...)
		from = d.end
		out = e.edit(out, s, d, more)
		if d.kind == editLoop && s.meters[d.meter].twice {
			out = e.firstTurn(out, s, edits[k+1:], d)
		}
	}
	return append(out, s.code[from:to]...)
}

// firstTurn writes the body of a loop for the first time, in a block that a turn
// leaves, so that it goes on with the second one:
//
//	block
//	  …
//	  br 4     ;; out of the block, and of all that loop opened
//	end
func (e *emitter) firstTurn(out code, s *shape, edits []edit, loop *edit) code {
	n := 0
	for edits[n].kind != editEnd { // there is no other loop in it
		n++
	}
	out = e.span(out.op(opBlock, noResult), s, edits[:n], loop.end, edits[n].at, 1)
	return out.with(opBr, wrapping+1).op(opEnd)
}

// edit writes one place of the code anew.
func (e *emitter) edit(out code, s *shape, d *edit, more uint32) code {
	original := s.code[d.at:d.end]
	switch d.kind {
	case editLoop:
		return e.loop(out, s, &s.meters[d.meter], original)
	case editEnter:
		if s.calls && s.late {
			out = e.enter(out, s)
		}
		return out
	case editEnd:
		return e.loopEnd(out, s, &s.meters[d.meter])
	case editBranch:
		r := &reader{b: original, at: 1}
		return out.with(original[0], r.u32()+s.shift(d.meter, d.crossed)+more)
	case editSwitch:
		r := &reader{b: original, at: 1}
		n := r.u32()
		out = out.with(original[0], n)
		for i := range int(n) + 1 {
			label := r.u32()
			if crossed := s.crossed[d.crossed+i]; crossed > 0 {
				label += s.shift(d.meter, crossed) + more
			}
			out = appendU32(out, label)
		}
		return out
	case editCall:
		return e.beforeCall(out, s)
	case editBulk:
		return out.with(opCall, e.helper(original))
	}
	if !s.counted {
		return out.op(opReturn)
	}
	// It leaves the block that wrap opened.
	return out.with(opBr, uint32(d.label)+s.shift(d.meter, d.crossed)+more)
}

// shift is how many blocks were put between a branch and its target.
func (f *function) shift(meter, crossed int) uint32 {
	n := uint32(0)
	for ; crossed > 0 && !f.meters[meter].calls; crossed-- {
		n, meter = n+wrapping, f.meters[meter].parent
	}
	return n
}

// enter charges the function's own weight and its frame with one test for both.
// A function without calls is not tested: whoever calls it again and again is,
// and so are its loops. If it has some, it is charged when it is left.
func (e *emitter) enter(out code, s *shape) code {
	switch cost := s.meters[0].cost(); {
	case s.calls:
		out = out.get(e.stack).number(s.frame()).op(opI64Sub).with(opLocalSet, s.depth)
		if !s.merged() {
			out = e.charge(out, s, cost)
		}
	case !s.counted:
		out = out.get(e.fuel).number(cost).op(opI64Sub).set(e.fuel)
	}
	return out
}

// charge takes from the fuel and tests that and the stack at once.
func (e *emitter) charge(out code, s *shape, cost int64) code {
	out = out.less(e.fuel, cost, s.left)
	out = out.with(opLocalGet, s.left).with(opLocalGet, s.depth).op(opI64Or).number(0).op(opI64LtS, opIf, noResult)
	return out.with(opLocalGet, s.depth).set(e.stack).with(opCall, e.refill).op(opEnd)
}

// wrap opens the block that every way out of a function ends.
func (e *emitter) wrap(out code, i int) code {
	switch results := e.types[e.defined[i]].Results; len(results) {
	case 0:
		return out.op(opBlock, noResult)
	case 1:
		return out.op(opBlock, results[0])
	default:
		return appendS64(out.op(opBlock), int64(e.typeOf(Signature{Results: results})))
	}
}

// loop charges each turn of a loop. One without calls counts in a local and,
// when that is large, is left and entered again, since a call within it, even
// one that is hardly ever made, would cost it its registers:
//
// A short one is written twice, and so tested in every second turn:
//
//	block               ;; where the end of the loop goes on
//	  loop
//	    block
//	      loop          ;; the original
//	        (br_if 1 (steps > batch))
//	        (block … br 4 end)  ;; firstTurn
//	        …
//	      end
//	      br 2
//	    end
//	    (spend steps)
//	    br 0
//	  end
//	  unreachable
//	end
func (e *emitter) loop(out code, s *shape, m *meter, head []byte) code {
	if m.calls && s.merged() && m == &s.meters[s.first] {
		return e.charge(out.op(head...), s, m.cost())
	}
	if m.calls {
		return out.op(head...).less(e.fuel, m.cost(), s.left).refillIfNegative(s.left, e.refill)
	}
	typ := head[1:]
	out = out.op(opBlock).op(typ...).op(opLoop).op(typ...).op(opBlock)
	out = e.paramsOf(out, typ).op(opLoop).op(typ...)
	out = out.with(opLocalGet, s.steps).number(m.turn()).op(opI64Add).with(opLocalTee, s.steps)
	return out.number(batch).op(opI64GtS).with(opBrIf, 1)
}

// loopEnd closes what loop opened.
func (e *emitter) loopEnd(out code, s *shape, m *meter) code {
	out = out.op(opEnd)
	if m.calls {
		return out
	}
	out = e.spendSteps(out.with(opBr, 2).op(opEnd), s, m.turn()) // the turn begins anew, and is charged then
	return out.with(opBr, 0).op(opEnd, opUnreachable, opEnd)
}

// wrapping is how many blocks loop puts around a loop without calls.
const wrapping = 3

// paramsOf writes the type of a block that takes the parameters of a block of
// type typ and leaves them.
func (e *emitter) paramsOf(out code, typ []byte) code {
	r := &reader{b: typ}
	t := r.signed(33)
	if t < 0 || e.types[t].Params == "" {
		return out.op(noResult)
	}
	params := e.types[t].Params
	return appendS64(out, int64(e.typeOf(Signature{Params: params, Results: params})))
}

// beforeCall lets the called function know how much stack is left, and takes
// what loops have counted, lest it grow with each level of a recursion.
func (e *emitter) beforeCall(out code, s *shape) code {
	if s.counted {
		out = out.with(opLocalGet, s.steps).number(0).op(opI64Ne, opIf, noResult)
		out = e.spendSteps(out, s, 0).op(opEnd)
	}
	return out.with(opLocalGet, s.depth).set(e.stack)
}

// spendSteps takes from the fuel what loops have counted, but for some.
func (e *emitter) spendSteps(out code, s *shape, but int64) code {
	out = out.with(opLocalGet, s.steps)
	if but != 0 {
		out = out.number(but).op(opI64Sub)
	}
	return out.with(opCall, e.spend).number(0).with(opLocalSet, s.steps)
}

// leave ends the block that wrap opened and takes what loops have counted.
func (e *emitter) leave(out code, s *shape) code {
	out = out.get(e.fuel).with(opLocalGet, s.steps).op(opI64Sub)
	if !s.calls {
		out = out.number(s.meters[0].cost()).op(opI64Sub)
	}
	return out.set(e.fuel).op(opEnd)
}

// refillBody is the appended function that runs when the fuel slice or the
// stack is used up; it traps unless there is fuel to go on with.
func (e *emitter) refillBody() code {
	trapIf := func(c code) code { return c.op(opIf, noResult, opUnreachable, opEnd) }
	c := code{0} // no locals
	c = trapIf(c.get(e.stack).number(0).op(opI64LtS))
	c = c.get(e.turn).op(opIf, noResult).number32(TurnTaken).set(e.turn)
	c = c.number32(1).op(opMemoryGrow, 0, opDrop).number32(TurnWanted).set(e.turn)
	c = c.op(opElse).number32(0).op(opMemoryGrow, 0, opDrop, opEnd)
	c = trapIf(c.get(e.stop))
	c = c.get(e.reserve).get(e.fuel).op(opI64Add).set(e.reserve)
	c = trapIf(c.get(e.reserve).number(0).op(opI64LtS))
	c = c.get(e.reserve).number(Slice).get(e.reserve).number(Slice).op(opI64LtS, opSelect).set(e.fuel)
	c = c.get(e.reserve).get(e.fuel).op(opI64Sub).set(e.reserve)
	return c.op(opEnd)
}

// spendBody takes its argument from the fuel.
func (e *emitter) spendBody() code {
	c := code{0}.get(e.fuel).with(opLocalGet, 0).op(opI64Sub).with(opLocalTee, 0).set(e.fuel)
	return c.refillIfNegative(0, e.refill).op(opEnd)
}
