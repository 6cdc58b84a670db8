package wasm_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// short is a time limit that lets a test see a runaway be stopped.
var short = wasm.CallLimits{Time: 30 * time.Millisecond, Fuel: 1 << 60}

// plan asks a hook that has the limit Plan.
func plan(m *wasm.Module, in string) (string, error) {
	out, err := m.Call(context.Background(), hook.EntityEffector, []byte(in))
	return string(out), err
}

func wantError(t *testing.T, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil || err.Error() != text || fault.KindOf(err) != kind {
		t.Errorf("got %v (%v)\nwant %s (%v)", err, fault.KindOf(err), text, kind)
	}
}

func TestEndlessLoopsAreStopped(t *testing.T) {
	empty := a.Answer(0, 0)
	replace := func(name string, code []byte) []byte {
		m := &a.Module{}
		m.Memory(1, -1)
		add := func(n, params, results string, normal []byte) {
			if n == name {
				normal = code
			}
			m.Func(n, params, results, "", normal)
		}
		add("gw_abi", "", "i", a.I32Const(1))
		add("gw_alloc", "i", "i", a.I32Const(1024))
		add("gw_call", "iii", "I", empty)
		return m.Bytes()
	}
	started := a.Guest(nil, empty)
	started.Start = a.U(uint64(started.Func("", "", "", "", a.Forever())))
	initialized := a.Guest(nil, empty)
	initialized.Func("_initialize", "", "", "", a.Forever())
	const starting = "start an instance of module m: took longer than the limit Init.Time allows (30ms)"
	const calling = "call entity.effector of module m: took longer than the limit Plan.Time allows (30ms)"
	for name, c := range map[string]struct {
		bin  []byte
		want string
	}{
		"start":       {started.Bytes(), starting},
		"_initialize": {initialized.Bytes(), starting},
		"gw_abi":      {replace("gw_abi", a.Forever()), starting},
		"gw_alloc":    {replace("gw_alloc", a.Forever()), calling},
		"gw_call":     {replace("gw_call", a.Forever()), calling},
		"bulk": {replace("gw_call", a.Join(a.Loop(
			a.I32Const(0), a.I32Const(0), a.I32Const(65536), a.Op(0xfc, 11, 0), // memory.fill
			a.I32Const(0), a.I32Const(0), a.I32Const(65536), a.Op(0xfc, 10, 0, 0), // memory.copy
			a.Br(0)), a.Unreachable)), calling},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, c.bin, wasm.Config{Limits: wasm.Limits{Init: short, Plan: short}}, wasm.LoadOptions{})
			_, err := plan(m, "x")
			wantError(t, err, fault.Timeout, c.want)
			if s := m.Stats(); s.Idle+s.Running != 0 {
				t.Errorf("an instance is left: %+v", s)
			}
		})
	}
}

func TestFuelStopsALoop(t *testing.T) {
	m := load(t, a.Guest(nil, a.Forever()).Bytes(), wasm.Config{Limits: wasm.Limits{Plan: wasm.CallLimits{Fuel: 100_000, Time: time.Hour}}}, wasm.LoadOptions{})
	_, err := plan(m, "x")
	wantError(t, err, fault.Limit, "call entity.effector of module m: used more fuel than the limit Plan.Fuel allows (100000)")
	if fuel := m.Stats().LastFuel; fuel != 100_000 {
		t.Errorf("took %d of 100000", fuel)
	}
}

// signals is a log handler that tells when a line is written.
type signals struct {
	slog.Handler
	lines chan string
}

func (s signals) Enabled(context.Context, slog.Level) bool { return true }
func (s signals) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s signals) Handle(_ context.Context, r slog.Record) error {
	s.lines <- r.Message
	return nil
}

// spinning is a guest that logs "go" and then loops for ever.
func spinning() []byte {
	m := &a.Module{}
	log := m.Import("gowanus", "log", "iii", "")
	m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(16), a.Op(0x0b), a.Text("go")))
	return a.Guest(m, a.I32Const(1), a.I32Const(16), a.I32Const(2), a.Call(log), a.Forever()).Bytes()
}

