package rewrite

import "github.com/gowanus-project/gowanus/engine/fault"

// What operations count beyond 1 instruction.
const (
	growWeight   = 1000 // memory.grow and table.grow leave compiled code
	importWeight = 256  // so do calls of imported functions
)

// unit is how many instructions cost 1 of fuel more. It is not 1, since a
// charge is made for all instructions up to the next loop although branches may
// skip most of them: the loop that Go makes around each function body would
// cost fifty times what it takes.
const unit = 256

func (f *function) cost(meter int) int64 { return 1 + f.weights[meter]/unit }

// The kinds of places that the rewriter changes.
const (
	editCharge = iota // take a meter's weight from the fuel
	editMemory        // charge by the bytes on top of the stack
	editTable         // charge by the entries on top of the stack
	editReturn        // the instruction return
)

// edit is one place in a function's code.
type edit struct {
	kind int
	at   int // byte within the code
	arg  int // editCharge: the meter; editReturn: label of the function
}

// function is what one pass over a body finds.
type function struct {
	groups  uint32 // groups of declared locals
	decl    []byte // their encoding
	locals  uint32 // parameters included
	code    []byte
	edits   []edit
	weights []int64 // instructions that each meter charges for
	calls   bool    // calls functions of the module, so it may recurse
	bulk    bool    // needs the additional local
	blocks  uint64  // blocks, and targets of br_table
	width   uint64  // most values that a block takes or leaves
	results uint64  // values that calls leave, all together
}

// spread is what the compiler's work for the function grows with.
func (f *function) spread() uint64 { return f.blocks * (uint64(f.locals) + f.width) }

// frame is the nominal size of the function's stack frame in slots of 8 bytes.
// Operands that the compiler has to spill are not known here; a share of the
// code's length stands for them.
func (f *function) frame() int64 { return 8 + int64(f.locals) + int64(len(f.code)/32) }

// walker passes over the code of one function.
type walker struct {
	*module
	*reader
	f      *function
	blocks []block
	meter  int
}

type block struct {
	op    byte
	meter int
}

func (m *module) parseCode(r *reader) error {
	n := r.count()
	if int(n) != len(m.defined) {
		return fault.New(fault.Invalid, "declares %d functions and has code for %d", len(m.defined), n)
	}
	m.bodies = int(n)
	total := uint64(0)
	for i := range m.defined {
		body := r.skip(r.u32())
		if r.err != nil {
			return nil
		}
		f, err := m.scan(i, body)
		if err != nil {
			return fault.Wrap(err, "function", itoa(len(m.imports)+i))
		}
		m.scanned = append(m.scanned, f)
		total += f.spread()
		if err := within("TotalBlockLocals", m.rules.Limits.TotalBlockLocals, "blocks times locals of all functions", total); err != nil {
			return err
		}
	}
	return nil
}

