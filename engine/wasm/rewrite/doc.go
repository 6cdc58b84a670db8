// Package rewrite checks a WebAssembly module against limits and gives it a
// meter: fuel, a bounded call stack, and a flag that stops it.
//
// # What is injected
//
// Globals, functions and locals are appended, so that no index of the module
// changes. At the entry of each function and at each turn of a loop 1 unit is
// taken from the fuel slice, and 1 more for every 256 instructions up to the next
// such place, of which slow ones count several times. When the slice is used up
// an appended function runs: it executes memory.grow, which leaves compiled
// code and lets the host, the Go scheduler and garbage collector in (see
// ExportTurn), traps if the stop flag is set or the fuel is gone, and else takes
// the next slice.
//
// Fuel is a global, and so in memory. A loop that calls no function of the module counts in
// a local instead, which stays in a register, and looks at the fuel once in a
// batch; its body is written twice where it is short. What loops counted is taken from the fuel before the next call and when
// the function is left, so a call may end having taken more than there was: the
// host looks at what is left.
//
// Functions that can recurse take the size of their frame from what their caller
// left of a stack budget, and say before each call what they leave. Nothing is
// to be done when they return.
//
// Operations whose cost depends on an operand (memory.copy, table.fill …) are
// replaced by calls of appended functions, which charge by that operand and do
// long ones in pieces, so that none is long without being interrupted.
//
// A function that may return before its first call or loop is charged there
// and not at its beginning, so that the innermost calls of a recursion, which
// are the most, are free. If that is a loop with calls, the loop's charge is
// the function's too, and one test is for both and for the stack.
//
// # What it costs
//
// Run time with the meter, as the shortest of hundreds of runs in turns with the
// same code without it (two cores of a shared virtual machine, Intel Xeon, Go
// 1.26.8, wazero 1.12; BenchmarkMeter and BenchmarkGoMeter in engine/wasm):
//
//	recursion that does nothing else (fib)            +15 to +27 %
//	fib in C, which clang makes a loop that recurses  +28 to +31 %
//	loop that counts, 0.3 ns a turn                    +8 %
//	loop of six instructions over memory, 0.5 ns      +29 %
//	loop over memory in C                              +0 %
//	JSON parser in C                                  +17 to +20 %
//	effector call of a Go guest, most of it JSON       +0 to +6 %
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
