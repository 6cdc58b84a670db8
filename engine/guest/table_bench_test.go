package guest_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// cpu gives the processor time of the process so far in nanoseconds: what a
// machine with other load measures as well.
func cpu() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it never fails for the process itself
	return u.Utime.Nano() + u.Stime.Nano()
}

// fleetTable has 10,000 hosts in three zones with 45,000 places of a hundred
// applications.
func fleetTable() (*placement.Table, []location.Host) {
	hosts := make([]location.Host, 10_000)
	table := placement.NewTable()
	for i := range hosts {
		hosts[i] = location.Host{
			ID: fmt.Sprintf("h%d", i), Up: true, Revision: 1, Labels: map[string]string{"zone": string(rune('a' + i%3))},
			Usage: &location.Usage{CPU: float64(i%7) / 10},
		}
	}
	table.SetHosts(hosts)
	for i := range hosts {
		for k := range i * 7919 % 10 {
			ref := hook.Ref{ID: fmt.Sprintf("e%d-%d", i, k), Application: fmt.Sprint("a", i%100), Name: "some entity", Type: "docker:nginx"}
			table.Seat(placement.Resident{Ref: ref, Host: hosts[i].ID})
		}
	}
	return table, hosts
}

// BenchmarkTable10k is what a placement costs in all: the list of hosts with
// news of two, strategies of a module, a reservation.
func BenchmarkTable10k(b *testing.B) {
	types, _ := shipped(b)
	for _, c := range []struct {
		name  string
		specs []any
	}{
		{"counts", []any{"max-containers", "random", "breadth-first"}},
		{"usage", []any{map[string]any{"type": "max-containers", "maxContainers": 12}, "cpu-usage", "breadth-first"}},
		{"labels", []any{map[string]any{"type": "label", "labels": []any{"zone=a"}}, "max-containers", "breadth-first"}},
		{"rules", []any{map[string]any{"type": "affinity-rules", "rules": []any{"NOT TYPE docker:redis"}}}},
	} {
		strategies := chain(b, types, c.specs...)
		b.Run(c.name, func(b *testing.B) {
			table, hosts := fleetTable()
			demand, n := web(), 0
			place := func() {
				n++
				news := slices.Clone(hosts)
				for _, i := range []int{n % len(hosts), n * 7919 % len(hosts)} {
					news[i].Revision++
					news[i].Usage = &location.Usage{CPU: 0.1}
				}
				hosts = news
				table.SetHosts(hosts)
				choice, err := placement.Choose(b.Context(), table.Snapshot("a1", "p1"), demand, strategies)
				if err != nil {
					b.Fatal(err)
				}
				table.Seat(placement.Resident{Ref: hook.Ref{ID: "new", Application: "a1"}, Host: choice.Best().ID})
				table.Leave("new")
			}
			place() // compiles the module
			b.ReportAllocs()
			begin := cpu()
			for b.Loop() {
				place()
			}
			b.ReportMetric(float64(cpu()-begin)/float64(b.N)/1000, "cpu-µs/op")
		})
	}
}