// A runtime that gives up says why in the log, as those of Rust and AssemblyScript do: the error has it.
func TestTrapTellsWhatWasLogged(t *testing.T) {
	for level, want := range map[int64]string{
		2: "call entity.effector of module m: trapped: unreachable, at .$3(i32,i32,i32) i64",
		3: `call entity.effector of module m: trapped: unreachable, after writing "no luck", at .$3(i32,i32,i32) i64`,
	} {
		m := &a.Module{}
		log := m.Import("gowanus", "log", "iii", "")
		m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(16), a.Op(0x0b), a.Text("no luck")))
		bin := a.Guest(m, a.I32Const(level), a.I32Const(16), a.I32Const(7), a.Call(log), a.Unreachable).Bytes()
		_, err := load(t, bin, wasm.Config{}, wasm.LoadOptions{}).Call(t.Context(), hook.EntityEffector, effector("x", "{}"))
		if err == nil || err.Error() != want {
			t.Errorf("level %d: got %v, want %s", level, err, want)
		}
	}
}

// TestLoopLetsTheProcessLive runs the garbage collector while a guest loops:
// had it to wait for the guest, the guest would end by its time limit and not
// by being cancelled.
func TestLoopLetsTheProcessLive(t *testing.T) {
	forever := wasm.CallLimits{Time: 20 * time.Second, Fuel: 1 << 60}
	for _, processors := range []int{1, 2} {
		for name, stop := range map[string]func(context.CancelFunc, *wasm.Module) (fault.Kind, string){
			"cancel": func(cancel context.CancelFunc, _ *wasm.Module) (fault.Kind, string) {
				cancel()
				return fault.Cancelled, "call entity.effector of module m: context canceled"
			},
			"close": func(_ context.CancelFunc, m *wasm.Module) (fault.Kind, string) {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
				return fault.Unavailable, "call entity.effector of module m: module m is closed"
			},
		} {
			if processors == 1 && name == "close" {
				continue // slow, since each step of the collector waits for its turn
			}
			t.Run(name, func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				log := signals{slog.DiscardHandler, make(chan string, 10)}
				m := load(t, spinning(), wasm.Config{Log: slog.New(log), Limits: wasm.Limits{Plan: forever}}, wasm.LoadOptions{})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ended := make(chan error)
				go func() {
					_, err := m.Call(ctx, hook.EntityEffector, []byte("x"))
					ended <- err
				}()
				for line := range log.lines {
					if line == "go" {
						break
					}
				}
				runtime.GC()
				kind, text := stop(cancel, m)
				wantError(t, <-ended, kind, text)
				if s := m.Stats(); s.Suspended != "" || s.Idle+s.Running != 0 {
					t.Errorf("got %+v", s)
				}
			})
		}
	}
}

func TestBrokenContract(t *testing.T) {
	const page = 65536
	alloc := func(answer int64) []byte {
		m := &a.Module{}
		m.Memory(1, -1)
		m.Func("gw_abi", "", "i", "", a.I32Const(1))
		m.Func("gw_alloc", "i", "i", "", a.I32Const(answer))
		m.Func("gw_call", "iii", "I", "", a.Answer(0, 0))
		return m.Bytes()
	}
	answers := func(at, length uint32) []byte { return a.Guest(nil, a.Answer(at, length)).Bytes() }
	const noAddress = ", which is no address of so many bytes or not a multiple of 8"
	for name, c := range map[string]struct {
		bin  []byte
		kind fault.Kind
		want string
	}{
		"alloc null":       {alloc(0), fault.Internal, "gw_alloc(9) answered 0x0" + noAddress},
		"alloc unaligned":  {alloc(1025), fault.Internal, "gw_alloc(9) answered 0x401" + noAddress},
		"alloc at the end": {alloc(page - 8), fault.Internal, "gw_alloc(9) answered 0xfff8" + noAddress},
		"alloc outside":    {alloc(-8), fault.Internal, "gw_alloc(9) answered 0xfffffff8" + noAddress},
		"answer outside":   {answers(page, 1), fault.Internal, "answered with 1 bytes at 0x10000, its memory has 65536"},
		"answer wraps":     {answers(0xffffffff, 0x1000), fault.Internal, "answered with 4096 bytes at 0xffffffff, its memory has 65536"},
		"answer too long":  {answers(page-1, 2), fault.Internal, "answered with 2 bytes at 0xffff, its memory has 65536"},
		"answer over":      {answers(0, 0xffffffff), fault.Limit, "answer of 4294967295 bytes, the limit AnswerBytes allows 4194304"},
		"unreachable":      {a.Guest(nil, a.Unreachable).Bytes(), fault.Internal, "trapped: unreachable, at .$2(i32,i32,i32) i64"},
		"load outside":     {a.Guest(nil, a.I32Const(-4), a.Load(), a.Drop, a.Answer(0, 0)).Bytes(), fault.Internal, "trapped: out of bounds memory access, at .$2(i32,i32,i32) i64"},
		"recursion": {a.Guest(nil, a.Get(0), a.Get(1), a.Get(2), a.Call(2)).Bytes(), fault.Limit,
			"calls itself deeper than the limit StackSlots allows (1048576)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, c.bin, wasm.Config{}, wasm.LoadOptions{})
			for range 2 {
				_, err := plan(m, "123456789")
				wantError(t, err, c.kind, "call entity.effector of module m: "+c.want)
			}
			if s := m.Stats(); s.Started != 2 || s.Discarded != 2 || s.Idle != 0 {
				t.Errorf("the instance was used again: %+v", s)
			}
		})
	}
}

