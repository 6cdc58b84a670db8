package wasm_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

const (
	// What others may notice of a hostile module. It is told, not asserted,
	// since other work may share the machine.
	goalStop  = 10 * time.Millisecond // to stop it
	goalPause = 10 * time.Millisecond // for which everything stands still, since a garbage collection waits for it
	goalCycle = 50 * time.Millisecond // a whole garbage collection beside it, more than without
	goalOther = 100 * time.Millisecond
	// noticed is what no machine excuses: hostile calls are allowed 20 s here.
	noticed = 5 * time.Second
	// mostResident is how much more memory the process may need.
	mostResident = residentFactor * 256 << 20
)

// patience are limits that a hostile call does not reach in this test, so that
// it is seen to be stopped from outside.
var patience = wasm.CallLimits{Time: 20 * time.Second, Fuel: 1 << 60}

// bystander is a module that everybody else uses meanwhile.
type bystander struct {
	runtime *wasm.Runtime
	echo    *wasm.Module
}

func newBystander(t *testing.T, l wasm.Limits) *bystander {
	t.Helper()
	r, err := wasm.New(wasm.Config{Limits: l, Log: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bystander{runtime: r}
	if b.echo, err = r.Load("bystander", a.Guest(nil, a.Echo()).Bytes(), wasm.LoadOptions{}); err == nil {
		err = b.echo.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// live does what a server does while a guest runs: it collects garbage and
// calls another module. It gives the longest time that each took.
func (b *bystander) live(t *testing.T) (pause, other time.Duration) {
	t.Helper()
	for range 2 {
		begin := time.Now()
		runtime.GC()
		pause = max(pause, time.Since(begin))
		for range 20 {
			begin = time.Now()
			if out, err := plan(b.echo, "hello"); err != nil || out != "hello" {
				t.Fatalf("the other module: %s, %v", out, err)
			}
			other = max(other, time.Since(begin))
		}
	}
	return pause, other
}

// TestEndlessModules runs each of them, lives on beside it, and stops it.
func TestEndlessModules(t *testing.T) {
	b := newBystander(t, wasm.Limits{Plan: patience, Init: patience, Instances: 1, Failures: 1000})
	before := resetPeak(t)
	corpus := endless()
	normal, _ := b.live(t)
	t.Logf("%d modules; garbage collection alone %s", len(corpus), normal)
	for _, name := range slices.Sorted(maps.Keys(corpus)) {
		goroutines := runtime.NumGoroutine()
		m, err := b.runtime.Load(name, corpus[name](), wasm.LoadOptions{Host: func(context.Context, int32, []byte) ([]byte, error) {
			return nil, fault.New(fault.Forbidden, "no")
		}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := m.Prepare(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := m.Call(ctx, hook.EntityEffector, []byte("x"))
			ended <- err
		}()
		sofar := stops()
		pause, other := b.live(t)
		still := longestStop(sofar)
		stopped := time.Now()
		cancel()
		err = <-ended
		took := time.Since(stopped)
		if fault.KindOf(err) != fault.Cancelled {
			t.Errorf("%s: ended with %v", name, err)
		}
		if max(pause, other, took) > noticed {
			t.Errorf("%s: garbage collection took %s, the other module %s, stopping it %s", name, pause, other, took)
		}
		note := ""
		if took > goalStop || still > goalPause || pause > normal+goalCycle || other > goalOther {
			note = " (over the goal)"
		}
		t.Logf("%-42s stopped in %8s, garbage collection %8s, stop for it %8s, other module %8s%s", name,
			took.Round(time.Microsecond), pause.Round(time.Microsecond), still.Round(time.Microsecond), other.Round(time.Microsecond), note)
		if err := m.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := m.Stats(); s.Idle+s.Running+s.Pages != 0 {
			t.Errorf("%s: something is left: %+v", name, s)
		}
		if n := runtime.NumGoroutine(); n > goroutines+1 { // a timer may be about to end
			t.Errorf("%s: %d goroutines, before %d", name, n, goroutines)
		}
	}
	if more := residentPeak(t) - before; more > mostResident {
		t.Errorf("the process needed %d MiB more", more>>20)
	} else {
		t.Logf("the process needed %d MiB more", more>>20)
	}
}

// residentPeak gives the most memory that the process had since resetPeak, 0
// where that cannot be told.
func residentPeak(t *testing.T) int { return resident(t, "VmHWM") }

// resetPeak forgets the most memory so far and gives what there is.
func resetPeak(t *testing.T) int {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Logf("the most memory so far stays: %v", err)
		return residentPeak(t)
	}
	return resident(t, "VmRSS")
}

func resident(t *testing.T, which string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(which + `:\s+(\d+) kB`).FindSubmatch(text)
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// stops gives how long the collector has stopped everything so far.
func stops() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64Histogram()
}

// longestStop gives the longest of those since before, rounded down.
func longestStop(before *metrics.Float64Histogram) time.Duration {
	now := stops()
	for k := len(now.Counts) - 1; k >= 0; k-- {
		if now.Counts[k] > before.Counts[k] {
			return time.Duration(now.Buckets[k] * float64(time.Second))
		}
	}
	return 0
}

// TestEndlessModulesAreKilled has them run into their limit of time, or of fuel.
func TestEndlessModulesAreKilled(t *testing.T) {
	deadline := 20 * time.Millisecond
	b := newBystander(t, wasm.Limits{Plan: wasm.CallLimits{Time: deadline, Fuel: 1 << 60}, Instances: 1, Failures: 1000})
	late := 0
	for name, bin := range endless() {
		m, err := b.runtime.Load(name, bin(), wasm.LoadOptions{})
		if err == nil {
			err = m.Prepare(t.Context())
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		begin := time.Now()
		_, err = plan(m, "x")
		took := time.Since(begin)
		wantError(t, err, fault.Timeout, "call entity.effector of module "+name+": took longer than the limit Plan.Time allows (20ms)")
		if took > deadline+noticed {
			t.Errorf("%s was stopped after %s", name, took)
		} else if took > deadline*12/10+goalStop {
			late++
			t.Logf("%s was stopped after %s (over the goal)", name, took)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d were stopped late", late)
}

// failing are guests that end, each with the error that it should.
func failing() map[string]struct {
	bin  []byte
	want string // a regular expression
} {
	all := map[string]struct {
		bin  []byte
		want string
	}{}
	add := func(name, want string, bin []byte) {
		all[name] = struct {
			bin  []byte
			want string
		}{bin, want}
	}
	const deep = `calls itself deeper than the limit StackSlots allows \(1048576\)`
	guest := func(code ...[]byte) []byte { return a.Guest(nil, code...).Bytes() }
	recursion := func(params, results, locals string, code func(self int) []byte) []byte {
		m := a.Guest(nil, a.Call(3), a.Unreachable)
		m.Func("", params, results, locals, code(3))
		return m.Bytes()
	}
	add("recursion", deep, recursion("", "", "", func(self int) []byte { return a.Join(a.Call(self)) }))
	add("recursion with many locals", deep, recursion("", "", strings.Repeat("I", 9000), func(self int) []byte {
		return a.Join(a.Call(self), a.Get(7), a.Drop)
	}))
	add("recursion with much on the stack", deep, recursion("", "", "", func(self int) []byte {
		return a.Join(heavy(a.Join(a.I32Const(0), a.Load()), 32_000), a.Call(self), heavy(a.Drop, 32_000))
	}))
	add("recursion with many results", deep, func() []byte {
		m := a.Guest(nil, a.Call(3), a.Unreachable)
		several := strings.Repeat("i", 100)
		m.Func("", "", "", "", heavy(a.Call(4), 1500), a.Call(3), heavy(a.Drop, 150_000))
		m.Func("", "", several, "", heavy(a.Join(a.I32Const(0), a.Load()), 100))
		return m.Bytes()
	}())
	add("recursion in a loop", deep, recursion("", "", "", func(self int) []byte { return a.Loop(a.Call(self), a.Br(0)) }))
	add("mutual recursion", deep, func() []byte {
		m := a.Guest(nil, a.Call(3), a.Unreachable)
		m.Func("", "", "", "", a.Call(4))
		m.Func("", "", "", "", a.Call(3))
		return m.Bytes()
	}())
	add("all memory is touched", `^$`, guest(
		a.Loop(a.I32Const(1), a.Grow(), a.I32Const(0), a.Op(0x4e), a.BrIf(0)), // while grow(1) >= 0
		a.I32Const(0), a.I32Const(1), a.Op(0x3f, 0), a.I32Const(16), a.Op(0x74), a.Op(0xfc, 11, 0), a.Answer(0, 0)))
	add("unreachable", "trapped: unreachable", guest(a.Unreachable))
	add("division by zero", "trapped: integer divide by zero", guest(a.I32Const(1), a.I32Const(0), a.Op(0x6e), a.Drop, a.Answer(0, 0)))
	add("division that overflows", "trapped: integer overflow", guest(a.I32Const(-1<<31), a.I32Const(-1), a.Op(0x6d), a.Drop, a.Answer(0, 0)))
	add("conversion of NaN", "trapped: invalid conversion to integer", guest(a.Op(0x43, 0, 0, 0xc0, 0x7f), a.Op(0xa8), a.Drop, a.Answer(0, 0)))
	add("indirect call of nothing", "trapped: invalid table access", func() []byte {
		m := &a.Module{}
		m.Type("", "")
		m.Tables = append(m.Tables, []byte{0x70, 0, 1})
		return a.Guest(m, a.I32Const(0), a.Op(0x11, 0, 0), a.Answer(0, 0)).Bytes()
	}())
	add("load beyond the memory", "trapped: out of bounds memory access", guest(a.I32Const(65536), a.Load(), a.Drop, a.Answer(0, 0)))
	add("load with an offset that wraps", "trapped: out of bounds memory access", guest(a.I32Const(-1), a.Op(0x28, 2), a.U(0xffffffff), a.Drop, a.Answer(0, 0)))
	add("fill beyond the memory", "trapped: out of bounds memory access", guest(a.I32Const(1), a.I32Const(0), a.I32Const(65536), a.Op(0xfc, 11, 0), a.Answer(0, 0)))
	add("copy of 4 GiB", "trapped: out of bounds memory access", guest(a.I32Const(8), a.I32Const(0), a.I32Const(-1), a.Op(0xfc, 10, 0, 0), a.Answer(0, 0)))
	add("answer longer than the memory", "answered with 70000 bytes at 0x0, its memory has 65536", guest(a.Answer(0, 70_000)))
	add("answer at the end of all addresses", "answered with 2 bytes at 0xffffffff, its memory has 65536", guest(a.Answer(0xffffffff, 2)))
	add("answer of 4 GiB", "answer of 4294967295 bytes, the limit AnswerBytes allows 4194304", guest(a.Answer(0, 0xffffffff)))
	add("answer of minus one", "answer of 4294967295 bytes, the limit AnswerBytes allows 4194304", guest(a.I64Const(-1)))
	for name, code := range map[string][]byte{"exit": a.I32Const(0), "exit with a code": a.I32Const(-1)} {
		m := &a.Module{}
		f := m.Import("wasi_snapshot_preview1", "proc_exit", "i", "")
		add(name, `exited with code \d+`, a.Guest(m, code, a.Call(f), a.Unreachable).Bytes())
	}
	for name, size := range map[string]int{"segment beyond the memory": 65536, "segment that wraps": -1} {
		m := a.Guest(nil, a.Answer(0, 0))
		m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(int64(size)), a.Op(0x0b), a.Text("x")))
		add(name, "start an instance of module .*: data\\[0\\]: out of bounds memory access", m.Bytes())
	}
	return all
}

// TestFailingModules calls each three times: every call fails with the same
// words, on an instance of its own, and nothing is left.
func TestFailingModules(t *testing.T) {
	b := newBystander(t, wasm.Limits{Failures: 1000, Instances: 1})
	for name, c := range failing() {
		before := resetPeak(t)
		m, err := b.runtime.Load(name, c.bin, wasm.LoadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for range 3 {
			begin := time.Now()
			_, err := plan(m, "x")
			text := ""
			if err != nil {
				text = err.Error()
			}
			if !regexp.MustCompile(c.want).MatchString(text) || strings.Contains(text, "recovered by wazero") {
				t.Errorf("%s: got %q, want %s", name, text, c.want)
			}
			if took := time.Since(begin); took > noticed {
				t.Errorf("%s took %s", name, took)
			}
			b.live(t)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if s := m.Stats(); s.Idle+s.Running+s.Pages != 0 {
			t.Errorf("%s: something is left: %+v", name, s)
		}
		if more := residentPeak(t) - before; more > mostResident {
			t.Errorf("%s: the process needed %d MiB more", name, more>>20)
		} else if more > mostResident/4 {
			t.Logf("%-36s %d MiB", name, more>>20)
		}
	}
}

// TestHostCannotBeReentered has a host operation call the module that asked for
// it: there is no second instance, and it does not wait for one for ever.
func TestHostCannotBeReentered(t *testing.T) {
	var m *wasm.Module
	inner := make(chan error, 1)
	m = load(t, growing(), wasm.Config{Limits: wasm.Limits{Instances: 1, Plan: wasm.CallLimits{Time: 30 * time.Millisecond}}}, wasm.LoadOptions{
		Host: func(ctx context.Context, _ int32, _ []byte) ([]byte, error) {
			_, err := m.Call(ctx, hook.EntityEffector, []byte("x"))
			inner <- err
			return nil, err
		},
	})
	_, _ = plan(m, "x") // it may just be in time with an answer
	wantError(t, <-inner, fault.Timeout, "wait for an instance of module m: context deadline exceeded")
}

// TestManyHostileModulesAtOnce has as many of them as there are, all at the same
// time, and one that is asked something useful.
func TestManyHostileModulesAtOnce(t *testing.T) {
	b := newBystander(t, wasm.Limits{Plan: wasm.CallLimits{Time: 100 * time.Millisecond, Fuel: 1 << 60}, Instances: 1})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for name, bin := range endlessCalls() {
		m, err := b.runtime.Load(name, bin(), wasm.LoadOptions{})
		if err == nil {
			err = m.Prepare(t.Context())
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := m.Call(ctx, hook.EntityEffector, []byte("x")); fault.KindOf(err) == fault.Unavailable {
					return // suspended, as it should be
				}
			}
		})
	}
	pause, other := b.live(t)
	t.Logf("garbage collection %s, other module %s", pause, other)
	wg.Wait()
	cancel()
	for _, m := range b.runtime.Modules() {
		s := m.Stats()
		if (s.Suspended != "") != (m.Name() != "bystander") {
			t.Errorf("%s: suspended: %q", m.Name(), s.Suspended)
		}
		if m.Name() != "bystander" && !strings.Contains(s.Suspended, "5 failures in a row, the last: took longer than the limit Plan.Time allows (100ms)") {
			t.Errorf("%s: %s", m.Name(), s.Suspended)
		}
	}
}
