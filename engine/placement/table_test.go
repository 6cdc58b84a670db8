package placement_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// document gives the columns of a table as a strategy reads them.
func document(t *testing.T, table *placement.Table, columns []string) string {
	t.Helper()
	p := &peek{columns: columns}
	if _, err := placement.Choose(t.Context(), table.Snapshot("a0", "p0"), demand(), []placement.Strategy{p}); err != nil {
		t.Fatal(err)
	}
	return read(t, p.got)
}

// TestTableKeepsColumns: whatever happens, the columns that a table kept are
// those of a table that is made anew.
func TestTableKeepsColumns(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kept := placement.NewTable()
		residents := map[string]placement.Resident{}
		var hosts []location.Host
		revision := uint64(0)
		columns := slices.Concat(placement.Columns(), []string{"label:zone"})
		host := func(i int) location.Host {
			revision++
			return location.Host{
				ID: "h" + strconv.Itoa(i), Up: true, CPUs: rapid.SampledFrom([]float64{0, 4}).Draw(r, "cpus"), Revision: revision,
				Labels: map[string]string{"zone": rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "zone")},
			}
		}
		for i := range rapid.IntRange(1, 4).Draw(r, "hosts") {
			hosts = append(hosts, host(i))
		}
		kept.SetHosts(hosts)
		for range rapid.IntRange(1, 20).Draw(r, "changes") {
			id := "e" + strconv.Itoa(rapid.IntRange(0, 5).Draw(r, "entity"))
			switch rapid.IntRange(0, 5).Draw(r, "change") {
			case 0:
				delete(residents, id)
				kept.Leave(id)
			case 1:
				if x, ok := residents[id]; ok {
					x.Name += "+"
					residents[id] = x
					kept.Rename(id, x.Name)
				}
			case 2: // hosts come and go, and move
				hosts = slices.Clone(hosts)
				if n := len(hosts); n > 1 && rapid.Bool().Draw(r, "less") {
					hosts = slices.Delete(hosts, 0, 1)
				} else {
					hosts = append([]location.Host{host(int(revision) + 10)}, hosts...)
				}
				kept.SetHosts(hosts)
			case 3: // a host changes
				hosts = slices.Clone(hosts)
				at := rapid.IntRange(0, len(hosts)-1).Draw(r, "at")
				changed := host(0)
				changed.ID = hosts[at].ID
				hosts[at] = changed
				kept.SetHosts(hosts)
			default:
				x := resident(id, "a"+strconv.Itoa(rapid.IntRange(0, 1).Draw(r, "app")), "p"+strconv.Itoa(rapid.IntRange(0, 1).Draw(r, "parent")),
					"h"+strconv.Itoa(rapid.IntRange(0, 5).Draw(r, "host")), id)
				residents[id] = x
				kept.Seat(x)
			}
			document(t, kept, columns) // so that they are kept before the next change
		}
		anew := placement.NewTable()
		anew.SetHosts(hosts)
		for _, id := range slices.Sorted(maps.Keys(residents)) {
			anew.Seat(residents[id])
		}
		// The order of entities on a host is that of their coming: not compared.
		order := slices.DeleteFunc(columns, func(c string) bool { return c == "entities" || len(c) > 7 && c[:7] == "entity." })
		if got, want := document(t, kept, order), document(t, anew, order); got != want {
			r.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if kept.Len() != len(residents) {
			r.Fatalf("%d seats, want %d", kept.Len(), len(residents))
		}
	})
}

func TestTableOfEntities(t *testing.T) {
	table := table()
	columns := []string{"entity.names"}
	names := func(want string) {
		t.Helper()
		if got := document(t, table, columns); got != "2 hosts, {\"type\":\"peek\"}\nentity.names: "+want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	names(`"one\ntwo lines" "three"`)
	table.Rename("e1", "uno")
	table.Leave("e2")
	names(`"uno" "three"`)
	table.Seat(resident("e3", "y", "p", "a", "three")) // moves
	names(`"uno\nthree" ""`)
	table.Leave("e1")
	table.Leave("e1")
	table.Leave("nobody")
	names(`"three" ""`)
}

// TestTableForgetsLabels: labels of any name may be asked for, without end.
func TestTableForgetsLabels(t *testing.T) {
	table := table()
	for i := range 1000 {
		document(t, table, []string{fmt.Sprint("label:", i), "containers"})
	}
	if got := document(t, table, []string{"containers"}); got != "2 hosts, {\"type\":\"peek\"}\ncontainers: 2 1" {
		t.Error(got)
	}
}
