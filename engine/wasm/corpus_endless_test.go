package wasm_test

import (
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// endless are guests that never come back by themselves, by what they do.
func endless() map[string]func() []byte {
	all := map[string]func() []byte{}
	add := func(name string, code ...[]byte) {
		all[name] = a.Guest(nil, a.Join(code...), a.Unreachable).Bytes
	}
	never := a.I32Const(0)
	add("loop without a body", a.Loop(a.Br(0)))
	add("br_if", a.Loop(a.I32Const(1), a.BrIf(0)))
	add("br_table", a.Loop(a.I32Const(7), a.Op(0x0e, 2, 0, 0, 0)))
	add("br_table between loops", a.Loop(a.Loop(a.Get(3), a.I32Const(1), a.Add, a.Tee(3), a.I32Const(1), a.Op(0x71), a.Op(0x0e, 1, 0, 1))))
	add("loop in a loop", a.Loop(a.Loop(a.Get(3), a.I32Const(1), a.Add, a.Tee(3), a.I32Const(3), a.Op(0x71), a.BrIf(0)), a.Br(0)))
	add("loop in a block", a.Block(a.Loop(never, a.BrIf(1), a.Block(a.Br(1)))))
	add("both arms of an if", a.Loop(a.Get(0), a.Op(0x04, 0x40), a.Br(1), a.Op(0x05), a.Br(1), a.Op(0x0b)))
	add("block that is left at once", a.Loop(a.Block(a.Block(a.Br(1))), a.Br(0)))
	add("select", a.Loop(a.I32Const(1), a.I32Const(0), a.Get(0), a.Op(0x1b), a.Op(0x41, 1, 0x72), a.BrIf(0)))
	add("comparison with NaN", a.Loop(a.Op(0x44), []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, a.Op(0x44), []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, a.Op(0x62), a.BrIf(0)))
	add("divisions", a.Loop(heavy(a.Join(a.Get(4), a.I64Const(3), a.Op(0x7f), a.I64Const(1<<60), a.Or64, a.Set(4)), 100), a.Br(0)))
	add("square roots", a.Loop(a.Get(4), a.Op(0xb9), heavy(a.Op(0x9f), 250), a.Op(0xbd), a.Set(4), a.Br(0)))
	add("conversions", a.Loop(a.Get(4), a.Op(0xb9), heavy(a.Op(0xfc, 6, 0xb9), 80), a.Op(0xbd), a.Set(4), a.Br(0)))
	add("long straight body", a.Loop(heavy(a.Join(a.Get(3), a.I32Const(1), a.Add, a.Set(3)), 20_000), a.Br(0)))
	add("loads from everywhere", chase()...)
	add("memory.size", a.Loop(a.Op(0x3f, 0), a.Drop, a.Br(0)))
	add("memory.grow by 0", a.Loop(a.I32Const(0), a.Grow(), a.Drop, a.Br(0)))
	add("memory.grow by 1", a.Loop(a.I32Const(1), a.Grow(), a.Drop, a.Br(0)))
	add("memory.grow by -1", a.Loop(a.I32Const(-1), a.Grow(), a.Drop, a.Br(0)))
	const all128 = 2048 << 16
	large := a.Join(a.I32Const(2047), a.Grow(), a.Drop)
	add("memory.fill of everything", large, a.Loop(a.I32Const(0), a.I32Const(1), a.I32Const(all128), a.Op(0xfc, 11, 0), a.Br(0)))
	add("memory.copy forwards", large, a.Loop(a.I32Const(0), a.I32Const(1), a.I32Const(all128-1), a.Op(0xfc, 10, 0, 0), a.Br(0)))
	add("memory.copy backwards", large, a.Loop(a.I32Const(1), a.I32Const(0), a.I32Const(all128-1), a.Op(0xfc, 10, 0, 0), a.Br(0)))
	add("memory.fill of nothing", a.Loop(a.I32Const(0), a.I32Const(1), a.I32Const(0), a.Op(0xfc, 11, 0), a.Br(0)))
	add("stores everywhere", large, a.Loop(a.Get(3), a.I32Const(1<<20-4097), a.Add, a.I32Const(all128-1), a.Op(0x71), a.Tee(3), a.I32Const(1), a.Op(0x3a, 0, 0), a.Br(0)))
	for name, bin := range endlessCalls() {
		all[name] = bin
	}
	for name, bin := range endlessTables() {
		all[name] = bin
	}
	for name, bin := range endlessHost() {
		all[name] = bin
	}
	return all
}

// heavy repeats code.
func heavy(code []byte, times int) []byte {
	var all []byte
	for range times {
		all = append(all, code...)
	}
	return all
}

// chase fills 64 MiB with addresses that lead to one another in an order that
// no cache foresees, and follows them.
func chase() [][]byte {
	const size, step = 1 << 26, 4096*4097 + 68
	return [][]byte{
		a.I32Const(size >> 16), a.Grow(), a.Drop,
		a.Loop(a.Get(3), a.Get(3), a.I32Const(step), a.Add, a.I32Const(size-4), a.Op(0x71), a.Store(),
			a.Get(3), a.I32Const(step), a.Add, a.I32Const(size-4), a.Op(0x71), a.Tee(3), a.BrIf(0)),
		a.Loop(a.Get(3), heavy(a.Load(), 250), a.Set(3), a.Br(0)),
	}
}

// endlessCalls call functions for ever.
func endlessCalls() map[string]func() []byte {
	all := map[string]func() []byte{}
	// with makes a guest whose gw_call, function 2, may call functions from 3 on.
	with := func(code []byte, add func(m *a.Module)) func() []byte {
		m := a.Guest(nil, code, a.Unreachable)
		add(m)
		return m.Bytes
	}
	calls := a.Loop(a.Call(3), a.Br(0))
	all["calls of an empty function"] = with(calls, func(m *a.Module) { m.Func("", "", "", "") })
	all["calls of a short loop"] = with(calls, func(m *a.Module) {
		m.Func("", "", "", "i", a.Loop(a.Get(0), a.I32Const(1), a.Add, a.Tee(0), a.I32Const(1000), a.LtU, a.BrIf(0)))
	})
	all["loop with a call that is never made"] = with(a.Loop(a.I32Const(0), a.If(a.Call(3)), a.Br(0)), func(m *a.Module) { m.Func("", "", "", "") })
	all["indirect calls"] = with(a.Loop(a.I32Const(0), a.Op(0x11, 3, 0), a.Br(0)), func(m *a.Module) {
		m.Tables = append(m.Tables, []byte{0x70, 0, 1})
		f := m.Func("", "", "", "")
		m.Elements = append(m.Elements, a.Join(a.Op(0), a.I32Const(0), a.Op(0x0b, 1), a.U(uint64(f))))
	})
	// Each of 60 functions calls the next one twice: 2^60 calls without a loop.
	all["tree of calls"] = with(a.Call(3), func(m *a.Module) {
		for k := range 60 {
			m.Func("", "", "", "", a.Call(4+k), a.Call(4+k))
		}
		m.Func("", "", "", "")
	})
	all["loop below a deep recursion"] = with(a.Join(a.I32Const(10_000), a.Call(3)), func(m *a.Module) {
		m.Func("", "i", "", "", a.Get(0), a.Eqz, a.If(a.Loop(a.Br(0))), a.Get(0), a.I32Const(1), a.Sub, a.Call(3))
	})
	all["loops on every level"] = with(a.Join(a.Loop(a.I32Const(1000), a.Call(3), a.Br(0))), func(m *a.Module) {
		turns := a.Loop(a.Get(1), a.I32Const(1), a.Add, a.Tee(1), a.I32Const(900), a.LtU, a.BrIf(0))
		m.Func("", "i", "", "i", turns, a.Get(0), a.If(a.Get(0), a.I32Const(1), a.Sub, a.Call(3)))
	})
	return all
}

// endlessTables work on tables, and on passive segments.
func endlessTables() map[string]func() []byte {
	all := map[string]func() []byte{}
	with := func(code ...[]byte) func() []byte {
		return func() []byte {
			m := &a.Module{DataCount: true}
			m.Memory(600, -1)
			m.Tables = append(m.Tables, append([]byte{0x70, 0}, a.U(100_000)...))
			m.Data = append(m.Data, append([]byte{1}, a.Text(string(make([]byte, 20<<20)))...))
			m.Elements = append(m.Elements, a.Join(a.Op(1, 0), a.U(50_000), heavy(a.Op(0), 50_000)))
			return a.Guest(m, a.Loop(a.Join(code...), a.Br(0)), a.Unreachable).Bytes()
		}
	}
	all["table.grow"] = with(a.Op(0xd0, 0x70), a.I32Const(1), a.Op(0xfc, 15, 0), a.Drop)
	all["table.grow by too much"] = with(a.Op(0xd0, 0x70), a.I32Const(-1), a.Op(0xfc, 15, 0), a.Drop)
	all["table.fill"] = with(a.I32Const(0), a.Op(0xd0, 0x70), a.I32Const(100_000), a.Op(0xfc, 17, 0))
	all["table.copy"] = with(a.I32Const(0), a.I32Const(1), a.I32Const(99_999), a.Op(0xfc, 14, 0, 0))
	all["table.init"] = with(a.I32Const(0), a.I32Const(0), a.I32Const(50_000), a.Op(0xfc, 12, 0, 0))
	all["memory.init"] = with(a.I32Const(1), a.I32Const(0), a.I32Const(20<<20), a.Op(0xfc, 8, 0, 0))
	return all
}

// endlessHost call functions of the host for ever.
func endlessHost() map[string]func() []byte {
	all := map[string]func() []byte{}
	add := func(name, from, function, params, results string, args ...int64) {
		m := &a.Module{}
		f := m.Import(from, function, params, results)
		m.Memory(2048, -1)
		// 1024 times the whole memory, for the lists of WASI.
		var list []byte
		for range 1024 {
			list = append(list, 0, 0, 0, 0, 0, 0, 0, 8)
		}
		m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(65536), a.Op(0x0b), a.Text(string(list))))
		var code []byte
		for k, arg := range args {
			if params[k] == 'I' {
				code = append(code, a.I64Const(arg)...)
			} else {
				code = append(code, a.I32Const(arg)...)
			}
		}
		code = append(code, a.Call(f)...)
		if results != "" {
			code = append(code, a.Drop...)
		}
		all[name] = a.Guest(m, a.Loop(code, a.Br(0)), a.Unreachable).Bytes
	}
	const wasi, whole = "wasi_snapshot_preview1", 2048 << 16
	add("log lines", "gowanus", "log", "iii", "", 3, 8, 10)
	add("log of the whole memory", "gowanus", "log", "iii", "", 0, 0, whole)
	add("host operations", "gowanus", "host", "iiiii", "I", 1, 0, 0, 0, 0)
	add("host operations on the whole memory", "gowanus", "host", "iiiii", "I", 1, 0, whole, 0, whole)
	add("sched_yield", wasi, "sched_yield", "", "i")
	add("clock_time_get", wasi, "clock_time_get", "iIi", "i", 1, 0, 8)
	add("random_get of little", wasi, "random_get", "ii", "i", 8, 1)
	add("random_get of everything", wasi, "random_get", "ii", "i", 0, whole)
	add("fd_write", wasi, "fd_write", "iiii", "i", 2, 0, 0, 8)
	add("fd_write of the whole memory 1024 times", wasi, "fd_write", "iiii", "i", 1, 65536, 1024, 8)
	add("fd_write of too many", wasi, "fd_write", "iiii", "i", 1, 65536, -1, 8)
	add("poll_oneoff", wasi, "poll_oneoff", "iiii", "i", 65536, 8, 1, 0)
	add("poll_oneoff of 1024", wasi, "poll_oneoff", "iiii", "i", 65536, 200_000, 1024, 0)
	add("poll_oneoff onto itself", wasi, "poll_oneoff", "iiii", "i", 65536, 65536, 1024, 0)
	add("fd_read", wasi, "fd_read", "iiii", "i", 0, 0, -1, -1)
	add("path_open", wasi, "path_open", "iiiiiIIii", "i", 3, 0, 0, -1, 0, 0, 0, 0, 0)
	return all
}
