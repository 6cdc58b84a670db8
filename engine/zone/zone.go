// Package zone spreads the members of a cluster over zones, and tells which
// zones have failed.
package zone

import (
	"sync"
	"time"
)

// Spread chooses the zone of each of n new members: always the one with the
// fewest members, the first in the list among equals. have counts the members
// that are there and is not changed. Without zones the names are empty.
func Spread(zones []string, have map[string]int, n int) []string {
	count := make(map[string]int, len(zones))
	for _, z := range zones {
		count[z] = have[z]
	}
	out := make([]string, n)
	for i := range out {
		for j, z := range zones {
			if j == 0 || count[z] < count[out[i]] {
				out[i] = z
			}
		}
		count[out[i]]++
	}
	return out
}

// Fullest gives the zone with the most members, the last one in the list among
// equals, so that members leave in the order opposite to that of Spread.
func Fullest(zones []string, have map[string]int) string {
	out := ""
	for i, z := range zones {
		if i == 0 || have[z] >= have[out] {
			out = z
		}
	}
	return out
}

// Rule says when a zone counts as failed. Zero fields take the defaults, which
// are Brooklyn's.
type Rule struct {
	Attempts int           // so many starts tell something; default 2
	Within   time.Duration // older ones are forgotten; default 1 h
	Share    float64       // of them failed, at least; default 0.9
}

func (r Rule) filled() Rule {
	if r.Attempts == 0 {
		r.Attempts = 2
	}
	if r.Within == 0 {
		r.Within = time.Hour
	}
	if r.Share == 0 {
		r.Share = 0.9
	}
	return r
}

// History knows how the starts in each zone went. Its zero value is ready; it
// is safe for concurrent use.
type History struct {
	mu    sync.Mutex
	rule  Rule
	tries map[string][]try
}

type try struct {
	at     time.Time
	failed bool
}

// Follow changes the rule.
func (h *History) Follow(r Rule) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rule = r
}

// Note takes down a start in a zone.
func (h *History) Note(zone string, failed bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tries == nil {
		h.tries = map[string][]try{}
	}
	h.tries[zone] = append(h.recent(zone, now), try{now, failed})
}

// recent forgets what is too old; the caller holds mu.
func (h *History) recent(zone string, now time.Time) []try {
	list := h.tries[zone]
	for len(list) > 0 && now.Sub(list[0].at) > h.rule.filled().Within {
		list = list[1:]
	}
	return list
}

// Failed tells whether a zone counts as failed.
func (h *History) Failed(zone string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	rule, list, failed := h.rule.filled(), h.recent(zone, now), 0
	for _, t := range list {
		if t.failed {
			failed++
		}
	}
	return len(list) >= rule.Attempts && float64(failed) >= rule.Share*float64(len(list))
}

// Sound gives the zones that have not failed, and those that have. When all
// have, there is nothing better than to try them all.
func (h *History) Sound(zones []string, now time.Time) (sound, failed []string) {
	for _, z := range zones {
		if h.Failed(z, now) {
			failed = append(failed, z)
			continue
		}
		sound = append(sound, z)
	}
	if len(sound) == 0 {
		return zones, failed
	}
	return sound, failed
}
