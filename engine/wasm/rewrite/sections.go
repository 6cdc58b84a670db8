package rewrite

import (
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func (m *module) parseTypes(r *reader) error {
	n := r.count()
	if err := within("Types", m.rules.Limits.Types, "types", uint64(n)); err != nil {
		return err
	}
	for range n {
		if form := r.byte(); r.err == nil && form != 0x60 {
			return fault.New(fault.Invalid, "type %d is not a function type", len(m.types))
		}
		s := Signature{Params: m.valueTypes(r), Results: m.valueTypes(r)}
		if most := max(len(s.Params), len(s.Results)); most > m.rules.Limits.Params {
			return over("Params", m.rules.Limits.Params, "parameters or results of a function", uint64(most))
		}
		m.types = append(m.types, s)
	}
	return nil
}

func (m *module) valueTypes(r *reader) string {
	types := string(r.skip(r.u32()))
	for i := range len(types) {
		checkValueType(r, types[i])
	}
	return types
}

func checkValueType(r *reader, t byte) {
	if t == 0x7b {
		r.fail("uses SIMD (v128), which is not part of the module contract")
	} else if valueNames[t] == "" {
		r.fail("unknown value type 0x%02x", t)
	}
}

func (m *module) parseImports(r *reader) error {
	n := r.count()
	if err := within("Imports", m.rules.Limits.Imports, "imports", uint64(n)); err != nil {
		return err
	}
	for range n {
		from, name, kind := r.name(), r.name(), r.byte()
		full := from + "." + name
		want, known := m.rules.Imports[full]
		if r.err != nil {
			return nil
		}
		if kind != 0 || !known {
			return fault.New(fault.Forbidden, "imports %s %q, which modules may not use", kindName(kind), full)
		}
		t := m.typeIndex(r)
		if r.err != nil {
			return nil
		}
		if m.types[t] != want {
			return fault.New(fault.Invalid, "imports %s as %s, expected %s", full, m.types[t], want)
		}
		m.imports = append(m.imports, t)
	}
	return nil
}

func kindName(kind byte) string {
	if names := [...]string{"function", "table", "memory", "global", "tag"}; int(kind) < len(names) {
		return names[kind]
	}
	return "item"
}

func (m *module) typeIndex(r *reader) uint32 {
	t := r.u32()
	if int(t) >= len(m.types) {
		r.fail("type %d does not exist", t)
	}
	return t
}

func (m *module) functionIndex(r *reader) uint32 {
	f := r.u32()
	if f >= m.functions() {
		r.fail("function %d does not exist", f)
	}
	return f
}

func (m *module) index(r *reader, what string, count int) {
	if i := r.u32(); uint64(i) >= uint64(count) {
		r.fail("%s %d does not exist", what, i)
	}
}

func (m *module) parseFunctions(r *reader) error {
	n := r.count()
	if err := within("Functions", m.rules.Limits.Functions, "functions", uint64(n)); err != nil {
		return err
	}
	m.defined = make([]uint32, 0, n)
	for range n {
		m.defined = append(m.defined, m.typeIndex(r))
	}
	return nil
}

func (m *module) parseTables(r *reader) error {
	n := r.count()
	if err := within("Tables", m.rules.Limits.Tables, "tables", uint64(n)); err != nil {
		return err
	}
	for range n {
		t := r.byte()
		if t != FuncRef && t != ExternRef {
			r.fail("table of type 0x%02x", t)
		}
		least, _ := m.limits(r)
		if err := within("TableEntries", m.rules.Limits.TableEntries, "entries of a table", uint64(least)); err != nil {
			return err
		}
		m.tables = append(m.tables, t)
	}
	return nil
}

// limits reads the bounds of a table or a memory; most is -1 for none.
func (m *module) limits(r *reader) (least uint32, most int64) {
	flag := r.byte()
	least, most = r.u32(), -1
	switch flag {
	case 0:
	case 1:
		most = int64(r.u32())
		if most < int64(least) {
			r.fail("bounds %d to %d are reversed", least, most)
		}
	default:
		r.fail("bounds of kind %d (shared or 64-bit) are not part of the module contract", flag)
	}
	return least, most
}

func (m *module) parseMemory(r *reader) error {
	n := r.count()
	if n > 1 {
		return fault.New(fault.Invalid, "has %d memories, expected one", n)
	}
	for range n {
		least, _ := m.limits(r)
		if err := within("MemoryPages", m.rules.Limits.MemoryPages, "pages of memory", uint64(least)); err != nil {
			return err
		}
		m.memories++
	}
	return nil
}

func (m *module) parseGlobals(r *reader) error {
	n := r.count()
	if err := within("Globals", m.rules.Limits.Globals, "globals", uint64(n)); err != nil {
		return err
	}
	for range n {
		checkValueType(r, r.byte())
		if mutable := r.byte(); mutable > 1 {
			r.fail("global %d is neither constant nor mutable", m.globals)
		}
		m.constant(r)
		m.globals++
	}
	return nil
}

// constant reads an initial value. It cannot name a global, since only
// imported ones are allowed there and none may be imported.
func (m *module) constant(r *reader) {
	switch op := r.byte(); op {
	case 0x41:
		r.signed(32)
	case 0x42:
		r.signed(64)
	case 0x43:
		r.skip(4)
	case 0x44:
		r.skip(8)
	case 0xd0:
		r.byte()
	case 0xd2:
		m.functionIndex(r)
	default:
		r.fail("initial value with instruction 0x%02x", op)
	}
	if end := r.byte(); end != 0x0b {
		r.fail("initial value of more than one instruction")
	}
}

func (m *module) parseExports(r *reader) error {
	n := r.count()
	if err := within("Exports", m.rules.Limits.Exports, "exports", uint64(n)); err != nil {
		return err
	}
	for range n {
		name, e := r.name(), Export{Kind: r.byte()}
		switch e.Kind {
		case 0:
			if f := m.functionIndex(r); r.err == nil {
				e.Signature = m.signature(f)
			}
		case 1:
			m.index(r, "table", len(m.tables))
		case 2:
			m.index(r, "memory", m.memories)
		case 3:
			m.index(r, "global", m.globals)
		default:
			r.fail("export %q of kind %d", name, e.Kind)
		}
		if strings.HasPrefix(name, ReservedPrefix) {
			return fault.New(fault.Invalid, "exports %q; names that begin with %q are reserved", name, ReservedPrefix)
		}
		if _, twice := m.exports[name]; twice {
			return fault.New(fault.Invalid, "exports %q twice", name)
		}
		m.exports[name] = e
	}
	return nil
}

func (m *module) parseStart(r *reader) error {
	f := m.functionIndex(r)
	if r.err == nil && m.signature(f) != (Signature{}) {
		return fault.New(fault.Invalid, "start function is %s, expected ()", m.signature(f))
	}
	m.start = int64(f)
	return nil
}

func (m *module) parseDataCount(r *reader) error {
	m.data = int64(r.u32())
	return nil
}

func (m *module) parseData(r *reader) error {
	n := r.count()
	if m.data >= 0 && m.data != int64(n) {
		return fault.New(fault.Invalid, "has %d data segments, %d were announced", n, m.data)
	}
	if err := within("Segments", m.rules.Limits.Segments, "data segments", uint64(n)); err != nil {
		return err
	}
	total := uint64(0)
	for range n {
		switch flag := r.u32(); flag {
		case 0:
			m.constant(r)
		case 1:
		case 2:
			m.index(r, "memory", m.memories)
			m.constant(r)
		default:
			r.fail("data segment of kind %d", flag)
		}
		total += uint64(len(r.skip(r.u32())))
	}
	return within("DataBytes", m.rules.Limits.DataBytes, "bytes of data", total)
}

func (m *module) parseElements(r *reader) error {
	m.elements = r.count()
	if err := within("Segments", m.rules.Limits.Segments, "element segments", uint64(m.elements)); err != nil {
		return err
	}
	total := uint64(0)
	for range m.elements {
		total += uint64(m.elementSegment(r))
		if err := within("SegmentEntries", m.rules.Limits.SegmentEntries, "entries of element segments", total); err != nil || r.err != nil {
			return err
		}
	}
	return nil
}

// elementSegment reads one segment. Its kind is three bits: passive or
// declared, an explicit table, expressions instead of indices.
func (m *module) elementSegment(r *reader) uint32 {
	flag := r.u32()
	if flag > 7 {
		r.fail("element segment of kind %d", flag)
	}
	if flag&1 == 0 {
		if flag&2 != 0 {
			m.index(r, "table", len(m.tables))
		}
		m.constant(r)
	}
	if flag&3 != 0 {
		if t := r.byte(); flag&4 == 0 && t != 0 {
			r.fail("element segment of items of kind %d", t)
		} else if flag&4 != 0 && t != FuncRef && t != ExternRef {
			r.fail("element segment of type 0x%02x", t)
		}
	}
	n := r.count()
	for i := uint32(0); i < n && r.err == nil; i++ {
		if flag&4 != 0 {
			m.constant(r)
		} else {
			m.functionIndex(r)
		}
	}
	return n
}
