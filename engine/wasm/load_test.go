package wasm_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

func TestLoadRefuses(t *testing.T) {
	answer := a.Answer(0, 0)
	imported := func(from, name, params, results string) []byte {
		m := &a.Module{}
		m.Import(from, name, params, results)
		return a.Guest(m, answer).Bytes()
	}
	guest := func(change func(*a.Module)) []byte {
		m := a.Guest(nil, answer)
		change(m)
		return m.Bytes()
	}
	for name, c := range map[string]struct {
		bin  []byte
		kind fault.Kind
		want string
	}{
		"nothing":         {nil, fault.Invalid, "is not a core WebAssembly module of version 1"},
		"component":       {[]byte("\x00asm\x0d\x00\x01\x00"), fault.Invalid, "is not a core WebAssembly module of version 1"},
		"unknown import":  {imported("env", "memcpy", "iii", "i"), fault.Forbidden, `imports function "env.memcpy", which modules may not use`},
		"sockets":         {imported("wasi_snapshot_preview1", "sock_send", "iiiii", "i"), fault.Forbidden, `imports function "wasi_snapshot_preview1.sock_send", which modules may not use`},
		"wrong signature": {imported("gowanus", "log", "i", ""), fault.Invalid, "imports gowanus.log as (i32), expected (i32 i32 i32)"},
		"memory import": {guest(func(m *a.Module) {
			m.Imports = append(m.Imports, a.Join(a.Text("gowanus"), a.Text("log"), a.Op(2, 0, 1)))
		}), fault.Forbidden, `imports memory "gowanus.log", which modules may not use`},
		"no memory":  {guest(func(m *a.Module) { m.Memories, m.Exports = nil, m.Exports[1:] }), fault.Invalid, "has no memory"},
		"hidden":     {guest(func(m *a.Module) { m.Exports = m.Exports[1:] }), fault.Invalid, `does not export its memory as "memory"`},
		"no gw_call": {guest(func(m *a.Module) { m.Exports = m.Exports[:3] }), fault.Invalid, `does not export the function "gw_call"`},
		"other gw_abi": {guest(func(m *a.Module) {
			m.Exports[1] = nil
			m.Exports = append(m.Exports[:1], m.Exports[2:]...)
			m.Func("gw_abi", "", "I", "", a.I64Const(1))
		}), fault.Invalid, "exports gw_abi as () -> i64, expected () -> i32"},
		"reserved":             {guest(func(m *a.Module) { m.Export("gowanus:stop", 0, 0) }), fault.Invalid, `exports "gowanus:stop"; names that begin with "gowanus:" are reserved`},
		"twice":                {guest(func(m *a.Module) { m.Export("gw_abi", 0, 0) }), fault.Invalid, `exports "gw_abi" twice`},
		"two memories":         {guest(func(m *a.Module) { m.Memories = append(m.Memories, []byte{0, 1}) }), fault.Invalid, "has 2 memories, expected one"},
		"shared":               {guest(func(m *a.Module) { m.Memories[0] = []byte{3, 1, 1} }), fault.Invalid, "section 5: bounds of kind 3 (shared or 64-bit) are not part of the module contract"},
		"SIMD":                 {guest(func(m *a.Module) { m.Func("", "", "", "", a.Op(0xfd, 0x0c), make([]byte, 16), a.Drop) }), fault.Invalid, "function 3: uses SIMD instructions at byte 0, which are not part of the module contract"},
		"threads":              {guest(func(m *a.Module) { m.Func("", "", "", "", a.Op(0xfe, 0x03, 0)) }), fault.Invalid, "function 3: uses threads (atomic instructions) at byte 0, which are not part of the module contract"},
		"tail call":            {guest(func(m *a.Module) { m.Func("", "", "", "", a.Op(0x12, 0)) }), fault.Invalid, "function 3: unknown instruction 0x12 at byte 0"},
		"the meter's global":   {guest(func(m *a.Module) { m.Func("", "", "", "", a.I64Const(1), a.Index(0x24, 0)) }), fault.Invalid, "function 3: global 0 does not exist"},
		"the meter's function": {guest(func(m *a.Module) { m.Func("", "", "", "", a.Call(4)) }), fault.Invalid, "function 3: function 4 does not exist"},
		"the added local":      {guest(func(m *a.Module) { m.Func("", "", "", "i", a.Get(1), a.Drop) }), fault.Invalid, "function 3: local 1 does not exist"},
		"the added label":      {guest(func(m *a.Module) { m.Func("", "", "", "", a.Br(1)) }), fault.Invalid, "function 3: label 1 does not exist"},
		"start with argument":  {guest(func(m *a.Module) { m.Start = a.U(1) }), fault.Invalid, "start function is (i32) -> i32, expected ()"},
		"trailing":             {append(guest(func(*a.Module) {}), 9), fault.Invalid, "ends in the middle at byte 104"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := wasm.New(wasm.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			_, err = r.Load("m", c.bin, wasm.LoadOptions{})
			wantError(t, err, c.kind, "load module m: "+c.want)
		})
	}
}

