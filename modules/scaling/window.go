package main

import (
	"math"
	"time"
)

// maxPoints is how many changes a history keeps. Older ones are put together,
// so that they count as the least and the most of them.
const maxPoints = 256

// point is what was wanted from a moment on, until the next point.
type point struct {
	At  int64 `json:"at"` // milliseconds since 1970
	Min int64 `json:"min"`
	Max int64 `json:"max"`
}

// history is the sizes that were wanted, the oldest first.
type history []point

// add notes a size. One that is wanted still adds nothing: it was wanted all
// the time.
func (h history) add(now time.Time, size int64) history {
	if n := len(h); n > 0 && h[n-1].Min == size && h[n-1].Max == size {
		return h
	}
	at := now.UnixMilli()
	if n := len(h); n > 0 && h[n-1].At == at { // what lasted no time was not wanted
		return h[:n-1].add(now, size)
	}
	h = append(h, point{at, size, size})
	if len(h) > maxPoints {
		a, b := h[0], h[1]
		h = append(history{{a.At, min(a.Min, b.Min), max(a.Max, b.Max)}}, h[2:]...)
	}
	return h
}

// prune forgets what is older than the window, but for the size that was
// wanted as the window began.
func (h history) prune(now time.Time, window time.Duration) history {
	begin := now.Add(-window).UnixMilli()
	i := 0
	for i+1 < len(h) && h[i+1].At <= begin {
		i++
	}
	return h[i:]
}

// summary is the least and the most that was wanted during a window. When the
// history does not reach back to its beginning, that is unknown: no number is
// small enough to be the least, and none large enough to be the most.
type summary struct {
	min, max, latest int64
	next             time.Duration // after which it may be another; 0 when it stays
}

// over looks at the time from so long ago until now.
func (h history) over(now time.Time, window time.Duration) summary {
	s := summary{min: math.MinInt64, max: math.MaxInt64, latest: -1}
	if len(h) == 0 {
		return s
	}
	begin := now.Add(-window).UnixMilli()
	s.latest = h[len(h)-1].Max
	i := len(h) - 1
	for i >= 0 && h[i].At > begin {
		i--
	}
	if i+1 < len(h) {
		s.next = time.Duration(h[i+1].At-begin) * time.Millisecond
	}
	if i < 0 {
		return s
	}
	s.min, s.max = h[i].Min, h[i].Max
	for _, p := range h[i+1:] {
		s.min, s.max = min(s.min, p.Min), max(s.max, p.Max)
	}
	return s
}
