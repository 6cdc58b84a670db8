package asm

// Variety is a module with every section and most kinds of instructions.
func Variety() []byte {
	m := &Module{DataCount: true}
	m.Import("wasi_snapshot_preview1", "random_get", "ii", "i")
	m.Tables = append(m.Tables, []byte{0x70, 0, 4}, []byte{0x6f, 1, 1, 9})
	m.Memory(1, 3)
	g := m.Global('i', I32Const(5))
	m.Global('F', Join(Op(0x44), make([]byte, 8)))
	m.Data = append(m.Data, Join(Op(0), I32Const(32), Op(0x0b), Text("hello")), Join(Op(1), Text("passive")))
	pair := m.Func("", "ii", "Ii", "f", Get(0), Extend, Get(1), Return)
	loop := m.Func("", "i", "i", "i",
		Block(Loop(Get(0), Eqz, BrIf(1), Get(0), I32Const(1), Sub, Set(0),
			Get(0), Op(0x0e, 2, 0, 0, 1))),
		Get(0), If(I32Const(7), Return), Get(1))
	m.Elements = append(m.Elements, Join(Op(0), I32Const(1), Op(0x0b, 2), U(uint64(pair)), U(uint64(loop))),
		Join(Op(5, 0x70, 1, 0xd2), U(uint64(loop)), Op(0x0b)))
	Guest(m,
		I32Const(64), I32Const(0), I32Const(7), Op(0xfc, 8, 1, 0), // memory.init
		I32Const(80), I32Const(64), I32Const(7), Op(0xfc, 10, 0, 0), // memory.copy
		I32Const(96), I32Const(1), I32Const(9), Op(0xfc, 11, 0), // memory.fill
		I32Const(0), I32Const(0), I32Const(1), Op(0xfc, 12, 1, 0), // table.init
		Op(0xd0, 0x6f), I32Const(3), Op(0xfc, 15, 1), Drop, // table.grow
		I32Const(3), I32Const(2), Op(0x11), U(4), Op(0), Drop, // call_indirect loop
		I32Const(3), I32Const(4), Call(pair), Set(3), Set(4),
		Index(0x23, g), Drop, I32Const(200), I32Const(8), Call(0), Drop,
		Echo())
	m.Start = U(uint64(m.Func("", "", "", "", I32Const(1), Grow(), Drop)))
	m.Custom = Section(0, Join(Text("name"), Op(1), Text("\x01\x02\x04loop")))
	return m.Bytes()
}