// TestStructureLimits makes one module for each limit that exceeds it by one.
func TestStructureLimits(t *testing.T) {
	wide := func(n int) string { return strings.Repeat("i", n) }
	for name, c := range map[string]struct {
		limit  func(*wasm.Limits)
		change func(*a.Module)
		want   string
	}{
		"ModuleBytes":       {func(l *wasm.Limits) { l.Structure.ModuleBytes = 50 }, func(*a.Module) {}, "size in bytes: 103, the limit ModuleBytes allows 50"},
		"Types":             {func(l *wasm.Limits) { l.Structure.Types = 2 }, func(*a.Module) {}, "types: 3, the limit Types allows 2"},
		"Functions":         {func(l *wasm.Limits) { l.Structure.Functions = 2 }, func(*a.Module) {}, "functions: 3, the limit Functions allows 2"},
		"Params":            {func(l *wasm.Limits) { l.Structure.Params = 9 }, func(m *a.Module) { m.Type(wide(10), "") }, "parameters or results of a function: 10, the limit Params allows 9"},
		"LocalsPerFunction": {func(l *wasm.Limits) { l.Structure.LocalsPerFunction = 9 }, func(m *a.Module) { m.Func("", "i", "", wide(9)) }, "function 3: locals: 10, the limit LocalsPerFunction allows 9"},
		"CodePerFunction":   {func(l *wasm.Limits) { l.Structure.CodePerFunction = 20 }, func(m *a.Module) { m.Func("", "", "", "", make([]byte, 20)) }, "function 3: bytes of code: 22, the limit CodePerFunction allows 20"},
		"Nesting":           {func(l *wasm.Limits) { l.Structure.Nesting = 3 }, func(m *a.Module) { m.Func("", "", "", "", a.Block(a.Block(a.Block()))) }, "function 3: nested blocks: 4, the limit Nesting allows 3"},
		"Imports": {func(l *wasm.Limits) { l.Structure.Imports = 2 }, func(m *a.Module) {
			item := a.Join(a.Text("gowanus"), a.Text("log"), a.Op(0, 0))
			m.Imports = [][]byte{item, item, item}
		}, "imports: 3, the limit Imports allows 2"},
		"BlockLocals":             {func(l *wasm.Limits) { l.Structure.BlockLocals = 20 }, func(m *a.Module) { m.Func("", "", "", "iii", a.Block(), a.Block(), a.Block()) }, "function 3: blocks times locals: 28, the limit BlockLocals allows 20"},
		"BlockLocals of none":     {func(l *wasm.Limits) { l.Structure.BlockLocals = 20 }, func(m *a.Module) { m.Func("", "", "", "", a.Block(), a.Block(), a.Block(), a.Block(), a.Block()) }, "function 3: blocks times locals: 24, the limit BlockLocals allows 20"},
		"BlockLocals of a switch": {func(l *wasm.Limits) { l.Structure.BlockLocals = 20 }, func(m *a.Module) { m.Func("", "", "", "ii", a.I32Const(0), a.Op(0x0e, 4, 0, 0, 0, 0, 0)) }, "function 3: blocks times locals: 30, the limit BlockLocals allows 20"},
		"TotalBlockLocals":        {func(l *wasm.Limits) { l.Structure.TotalBlockLocals = 60 }, func(m *a.Module) { m.Func("", "", "", wide(30)); m.Func("", "", "", wide(30)) }, "blocks times locals of all functions: 86, the limit TotalBlockLocals allows 60"},
		"CodePerFunction by results": {func(l *wasm.Limits) { l.Structure.CodePerFunction = 20 }, func(m *a.Module) {
			f := m.Func("", "", wide(10), "", a.Unreachable)
			m.Func("", "", "", "", a.Call(f), a.Call(f), a.Call(f), a.Unreachable)
		}, "function 4: results of calls: 30, the limit CodePerFunction allows 20"},
		"Globals":        {func(l *wasm.Limits) { l.Structure.Globals = 1 }, func(m *a.Module) { m.Global('i', a.I32Const(1)); m.Global('i', a.I32Const(1)) }, "globals: 2, the limit Globals allows 1"},
		"Exports":        {func(l *wasm.Limits) { l.Structure.Exports = 3 }, func(*a.Module) {}, "exports: 4, the limit Exports allows 3"},
		"Tables":         {func(l *wasm.Limits) { l.Structure.Tables = 1 }, func(m *a.Module) { m.Tables = [][]byte{{0x70, 0, 1}, {0x70, 0, 1}} }, "tables: 2, the limit Tables allows 1"},
		"TableEntries":   {func(l *wasm.Limits) { l.Structure.TableEntries = 5 }, func(m *a.Module) { m.Tables = [][]byte{{0x70, 0, 6}} }, "entries of a table: 6, the limit TableEntries allows 5"},
		"Segments":       {func(l *wasm.Limits) { l.Structure.Segments = 1 }, func(m *a.Module) { m.Data = [][]byte{{1, 0}, {1, 0}} }, "data segments: 2, the limit Segments allows 1"},
		"SegmentEntries": {func(l *wasm.Limits) { l.Structure.SegmentEntries = 1 }, func(m *a.Module) { m.Elements = [][]byte{{1, 0, 2, 0, 0}} }, "entries of element segments: 2, the limit SegmentEntries allows 1"},
		"DataBytes":      {func(l *wasm.Limits) { l.Structure.DataBytes = 3 }, func(m *a.Module) { m.Data = [][]byte{append([]byte{1}, a.Text("four")...)} }, "bytes of data: 4, the limit DataBytes allows 3"},
		"MemoryPages":    {func(l *wasm.Limits) { l.Structure.MemoryPages = 7 }, func(m *a.Module) { m.Memories[0] = []byte{0, 8} }, "pages of memory: 8, the limit MemoryPages allows 7"},
	} {
		t.Run(name, func(t *testing.T) {
			var limits wasm.Limits
			c.limit(&limits)
			m := a.Guest(nil, a.Answer(0, 0))
			c.change(m)
			r, err := wasm.New(wasm.Config{Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			_, err = r.Load("m", m.Bytes(), wasm.LoadOptions{})
			wantError(t, err, fault.Limit, "load module m: "+c.want)
		})
	}
}

// bomb is a module whose compilation would take very long: nested blocks that
// all see many locals.
func bomb() []byte {
	code := make([]byte, 0, 4*20_000)
	for range 20_000 {
		code = append(code, 0x02, 0x40)
	}
	for range 20_000 {
		code = append(code, 0x0b)
	}
	m := a.Guest(nil, a.Answer(0, 0))
	m.Functions = append(m.Functions, a.U(uint64(m.Type("", ""))))
	m.Body("", a.Join(a.Op(1), a.U(20_000), a.Op(a.I64), code, a.Op(0x0b)))
	return m.Bytes()
}

func TestCompileBombIsRefused(t *testing.T) {
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Load("m", bomb(), wasm.LoadOptions{})
	wantError(t, err, fault.Limit, "load module m: function 3: locals: 20000, the limit LocalsPerFunction allows 10000")
}

// TestInvalidTypesAreFoundLate loads a module whose mistake only the compiler
// sees.
func TestInvalidTypesAreFoundLate(t *testing.T) {
	m := load(t, a.Guest(nil, a.I32Const(1)).Bytes(), wasm.Config{}, wasm.LoadOptions{})
	for range 2 {
		_, err := plan(m, "")
		if err == nil || fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), "compile module m: ") {
			t.Errorf("got %v", err)
		}
	}
	other := load(t, a.Guest(nil, a.Answer(0, 0)).Bytes(), wasm.Config{}, wasm.LoadOptions{})
	if _, err := plan(other, ""); err != nil {
		t.Error(err)
	}
}

