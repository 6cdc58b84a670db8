package asm

// Join puts pieces of code together.
func Join(parts ...[]byte) []byte {
	b := []byte{}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// Op is one or more bytes as they are.
func Op(b ...byte) []byte { return b }

// Instructions without operands that tests use.
var (
	Unreachable = Op(0x00)
	Return      = Op(0x0f)
	Drop        = Op(0x1a)
	Add         = Op(0x6a)
	Sub         = Op(0x6b)
	Add64       = Op(0x7c)
	Sub64       = Op(0x7d)
	Eqz         = Op(0x45)
	Eqz64       = Op(0x50)
	LtU         = Op(0x49)
	LtU64       = Op(0x54)
	Or64        = Op(0x84)
	Shl64       = Op(0x86)
	Extend      = Op(0xad) // i64.extend_i32_u
	Wrap        = Op(0xa7) // i32.wrap_i64
)

// I32Const is i32.const.
func I32Const(v int64) []byte { return append([]byte{0x41}, S(v)...) }

// I64Const is i64.const.
func I64Const(v int64) []byte { return append([]byte{0x42}, S(v)...) }

// Index is an instruction with an index.
func Index(op byte, index int) []byte { return append([]byte{op}, U(uint64(index))...) }

// Get is local.get.
func Get(local int) []byte { return Index(0x20, local) }

// Set is local.set.
func Set(local int) []byte { return Index(0x21, local) }

// Tee is local.tee.
func Tee(local int) []byte { return Index(0x22, local) }

// Call is call.
func Call(f int) []byte { return Index(0x10, f) }

// Br is br.
func Br(label int) []byte { return Index(0x0c, label) }

// BrIf is br_if.
func BrIf(label int) []byte { return Index(0x0d, label) }

// Grow is memory.grow.
func Grow() []byte { return Op(0x40, 0) }

// Load is i32.load at the address on the stack.
func Load() []byte { return Op(0x28, 2, 0) }

// Store is i32.store.
func Store() []byte { return Op(0x36, 2, 0) }

// Block is a block without result.
func Block(body ...[]byte) []byte { return Join(Op(0x02, 0x40), Join(body...), Op(0x0b)) }

// Loop is a loop without result.
func Loop(body ...[]byte) []byte { return Join(Op(0x03, 0x40), Join(body...), Op(0x0b)) }

// If is an if without result.
func If(body ...[]byte) []byte { return Join(Op(0x04, 0x40), Join(body...), Op(0x0b)) }

// Forever is a loop without an end, and whatever type is needed after it.
func Forever() []byte { return Join(Loop(Br(0)), Unreachable) }

// Answer is the answer of gw_call for a place that is known.
func Answer(at, length uint32) []byte { return I64Const(int64(uint64(at)<<32 | uint64(length))) }

// Echo answers with the document, in gw_call.
func Echo() []byte {
	return Join(Get(1), Extend, I64Const(32), Shl64, Get(2), Extend, Or64)
}
