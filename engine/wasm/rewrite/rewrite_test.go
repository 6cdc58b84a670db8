package rewrite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/gowanus-project/gowanus/engine/fault"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

func rules() *rewrite.Rules {
	ii := rewrite.Signature{Params: "\x7f\x7f", Results: "\x7f"}
	return &rewrite.Rules{Limits: rewrite.DefaultLimits(), Imports: map[string]rewrite.Signature{"wasi_snapshot_preview1.random_get": ii}}
}

func metered(t testing.TB, bin []byte) *rewrite.Module {
	t.Helper()
	m, err := rewrite.Rewrite(bin, rules())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// start makes an instance with a meter that is full; a module without one is
// made as it is.
func start(t testing.TB, bin []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = r.Close(ctx) })
	m, err := r.InstantiateWithConfig(ctx, bin, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	set(m, rewrite.ExportFuel, rewrite.Slice)
	set(m, rewrite.ExportReserve, 1<<40)
	set(m, rewrite.ExportStack, 1<<20)
	return m
}

func set(m api.Module, global string, v int64) {
	if g, ok := m.ExportedGlobal(global).(api.MutableGlobal); ok {
		g.Set(uint64(v))
	}
}

func get(m api.Module, global string) int64 { return int64(m.ExportedGlobal(global).Get()) }

// countdown is a module with f(n): a loop of n turns.
func countdown() []byte {
	m := &a.Module{}
	m.Memory(1, -1)
	m.Func("f", "i", "i", "",
		a.Block(a.Loop(a.Get(0), a.Eqz, a.BrIf(1), a.Get(0), a.I32Const(1), a.Sub, a.Set(0), a.Br(0))), a.I32Const(42))
	return m.Bytes()
}

func TestFuelIsCounted(t *testing.T) {
	m := start(t, metered(t, countdown()).Binary)
	for _, n := range []uint64{0, 1, 10, 1_000_000} {
		set(m, rewrite.ExportFuel, rewrite.Slice)
		set(m, rewrite.ExportReserve, 1<<40)
		out, err := m.ExportedFunction("f").Call(context.Background(), n)
		used := int64(rewrite.Slice+1<<40) - get(m, rewrite.ExportFuel) - get(m, rewrite.ExportReserve)
		if err != nil || out[0] != 42 || used != 1+2*int64((n+2)/2) { // n+1 turns, counted by twos
			t.Errorf("f(%d): %v, %v, took %d", n, out, err, used)
		}
	}
}

// TestLoopThatRecurses has a function that begins with a loop, in which it calls
// itself: f(n) is n-1 turns in which it calls f of what is left, so that 2^n-1
// turns are charged, and the function itself is not.
func TestLoopThatRecurses(t *testing.T) {
	module := &a.Module{}
	module.Memory(1, -1)
	module.Func("f", "i", "", "",
		a.Block(a.Loop(a.Get(0), a.I32Const(1), a.Sub, a.Tee(0), a.Eqz, a.BrIf(1), a.Get(0), a.Call(0), a.Br(0))))
	const frame = 8 + 1 + 1 // slots: each function's, its local, its code
	for _, c := range []struct {
		n           uint64
		fuel, stack int64
		ends        bool
	}{
		{1, 1, frame, true}, {4, 15, 4 * frame, true}, {12, 4095, 12 * frame, true},
		{12, 4094, 12 * frame, false}, {12, 4095, 12*frame - 1, false}, {1, 1, frame - 1, false},
	} {
		m := start(t, metered(t, module.Bytes()).Binary)
		set(m, rewrite.ExportFuel, c.fuel)
		set(m, rewrite.ExportReserve, 0)
		set(m, rewrite.ExportStack, c.stack)
		_, err := m.ExportedFunction("f").Call(context.Background(), c.n)
		if left := get(m, rewrite.ExportFuel); (err == nil) != c.ends || c.ends && left != 0 {
			t.Errorf("%+v: %v, %d left", c, err, left)
		}
	}
}

