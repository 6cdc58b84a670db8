package docker

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/location"
)

// How far apart two looks at the counters of processor time may be. Between
// less the kernel's ticks would show, and more says little of now.
const (
	leastWindow = 500 * time.Millisecond
	mostWindow  = 2 * time.Minute
)

// sample is what containers had used up at a moment.
type sample struct {
	at time.Time // zero: there is none
	stats
}

// Measured is Hosts with what the containers use. That of processors is of the
// time between two looks; when there was none before, it takes half a second.
func (l *Location) Measured(ctx context.Context) ([]location.Host, error) {
	do := func(h *host) {
		if s := h.look(ctx, l.config.Fresh); s.err == nil {
			h.measure(ctx)
		}
	}
	return l.hostsBy(ctx, do, func(h *host) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		recent := func(at time.Time) bool { return !at.IsZero() && time.Since(at) < l.config.Fresh }
		return recent(h.seen.at) && (h.seen.err != nil || recent(h.measured))
	})
}

// measure brings the usage up to date. Callers that come at the same time
// share the answer. Without an answer the usage is not known.
func (h *host) measure(ctx context.Context) {
	asked := time.Now()
	select {
	case h.measuring <- struct{}{}:
		defer func() { <-h.measuring }()
	case <-ctx.Done():
		return
	}
	h.mu.Lock()
	done, before := !h.measured.Before(asked), h.sample
	h.mu.Unlock()
	if done {
		return // somebody measured while this caller waited
	}
	if age := time.Since(before.at); before.at.IsZero() || age > mostWindow {
		before = h.take(ctx)
		if before.at.IsZero() || pause(ctx, leastWindow) != nil {
			return
		}
	} else if age < leastWindow && pause(ctx, leastWindow-age) != nil {
		return
	}
	if now := h.take(ctx); !now.at.IsZero() {
		h.compute(before, now)
	}
}

// take looks at the counters. The sample of a look that failed has no time.
func (h *host) take(ctx context.Context) sample {
	s, err := ask(ctx, h, h.limits.Deadlines.Inspect, "ask what containers use", func(ctx context.Context, d daemon) (stats, error) {
		return d.Stats(ctx)
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			h.log.Debug("docker host does not tell what containers use", "error", err)
			h.usage, h.sample, h.measured, h.changed = nil, sample{}, time.Now(), true
		}
		return sample{}
	}
	h.sample = sample{at: time.Now(), stats: s}
	return h.sample
}

// compute makes the usage of two samples.
func (h *host) compute(before, now sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.measured, h.changed = time.Now(), true
	h.usage = &location.Usage{CPU: min(share(before.CPU, now.CPU), 1), Memory: now.Memory}
}

// share gives the share of all processors that containers had between two
// looks. What came between the two has used nothing before.
func share(before, now map[string]spent) float64 {
	var first uint64 // where the clock of the processors stood
	for _, s := range before {
		first = max(first, s.System)
	}
	sum := 0.0
	for id, n := range now {
		b, was := before[id]
		if !was {
			b = spent{System: first}
		}
		if b.System > 0 && n.System > b.System && n.Used > b.Used {
			sum += float64(n.Used-b.Used) / float64(n.System-b.System)
		}
	}
	return sum
}
