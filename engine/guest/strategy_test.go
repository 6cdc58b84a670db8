package guest_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// ranking writes the answer of a module for scores, without reasons.
func ranking(scores ...float64) string {
	n := len(scores)
	b := make([]byte, 32+8*n+(2*n+7)/8*8)
	copy(b, "GWPR")
	for i, v := range []int{1, n, 0, 32, 32 + 8*n, len(b), len(b)} {
		binary.LittleEndian.PutUint32(b[4+4*i:], uint32(v))
	}
	for i, score := range scores {
		binary.LittleEndian.PutUint64(b[32+8*i:], math.Float64bits(score))
	}
	return string(b)
}

func choose(t *testing.T, f *fake) (placement.Choice, error) {
	t.Helper()
	s, err := load(t, f, guest.Limits{})["picky"].Strategy(map[string]any{"must": "x", "max": 3})
	if err != nil {
		t.Fatal(err)
	}
	hosts := placement.NewSnapshot([]location.Host{{ID: "a", Up: true}, {ID: "b", Up: true}})
	d := &placement.Demand{
		Entity: hook.Ref{ID: "x1", Name: "web"}, Sequence: 41, Seed: 7, Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
	return placement.Choose(t.Context(), hosts, d, []placement.Strategy{s})
}

func TestStrategy(t *testing.T) {
	f := &fake{answer: ranking(1, 2)}
	c, err := choose(t, f)
	if err != nil || c.Hosts()[0].ID != "b" || f.asked != hook.PlacementRank {
		t.Fatalf("got %v, %v of %s", c.Hosts(), err, f.asked)
	}
	at := binary.LittleEndian.Uint32([]byte(f.got[16:]))
	var got, want any
	if err := json.Unmarshal([]byte(f.got[at:]), &got); err != nil {
		t.Fatal(err)
	}
	const demand = `{"type": "picky", "config": {"max.size": 3, "must": "x"}, "entity": {"id": "x1", "application": "", "name": "web", "type": ""},
		"demand": {}, "sequence": 41, "now": "2026-11-20T12:00:00Z", "seed": 7}`
	if err := json.Unmarshal([]byte(demand), &want); err != nil {
		t.Fatal(err)
	}
	if g, w := mustJSON(t, got), mustJSON(t, want); g != w {
		t.Errorf("got %s, want %s", g, w)
	}
}

func TestStrategyRefusesAnswers(t *testing.T) {
	const at = "strategy picky: placement.rank of type picky of module fake: "
	for _, c := range []struct {
		answer string
		kind   fault.Kind
		want   string
	}{
		{`{"error": {"kind": "invalid", "message": "max.size: expected 1 or more"}}`, fault.Invalid, "strategy picky: max.size: expected 1 or more"},
		{`{"sensors": {}}`, fault.Internal, at + "the answer is neither a ranking nor an error"},
		{`{"error": {"kind": "x"}`, fault.Internal, at + "the answer cannot be read: the JSON ends in the middle"},
		{``, fault.Internal, at + "the ranking cannot be read: 0 bytes that do not start with GWPR"},
		{ranking(1), fault.Internal, at + "the ranking cannot be read: 1 hosts, asked for 2"},
		{ranking(1, math.Inf(1)), fault.Internal, at + "scored host 1 as infinite"},
	} {
		_, err := choose(t, &fake{answer: c.answer})
		if fault.KindOf(err) != c.kind || err == nil || err.Error() != c.want {
			t.Errorf("%.40q:\ngot  %v (%s)\nwant %s", c.answer, err, fault.KindOf(err), c.want)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
