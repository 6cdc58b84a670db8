package wasm

import (
	"sync"
	"sync/atomic"
	"time"
)

// allowance is the busy time that a module has left: it grows with the time
// that passes, up to a most, and falls by what calls take.
type allowance struct {
	share float64       // growth, in processors
	most  time.Duration // what can be saved

	left atomic.Int64 // nanoseconds when last looked at; negative when a call took more than there was

	mu   sync.Mutex
	last time.Time
}

func (a *allowance) init(l *Limits) {
	a.share, a.most, a.last = l.BusyShare, l.BusyBurst, time.Now()
	a.left.Store(int64(l.BusyBurst))
}

// take takes the time of a call that ended at now.
func (a *allowance) take(took time.Duration, now time.Time) {
	a.mu.Lock()
	a.left.Store(a.grown(now) - int64(took))
	a.mu.Unlock()
}

// grown gives what is left at now. The caller holds mu.
func (a *allowance) grown(now time.Time) int64 {
	passed := max(0, now.Sub(a.last))
	a.last = now
	return min(int64(a.most), a.left.Load()+int64(float64(passed)*a.share))
}

// wait tells how long a call must wait until something is left, 0 for not at
// all.
func (a *allowance) wait() time.Duration {
	if a.left.Load() > 0 {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	left := a.grown(time.Now())
	a.left.Store(left)
	if left > 0 {
		return 0
	}
	return max(time.Millisecond, time.Duration(float64(-left)/a.share))
}