// TestLoopIsLeftInEveryWay has loops that are written twice, and left after some
// turns, odd and even, with a value by all kinds of branches: the meter does not change it.
func TestLoopIsLeftInEveryWay(t *testing.T) {
	less := a.Join(a.Get(0), a.I32Const(1), a.Sub, a.Tee(0), a.Eqz)
	more := a.Join(a.Get(1), a.I32Const(3), a.Add, a.Set(1))
	for name, code := range map[string][]byte{
		"falls off": a.Join(a.Loop(more, less, a.Eqz, a.BrIf(0)), a.Get(1)),
		"br_if":     a.Join(a.Block(a.Loop(more, less, a.BrIf(1), a.Br(0))), a.Get(1)),
		"br":        a.Join(a.Block(a.Loop(more, less, a.If(a.Br(2)), a.Br(0))), a.Get(1)),
		"return":    a.Join(a.Loop(more, less, a.If(a.Get(1), a.Return), a.Br(0)), a.Unreachable),
		"br_table":  a.Join(a.Block(a.Block(a.Loop(more, less, a.Op(0x0e, 2, 0, 1, 2)))), a.Get(1)),
		"value":     a.Join(a.Op(0x03, 0x7f), more, less, a.Eqz, a.BrIf(0), a.Get(1), a.Op(0x0b)),
		"in a loop": a.Join(a.I32Const(5), a.Set(2), a.Loop(a.I32Const(3), a.Set(3),
			a.Block(a.Loop(more, a.Get(3), a.I32Const(1), a.Sub, a.Tee(3), a.Eqz, a.BrIf(1), a.Br(0))), less, a.Eqz, a.BrIf(0)), a.Get(1)),
	} {
		m := &a.Module{}
		m.Memory(1, -1)
		m.Func("f", "i", "i", "iii", code)
		plain, with := start(t, m.Bytes()), start(t, metered(t, m.Bytes()).Binary)
		for n := range uint64(6) {
			want, werr := plain.ExportedFunction("f").Call(context.Background(), n+1)
			got, err := with.ExportedFunction("f").Call(context.Background(), n+1)
			if err != nil || werr != nil || got[0] != want[0] || want[0] == 0 {
				t.Errorf("%s: f(%d): %v (%v), with its meter %v (%v)", name, n+1, want, werr, got, err)
			}
		}
	}
}

// TestStopAndExhaustion has a loop of 5000 turns, which counts in batches: one
// that ends may have taken somewhat more than there was, and then shows it.
func TestStopAndExhaustion(t *testing.T) {
	for name, c := range map[string]struct {
		fuel, reserve, stop int64
		ends, within        bool
	}{
		"enough":        {5003, 0, 0, true, true},
		"one too few":   {5002, 0, 0, true, false},
		"in reserve":    {10, 4993, 0, true, true},
		"not enough":    {10, 4992, 0, true, false},
		"half":          {2500, 0, 0, false, false},
		"stop unseen":   {5003, 0, 1, true, true},
		"stop when due": {10, 1 << 40, 1, false, true},
	} {
		m := start(t, metered(t, countdown()).Binary)
		set(m, rewrite.ExportFuel, c.fuel)
		set(m, rewrite.ExportReserve, c.reserve)
		set(m, rewrite.ExportStop, c.stop)
		_, err := m.ExportedFunction("f").Call(context.Background(), 5000)
		if within := get(m, rewrite.ExportFuel)+get(m, rewrite.ExportReserve) >= 0; (err == nil) != c.ends || c.ends && within != c.within {
			t.Errorf("%s: %v, within is %v", name, err, within)
		}
	}
}

