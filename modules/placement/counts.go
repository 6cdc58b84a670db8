package main

import "github.com/gowanus-project/gowanus/sdk/go/gowanus"

const (
	maxSize    = "docker.container.cluster.maxSize"
	defaultMax = 8
)

// depthFirst tells no host from another: they stay in the order in which they
// came, and the first that nobody refuses is filled up.
func depthFirst(*gowanus.Hosts, *gowanus.Ranking) {}

// fewestContainers counts instead of taking turns, so that it needs no state
// and is right as well after hosts or containers went away.
func fewestContainers(in *gowanus.Hosts, out *gowanus.Ranking) {
	scores := out.Scores()
	for i, n := range in.Float64s("containers") {
		scores[i] = 0 - count(n) // never -0
	}
}

// random draws a number for each host. The same placement, asked again, draws
// the same ones.
func random(in *gowanus.Hosts, out *gowanus.Ranking) {
	state := uint64(in.Seed) ^ uint64(in.Sequence)*0x9E3779B97F4A7C15
	scores := out.Scores()
	for i := range scores {
		var x uint64
		state, x = splitMix(state)
		scores[i] = 1 + float64(x>>36)/(1<<28) // short numbers are sorted faster
	}
}

// splitMix is the generator SplitMix64: its next state and number.
func splitMix(state uint64) (next, number uint64) {
	next = state + 0x9E3779B97F4A7C15
	x := (next ^ next>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return next, x ^ x>>31
}

// maxContainers is a filter: all hosts that it accepts have the same score.
func maxContainers(in *gowanus.Hosts, out *gowanus.Ranking) {
	limit := float64(defaultMax)
	if in.Config.Has(maxSize) {
		limit = in.Config.Float(maxSize)
	}
	if limit < 1 {
		invalid(out, maxSize, maxSize+": expected 1 or more containers, got "+number(limit))
		return
	}
	reasons := make([]gowanus.Reason, 1024) // thousands of hosts share a few
	for i, n := range in.Float64s("containers") {
		if n = count(n); n < limit {
			continue
		}
		k := int(min(n, float64(len(reasons)-1)))
		reason := reasons[k]
		if reason == 0 || n != float64(k) {
			reason = out.Reason(number(n) + " containers, max is " + number(limit))
			reasons[k] = reason
		}
		out.RefuseFor(i, reason)
	}
}

// count takes a host without a value for empty.
func count(n float64) float64 {
	if n != n {
		return 0
	}
	return n
}
