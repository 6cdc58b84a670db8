package rewrite

import (
	"slices"
	"strconv"
)

// The exports by which the host reaches the meter. All are mutable globals but
// ExportStart, which is a function ()->() and only there when the module has a
// start section.
const (
	ExportFuel    = ReservedPrefix + "fuel"    // i64: what is left of the slice; negative after a trap for want of fuel
	ExportReserve = ReservedPrefix + "reserve" // i64: fuel beyond the slice
	ExportStack   = ReservedPrefix + "stack"   // i64: slots of stack that are left; negative after an overflow
	ExportStop    = ReservedPrefix + "stop"    // i32: the host sets it to 1 to stop the guest at the end of the slice
	ExportTurn    = ReservedPrefix + "turn"    // i32: see Turn
	ExportStart   = ReservedPrefix + "start"
	ExportWhole   = ReservedPrefix + "whole" // function ()->i32: 1 in Module.Binary, 0 in Module.Shell
)

// Version changes whenever the same module is written differently, so that what
// was compiled from it before is not used.
const Version = 6

// Slice is the fuel after which a running guest lets the host in. A garbage
// collection may have to wait for one: that takes microseconds, but 8 ms where
// each turn of a loop touches another new page of memory.
const Slice = 1 << 12

// What the global ExportTurn says. A host whose memory allocator can refuse to
// grow sets it to TurnWanted: then a guest at the end of a slice asks for a page
// of memory, with the global set to TurnTaken as long as that takes, and expects
// to be refused. That is the only way from compiled code into code of the host
// that no module can have imported.
const (
	TurnWanted = 1
	TurnTaken  = 2
)

// Module is a module with its meter.
type Module struct {
	Binary []byte // to be compiled
	// Shell is the same without the code of its functions. Whoever has the
	// compiled code of Binary needs no more to run it.
	Shell   []byte
	Exports map[string]Export
}

// Rewrite checks a module against the rules and gives it a meter. Its errors
// are of kind Limit, Forbidden (an import) or Invalid.
func Rewrite(bin []byte, rules *Rules) (*Module, error) {
	e := &emitter{}
	m, err := parse(bin, rules, e)
	if err != nil {
		return nil, err
	}
	whole, empty, data := e.codeSection(), e.emptyCode(), e.dataSection()
	return &Module{Binary: e.emit(whole, data), Shell: e.emit(empty, data), Exports: m.exports}, nil
}

// Check does what Rewrite does but for making the result.
func Check(bin []byte, rules *Rules) error {
	_, err := parse(bin, rules, nil)
	return err
}

// emitter writes the module anew.
type emitter struct {
	*module
	fuel, reserve, stack, stop, turn uint32 // global indices
	refill, spend, whole             uint32 // function indices
	function0                        uint32 // index of the first added function
	added                            []added
	helpers                          map[string]uint32 // by the instruction that they stand for
	moreTypes                        []Signature
	typeIndices                      map[Signature]uint32
	code                             code // of the functions so far
	scratch                          code
}

// added is a function that the original does not have.
type added struct {
	typ  uint32
	body code
}

// begin is called before the first function, when everything that functions
// refer to is known.
func (e *emitter) begin(m *module, size int) {
	g := uint32(m.globals)
	e.module, e.function0 = m, m.functions()
	e.fuel, e.reserve, e.stack, e.stop, e.turn = g, g+1, g+2, g+3, g+4
	e.refill, e.spend, e.whole = e.function0, e.function0+1, e.function0+2
	e.helpers, e.typeIndices = map[string]uint32{}, map[Signature]uint32{}
	e.added = []added{
		{e.typeOf(Signature{}), e.refillBody()},
		{e.typeOf(Signature{Params: string([]byte{I64})}), e.spendBody()},
		{e.typeOf(Signature{Results: string([]byte{I32})}), wholeBody(1)},
	}
	e.code = make(code, 0, size+size/3)
}

// put takes a function that was checked.
func (e *emitter) put(i int, f *function) {
	e.scratch = e.function(e.scratch[:0], i, f)
	e.code = append(appendU32(e.code, uint32(len(e.scratch))), e.scratch...)
}

// typeOf gives the index of a type, which is added when there is none.
func (e *emitter) typeOf(s Signature) uint32 {
	if i, ok := e.typeIndices[s]; ok {
		return i
	}
	i := uint32(len(e.types) + len(e.moreTypes))
	e.moreTypes = append(e.moreTypes, s)
	e.typeIndices[s] = i
	return i
}

func (e *emitter) body(id byte) []byte { return e.sections[id] }

// emit writes all sections in order. Custom sections are dropped except for
// the functions' names, which make stack traces readable.
func (e *emitter) emit(code, data []byte) []byte {
	size := len(code) + 1024
	for id, body := range e.sections {
		if id != secCode {
			size += len(body) + 32
		}
	}
	out := make([]byte, 0, size)
	out = append(out, "\x00asm\x01\x00\x00\x00"...)
	put := func(id byte, body []byte) {
		if body != nil {
			out = append(appendU32(append(out, id), uint32(len(body))), body...)
		}
	}
	put(secType, e.typeSection())
	put(secImport, e.body(secImport))
	put(secFunction, e.functionSection())
	put(secTable, e.bounded(secTable, e.rules.Limits.TableEntries))
	put(secMemory, e.bounded(secMemory, e.rules.Limits.MemoryPages))
	put(secGlobal, extend(e.body(secGlobal), 5, e.newGlobals()))
	put(secExport, e.exportSection())
	put(secElement, e.body(secElement))
	put(secDataCount, e.body(secDataCount))
	put(secCode, code)
	put(secData, data)
	put(secCustom, e.names())
	return out
}