func TestBulkOperationsAreCharged(t *testing.T) {
	fill := a.Join(a.I32Const(0), a.I32Const(0), a.Get(0), a.Op(0xfc, 11, 0))
	for name, c := range map[string]struct {
		code []byte
		want func(n int64) int64
	}{
		"memory.fill":  {fill, func(n int64) int64 { return n / 256 }},
		"memory.copy":  {a.Join(a.I32Const(8), a.I32Const(0), a.Get(0), a.Op(0xfc, 10, 0, 0)), func(n int64) int64 { return n / 256 }},
		"backwards":    {a.Join(a.I32Const(0), a.I32Const(8), a.Get(0), a.Op(0xfc, 10, 0, 0)), func(n int64) int64 { return n / 256 }},
		"memory.init":  {a.Join(a.I32Const(0), a.I32Const(0), a.Get(0), a.Op(0xfc, 8, 0, 0)), func(n int64) int64 { return n / 256 }},
		"table.fill":   {a.Join(a.I32Const(0), a.Op(0xd0, 0x6f), a.Get(0), a.Op(0xfc, 17, 0)), func(n int64) int64 { return n / 8 }},
		"table.copy":   {a.Join(a.I32Const(0), a.I32Const(0), a.Get(0), a.Op(0xfc, 14, 0, 0)), func(n int64) int64 { return n / 8 }},
		"table.grow":   {a.Join(a.Op(0xd0, 0x6f), a.Get(0), a.Op(0xfc, 15, 0), a.Drop), func(n int64) int64 { return n/8 + 3 }},
		"memory twice": {a.Join(fill, fill), func(n int64) int64 { return 2 * (n / 256) }},
	} {
		m := &a.Module{DataCount: true}
		m.Tables = append(m.Tables, append([]byte{0x6f, 0}, a.U(2000)...))
		m.Memory(32, -1)
		m.Data = append(m.Data, append([]byte{1}, a.Text(strings.Repeat("x", 1<<20))...))
		m.Func("f", "i", "", "", c.code)
		i := start(t, metered(t, m.Bytes()).Binary)
		sizes := []uint64{0, 256, 1 << 20}
		if strings.HasPrefix(name, "table") {
			sizes = []uint64{0, 8, 1000}
		}
		for _, size := range sizes {
			set(i, rewrite.ExportFuel, rewrite.Slice)
			set(i, rewrite.ExportReserve, 1<<40)
			_, err := i.ExportedFunction("f").Call(context.Background(), size)
			used := int64(rewrite.Slice+1<<40) - get(i, rewrite.ExportFuel) - get(i, rewrite.ExportReserve)
			if want := 1 + c.want(int64(size)); err != nil || used != want {
				t.Errorf("%s: %d took %d, want %d, %v", name, size, used, want, err)
			}
		}
	}
}

// TestPiecesAreTheWhole compares bulk operations on memory, which are done in
// pieces, with the same module without its meter.
func TestPiecesAreTheWhole(t *testing.T) {
	m := &a.Module{DataCount: true}
	m.Memory(40, -1)
	var text strings.Builder
	for n := range 300_000 {
		fmt.Fprintf(&text, "%d,", n*n%997)
	}
	m.Data = append(m.Data, append([]byte{1}, a.Text(text.String()[:1<<20])...))
	m.Func("init", "iii", "", "", a.Get(0), a.Get(1), a.Get(2), a.Op(0xfc, 8, 0, 0))
	m.Func("copy", "iii", "", "", a.Get(0), a.Get(1), a.Get(2), a.Op(0xfc, 10, 0, 0))
	m.Func("fill", "iii", "", "", a.Get(0), a.Get(1), a.Get(2), a.Op(0xfc, 11, 0))
	plain, with := start(t, m.Bytes()), start(t, metered(t, m.Bytes()).Binary)
	for _, c := range []struct {
		f    string
		args []uint64
	}{
		{"init", []uint64{5, 3, 1<<20 - 3}},
		{"copy", []uint64{1 << 20, 0, 1 << 20}},
		{"copy", []uint64{300_001, 5, 1 << 20}},
		{"copy", []uint64{5, 300_001, 1 << 20}},
		{"copy", []uint64{100, 101, 1 << 20}},
		{"copy", []uint64{101, 100, 1 << 20}},
		{"copy", []uint64{7, 7, 1 << 20}},
		{"fill", []uint64{3, 0x1ab, 700_000}},
		{"copy", []uint64{40 << 16, 0, 0}},
		{"copy", []uint64{40<<16 - 5, 0, 6}},
		{"copy", []uint64{0, 40<<16 - 1<<19, 1<<19 + 1}},
		{"fill", []uint64{40<<16 - 1<<19, 0, 1<<19 + 1}},
		{"init", []uint64{0, 1, 1 << 20}},
		{"init", []uint64{0xffffffff, 0, 1 << 20}},
		{"fill", []uint64{1 << 20, 0, 0xffffffff}},
		{"copy", []uint64{1 << 20, 8, 0xffffffff}},
	} {
		for _, i := range []api.Module{plain, with} {
			set(i, rewrite.ExportFuel, rewrite.Slice)
			set(i, rewrite.ExportReserve, 1<<40)
		}
		_, perr := plain.ExportedFunction(c.f).Call(context.Background(), c.args...)
		_, werr := with.ExportedFunction(c.f).Call(context.Background(), c.args...)
		if (perr == nil) != (werr == nil) {
			t.Errorf("%s%v: %v, in pieces %v", c.f, c.args, perr, werr)
		}
		if perr != nil {
			continue // traps come last: after one, the memories may differ
		}
		p, _ := plain.Memory().Read(0, 40<<16)
		w, _ := with.Memory().Read(0, 40<<16)
		if !bytes.Equal(p, w) {
			t.Fatalf("%s%v: the memories differ", c.f, c.args)
		}
	}
}