func TestIndirectRecursionIsStopped(t *testing.T) {
	m := a.Guest(nil, a.I32Const(0), a.Op(0x11, 3, 0), a.Answer(0, 0))
	m.Tables = append(m.Tables, []byte{0x70, 0, 1})
	f := m.Func("", "", "", "i", a.I32Const(0), a.Op(0x11, 3, 0))
	m.Elements = append(m.Elements, a.Join(a.Op(0), a.I32Const(0), a.Op(0x0b, 1), a.U(uint64(f))))
	_, err := plan(load(t, m.Bytes(), wasm.Config{}, wasm.LoadOptions{}), "")
	wantError(t, err, fault.Limit, "call entity.effector of module m: calls itself deeper than the limit StackSlots allows (1048576)")
}

// TestMemoryStaysBounded has a guest that grows its memory as far as it gets
// and answers with as many bytes as it has pages.
func TestMemoryStaysBounded(t *testing.T) {
	bin := a.Guest(nil,
		a.Loop(a.I32Const(1), a.Grow(), a.I32Const(0), a.Op(0x4e), a.BrIf(0)), // while grow(1) >= 0
		a.I64Const(0), a.Op(0x3f, 0), a.Extend, a.Or64).Bytes()
	limits := wasm.Limits{HighWaterPages: 50}
	limits.Structure.MemoryPages = 100
	m := load(t, bin, wasm.Config{Limits: limits}, wasm.LoadOptions{})
	for range 3 {
		out, err := plan(m, "")
		if err != nil || len(out) != 100 {
			t.Fatalf("grew to %d pages, %v", len(out), err)
		}
	}
	if s := m.Stats(); s.HighPages != 100 || s.Discarded != 3 || s.Failures != 0 {
		t.Errorf("an instance above HighWaterPages was kept: %+v", s)
	}
}

func TestSuspension(t *testing.T) {
	// Traps when the document is empty.
	bin := a.Guest(nil, a.Get(2), a.Eqz, a.If(a.Unreachable), a.Echo()).Bytes()
	m := load(t, bin, wasm.Config{Limits: wasm.Limits{Failures: 3}}, wasm.LoadOptions{})
	const trap = "call entity.effector of module m: trapped: unreachable, at .$2(i32,i32,i32) i64"
	for _, in := range []string{"", "", "fine", "", "", ""} {
		if out, err := plan(m, in); in != "" && (err != nil || out != in) {
			t.Fatalf("got %s, %v", out, err)
		} else if in == "" {
			wantError(t, err, fault.Internal, trap)
		}
	}
	_, err := plan(m, "fine")
	wantError(t, err, fault.Unavailable, "module m is suspended: 3 failures in a row, the last: "+
		"trapped: unreachable, at .$2(i32,i32,i32) i64")
	if s := m.Stats(); s.Suspended == "" || s.Calls != 6 {
		t.Errorf("got %+v", s)
	}
	m.Resume()
	if out, err := plan(m, "fine"); err != nil || out != "fine" {
		t.Errorf("after Resume: %s, %v", out, err)
	}
}