// extend appends n encoded items to a vector; a nil vector has none.
func extend(vector []byte, n uint32, items []byte) []byte {
	r := &reader{b: vector}
	if len(vector) > 0 {
		n += r.u32()
	}
	out := appendU32(make([]byte, 0, len(vector)+len(items)+5), n)
	return append(append(out, vector[r.at:]...), items...)
}

func (e *emitter) functionSection() []byte {
	var items []byte
	for _, f := range e.added {
		items = appendU32(items, f.typ)
	}
	return extend(e.body(secFunction), uint32(len(e.added)), items)
}

func (e *emitter) typeSection() []byte {
	var items []byte
	for _, s := range e.moreTypes {
		items = append(items, 0x60)
		items = append(appendU32(items, uint32(len(s.Params))), s.Params...)
		items = append(appendU32(items, uint32(len(s.Results))), s.Results...)
	}
	return extend(e.body(secType), uint32(len(e.moreTypes)), items)
}

// bounded writes the table or memory section with an upper bound on growth. That
// of a memory is one page more than it may have, so that a full one can be asked
// to grow as well (see ExportTurn): the host's allocator must not give it.
func (e *emitter) bounded(id byte, limit int) []byte {
	body := e.body(id)
	if body == nil {
		return nil
	}
	r := &reader{b: body}
	n := r.count()
	out := appendU32(nil, n)
	for range n {
		if id == secTable {
			out = append(out, r.byte())
		}
		least, most := e.limits(r)
		if most < 0 || most > int64(limit) {
			most = int64(limit)
		}
		if id == secMemory {
			most++
		}
		out = appendU32(appendU32(append(out, 1), least), uint32(most))
	}
	return out
}

// newGlobals gives the five globals in the order of their indices. What they
// hold at first does not matter: the host sets them before each call.
func (e *emitter) newGlobals() []byte {
	zero64, zero32 := []byte{I64, 1, 0x42, 0, 0x0b}, []byte{I32, 1, 0x41, 0, 0x0b}
	return slices.Concat(zero64, zero64, zero64, zero32, zero32)
}

func (e *emitter) exportSection() []byte {
	var items []byte
	n := uint32(0)
	add := func(name string, kind byte, index uint32) {
		items = append(appendU32(items, uint32(len(name))), name...)
		items = appendU32(append(items, kind), index)
		n++
	}
	add(ExportFuel, 3, e.fuel)
	add(ExportReserve, 3, e.reserve)
	add(ExportStack, 3, e.stack)
	add(ExportStop, 3, e.stop)
	add(ExportTurn, 3, e.turn)
	add(ExportWhole, 0, e.whole)
	if e.start >= 0 {
		add(ExportStart, 0, uint32(e.start))
	}
	return extend(e.body(secExport), n, items)
}

// names gives the section of function names, or nil when there is none or it
// is not in order.
func (e *emitter) names() []byte {
	r := &reader{b: e.body(secCustom)}
	for r.name(); !r.done(); {
		id, part := r.byte(), r.skip(r.u32())
		if id != 1 || r.err != nil {
			continue
		}
		if e.functionNames(part) {
			out := append(appendU32(nil, 4), "name"...)
			return append(appendU32(append(out, 1), uint32(len(part))), part...)
		}
		break
	}
	return nil
}

func (e *emitter) functionNames(part []byte) bool {
	r := &reader{b: part}
	next := uint32(0)
	for range r.count() {
		f := r.u32()
		if r.name(); r.err != nil || f < next || f >= e.functions() {
			return false
		}
		next = f + 1
	}
	return r.err == nil && r.at == len(part)
}

func (e *emitter) codeSection() []byte {
	out := make([]byte, 0, len(e.code)+256)
	out = append(appendU32(out, uint32(len(e.defined)+len(e.added))), e.code...)
	for _, f := range e.added {
		out = append(appendU32(out, uint32(len(f.body))), f.body...)
	}
	return out
}

// emptyCode is a code section of functions that trap at once, but for
// ExportWhole.
func (e *emitter) emptyCode() []byte {
	n := uint32(len(e.defined) + len(e.added))
	out := appendU32(make([]byte, 0, 4*n+16), n)
	for f := range n {
		body := code{0, opUnreachable, opEnd}
		if f+uint32(len(e.imports)) == e.whole {
			body = wholeBody(0)
		}
		out = append(appendU32(out, uint32(len(body))), body...)
	}
	return out
}

func wholeBody(answer int64) code { return code{0}.number32(answer).op(opEnd) }

func itoa(n int) string { return strconv.Itoa(n) }
