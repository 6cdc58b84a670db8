package wasm

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// TestAllowance spends and saves busy time on a clock of its own.
func TestAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a allowance
		a.init(&Limits{BusyShare: 0.5, BusyBurst: 10 * time.Second})
		spend := func(d time.Duration) { a.take(d, time.Now()) }
		want := func(what string, d time.Duration) {
			t.Helper()
			if got := a.wait(); got != d {
				t.Errorf("%s: waits %s, want %s", what, got, d)
			}
		}
		time.Sleep(time.Hour)
		want("at first", 0)
		spend(9 * time.Second)
		want("within the burst", 0)
		spend(3 * time.Second)
		want("2 s over at half a processor", 4*time.Second)
		time.Sleep(3 * time.Second)
		want("later", time.Second)
		time.Sleep(2 * time.Second)
		want("in time", 0)
		time.Sleep(time.Hour)
		spend(10 * time.Second)
		want("no more than the burst is saved", time.Millisecond)
	})
}

// TestWaitForAllowance has calls of a module that was busy for too long.
func TestWaitForAllowance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := Limits{BusyShare: 0.5, BusyBurst: time.Second, BusyWait: 5 * time.Second}
		m := &Module{name: "m", limits: limits, closing: make(chan struct{})}
		m.allowance.init(&limits)
		m.allowance.take(3*time.Second, time.Now()) // 2 s over, that is 4 s
		begin := time.Now()
		if err := m.waitForAllowance(t.Context(), m.allowance.wait()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took < 4*time.Second || took > 4*time.Second+time.Millisecond {
			t.Errorf("waited %s", took)
		}
		for name, c := range map[string]struct {
			over time.Duration
			stop func(context.CancelFunc)
			kind fault.Kind
			want string
		}{
			"too long": {3 * time.Second, func(context.CancelFunc) {}, fault.Limit,
				"module m was busy for longer than the limits BusyShare (0.5 processors) and BusyBurst (1s) allow; it can be called again in 6s"},
			"cancelled": {time.Second, func(cancel context.CancelFunc) { cancel() }, fault.Cancelled, "wait for processor time of module m: context canceled"},
			"closed":    {time.Second, func(context.CancelFunc) { close(m.closing) }, fault.Unavailable, "module m is closed"},
		} {
			m.closing = make(chan struct{})
			m.allowance.init(&limits)
			m.allowance.take(c.over+time.Second, time.Now())
			ctx, cancel := context.WithCancel(t.Context())
			c.stop(cancel)
			err := m.waitForAllowance(ctx, m.allowance.wait())
			if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind {
				t.Errorf("%s: got %v (%v), want %s", name, err, fault.KindOf(err), c.want)
			}
			cancel()
		}
	})
}
