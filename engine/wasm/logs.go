package wasm

import (
	"sync"
	"time"
)

// logMeter counts the lines that a module logs over time: a call is bounded by
// LogLines, but there is no end to calls.
type logMeter struct {
	mu      sync.Mutex
	last    time.Time
	spent   float64 // of LogBurst
	dropped int64   // since a line was last taken
}

// take tells whether one more line is logged at now, and how many were dropped
// before it.
func (l *logMeter) take(limits *Limits, now time.Time) (ok bool, dropped int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spent = max(0, l.spent-max(0, now.Sub(l.last).Seconds())*limits.LogRate)
	l.last = now
	if l.spent+1 > float64(limits.LogBurst) {
		l.dropped++
		return false, 0
	}
	l.spent++
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}