func TestLogIsBounded(t *testing.T) {
	for _, c := range []struct {
		limits     wasm.Limits
		lines, cut int
	}{
		{wasm.Limits{LogLines: 3, LogBytes: 4}, 6, 2},
		{wasm.Limits{LogLines: 3, LogBytes: 4, LogBurst: 5, LogRate: 1e-6}, 4, 1}, // over both calls
	} {
		var log bytes.Buffer
		m := load(t, goGuest, wasm.Config{CacheDir: codeCache, Limits: c.limits, Log: slog.New(slog.NewTextHandler(&log, nil))}, wasm.LoadOptions{})
		for range 2 {
			if _, err := m.Call(context.Background(), hook.EntityEffector, effector("log", `{"lines":50}`)); err != nil {
				t.Fatal(err)
			}
		}
		if lines, cut := strings.Count(log.String(), "msg=line module=m"), strings.Count(log.String(), "LogLines=3"); lines != c.lines || cut != c.cut {
			t.Errorf("%d lines and %d notes:\n%s", lines, cut, log.String())
		}
	}
}

func TestHostOperations(t *testing.T) {
	large := strings.Repeat("x", 10_000)
	host := func(ctx context.Context, op int32, request []byte) ([]byte, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the operation has no deadline")
		}
		if op == 1 {
			return []byte(string(request) + large), nil
		}
		return nil, fault.New(fault.Forbidden, "no")
	}
	for _, c := range []struct {
		o        wasm.LoadOptions
		op, want string
	}{
		{wasm.LoadOptions{Host: host}, "1", `{"result":"hi` + large + `"}`},
		{wasm.LoadOptions{Host: host}, "2", `{"error":{"kind":"forbidden","message":"host operation 2: forbidden"}}`},
		{wasm.LoadOptions{}, "1", `{"error":{"kind":"not-found","message":"host operation 1: not-found"}}`},
	} {
		m := loadGo(t, wasm.Limits{}, c.o)
		out, err := m.Call(context.Background(), hook.EntityEffector, effector("host", `{"op":`+c.op+`,"request":"hi"}`))
		if err != nil || string(out) != c.want {
			t.Errorf("operation %s: got %.100s, %v, want %.100s", c.op, out, err, c.want)
		}
	}
}

func TestHostFunctionsCheckPointers(t *testing.T) {
	for _, c := range []struct {
		from, name, params, results string
		args                        []int64
		want                        string
	}{
		{"gowanus", "log", "iii", "", []int64{0, 65535, 2}, "gowanus.log: 2 bytes at 0xffff are outside of its memory"},
		{"gowanus", "log", "iii", "", []int64{0, 8, -1}, "gowanus.log: 4294967295 bytes at 0x8 are outside of its memory"},
		{"gowanus", "host", "iiiii", "I", []int64{0, 0, 0, -1, 1}, "gowanus.host: 1 bytes at 0xffffffff are outside of its memory"},
		{"wasi_snapshot_preview1", "random_get", "ii", "i", []int64{65530, 10}, "random_get: 10 bytes at 0xfffa are outside of its memory"},
		{"wasi_snapshot_preview1", "fd_write", "iiii", "i", []int64{1, 65530, 1, 0}, "fd_write: 8 bytes at 0xfffa are outside of its memory"},
		{"wasi_snapshot_preview1", "poll_oneoff", "iiii", "i", []int64{0, 65000, 1000, 0}, "poll_oneoff: 32000 bytes at 0xfde8 are outside of its memory"},
		{"wasi_snapshot_preview1", "proc_exit", "i", "", []int64{7}, "exited with code 7"},
	} {
		m := &a.Module{}
		f := m.Import(c.from, c.name, c.params, c.results)
		var code []byte
		for _, arg := range c.args {
			code = append(code, a.I32Const(arg)...)
		}
		code = append(code, a.Call(f)...)
		if c.results != "" {
			code = append(code, a.Drop...)
		}
		_, err := plan(load(t, a.Guest(m, code, a.Answer(0, 0)).Bytes(), wasm.Config{}, wasm.LoadOptions{}), "")
		wantError(t, err, fault.Internal, "call entity.effector of module m: "+c.want)
	}
}