// TestStackIsGivenBack has a tree of calls that are left in every way a function
// can be: all of them take their stack below the same caller, so that only the
// depth counts and not the number.
func TestStackIsGivenBack(t *testing.T) {
	m := &a.Module{}
	m.Memory(1, -1)
	// f(n, how): calls itself twice down to 0 and leaves by falling off, return, br, br_if or br_table.
	again := a.Join(a.Get(0), a.I32Const(1), a.Sub, a.Get(1), a.Call(0), a.Drop, a.Drop)
	m.Func("f", "ii", "iI", "",
		a.Get(0), a.If(again, again),
		a.Get(1), a.I32Const(1), a.Op(0x46), a.If(a.I32Const(1), a.I64Const(10), a.Return),
		a.Get(1), a.I32Const(2), a.Op(0x46), a.If(a.I32Const(2), a.I64Const(20), a.Br(1)),
		a.Get(1), a.I32Const(3), a.Op(0x46), a.If(a.I32Const(3), a.I64Const(30), a.I32Const(1), a.BrIf(1), a.Unreachable),
		a.Get(1), a.I32Const(4), a.Op(0x46), a.If(a.I32Const(4), a.I64Const(40), a.I32Const(0), a.Op(0x0e, 1, 1, 1)),
		a.I32Const(0), a.I64Const(0))
	i := start(t, metered(t, m.Bytes()).Binary)
	f := i.ExportedFunction("f")
	for how := range uint64(5) {
		set(i, rewrite.ExportStack, 1000) // 12 levels of less than 50 slots
		out, err := f.Call(context.Background(), 12, how)
		if err != nil || out[0] != how || out[1] != 10*how {
			t.Errorf("way %d: %v, %v", how, out, err)
		}
	}
	set(i, rewrite.ExportStack, 1000)
	if _, err := f.Call(context.Background(), 1<<30, 0); err == nil || get(i, rewrite.ExportStack) >= 0 {
		t.Errorf("endless: %v, %d left", err, get(i, rewrite.ExportStack))
	}
}

func TestStartIsTakenOut(t *testing.T) {
	m := &a.Module{}
	m.Memory(1, -1)
	g := m.Global('i', a.I32Const(0))
	m.Export("g", 3, g)
	m.Start = a.U(uint64(m.Func("", "", "", "", a.I32Const(9), a.Index(0x24, g))))
	out := metered(t, m.Bytes())
	i := start(t, out.Binary)
	if v := i.ExportedGlobal("g").Get(); v != 0 {
		t.Fatalf("start ran: %d", v)
	}
	if _, err := i.ExportedFunction(rewrite.ExportStart).Call(context.Background()); err != nil || i.ExportedGlobal("g").Get() != 9 {
		t.Errorf("%v, %d", err, i.ExportedGlobal("g").Get())
	}
}

