// Package asm puts small WebAssembly modules together for tests, byte by byte,
// so that they can be as wrong as a test needs them.
package asm

// Value types, and the letters that signatures use for them.
const (
	I32 = 0x7f
	I64 = 0x7e
	F32 = 0x7d
	F64 = 0x7c
)

var letters = map[rune]byte{'i': I32, 'I': I64, 'f': F32, 'F': F64, 'r': 0x70, 'x': 0x6f}

// U encodes an unsigned number.
func U(v uint64) []byte {
	var b []byte
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// S encodes a signed number.
func S(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Vec encodes a vector of encoded items.
func Vec(items [][]byte) []byte {
	b := U(uint64(len(items)))
	for _, item := range items {
		b = append(b, item...)
	}
	return b
}

// Text encodes a name or a run of bytes.
func Text(s string) []byte { return append(U(uint64(len(s))), s...) }

// Types encodes value types given by letters: i, I, f, F, r (funcref), x (externref).
func Types(s string) []byte {
	b := U(uint64(len(s)))
	for _, c := range s {
		b = append(b, letters[c])
	}
	return b
}

// Section encodes a section.
func Section(id byte, body []byte) []byte {
	return append(append([]byte{id}, U(uint64(len(body)))...), body...)
}

// Module is a module under construction. Its fields are encoded items, which
// tests may add to directly.
type Module struct {
	Types, Imports, Functions, Tables, Memories, Globals, Exports, Elements, Code, Data [][]byte
	Start                                                                               []byte
	DataCount                                                                           bool
	Custom                                                                              []byte // whole sections at the end
}

// Type adds a function type.
func (m *Module) Type(params, results string) int {
	m.Types = append(m.Types, append(append([]byte{0x60}, Types(params)...), Types(results)...))
	return len(m.Types) - 1
}

// Import adds an imported function; all imports come before all functions.
func (m *Module) Import(from, name, params, results string) int {
	item := append(append(Text(from), Text(name)...), 0)
	m.Imports = append(m.Imports, append(item, U(uint64(m.Type(params, results)))...))
	return len(m.Imports) - 1
}

// Func adds a function, exported when it has a name. code needs no end.
func (m *Module) Func(name, params, results, locals string, code ...[]byte) int {
	m.Functions = append(m.Functions, U(uint64(m.Type(params, results))))
	var groups [][]byte
	for _, c := range locals {
		groups = append(groups, []byte{1, letters[c]})
	}
	return m.Body(name, append(append(Vec(groups), Join(code...)...), 0x0b))
}

// Body adds the code of a function whose type stands in Functions already.
func (m *Module) Body(name string, body []byte) int {
	m.Code = append(m.Code, append(U(uint64(len(body))), body...))
	index := len(m.Imports) + len(m.Code) - 1
	if name != "" {
		m.Export(name, 0, index)
	}
	return index
}

// Export adds an export.
func (m *Module) Export(name string, kind byte, index int) {
	m.Exports = append(m.Exports, append(append(Text(name), kind), U(uint64(index))...))
}

// Memory adds the memory and exports it; most < 0 is no upper bound.
func (m *Module) Memory(least, most int) {
	item := append([]byte{0}, U(uint64(least))...)
	if most >= 0 {
		item = append(append([]byte{1}, U(uint64(least))...), U(uint64(most))...)
	}
	m.Memories = append(m.Memories, item)
	m.Export("memory", 2, 0)
}

// Global adds a mutable global with an initial value.
func (m *Module) Global(letter rune, constant []byte) int {
	m.Globals = append(m.Globals, Join([]byte{letters[letter], 1}, constant, []byte{0x0b}))
	return len(m.Globals) - 1
}

// Bytes encodes the module.
func (m *Module) Bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	put := func(id byte, items [][]byte) {
		if len(items) > 0 {
			b = append(b, Section(id, Vec(items))...)
		}
	}
	put(1, m.Types)
	put(2, m.Imports)
	put(3, m.Functions)
	put(4, m.Tables)
	put(5, m.Memories)
	put(6, m.Globals)
	put(7, m.Exports)
	if m.Start != nil {
		b = append(b, Section(8, m.Start)...)
	}
	put(9, m.Elements)
	if m.DataCount {
		b = append(b, Section(12, U(uint64(len(m.Data))))...)
	}
	put(10, m.Code)
	put(11, m.Data)
	return append(b, m.Custom...)
}

// Guest makes a module of ABI v1 with one page of memory: gw_alloc answers
// 1024, and gw_call runs code, which leaves an i64. Imports must be added to
// imports first.
func Guest(imports *Module, code ...[]byte) *Module {
	m := imports
	if m == nil {
		m = &Module{}
	}
	if len(m.Memories) == 0 {
		m.Memory(1, -1)
	}
	m.Func("gw_abi", "", "i", "", I32Const(1))
	m.Func("gw_alloc", "i", "i", "", I32Const(1024))
	m.Func("gw_call", "iii", "I", "iI", code...)
	return m
}
