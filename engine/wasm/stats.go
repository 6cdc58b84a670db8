package wasm

import (
	"sync/atomic"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
)

// buckets are the upper bounds of LatencyBuckets.
var buckets = [...]time.Duration{
	25 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 10 * time.Millisecond,
	25 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// LatencyBuckets gives the bounds by which Stats.Latency counts calls.
func LatencyBuckets() []time.Duration { return buckets[:] }

// counters is what a module counts.
type counters struct {
	refused, lastFuel, started, discarded, highPages atomic.Int64

	hooks [hook.Count]hookCounters
}

// hookCounters is what it counts of the calls of one hook.
type hookCounters struct {
	calls, failures, fuel, busy atomic.Int64

	latency [len(buckets) + 1]atomic.Int64 // not cumulative; the last is for all longer ones
}

func (c *counters) record(id hook.ID, took time.Duration, fuel int64, pages int, err error) {
	h := &c.hooks[min(max(id, 0), hook.ID(hook.Count-1))]
	h.calls.Add(1)
	if err != nil {
		h.failures.Add(1)
	}
	h.fuel.Add(fuel)
	c.lastFuel.Store(fuel)
	h.busy.Add(int64(took))
	k := 0
	for k < len(buckets) && took > buckets[k] {
		k++
	}
	h.latency[k].Add(1)
	for {
		high := c.highPages.Load()
		if int64(pages) <= high || c.highPages.CompareAndSwap(high, int64(pages)) {
			return
		}
	}
}

// Tally is what became of calls.
type Tally struct {
	Calls    int64         // that reached an instance
	Failures int64         // of these, calls without an answer
	Fuel     int64         // taken by all calls
	Busy     time.Duration // time of all calls together
	Latency  []int64       // calls that took no longer than each of LatencyBuckets, and all calls
}

// HookTally is that of one hook.
type HookTally struct {
	Hook hook.ID
	Tally
}

// Stats is what became of a module so far.
type Stats struct {
	Tally                   // of all hooks
	Hooks       []HookTally // those that were called
	Compiled    bool
	CompileTime time.Duration // reading it from the cache included
	Refused     int64         // calls that reached no instance: suspended, no allowance, no memory, too large
	LastFuel    int64         // taken by the last call
	Idle        int           // instances that wait for a call
	Running     int           // instances that are lent out
	Started     int64         // instances made
	Discarded   int64         // instances thrown away: broken, or too large
	Pages       int           // memory of all instances now, in pages of 64 KiB
	HighPages   int           // largest memory of one instance after a call
	Suspended   string        // why the module is suspended, or ""
}

func (h *hookCounters) snapshot() Tally {
	out := Tally{Calls: h.calls.Load(), Failures: h.failures.Load(), Fuel: h.fuel.Load(), Busy: time.Duration(h.busy.Load())}
	sum := int64(0)
	for k := range h.latency {
		sum += h.latency[k].Load()
		out.Latency = append(out.Latency, sum)
	}
	return out
}

func (c *Tally) add(other *Tally) {
	c.Calls += other.Calls
	c.Failures += other.Failures
	c.Fuel += other.Fuel
	c.Busy += other.Busy
	for k := range c.Latency {
		c.Latency[k] += other.Latency[k]
	}
}

// Stats gives a snapshot of the module's counters.
func (m *Module) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &m.stats
	s := Stats{
		Tally:       Tally{Latency: make([]int64, len(buckets)+1)},
		CompileTime: time.Duration(m.compileTime.Load()), Refused: c.refused.Load(), LastFuel: c.lastFuel.Load(),
		Idle: len(m.idle), Running: len(m.running), Started: c.started.Load(),
		Discarded: c.discarded.Load(), Pages: int(m.memory.used.Load() >> 16), HighPages: int(c.highPages.Load()),
	}
	for id := range c.hooks {
		if h := c.hooks[id].snapshot(); h.Calls > 0 {
			s.Hooks = append(s.Hooks, HookTally{hook.ID(id), h})
			s.Tally.add(&h)
		}
	}
	if m.suspended != nil {
		s.Suspended = m.suspended.Reason
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