func TestGrowthIsBounded(t *testing.T) {
	m := &a.Module{}
	m.Tables = append(m.Tables, []byte{0x70, 0, 1})
	m.Memory(1, -1)
	m.Func("memory", "i", "i", "", a.Get(0), a.Grow())
	m.Exports[len(m.Exports)-1] = append(append(a.Text("grow"), 0), 0)
	m.Func("table", "i", "i", "", a.Op(0xd0, 0x70), a.Get(0), a.Op(0xfc, 15, 0))
	r := rules()
	r.Limits.MemoryPages, r.Limits.TableEntries = 10, 20
	out, err := rewrite.Rewrite(m.Bytes(), r)
	if err != nil {
		t.Fatal(err)
	}
	i := start(t, out.Binary)
	for _, c := range []struct {
		f        string
		by, want int32
	}{{"grow", 10, 1}, {"grow", 1, -1}, {"table", 19, 1}, {"table", 1, -1}} {
		got, err := i.ExportedFunction(c.f).Call(context.Background(), uint64(c.by))
		if err != nil || int32(got[0]) != c.want {
			t.Errorf("%s by %d: %v, %v", c.f, c.by, got, err)
		}
	}
}

// TestCustomSections keeps the names of functions, if they are in order, and
// nothing else.
func TestCustomSections(t *testing.T) {
	names := func(part string) []byte { return a.Section(0, a.Join(a.Text("name"), a.Op(1), a.Text(part))) }
	for name, c := range map[string]struct {
		custom []byte
		kept   bool
	}{
		"names":         {names("\x01\x00\x05hello"), true},
		"other":         {a.Section(0, a.Join(a.Text("other"), a.Text("\x01\x00\x05hello"))), false},
		"wrong index":   {names("\x01\x05\x05hello"), false},
		"endless count": {names("\xff\xff\xff\xff\x0f\x00\x05hello"), false},
		"cut":           {names("\x02\x00\x05hello"), false},
	} {
		m := &a.Module{Custom: c.custom}
		m.Memory(1, -1)
		m.Func("f", "", "", "")
		out := metered(t, m.Bytes())
		if kept := bytes.Contains(out.Binary, []byte("hello")); kept != c.kept {
			t.Errorf("%s: kept is %v", name, kept)
		}
		start(t, out.Binary)
	}
}

func TestNumbers(t *testing.T) {
	module := func(code ...[]byte) []byte {
		m := &a.Module{}
		m.Memory(1, -1)
		m.Func("", "", "", "", code...)
		return m.Bytes()
	}
	for name, c := range map[string]struct {
		code []byte
		want string
	}{
		"i32 minimum":   {a.Join(a.I32Const(-1<<31), a.Drop), ""},
		"i32 maximum":   {a.Join(a.I32Const(1<<31-1), a.Drop), ""},
		"i32 too large": {a.Join(a.I32Const(1<<31), a.Drop), "function 0: number at byte 6 is longer than 32 bits"},
		"i32 endless":   {a.Join(a.Op(0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0), a.Drop), "function 0: number at byte 6 is longer than 32 bits"},
		"i64 minimum":   {a.Join(a.I64Const(-1<<63), a.Drop), ""},
		"i64 endless":   {a.Join(a.Op(0x42), bytes.Repeat(a.Op(0x80), 10), a.Op(0), a.Drop), "function 0: number at byte 11 is longer than 64 bits"},
		"u32 padded":    {a.Op(0x10, 0x80, 0x80, 0x80, 0x80, 0x00), ""},
		"u32 too large": {a.Op(0x10, 0x80, 0x80, 0x80, 0x80, 0x10), "function 0: number at byte 6 is longer than 32 bits"},
	} {
		_, err := rewrite.Rewrite(module(c.code), rules())
		if got := fmt.Sprint(err); (c.want == "") != (err == nil) || err != nil && got != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestCodeMustEndWhereItSays(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"no end":        {"\x00\x01", "function 0: ends in the middle at byte 1"},
		"open block":    {"\x00\x02\x40\x0b", "function 0: ends in the middle at byte 3"},
		"after the end": {"\x00\x0b\x01", "function 0: 1 bytes after the end"},
		"stray else":    {"\x00\x05\x0b", "function 0: else without if at byte 0"},
		"empty":         {"", "function 0: ends in the middle at byte 0"},
	} {
		m := &a.Module{}
		m.Memory(1, -1)
		m.Functions = append(m.Functions, a.U(uint64(m.Type("", ""))))
		m.Body("", []byte(c.body))
		_, err := rewrite.Rewrite(m.Bytes(), rules())
		if err == nil || err.Error() != c.want || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// compiles says whether wazero accepts a module. It may panic on what it
// should refuse; that is what its callers guard against.
func compiles(bin []byte) (ok bool, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("panic: %v", bug)
		}
	}()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2&^api.CoreFeatureSIMD).WithMemoryLimitPages(1000))
	defer r.Close(ctx)
	_, err = r.CompileModule(ctx, bin)
	return err == nil, err
}

