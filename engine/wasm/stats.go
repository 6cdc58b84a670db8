package wasm

import (
	"sync/atomic"
	"time"
)

// counters is what a module counts.
type counters struct {
	calls, failures, fuel, lastFuel, busy, started, discarded, highPages atomic.Int64
}

func (c *counters) record(took time.Duration, fuel int64, pages int, err error) {
	c.calls.Add(1)
	if err != nil {
		c.failures.Add(1)
	}
	c.fuel.Add(fuel)
	c.lastFuel.Store(fuel)
	c.busy.Add(int64(took))
	for {
		high := c.highPages.Load()
		if int64(pages) <= high || c.highPages.CompareAndSwap(high, int64(pages)) {
			return
		}
	}
}

// Stats is what became of a module so far.
type Stats struct {
	Compiled    bool
	CompileTime time.Duration // reading it from the cache included
	Calls       int64         // that reached an instance
	Failures    int64         // of these, calls without an answer
	Fuel        int64         // taken by all calls
	LastFuel    int64         // taken by the last call
	Busy        time.Duration // time of all calls together
	Idle        int           // instances that wait for a call
	Running     int           // instances that are lent out
	Started     int64         // instances made
	Discarded   int64         // instances thrown away: broken, or too large
	HighPages   int           // largest memory after a call, in pages of 64 KiB
	Suspended   string        // the failure that suspended the module, or ""
}

// Stats gives a snapshot of the module's counters.
func (m *Module) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{
		CompileTime: time.Duration(m.compileTime.Load()),
		Calls:       m.stats.calls.Load(), Failures: m.stats.failures.Load(),
		Fuel: m.stats.fuel.Load(), LastFuel: m.stats.lastFuel.Load(), Busy: time.Duration(m.stats.busy.Load()),
		Idle: len(m.idle), Running: len(m.running), Started: m.stats.started.Load(),
		Discarded: m.stats.discarded.Load(), HighPages: int(m.stats.highPages.Load()),
	}
	if m.suspended != nil {
		s.Suspended = m.suspended.Error()
	}
	if m.compiling != nil {
		select {
		case <-m.compiling:
			s.Compiled = m.compileErr == nil
		default:
		}
	}
	return s
}
