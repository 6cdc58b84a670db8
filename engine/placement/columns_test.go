package placement_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// peek is a strategy that encodes its batch and keeps the document.
type peek struct {
	columns []string
	input   *placement.Input
	got     []byte
}

func (p *peek) Name() string      { return "peek" }
func (p *peek) Columns() []string { return p.columns }

func (p *peek) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	var err error
	if p.input, err = b.Input(p.columns); err != nil {
		return nil, err
	}
	request := []byte(`{"type":"peek"}`)
	p.got = make([]byte, p.input.Size(request))
	p.input.Write(p.got, request)
	return placement.NewRanking(b.Len()), nil
}

// read decodes an input as sdk/ABI.md describes it, into text.
func read(t *testing.T, b []byte) string {
	t.Helper()
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	if string(b[:4]) != "GWPC" || u32(4) != 1 || u32(24) != len(b) || u32(28) != 0 || u32(16)%8 != 0 {
		t.Fatalf("bad header % x", b[:32])
	}
	n := u32(8)
	var out strings.Builder
	fmt.Fprintf(&out, "%d hosts, %s", n, b[u32(16):u32(16)+u32(20)])
	for c := range u32(12) {
		e := 32 + 32*c
		name, data := string(b[u32(e+4):u32(e+4)+u32(e+8)]), b[u32(e+12):u32(e+12)+u32(e+16)]
		if u32(e+12)%8 != 0 || u32(e+20)+u32(e+24)+u32(e+28) != 0 {
			t.Errorf("column %s: entry % x", name, b[e:e+32])
		}
		fmt.Fprintf(&out, "\n%s:", name)
		for i := range n {
			switch u32(e) {
			case 1:
				fmt.Fprintf(&out, " %v", math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
			case 3:
				fmt.Fprintf(&out, " %d", binary.LittleEndian.Uint64(data[i/64*8:])>>(i%64)&1)
			case 4:
				texts := data[4*(n+1):]
				from, to := binary.LittleEndian.Uint32(data[4*i:]), binary.LittleEndian.Uint32(data[4*i+4:])
				fmt.Fprintf(&out, " %q", texts[from:to])
			}
		}
	}
	return out.String()
}

func racks() *placement.Snapshot { return table().Snapshot("y", "p") }

// table has three hosts, and three residents on two of them.
func table() *placement.Table {
	t := placement.NewTable()
	t.SetHosts([]location.Host{
		{ID: "a", Name: "ada", Address: "10.0.0.1", Up: true, CPUs: 4, Labels: map[string]string{"rack": "r1"}},
		{ID: "b", Up: false, Memory: 1 << 30},
		{ID: "c", Name: "cay", Up: true, Labels: map[string]string{"disk": "ssd", "latitude": "51.5", "longitude": "x"}, Usage: &location.Usage{CPU: 0.25, Memory: 100}},
	})
	t.Seat(resident("e1", "x", "p", "a", "one"))
	t.Seat(resident("e2", "y", "q", "a", "two\nlines"))
	t.Seat(resident("e3", "y", "p", "c", "three"))
	t.Seat(resident("e4", "y", "p", "gone", "four"))
	return t
}

func resident(id, application, parent, host, name string) placement.Resident {
	return placement.Resident{
		Ref: hook.Ref{ID: id, Application: application, Name: name, Type: "T"}, Parent: parent, Host: host, Memory: 10, CPUs: 0.5,
	}
}

func TestInput(t *testing.T) {
	s := racks()
	p := &peek{columns: slices.Concat([]string{"label:rack", "label:none", "no.such"}, placement.Columns())}
	if _, err := placement.Choose(t.Context(), s, demand(), []placement.Strategy{p}); err != nil {
		t.Fatal(err)
	}
	// The memory of the hosts that are up is not known: NaN, since another host's is.
	want := `2 hosts, {"type":"peek"}
label:rack: "r1" ""
id: "a" "c"
name: "ada" "cay"
address: "10.0.0.1" ""
up: 1 1
containers: 2 1
app.members: 1 1
app.siblings: 0 1
cpu.cores: 4 NaN
cpu.used: NaN 0.25
cpu.reserved: 1 0.5
memory.total: NaN NaN
memory.used: NaN 100
memory.reserved: 20 10
latitude: NaN 51.5
entities: "[{\"id\":\"e1\",\"application\":\"x\",\"name\":\"one\",\"type\":\"T\"},{\"id\":\"e2\",\"application\":\"y\",\"name\":\"two\\nlines\",\"type\":\"T\"}]" "[{\"id\":\"e3\",\"application\":\"y\",\"name\":\"three\",\"type\":\"T\"}]"
entity.ids: "e1\ne2" "e3"
entity.names: "one\ntwo lines" "three"
entity.types: "T\nT" "T"
entity.applications: "x\ny" "y"`
	if got := read(t, p.got); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestInputOfManyHosts(t *testing.T) {
	hosts := make([]location.Host, 130)
	want := "130 hosts, {\"type\":\"peek\"}\nup:" + strings.Repeat(" 1", 130)
	for i := range hosts {
		hosts[i].Up = true
	}
	p := &peek{columns: []string{"up"}}
	if _, err := placement.Choose(t.Context(), placement.NewSnapshot(hosts), demand(), []placement.Strategy{p}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, p.got); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestInputIsShared(t *testing.T) {
	first, same, other, last := &peek{columns: []string{"containers"}}, &peek{columns: []string{"containers"}},
		&peek{columns: []string{"id"}}, &peek{columns: []string{"containers"}}
	s := snapshot(t, "a:9 b:1 c:2")
	if _, err := placement.Choose(t.Context(), s, demand(), []placement.Strategy{first, same, other, most(8), last}); err != nil {
		t.Fatal(err)
	}
	if first.input != same.input || first.input == other.input || first.input == last.input {
		t.Error("strategies that ask the same question of the same hosts must share its encoding, others not")
	}
	if got := read(t, last.got); got != "2 hosts, {\"type\":\"peek\"}\ncontainers: 1 2" {
		t.Errorf("got\n%s", got)
	}
}

func TestColumnsOfTheWrongLength(t *testing.T) {
	err := racks().SetFloats("cpu.used", []float64{1})
	if fault.KindOf(err) != fault.Internal || err.Error() != "column cpu.used has 1 values for 3 hosts" {
		t.Errorf("got %v", err)
	}
	if err := racks().SetStrings("entities", nil); err == nil {
		t.Error("a column without values was accepted")
	}
}
