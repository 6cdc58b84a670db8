package wasm_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// busy is a guest that takes all memory that there is, and then logs its two
// letters again and again, with some milliseconds of work in between.
func busy(letters string) []byte {
	m := &a.Module{}
	log := m.Import("gowanus", "log", "iii", "")
	m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(16), a.Op(0x0b), a.Text(letters)))
	work := a.Join(a.I32Const(1<<22), a.Set(0), a.Loop(a.Get(0), a.I32Const(1), a.Sub, a.Tee(0), a.BrIf(0)))
	return a.Guest(m,
		a.Loop(a.I32Const(1), a.Grow(), a.I32Const(0), a.Op(0x4e), a.BrIf(0)), // while grow(1) >= 0
		a.Loop(work, a.I32Const(1), a.I32Const(16), a.I32Const(2), a.Call(log), a.Br(0)), a.Unreachable).Bytes()
}

// TestLongCallsTakeTurns has more busy guests than may run at one time.
func TestLongCallsTakeTurns(t *testing.T) {
	names := []string{"m1", "m2", "m3", "m4"}
	log := signals{slog.DiscardHandler, make(chan string)}
	r, err := wasm.New(wasm.Config{
		Log: slog.New(log), LongCalls: 2,
		Limits: wasm.Limits{Plan: patience, LogLines: 1 << 30, LogBurst: 1 << 30, Structure: pages(4)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for _, name := range names {
		m, err := r.Load(name, busy(name), wasm.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := m.Call(ctx, hook.EntityEffector, []byte("x"))
			ended <- err
		}()
	}
	lines, most := map[string]int{}, 0
	for behind := len(names); behind > 0; { // until each has logged ten lines
		line := <-log.lines
		most = max(most, r.LongCalls())
		if !slices.Contains(names, line) {
			continue
		}
		if lines[line]++; lines[line] == 1 && len(lines) == len(names) {
			for name := range lines { // all are at work
				lines[name] = 1
			}
		}
		if lines[line] == 10 && len(lines) == len(names) {
			behind--
		}
	}
	if most != 2 {
		t.Errorf("%d ran at one time", most)
	}
	for _, name := range names { // all work the same and have the same share
		if lines[name] > 30 {
			t.Errorf("%s had the turns of others: %v", name, lines)
		}
	}
	cancel()
	for running := len(names); running > 0; {
		select {
		case <-log.lines:
		case err := <-ended:
			running--
			if fault.KindOf(err) != fault.Cancelled {
				t.Error(err)
			}
		}
	}
	if n := r.LongCalls(); n != 0 {
		t.Errorf("%d turns are not over", n)
	}
	close(log.lines)
}

func pages(n int) (s rewrite.Limits) {
	s.MemoryPages = n
	return s
}

// TestHostOperationEndsATurn has a long call that asks the host for something
// that only another long call gives.
func TestHostOperationEndsATurn(t *testing.T) {
	r, err := wasm.New(wasm.Config{LongCalls: 1, Limits: wasm.Limits{Plan: patience}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	work := a.Join(a.I32Const(1<<22), a.Set(0), a.Loop(a.Get(0), a.I32Const(1), a.Sub, a.Tee(0), a.BrIf(0)))
	inner, err := r.Load("inner", a.Guest(nil, work, a.Answer(0, 0)).Bytes(), wasm.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := &a.Module{}
	host := m.Import("gowanus", "host", "iiiii", "I")
	asks := a.Join(a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.I32Const(0), a.Call(host), a.Drop)
	outer, err := r.Load("outer", a.Guest(m, work, asks, work, a.Answer(0, 0)).Bytes(), wasm.LoadOptions{
		Host: func(ctx context.Context, _ int32, _ []byte) ([]byte, error) {
			_, err := plan(inner, "x")
			return nil, err
		},
	})
	if err == nil {
		_, err = plan(outer, "x")
	}
	if err != nil {
		t.Error(err)
	}
}

// BenchmarkBeside tells what others notice of guests that are busy for ever: of
// calls to another module, of timers, of the network, and how long a garbage
// collection takes. Times are in microseconds, at the median (p50) and the
// 99th percentile.
func BenchmarkBeside(b *testing.B) {
	for _, n := range []int{0, 1, runtime.GOMAXPROCS(0), 2 * runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { beside(b, n) })
	}
}

func beside(b *testing.B, n int) {
	unbounded := wasm.Limits{Plan: patience, BusyShare: 1000}
	unbounded.Plan.Time = time.Hour
	r, err := wasm.New(wasm.Config{CacheDir: codeCache, Limits: unbounded})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	other, err := r.Load("other", goGuest, wasm.LoadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	prepare(b, other)
	for range n {
		m, err := r.Load("busy", busy("xx"), wasm.LoadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		prepare(b, m)
		go func() { _, _ = m.Call(context.Background(), hook.EntityEffector, []byte("x")) }() // until r is closed
	}
	in := effector("echo", `{"image":"redis:3"}`)
	echo := echoServer(b)
	took := map[string][]time.Duration{}
	measure := func(what string, times int, act func() error) {
		for range times {
			begin := time.Now()
			if err := act(); err != nil {
				b.Fatal(err)
			}
			took[what] = append(took[what], time.Since(begin))
		}
	}
	for b.Loop() {
		measure("call", 100, func() error {
			_, err := other.Call(context.Background(), hook.EntityEffector, in)
			return err
		})
		measure("timer", 5, func() error { time.Sleep(100 * time.Microsecond); return nil })
		measure("network", 20, func() error {
			if _, err := echo.Write([]byte("x")); err != nil {
				return err
			}
			_, err := io.ReadFull(echo, make([]byte, 1))
			return err
		})
		measure("gc", 1, func() error { runtime.GC(); return nil })
	}
	b.ReportMetric(0, "ns/op")
	for what, all := range took {
		slices.Sort(all)
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(all[len(all)*p/100])/float64(time.Microsecond), fmt.Sprintf("%s-p%d", what, p))
		}
	}
}

// echoServer connects to a server that sends back what it is sent.
func echoServer(b *testing.B) net.Conn {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}
