package wasm_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// TestCallsAtTheSameTime hammers one module: each answer belongs to its call,
// and never more instances are made than allowed.
func TestCallsAtTheSameTime(t *testing.T) {
	m := load(t, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{Limits: wasm.Limits{Instances: 3}}, wasm.LoadOptions{})
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for n := range 300 {
				in := fmt.Sprintf("caller %d call %d", p, n)
				if out, err := plan(m, in); err != nil || out != in {
					t.Errorf("%s: got %s, %v", in, out, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := m.Stats(); s.Started > 3 || s.Calls != 2400 || s.Discarded != 0 || s.Idle != int(s.Started) {
		t.Errorf("got %+v", s)
	}
}

// TestWaitingForAnInstance has the only instance busy in a host operation.
func TestWaitingForAnInstance(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	g := &a.Module{}
	f := g.Import("gowanus", "host", "iiiii", "I")
	bin := a.Guest(g, a.I32Const(1), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.Call(f), a.Drop, a.Echo()).Bytes()
	m := load(t, bin, wasm.Config{Limits: wasm.Limits{Instances: 1}}, wasm.LoadOptions{
		Host: func(context.Context, int32, []byte) ([]byte, error) {
			entered <- true
			<-leave
			return nil, nil
		},
	})
	first := make(chan error)
	go func() {
		_, err := plan(m, "first")
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := m.Call(ctx, hook.EntityEffector, []byte("second"))
	wantError(t, err, fault.Timeout, "wait for an instance of module m: context deadline exceeded")
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	cancelled, stop := context.WithCancel(context.Background())
	stop()
	_, err = m.Call(cancelled, hook.EntityEffector, nil)
	wantError(t, err, fault.Cancelled, "call module m: context canceled")
}

func TestHostOperationIsInterrupted(t *testing.T) {
	g := &a.Module{}
	f := g.Import("gowanus", "host", "iiiii", "I")
	bin := a.Guest(g, a.I32Const(1), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.Call(f), a.Drop, a.Forever()).Bytes()
	m := load(t, bin, wasm.Config{Limits: wasm.Limits{Plan: short}}, wasm.LoadOptions{
		Host: func(ctx context.Context, _ int32, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	_, err := plan(m, "")
	wantError(t, err, fault.Timeout, "call entity.effector of module m: took longer than the limit Plan.Time allows (30ms)")
}

func TestInputLimit(t *testing.T) {
	m := load(t, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{Limits: wasm.Limits{InputBytes: 4}}, wasm.LoadOptions{})
	_, err := plan(m, "hello")
	wantError(t, err, fault.Limit, "call entity.effector of module m: document of 5 bytes, the limit InputBytes allows 4")
}

func TestCallIntoDiscardsAfterABadAnswer(t *testing.T) {
	m := load(t, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{}, wasm.LoadOptions{})
	err := m.CallInto(context.Background(), hook.PlacementRank, 3,
		func(b []byte) { copy(b, "abc") },
		func(b []byte) error { return fault.New(fault.Invalid, "answered %q", b) })
	wantError(t, err, fault.Invalid, `call placement.rank of module m: answered "abc"`)
	if s := m.Stats(); s.Idle != 0 || s.Discarded != 1 || s.Failures != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestClosed(t *testing.T) {
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bin := a.Guest(nil, a.Echo()).Bytes()
	var modules []*wasm.Module
	for n := range 3 {
		m, err := r.Load(fmt.Sprint("m", n), bin, wasm.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	for _, m := range modules[:2] {
		if err := m.Prepare(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for n, m := range modules {
		_, err := plan(m, "x")
		wantError(t, err, fault.Unavailable, fmt.Sprintf("module m%d is closed", n))
		if s := m.Stats(); s.Idle+s.Running != 0 {
			t.Errorf("m%d: %+v", n, s)
		}
	}
	_, err = r.Load("late", bin, wasm.LoadOptions{})
	wantError(t, err, fault.Unavailable, "load module late: the module runtime is closed")
}

// TestCloseWhileCalling closes a runtime under load: every call ends, with its
// answer or with an error that says why, and no goroutine of ours is left.
func TestCloseWhileCalling(t *testing.T) {
	for range 10 {
		r, err := wasm.New(wasm.Config{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Load("m", a.Guest(nil, a.Echo()).Bytes(), wasm.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		begun := make(chan bool, 4)
		for range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					_, err := plan(m, "x")
					if n == 0 {
						begun <- true
					}
					if err != nil {
						if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "module m is closed") {
							t.Errorf("got %v", err)
						}
						return
					}
				}
			})
		}
		<-begun
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"wasm.(*Module).compileInBackground", "wasm.(*instance)"} {
		if strings.Contains(stacks.String(), ours) {
			t.Errorf("%s still runs:\n%s", ours, stacks.String())
		}
	}
}

func TestPlacementOnAGoGuest(t *testing.T) {
	m := loadGo(t, wasm.Limits{}, wasm.LoadOptions{})
	in := columns(100)
	err := m.CallInto(context.Background(), hook.PlacementRank, len(in),
		func(b []byte) { copy(b, in) },
		func(out []byte) error {
			if len(out) != 32+8*100+200+8+len("is down") || string(out[:4]) != "GWPR" || !bytes.HasSuffix(out, []byte("is down")) {
				return fmt.Errorf("got %q", out)
			}
			return nil
		})
	if err != nil {
		t.Error(err)
	}
}
