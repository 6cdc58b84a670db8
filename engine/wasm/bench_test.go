package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// BenchmarkGoEcho is an effector call of a few hundred bytes to a Go guest.
func BenchmarkGoEcho(b *testing.B) {
	m := loadGo(b, wasm.Limits{}, wasm.LoadOptions{})
	in := effector("echo", `{"image":"redis:3","openPorts":[6379],"env":{"A":"b","C":"d"},"text":"`+strings.Repeat("x", 100)+`"}`)
	b.ReportAllocs()
	prepare(b, m)
	for b.Loop() {
		if _, err := m.Call(context.Background(), hook.EntityEffector, in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.Stats().LastFuel), "fuel/op")
}

// prepare keeps the compiler out of the measurement.
func prepare(b *testing.B, m *wasm.Module) {
	b.Helper()
	if err := m.Prepare(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEcho is the cost of a call itself.
func BenchmarkEcho(b *testing.B) {
	m := load(b, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{}, wasm.LoadOptions{})
	in := bytes.Repeat([]byte("x"), 200)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Call(ctx, hook.EntityEffector, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGoRank ranks hosts by columns in a Go guest.
func BenchmarkGoRank(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := loadGo(b, wasm.Limits{}, wasm.LoadOptions{})
			in := columns(n)
			prepare(b, m)
			for b.Loop() {
				err := m.CallInto(context.Background(), hook.PlacementRank, len(in),
					func(buf []byte) { copy(buf, in) }, func([]byte) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStart starts an instance of a Go guest.
func BenchmarkStart(b *testing.B) {
	m := loadGo(b, wasm.Limits{HighWaterPages: 1}, wasm.LoadOptions{})
	for b.Loop() {
		if err := m.Prepare(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstAnswer is from the file to the first answer of a Go guest: with
// its code in the cache, and without.
func BenchmarkFirstAnswer(b *testing.B) {
	describe := func(b *testing.B, cache string) {
		r, err := wasm.New(wasm.Config{CacheDir: cache})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		m, err := r.Load("m", goGuest, wasm.LoadOptions{})
		if err == nil {
			_, err = m.Call(context.Background(), hook.Describe, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("cached", func(b *testing.B) {
		describe(b, codeCache)
		for b.Loop() {
			describe(b, codeCache)
		}
	})
	b.Run("compiled", func(b *testing.B) {
		dir := filepath.Join(b.TempDir(), "cache")
		for b.Loop() {
			describe(b, dir)
			_ = os.RemoveAll(dir)
		}
	})
}

// BenchmarkLoad is what a start of the server costs per module: no compiling.
func BenchmarkLoad(b *testing.B) {
	for name, bin := range map[string][]byte{"go": goGuest, "bomb": bomb()} {
		b.Run(name, func(b *testing.B) {
			r, err := wasm.New(wasm.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			for b.Loop() {
				if m, err := r.Load("m", bin, wasm.LoadOptions{}); err == nil {
					_ = m.Close()
				}
			}
		})
	}
}

// BenchmarkMeter compares code with and without its meter: a recursion that does
// nothing else, which is the worst case, and a tight loop over memory, put
// together by hand; the same, and a JSON parser, by a C compiler if there is one.
func BenchmarkMeter(b *testing.B) {
	m := a.Guest(nil, a.Answer(0, 0))
	fib := 3
	m.Func("fib", "i", "i", "",
		a.Get(0), a.I32Const(2), a.LtU, a.If(a.Get(0), a.Return),
		a.Get(0), a.I32Const(1), a.Sub, a.Call(fib), a.Get(0), a.I32Const(2), a.Sub, a.Call(fib), a.Add)
	m.Func("sum", "i", "i", "i",
		a.Block(a.Loop(a.Get(0), a.Eqz, a.BrIf(1), a.Get(0), a.I32Const(4), a.Sub, a.Tee(0), a.Load(), a.Get(1), a.Add, a.Set(1), a.Br(0))), a.Get(1))
	m.Func("count", "i", "i", "i",
		a.Loop(a.Get(1), a.I32Const(3), a.Add, a.Set(1), a.Get(0), a.I32Const(1), a.Sub, a.Tee(0), a.BrIf(0)), a.Get(1))
	byHand, byC := m.Bytes(), compileC(b)
	for _, c := range []struct {
		name, before string
		bin          []byte
		arg          uint64
	}{
		{"fib", "", byHand, 25}, {"sum", "", byHand, 65536}, {"count", "", byHand, 100_000},
		{"fib in C", "", byC, 25}, {"sum in C", "", byC, 4}, {"json in C", "document", byC, 1},
	} {
		if c.bin == nil {
			continue
		}
		name, _, _ := strings.Cut(c.name, " ")
		b.Run(c.name, func(b *testing.B) {
			compare(b, function(b, c.bin, c.before, name, c.arg), function(b, wasm.Metered(c.bin), c.before, name, c.arg))
		})
	}
}

// compare runs both in turns and tells the shortest time that each took, which
// other work on the machine does not change.
func compare(b *testing.B, plain, metered func()) {
	b.Helper()
	best := [2]time.Duration{1 << 62, 1 << 62}
	for b.Loop() {
		for k, run := range []func(){plain, metered} {
			begin := time.Now()
			run()
			best[k] = min(best[k], time.Since(begin))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(best[0]), "plain-ns")
	b.ReportMetric(float64(best[1]), "metered-ns")
	b.ReportMetric(100*(float64(best[1])/float64(best[0])-1), "%more")
}

// compileC compiles testdata/work.c; nil when there is no compiler.
func compileC(b *testing.B) []byte {
	b.Helper()
	file := filepath.Join(b.TempDir(), "work.wasm")
	for _, version := range []string{"", "-19", "-16"} {
		clang, err := exec.LookPath("clang" + version)
		if err != nil {
			continue
		}
		linker, err := exec.LookPath("wasm-ld" + version)
		if err != nil {
			continue
		}
		cmd := exec.Command(clang, "--target=wasm32", "-nostdlib", "-O2", "-fno-builtin", "-Wl,--no-entry", "-fuse-ld="+linker, "-o", file, "testdata/work.c")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", cmd, err, out)
		}
		bin, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		return bin
	}
	return nil
}

// BenchmarkGoMeter compares an effector call of a Go guest, most of which is
// JSON, with and without the meter.
func BenchmarkGoMeter(b *testing.B) {
	compare(b, goCall(b, goGuest), goCall(b, wasm.Metered(goGuest)))
}

func goCall(b *testing.B, bin []byte) func() {
	b.Helper()
	in := effector("echo", `{"image":"redis:3","openPorts":[6379],"env":{"A":"b","C":"d"},"text":"`+strings.Repeat("x", 100)+`"}`)
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	b.Cleanup(func() { _ = r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	if _, err := r.NewHostModuleBuilder("gowanus").
		NewFunctionBuilder().WithFunc(func(_, _, _ uint32) {}).Export("log").
		NewFunctionBuilder().WithFunc(func(_, _, _, _, _ uint32) uint64 { return 0 }).Export("host").Instantiate(ctx); err != nil {
		b.Fatal(err)
	}
	i, err := r.InstantiateWithConfig(ctx, bin, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		b.Fatal(err)
	}
	call := func(name string, args ...uint64) uint64 {
		fill(i)
		out, err := i.ExportedFunction(name).Call(ctx, args...)
		if err != nil {
			b.Fatal(err)
		}
		if len(out) == 0 {
			return 0
		}
		return out[0]
	}
	call("_initialize")
	return func() {
		at := call("gw_alloc", uint64(len(in)))
		i.Memory().Write(uint32(at), in)
		call("gw_call", uint64(hook.EntityEffector), at, uint64(len(in)))
	}
}

// fill gives a meter, if there is one, more than it needs.
func fill(i api.Module) {
	for global, v := range map[string]uint64{rewrite.ExportFuel: rewrite.Slice, rewrite.ExportReserve: 1 << 60, rewrite.ExportStack: 1 << 60} {
		if g, ok := i.ExportedGlobal(global).(api.MutableGlobal); ok {
			g.Set(v)
		}
	}
}

// function makes an instance and gives a call of one of its functions.
func function(b *testing.B, bin []byte, before, name string, arg uint64) func() {
	b.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	b.Cleanup(func() { _ = r.Close(ctx) })
	i, err := r.Instantiate(ctx, bin)
	if err != nil {
		b.Fatal(err)
	}
	fill(i)
	if before != "" {
		if _, err := i.ExportedFunction(before).Call(ctx, 1000); err != nil {
			b.Fatal(err)
		}
	}
	f := i.ExportedFunction(name)
	stack := make([]uint64, 1)
	return func() {
		stack[0] = arg
		if err := f.CallWithStack(ctx, stack); err != nil {
			b.Fatal(err)
		}
	}
}
