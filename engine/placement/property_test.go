package placement_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// verdicts is a strategy that answers from a table by host.
func verdicts(name string, table map[string]float64) placement.Strategy {
	return judge{name, func(b *placement.Batch, r *placement.Ranking) error {
		for i := range b.Len() {
			r.Scores[i] = table[b.Host(i).ID]
		}
		return nil
	}}
}

// TestChooseProperties compares with the rule said plainly: a host is left
// when it is up and nobody refuses it, and of two hosts the one comes first
// that the last strategy to tell them apart prefers, else the one listed first.
func TestChooseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := make([]location.Host, rapid.IntRange(0, 30).Draw(t, "hosts"))
		at := map[string]int{}
		for i := range hosts {
			hosts[i] = location.Host{ID: strconv.Itoa(i), Up: rapid.IntRange(0, 4).Draw(t, "up") > 0}
			at[hosts[i].ID] = i
		}
		tables := make([]map[string]float64, rapid.IntRange(0, 4).Draw(t, "strategies"))
		chain := make([]placement.Strategy, len(tables))
		score := rapid.SampledFrom([]float64{0, 0, 1, -1, 2.5, math.Copysign(0, -1), math.MaxFloat64, math.NaN()})
		for k := range tables {
			tables[k] = map[string]float64{}
			for i := range hosts {
				tables[k][hosts[i].ID] = score.Draw(t, "score")
			}
			chain[k] = verdicts(strconv.Itoa(k), tables[k])
		}
		choice, err := placement.Choose(t.Context(), placement.NewSnapshot(hosts), demand(), chain)

		want := slices.DeleteFunc(slices.Clone(hosts), func(h location.Host) bool {
			return !h.Up || slices.ContainsFunc(tables, func(table map[string]float64) bool { return math.IsNaN(table[h.ID]) })
		})
		slices.SortFunc(want, func(a, b location.Host) int {
			for _, table := range slices.Backward(tables) {
				if d := table[b.ID] - table[a.ID]; d != 0 {
					return int(math.Copysign(1, d))
				}
			}
			return at[a.ID] - at[b.ID]
		})
		if len(want) == 0 {
			if fault.KindOf(err) != fault.Capacity {
				t.Fatalf("got %v, want no capacity", err)
			}
			return
		}
		same := func(a, b location.Host) bool { return a.ID == b.ID }
		if err != nil || !slices.EqualFunc(choice.Hosts(), want, same) {
			t.Fatalf("got %v, %v, want %v", choice.Hosts(), err, want)
		}
		checkVerdicts(t, choice, hosts)
	})
}

// checkVerdicts checks that the explanation agrees with the choice.
func checkVerdicts(t *rapid.T, choice placement.Choice, hosts []location.Host) {
	refused := 0
	for i, v := range choice.Explain.Verdicts() {
		left := slices.ContainsFunc(choice.Hosts(), func(h location.Host) bool { return h.ID == hosts[i].ID })
		if left == (v.Refused != "") {
			t.Fatalf("host %s is left: %v, its verdict is %q", hosts[i].ID, left, v)
		}
		if v.Refused != "" {
			refused++
		}
	}
	for _, r := range choice.Explain.Refusals() {
		refused -= len(r.Hosts)
	}
	if refused != 0 {
		t.Fatalf("verdicts and refusals differ by %d hosts", refused)
	}
}
