// Package rewrite checks a WebAssembly module against limits and gives it a
// meter: fuel, a bounded call stack, and a flag that stops it.
//
// # What is injected
//
// Four globals and one function are appended, so that no index of the module
// changes. At the entry of each function and at the head of each loop 1 unit is
// taken from the fuel slice, and 1 more for every 256 instructions up to the next
// such place; operations whose cost depends on an operand (memory.copy, table.fill
// …) are charged by that operand. When the slice is used up the appended function
// runs: it executes memory.grow(0), which leaves compiled code and lets the
// Go scheduler and garbage collector in, traps if the stop flag is set or the
// fuel is gone, and else takes the next slice. Functions that can recurse also
// count the size of their frame down from a stack budget, and up again when
// they return.
//
// # Why a guest cannot reach it
//
// The original module is parsed strictly first: each index it uses must exist
// in the original. The appended items have indices beyond that, and the
// exports by which the host finds them begin with ReservedPrefix, which a
// module must not use. Types are not checked here: what is injected leaves
// the operand stack as it was, so that the compiler's validation of the
// result decides about the original just as well.
//
// The start section is taken out and exported as ExportStart instead, so that
// it runs under the meter like everything else.
package rewrite