// scan checks the code of the i-th defined function and finds what to change.
func (m *module) scan(i int, body []byte) (*function, error) {
	l := &m.rules.Limits
	if err := within("CodePerFunction", l.CodePerFunction, "bytes of code", uint64(len(body))); err != nil {
		return nil, err
	}
	f := &function{weights: make([]int64, 1, 8), blocks: 1}
	r := &reader{b: body}
	locals := uint64(len(m.types[m.defined[i]].Params))
	f.groups = r.count()
	start := r.at
	for range f.groups {
		locals += uint64(r.u32())
		checkValueType(r, r.byte())
		if err := within("LocalsPerFunction", l.LocalsPerFunction, "locals", locals); err != nil || r.err != nil {
			return nil, orErr(err, r.err)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	f.locals = uint32(locals)
	f.decl = body[start:r.at]
	f.code = body[r.at:]
	w := &walker{module: m, reader: &reader{b: f.code}, f: f, blocks: make([]block, 1, 16)}
	f.edits = append(f.edits, edit{kind: editCharge})
	err := w.walk()
	return f, orErr(err, w.reader.err)
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
		w.f.weights[w.meter]++
		switch {
		case op >= 0x45 && op <= 0xc4, op == 0x00, op == 0x01, op == 0x1a, op == 0x1b, op == 0xd1:
		case op >= 0x20 && op <= 0x22:
			w.index(w.reader, "local", int(w.f.locals))
		case op >= 0x28 && op <= 0x3e:
			w.u32()
			w.u32()
		case op == 0x02 || op == 0x03 || op == 0x04:
			w.open(op)
			if err := within("Nesting", l.Nesting, "nested blocks", uint64(len(w.blocks))); err != nil {
				return err
			}
		case op == 0x05:
			if top := &w.blocks[len(w.blocks)-1]; top.op != 0x04 {
				w.fail("else without if at byte %d", at)
			} else {
				top.op = 0x05
			}
		case op == 0x0b:
			w.meter = w.blocks[len(w.blocks)-1].meter
			w.blocks = w.blocks[:len(w.blocks)-1]
		case op == 0x0f:
			w.f.edits = append(w.f.edits, edit{kind: editReturn, at: at, arg: len(w.blocks) - 1})
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

// open enters a block; a loop has a meter of its own.
func (w *walker) open(op byte) {
	switch t := w.signed(33); {
	case t == -5:
		w.fail("uses SIMD (v128), which is not part of the module contract")
	case t >= int64(len(w.types)):
		w.fail("type %d does not exist", t)
	case t >= 0:
		s := w.types[t]
		w.f.width = max(w.f.width, uint64(len(s.Params)+len(s.Results)))
	}
	w.f.blocks++
	w.blocks = append(w.blocks, block{op: op, meter: w.meter})
	if op == 0x03 {
		w.meter = len(w.f.weights)
		w.f.weights = append(w.f.weights, 0)
		w.f.edits = append(w.f.edits, edit{kind: editCharge, at: w.at, arg: w.meter})
	}
}

// operand reads what follows the less frequent instructions.
func (w *walker) operand(op byte, at int) {
	switch op {
	case 0x0c, 0x0d: // br, br_if
		w.index(w.reader, "label", len(w.blocks))
	case 0x0e: // br_table
		n := w.count()
		w.f.blocks += uint64(n)
		for i := uint32(0); i <= n && w.err == nil; i++ {
			w.index(w.reader, "label", len(w.blocks))
		}
	case 0x10: // call
		if f := w.functionIndex(w.reader); w.err == nil {
			w.call(f)
		}
	case 0x11: // call_indirect
		if t := w.typeIndex(w.reader); w.err == nil {
			w.f.results += uint64(len(w.types[t].Results))
		}
		w.index(w.reader, "table", w.tables)
		w.f.calls = true
	case 0x1c: // select with types
		for range w.count() {
			checkValueType(w.reader, w.byte())
		}
	case 0x23, 0x24:
		w.index(w.reader, "global", w.globals)
	case 0x25, 0x26:
		w.index(w.reader, "table", w.tables)
	case 0x3f, 0x40: // memory.size, memory.grow
		w.index(w.reader, "memory", 1)
		if op == 0x40 {
			w.f.weights[w.meter] += growWeight
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

func (w *walker) call(f uint32) {
	w.f.results += uint64(len(w.signature(f).Results))
	if int(f) >= len(w.imports) {
		w.f.calls = true
	} else {
		w.f.weights[w.meter] += importWeight
	}
}

// bulk reads the instructions of prefix 0xfc.
func (w *walker) bulk(op uint32, at int) {
	kind := -1
	switch {
	case op <= 7: // saturating conversions
	case op == 8: // memory.init
		w.dataIndex()
		w.index(w.reader, "memory", 1)
		kind = editMemory
	case op == 9: // data.drop
		w.dataIndex()
	case op == 10: // memory.copy
		w.index(w.reader, "memory", 1)
		w.index(w.reader, "memory", 1)
		kind = editMemory
	case op == 11: // memory.fill
		w.index(w.reader, "memory", 1)
		kind = editMemory
	case op == 12: // table.init
		w.index(w.reader, "element segment", int(w.elements))
		w.index(w.reader, "table", w.tables)
		kind = editTable
	case op == 13: // elem.drop
		w.index(w.reader, "element segment", int(w.elements))
	case op == 14: // table.copy
		w.index(w.reader, "table", w.tables)
		w.index(w.reader, "table", w.tables)
		kind = editTable
	case op == 15, op == 16, op == 17: // table.grow, table.size, table.fill
		w.index(w.reader, "table", w.tables)
		if op != 16 {
			kind = editTable
		}
		if op == 15 {
			w.f.weights[w.meter] += growWeight
		}
	default:
		w.fail("unknown instruction 0xfc %d at byte %d", op, at)
	}
	if kind >= 0 {
		w.f.bulk = true
		w.f.edits = append(w.f.edits, edit{kind: kind, at: at})
	}
}

func (w *walker) dataIndex() { w.index(w.reader, "data segment", int(max(w.data, 0))) }
