package wasm

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"
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
	calls, failures, refused, fuel, lastFuel, busy, started, discarded, highPages atomic.Int64

	latency [len(buckets) + 1]atomic.Int64 // not cumulative; the last is for all longer ones
}

func (c *counters) record(took time.Duration, fuel int64, pages int, err error) {
	c.calls.Add(1)
	if err != nil {
		c.failures.Add(1)
	}
	c.fuel.Add(fuel)
	c.lastFuel.Store(fuel)
	c.busy.Add(int64(took))
	k := 0
	for k < len(buckets) && took > buckets[k] {
		k++
	}
	c.latency[k].Add(1)
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
	Refused     int64         // calls that did not: suspended, no allowance, no memory, too large
	Fuel        int64         // taken by all calls
	LastFuel    int64         // taken by the last call
	Busy        time.Duration // time of all calls together
	Latency     []int64       // calls that took no longer than each of LatencyBuckets, and all calls
	Idle        int           // instances that wait for a call
	Running     int           // instances that are lent out
	Started     int64         // instances made
	Discarded   int64         // instances thrown away: broken, or too large
	Pages       int           // memory of all instances now, in pages of 64 KiB
	HighPages   int           // largest memory of one instance after a call
	Suspended   string        // why the module is suspended, or ""
}

// ModuleStats are those of one module.
type ModuleStats struct {
	Module string // name
	Hash   string
	Stats
}

// Stats gives snapshots of all loaded modules, by name.
func (r *Runtime) Stats() []ModuleStats {
	modules := r.Modules()
	list := make([]ModuleStats, len(modules))
	for k, m := range modules {
		list[k] = ModuleStats{Module: m.Name(), Hash: m.Hash(), Stats: m.Stats()}
	}
	slices.SortFunc(list, func(a, b ModuleStats) int {
		if c := strings.Compare(a.Module, b.Module); c != 0 {
			return c
		}
		return strings.Compare(a.Hash, b.Hash)
	})
	return list
}

// Stats gives a snapshot of the module's counters.
func (m *Module) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &m.stats
	s := Stats{
		CompileTime: time.Duration(m.compileTime.Load()),
		Calls:       c.calls.Load(), Failures: c.failures.Load(), Refused: c.refused.Load(),
		Fuel: c.fuel.Load(), LastFuel: c.lastFuel.Load(), Busy: time.Duration(c.busy.Load()),
		Idle: len(m.idle), Running: len(m.running), Started: c.started.Load(),
		Discarded: c.discarded.Load(), Pages: int(m.memory.used.Load() >> 16), HighPages: int(c.highPages.Load()),
	}
	sum := int64(0)
	for k := range c.latency {
		sum += c.latency[k].Load()
		s.Latency = append(s.Latency, sum)
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