func TestVersionOfTheContract(t *testing.T) {
	m := a.Guest(nil, a.Answer(0, 0))
	m.Code[0] = a.Join(a.U(4), a.Op(0), a.I32Const(2), a.Op(0x0b))
	_, err := plan(load(t, m.Bytes(), wasm.Config{}, wasm.LoadOptions{}), "")
	wantError(t, err, fault.Invalid, "start an instance of module m: speaks version 2 of the module contract, this engine speaks 1")
}

func TestDamagedCacheIsReplaced(t *testing.T) {
	dir := t.TempDir()
	bin := a.Guest(nil, a.Echo()).Bytes()
	cfg := wasm.Config{CacheDir: filepath.Join(dir, "cache")}
	damage := 0
	for range 3 {
		if out, err := plan(load(t, bin, cfg, wasm.LoadOptions{}), "hello"); err != nil || out != "hello" {
			t.Fatalf("got %s, %v", out, err)
		}
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				damage++
				err = os.WriteFile(path, []byte("WAZEVO and nonsense"), 0o600)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if damage == 0 {
		t.Error("nothing was cached")
	}
}

func TestCacheDirOfOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := wasm.New(wasm.Config{CacheDir: dir})
	wantError(t, err, fault.Invalid, "directory for compiled modules "+dir+" has mode 0777, others must not be able to write there")
}

// TestBombUnderTheLimits compiles the worst function that the limits let
// through, to see that it is bearable.
func TestBombUnderTheLimits(t *testing.T) {
	l := wasm.DefaultLimits().Structure
	depth := l.Nesting - 1
	for (depth+1)*(404+(depth+1)/16) > l.BlockLocals {
		depth--
	}
	code := make([]byte, 0, 4*depth)
	for range depth {
		code = append(code, 0x02, 0x40)
	}
	for range depth {
		code = append(code, 0x0b)
	}
	m := a.Guest(nil, a.Answer(0, 0))
	m.Functions = append(m.Functions, a.U(uint64(m.Type("", ""))))
	m.Body("", a.Join(a.Op(1), a.U(400), a.Op(a.I64), code, a.Op(0x0b)))
	mod := load(t, m.Bytes(), wasm.Config{}, wasm.LoadOptions{})
	if _, err := plan(mod, ""); err != nil {
		t.Error(err)
	}
	t.Logf("%d blocks, compiled in %s on %d processors", depth, mod.Stats().CompileTime, runtime.GOMAXPROCS(0))
}
