package wasm

import (
	"runtime"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// CallLimits bound one call.
type CallLimits struct {
	// Time is the wall time; it starts when the call has an instance.
	Time time.Duration
	// Fuel is taken at each function entry and each turn of a loop: 1 unit, and
	// 1 more for every 256 instructions up to the next. A unit lasts from a
	// tenth of a nanosecond to a hundred. The same call on a fresh instance
	// always uses the same fuel.
	Fuel int64
}

// Limits bound what a module may be and do. Fields that are 0 have the value
// of DefaultLimits. An error that a limit caused names the field.
type Limits struct {
	Structure rewrite.Limits // size and shape of the module

	Init     CallLimits // starting an instance
	Describe CallLimits // hook describe
	Event    CallLimits // hooks policy.event and enricher.event
	Rank     CallLimits // hook placement.rank
	Plan     CallLimits // all other hooks

	Instances      int // instances at one time, and so calls
	TotalPages     int // memory of all instances together, in pages of 64 KiB; by default 3072, or 96 per instance
	InputBytes     int // size of a call's document
	AnswerBytes    int // size of an answer
	StackSlots     int // depth of recursion, in nominal slots of 8 bytes
	LogLines       int // lines of log per call; further ones are dropped
	LogBytes       int // size of one line of log; the rest is cut off
	HostBytes      int // size of a request to gowanus.host, and of its answer
	Failures       int // failures in a row that suspend the module
	HighWaterPages int // an instance with more memory than this is not used again

	// Over time a module may log LogRate lines a second; what it does not use is
	// saved up to LogBurst lines. Further lines are dropped, and counted.
	LogRate  float64
	LogBurst int

	// Over time a module may keep BusyShare processors busy. Idle time is saved
	// up to BusyBurst, so that a burst of calls is not held up; a call that
	// finds nothing left waits, or is refused if it would wait longer than
	// BusyWait.
	BusyShare float64
	BusyBurst time.Duration
	BusyWait  time.Duration
}

// DefaultLimits are generous for a decision and tight for a runaway.
func DefaultLimits() Limits {
	return Limits{
		Structure: rewrite.DefaultLimits(),
		Init:      CallLimits{Time: 5 * time.Second, Fuel: 5e9},
		Describe:  CallLimits{Time: 5 * time.Second, Fuel: 5e9},
		Event:     CallLimits{Time: 5 * time.Second, Fuel: 5e9},
		Rank:      CallLimits{Time: 5 * time.Second, Fuel: 5e9},
		Plan:      CallLimits{Time: 10 * time.Second, Fuel: 10e9},
		Instances: runtime.GOMAXPROCS(0),

		InputBytes: 16 << 20, AnswerBytes: 4 << 20, StackSlots: 1 << 20,
		LogLines: 100, LogBytes: 2000, HostBytes: 4 << 20,
		Failures: 5, HighWaterPages: 512, TotalPages: totalPages(runtime.GOMAXPROCS(0)),
		LogRate: 20, LogBurst: 1000,
		BusyShare: max(1, float64(runtime.NumCPU())/2), BusyBurst: time.Minute, BusyWait: 10 * time.Second,
	}
}

// totalPages is enough for one instance as large as it may be and the others as
// large as those of Go programs are.
func totalPages(instances int) int { return max(3072, 96*instances) }

// fillDefaults replaces fields that are 0.
func (l *Limits) fillDefaults() {
	d := DefaultLimits()
	l.Structure.FillDefaults()
	for _, f := range []struct{ field, value *CallLimits }{
		{&l.Init, &d.Init}, {&l.Describe, &d.Describe}, {&l.Event, &d.Event}, {&l.Rank, &d.Rank}, {&l.Plan, &d.Plan},
	} {
		if f.field.Time == 0 {
			f.field.Time = f.value.Time
		}
		if f.field.Fuel == 0 {
			f.field.Fuel = f.value.Fuel
		}
	}
	if l.TotalPages == 0 && l.Instances != 0 {
		l.TotalPages = totalPages(l.Instances)
	}
	for _, f := range []struct{ field, value *float64 }{{&l.BusyShare, &d.BusyShare}, {&l.LogRate, &d.LogRate}} {
		if *f.field == 0 {
			*f.field = *f.value
		}
	}
	for _, f := range []struct{ field, value *time.Duration }{{&l.BusyBurst, &d.BusyBurst}, {&l.BusyWait, &d.BusyWait}} {
		if *f.field == 0 {
			*f.field = *f.value
		}
	}
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Instances, d.Instances}, {&l.InputBytes, d.InputBytes}, {&l.AnswerBytes, d.AnswerBytes},
		{&l.StackSlots, d.StackSlots}, {&l.LogLines, d.LogLines}, {&l.LogBurst, d.LogBurst}, {&l.LogBytes, d.LogBytes},
		{&l.HostBytes, d.HostBytes}, {&l.Failures, d.Failures}, {&l.HighWaterPages, d.HighWaterPages}, {&l.TotalPages, d.TotalPages},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
}

// call gives the limits of a hook and the name of the field that has them.
func (l *Limits) call(id hook.ID) (CallLimits, string) {
	switch id {
	case hook.Describe:
		return l.Describe, "Describe"
	case hook.PolicyEvent, hook.EnricherEvent:
		return l.Event, "Event"
	case hook.PlacementRank:
		return l.Rank, "Rank"
	}
	return l.Plan, "Plan"
}