// FuzzRewrite checks that no input panics, that refusals have a kind, and that
// a module is valid with its meter exactly when it is valid without.
func FuzzRewrite(f *testing.F) {
	f.Add(a.Variety())
	f.Add(countdown())
	f.Add(a.Guest(nil, a.Echo()).Bytes())
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	limits := rewrite.Limits{MemoryPages: 100, TableEntries: 100, LocalsPerFunction: 100, CodePerFunction: 1000, BlockLocals: 10_000, Functions: 100}
	limits.FillDefaults()
	f.Fuzz(func(t *testing.T, bin []byte) {
		r := rules()
		r.Limits = limits
		m, err := rewrite.Rewrite(bin, r)
		if err != nil {
			if kind := fault.KindOf(err); kind == fault.Internal {
				t.Fatalf("unclassified: %v", err)
			}
			return
		}
		before, berr := compiles(bin)
		after, aerr := compiles(m.Binary)
		panicked := berr != nil && strings.HasPrefix(berr.Error(), "panic") || aerr != nil && strings.HasPrefix(aerr.Error(), "panic")
		if before != after && !panicked && !bytes.Contains(bin, []byte("name")) {
			t.Fatalf("valid before: %v (%v), after: %v (%v)\n% x", before, berr, after, aerr, bin)
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	m := &a.Module{}
	m.Memory(1, -1)
	for range 3000 {
		m.Func("", "iii", "i", "iiii", bytes.Repeat(a.Join(a.Block(a.Loop(a.Get(0), a.BrIf(1))), a.Get(1), a.Load(), a.Set(0)), 40), a.Get(0))
	}
	bin := m.Bytes()
	b.SetBytes(int64(len(bin)))
	for b.Loop() {
		if _, err := rewrite.Rewrite(bin, rules()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestVersionIsRaised fails when the rewriter writes a module differently than
// the present Version did: raise it, and note the new hash here.
func TestVersionIsRaised(t *testing.T) {
	h := sha256.New()
	modules := [][]byte{a.Variety(), countdown()}
	for seed := range uint64(30) {
		modules = append(modules, program(rand.New(rand.NewPCG(seed, 2))))
	}
	for _, bin := range modules {
		m := metered(t, bin)
		h.Write(m.Binary)
		h.Write(m.Shell)
	}
	got := fmt.Sprintf("%d %x", rewrite.Version, h.Sum(nil))
	if want := "6 7587e81a99f212875fc74dbce248039365cbe84fb2015fd68cc100f1364cabaf"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestShell has everything of the module but its code.
func TestShell(t *testing.T) {
	out := metered(t, countdown())
	for want, bin := range map[uint64][]byte{1: out.Binary, 0: out.Shell} {
		m := start(t, bin)
		got, err := m.ExportedFunction(rewrite.ExportWhole).Call(context.Background())
		if err != nil || got[0] != want {
			t.Errorf("got %v, %v, want %d", got, err, want)
		}
		if _, err := m.ExportedFunction("f").Call(context.Background(), 3); (err == nil) != (want == 1) {
			t.Errorf("f of %d: %v", want, err)
		}
	}
}
