package rewrite

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// ReservedPrefix begins the names of injected exports.
const ReservedPrefix = "gowanus:"

// Value types as they stand in the binary.
const (
	I32       = 0x7f
	I64       = 0x7e
	F32       = 0x7d
	F64       = 0x7c
	FuncRef   = 0x70
	ExternRef = 0x6f
)

// Section numbers of the binary format.
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
)

// order gives the place of a section among the others; the data count stands
// before the code.
var order = [...]int{secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secGlobal: 6, secExport: 7,
	secStart: 8, secElement: 9, secDataCount: 10, secCode: 11, secData: 12}

// Signature is the type of a function, as the bytes of its value types.
type Signature struct{ Params, Results string }

// Export is something that a module exports.
type Export struct {
	Kind      byte      // 0 function, 1 table, 2 memory, 3 global
	Signature Signature // of a function
}

// Rules are what a module is checked against.
type Rules struct {
	Limits Limits
	// Imports are the functions that a module may import, "module.name" to
	// signature. Nothing else may be imported.
	Imports map[string]Signature
	// Exports are the functions that a module must export.
	Exports map[string]Signature
	// Memory is the name under which the memory must be exported.
	Memory string
}

// module is what is known of the original.
type module struct {
	rules    *Rules
	types    []Signature
	imports  []uint32 // type of each imported function
	defined  []uint32 // type of each defined function
	tables   []byte   // type of each
	memories int
	globals  int
	exports  map[string]Export
	start    int64 // function index, -1 for none
	elements uint32
	data     int64 // announced by the data count section, -1 for none
	bodies   int
	emitter  *emitter                 // takes each function, if there is one
	sections [secDataCount + 1][]byte // of custom sections the first with names
}

// functions gives the number of functions, the imported ones included.
func (m *module) functions() uint32 { return uint32(len(m.imports) + len(m.defined)) }

// signature gives the type of a function of the whole index space.
func (m *module) signature(f uint32) Signature {
	if int(f) < len(m.imports) {
		return m.types[m.imports[f]]
	}
	return m.types[m.defined[int(f)-len(m.imports)]]
}

var parsers = map[byte]func(*module, *reader) error{
	secType: (*module).parseTypes, secImport: (*module).parseImports, secFunction: (*module).parseFunctions,
	secTable: (*module).parseTables, secMemory: (*module).parseMemory, secGlobal: (*module).parseGlobals,
	secExport: (*module).parseExports, secStart: (*module).parseStart, secElement: (*module).parseElements,
	secCode: (*module).parseCode, secData: (*module).parseData, secDataCount: (*module).parseDataCount,
}

// parse reads the whole module but the code of its functions, and checks every
// index and limit.
func parse(bin []byte, rules *Rules, e *emitter) (*module, error) {
	if err := within("ModuleBytes", rules.Limits.ModuleBytes, "size in bytes", uint64(len(bin))); err != nil {
		return nil, err
	}
	if len(bin) < 8 || string(bin[:8]) != "\x00asm\x01\x00\x00\x00" {
		return nil, fault.New(fault.Invalid, "is not a core WebAssembly module of version 1")
	}
	m := &module{rules: rules, exports: map[string]Export{}, start: -1, data: -1, emitter: e}
	r := &reader{b: bin, at: 8}
	last := 0
	for !r.done() {
		id := r.byte()
		body := r.skip(r.u32())
		if r.err != nil {
			return nil, r.err
		}
		if id == secCustom {
			if err := m.custom(body); err != nil {
				return nil, err
			}
			continue
		}
		if int(id) >= len(order) || order[id] <= last {
			return nil, fault.New(fault.Invalid, "section %d is unknown, repeated or out of order", id)
		}
		last = order[id]
		if err := m.parseSection(id, body); err != nil {
			return nil, err
		}
	}
	if m.emitter != nil && m.emitter.module == nil {
		m.emitter.begin(m, 0)
	}
	return m, m.check()
}

// custom looks at a custom section. The first with names is kept.
func (m *module) custom(body []byte) error {
	c := &reader{b: body}
	name := c.name()
	if c.err != nil {
		return fault.New(fault.Invalid, "custom section: %w", c.err)
	}
	if name == "name" && m.sections[secCustom] == nil {
		m.sections[secCustom] = body
	}
	return nil
}

func (m *module) parseSection(id byte, body []byte) error {
	m.sections[id] = body
	r := &reader{b: body}
	if err := parsers[id](m, r); err != nil {
		return err
	}
	if r.err != nil {
		return fault.New(fault.Invalid, "section %d: %w", id, r.err)
	}
	if r.at != len(body) {
		return fault.New(fault.Invalid, "section %d has %d bytes too many", id, len(body)-r.at)
	}
	return nil
}

// check looks at what can only be known at the end.
func (m *module) check() error {
	switch {
	case m.bodies != len(m.defined):
		return fault.New(fault.Invalid, "declares %d functions and has code for %d", len(m.defined), m.bodies)
	case m.memories == 0:
		return fault.New(fault.Invalid, "has no memory")
	}
	if e, ok := m.exports[m.rules.Memory]; m.rules.Memory != "" && (!ok || e.Kind != 2) {
		return fault.New(fault.Invalid, "does not export its memory as %q", m.rules.Memory)
	}
	for _, name := range sorted(m.rules.Exports) {
		want := m.rules.Exports[name]
		switch e, ok := m.exports[name]; {
		case !ok || e.Kind != 0:
			return fault.New(fault.Invalid, "does not export the function %q", name)
		case e.Signature != want:
			return fault.New(fault.Invalid, "exports %s as %s, expected %s", name, e.Signature, want)
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var valueNames = map[byte]string{I32: "i32", I64: "i64", F32: "f32", F64: "f64", FuncRef: "funcref", ExternRef: "externref"}

// String writes a signature as "(i32 i32) -> i64".
func (s Signature) String() string {
	list := func(types string) string {
		var names []string
		for i := range len(types) {
			names = append(names, valueNames[types[i]])
		}
		return strings.Join(names, " ")
	}
	text := "(" + list(s.Params) + ")"
	if s.Results != "" {
		text += " -> " + list(s.Results)
	}
	return text
}
