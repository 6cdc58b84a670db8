package wasm_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// growing grows its memory by as many pages as the document has bytes; when
// that is refused it answers with nothing, and for more than 90 it traps.
// It calls the host in between.
func growing() []byte {
	m := &a.Module{}
	host := m.Import("gowanus", "host", "iiiii", "I")
	return a.Guest(m,
		a.Get(2), a.Grow(), a.I32Const(-1), a.Op(0x46),
		a.If(a.I32Const(90), a.Get(2), a.LtU, a.If(a.Unreachable), a.I64Const(0), a.Return),
		a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.Call(host), a.Drop,
		a.Echo()).Bytes()
}

// TestTotalPages has two instances of a module share what all may have.
func TestTotalPages(t *testing.T) {
	m := load(t, growing(), wasm.Config{Limits: wasm.Limits{Instances: 3, TotalPages: 100}}, wasm.LoadOptions{
		Host: func(ctx context.Context, _ int32, _ []byte) ([]byte, error) {
			ctx.Value(during{}).(func())()
			return nil, nil
		},
	})
	call := func(pages int, during func()) (string, error) {
		out, err := m.Call(with(during), hook.EntityEffector, make([]byte, pages))
		return fmt.Sprint(len(out)), err
	}
	want := func(pages int, answer string) {
		t.Helper()
		if out, err := call(pages, func() {}); err != nil || out != answer {
			t.Errorf("%d more pages: %s, %v, want %s", pages, out, err, answer)
		}
	}
	out, err := call(60, func() { // while one instance has 61 pages
		if used := m.Stats().Pages; used != 61 {
			t.Errorf("%d pages are used", used)
		}
		want(40, "0")
		want(38, "38")
		_, err := call(91, func() {})
		wantError(t, err, fault.Limit, "call entity.effector of module m: was refused more memory than the limit TotalPages allows all instances (100 pages), "+
			"and trapped: unreachable, at .$3(i32,i32,i32) i64")
		if used := m.Stats().Pages; used != 61 {
			t.Errorf("%d pages are used after a trap", used)
		}
		want(38, "38")
	})
	if err != nil || out != "60" {
		t.Errorf("%s, %v", out, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if used := m.Stats().Pages; used != 0 {
		t.Errorf("%d pages are used after the module was closed", used)
	}
}

// TestNoMemoryToStart has nothing left for another instance.
func TestNoMemoryToStart(t *testing.T) {
	m := load(t, growing(), wasm.Config{Limits: wasm.Limits{Instances: 2, TotalPages: 3, Failures: 1}}, wasm.LoadOptions{
		Host: func(ctx context.Context, _ int32, _ []byte) ([]byte, error) {
			ctx.Value(during{}).(func())()
			return nil, nil
		},
	})
	_, err := m.Call(with(func() {
		_, err := plan(m, "x")
		wantError(t, err, fault.Limit, "start an instance of module m: there is not enough left of the memory that the limit TotalPages allows all instances (3 pages)")
	}), hook.EntityEffector, make([]byte, 2))
	if s := m.Stats(); err != nil || s.Refused != 1 || s.Suspended != "" {
		t.Errorf("%v, %+v", err, s)
	}
}

type during struct{}

// with makes a context whose calls do something in the middle.
func with(f func()) context.Context { return context.WithValue(context.Background(), during{}, f) }

// TestBusyModuleIsRefused burns the allowance of one module; another goes on.
func TestBusyModuleIsRefused(t *testing.T) {
	r, err := wasm.New(wasm.Config{Limits: wasm.Limits{Plan: short, Failures: 100, BusyShare: 0.001, BusyBurst: 20 * time.Millisecond, BusyWait: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var modules []*wasm.Module
	for _, bin := range [][]byte{a.Guest(nil, a.Forever()).Bytes(), a.Guest(nil, a.Echo()).Bytes()} {
		m, err := r.Load("m", bin, wasm.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	_, err = plan(modules[0], "x")
	wantError(t, err, fault.Timeout, "call entity.effector of module m: took longer than the limit Plan.Time allows (30ms)")
	_, err = plan(modules[0], "x")
	if fault.KindOf(err) != fault.Limit {
		t.Errorf("got %v", err)
	}
	if out, err := plan(modules[1], "x"); err != nil || out != "x" {
		t.Errorf("the other module: %s, %v", out, err)
	}
	if s := modules[0].Stats(); s.Calls != 1 || s.Refused != 1 {
		t.Errorf("got %+v", s)
	}
}

// TestSuspendAndResume sets the state from the outside, as an engine does that
// has kept it.
func TestSuspendAndResume(t *testing.T) {
	var told []string
	bin := a.Guest(nil, a.Get(2), a.Eqz, a.If(a.Unreachable), a.Echo()).Bytes()
	m := load(t, bin, wasm.Config{
		Limits: wasm.Limits{Failures: 2},
		OnSuspend: func(m *wasm.Module, reason string) {
			kept, ok := m.Suspended() // no lock is held
			told = append(told, fmt.Sprint(m.Name(), ": ", reason, " ", kept == reason && ok))
		},
	}, wasm.LoadOptions{})
	for range 2 {
		if _, err := plan(m, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if s := m.Stats(); s.Idle != 1 {
		t.Fatalf("got %+v", s)
	}
	m.Suspend("an operator said so")
	m.Suspend("and another")
	if s := m.Stats(); s.Idle != 0 || s.Discarded != 1 || s.Pages != 0 || s.Suspended != "an operator said so" {
		t.Errorf("got %+v", s)
	}
	_, err := plan(m, "x")
	wantError(t, err, fault.Unavailable, "module m is suspended: an operator said so")
	if err := m.Prepare(context.Background()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	m.Resume()
	if out, err := plan(m, "x"); err != nil || out != "x" || len(told) != 0 {
		t.Errorf("%s, %v, %q", out, err, told)
	}
	for range 3 {
		_, _ = plan(m, "")
	}
	const reason = "2 failures in a row, the last: trapped: unreachable, at .$2(i32,i32,i32) i64"
	if len(told) != 1 || told[0] != "m: "+reason+" true" {
		t.Errorf("OnSuspend was told %q", told)
	}
	if s := m.Stats(); s.Idle+s.Running != 0 || s.Pages != 0 || s.Refused != 2 {
		t.Errorf("got %+v", s)
	}
}

// TestSuspendedWhileCalled lets the call under way end, and closes its instance
// then.
func TestSuspendedWhileCalled(t *testing.T) {
	var m *wasm.Module
	m = load(t, growing(), wasm.Config{}, wasm.LoadOptions{
		Host: func(context.Context, int32, []byte) ([]byte, error) {
			m.Suspend("meanwhile")
			return nil, nil
		},
	})
	if out, err := plan(m, "abc"); err != nil || out != "abc" {
		t.Errorf("%s, %v", out, err)
	}
	if s := m.Stats(); s.Idle+s.Running != 0 || s.Pages != 0 || s.Started != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestCallsAllocateOnlyTheAnswer(t *testing.T) {
	m := load(t, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{}, wasm.LoadOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := []byte("some document")
	write, read := func(b []byte) { copy(b, in) }, func([]byte) error { return nil }
	n := testing.AllocsPerRun(100, func() {
		if err := m.CallInto(ctx, hook.PlacementRank, len(in), write, read); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("CallInto makes %g allocations", n)
	}
	n = testing.AllocsPerRun(100, func() {
		if _, err := m.Call(ctx, hook.EntityEffector, in); err != nil {
			t.Fatal(err)
		}
	})
	if n != 1 {
		t.Errorf("Call makes %g allocations", n)
	}
}
