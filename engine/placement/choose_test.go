package placement_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// judge is a strategy made of a function.
type judge struct {
	name string
	rank func(b *placement.Batch, r *placement.Ranking) error
}

func (j judge) Name() string      { return j.name }
func (j judge) Columns() []string { return []string{placement.Containers} }

func (j judge) Rank(_ context.Context, b *placement.Batch) (*placement.Ranking, error) {
	r := placement.NewRanking(b.Len())
	return r, j.rank(b, r)
}

func most(limit float64) placement.Strategy {
	return judge{"most", func(b *placement.Batch, r *placement.Ranking) error {
		for i, n := range b.Floats(placement.Containers) {
			if n >= limit {
				r.Refuse(i, fmt.Sprintf("%v containers, max is %v", n, limit))
			}
		}
		return nil
	}}
}

var fewest = judge{"fewest", func(b *placement.Batch, r *placement.Ranking) error {
	for i, n := range b.Floats(placement.Containers) {
		r.Scores[i] = -n
	}
	return nil
}}

// byLength prefers long host names.
var byLength = judge{"length", func(b *placement.Batch, r *placement.Ranking) error {
	for i := range b.Len() {
		r.Scores[i] = float64(len(b.Host(i).ID))
	}
	return nil
}}

var nobody = judge{"nobody", func(b *placement.Batch, r *placement.Ranking) error {
	for i := range r.Scores {
		r.Scores[i] = math.NaN()
	}
	return nil
}}

// snapshot makes hosts of words like "lh1:3" or "!lh2:0" (down).
func snapshot(t testing.TB, words string) *placement.Snapshot {
	t.Helper()
	var hosts []location.Host
	var counts []float64
	for _, w := range strings.Fields(words) {
		var n float64
		id, count, _ := strings.Cut(w, ":")
		if _, err := fmt.Sscan(count, &n); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, location.Host{ID: strings.TrimPrefix(id, "!"), Up: id[0] != '!'})
		counts = append(counts, n)
	}
	s := placement.NewSnapshot(hosts)
	if err := s.SetFloats(placement.Containers, counts); err != nil {
		t.Fatal(err)
	}
	return s
}

func demand() *placement.Demand {
	return &placement.Demand{Entity: hook.Ref{ID: "x1", Name: "web"}, Location: "my-cloud", Now: time.Unix(0, 0).UTC()}
}

func ids(c placement.Choice) string {
	var all []string
	for _, h := range c.Hosts() {
		all = append(all, h.ID)
	}
	return strings.Join(all, " ")
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		hosts string
		chain []placement.Strategy
		want  string
	}{
		{"a:3 b:1 c:2", nil, "a b c"},
		{"a:3 !b:1 c:2", nil, "a c"},
		{"a:3 b:1 c:2", []placement.Strategy{fewest}, "b c a"},
		{"a:1 b:1 c:0 d:1", []placement.Strategy{fewest}, "c a b d"},
		{"a:8 b:1 c:9 d:0", []placement.Strategy{most(8)}, "b d"},
		{"a:8 b:1 c:9 d:0", []placement.Strategy{most(8), fewest}, "d b"},
		{"a:8 b:1 c:9 d:0", []placement.Strategy{fewest, most(8)}, "d b"},
		// The last score dominates, the one before breaks ties.
		{"aa:3 b:1 cc:2 d:2", []placement.Strategy{fewest, byLength}, "cc aa b d"},
		{"aa:3 b:1 cc:2 d:2", []placement.Strategy{byLength, fewest}, "b cc d aa"},
	} {
		choice, err := placement.Choose(t.Context(), snapshot(t, c.hosts), demand(), c.chain)
		if got := ids(choice); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.hosts, got, err, c.want)
		}
	}
}

func TestNoHostIsLeft(t *testing.T) {
	for _, c := range []struct {
		hosts string
		chain []placement.Strategy
		want  string
	}{
		{"", nil, "no host for web: my-cloud has no hosts"},
		{"!a:0", []placement.Strategy{fewest}, "no host for web among the 1 of my-cloud: 1× down (a)"},
		{"lh1:8 lh2:8 !lh3:0", []placement.Strategy{most(8), fewest},
			"no host for web among the 3 of my-cloud: 2× 8 containers, max is 8 (lh1, lh2); 1× down (lh3)"},
		{"a:1 b:1 c:1 d:1", []placement.Strategy{nobody}, "no host for web among the 4 of my-cloud: 4× refused by nobody"},
		{"a:8 b:1", []placement.Strategy{most(8), nobody},
			"no host for web among the 2 of my-cloud: 1× 8 containers, max is 8 (a); 1× refused by nobody (b)"},
		{"a:1 b:2 c:3 d:4 e:5 f:6 g:7", []placement.Strategy{most(1)},
			"no host for web among the 7 of my-cloud: 1× 1 containers, max is 1 (a); 1× 2 containers, max is 1 (b); " +
				"1× 3 containers, max is 1 (c); 1× 4 containers, max is 1 (d); 1× 5 containers, max is 1 (e); and 2 more reasons"},
	} {
		choice, err := placement.Choose(t.Context(), snapshot(t, c.hosts), demand(), c.chain)
		if fault.KindOf(err) != fault.Capacity || err.Error() != c.want {
			t.Errorf("%s:\ngot  %v\nwant %s", c.hosts, err, c.want)
		}
		if choice.Explain == nil || len(choice.Hosts()) != 0 {
			t.Errorf("%s: got %v", c.hosts, choice)
		}
	}
}

func TestExplain(t *testing.T) {
	choice, err := placement.Choose(t.Context(), snapshot(t, "lh1:8 lh2:2 !lh3:0 lh4:1"), demand(), []placement.Strategy{most(8), fewest})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range choice.Explain.Verdicts() {
		got = append(got, v.String())
	}
	want := "lh1: 8 containers, max is 8\nlh2: accepted, most 0, fewest -2\nlh3: down\nlh4: accepted, most 0, fewest -1"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	plain, err := placement.Choose(t.Context(), snapshot(t, "lh1:8"), demand(), nil)
	if err != nil || plain.Explain.Verdicts()[0].String() != "lh1: accepted" {
		t.Errorf("got %v, %v", plain.Explain.Verdicts(), err)
	}
}

func TestBrokenStrategies(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		rank func(b *placement.Batch, r *placement.Ranking) error
		want string
	}{
		{func(_ *placement.Batch, r *placement.Ranking) error { return boom }, "strategy bad: boom"},
		{func(_ *placement.Batch, r *placement.Ranking) error { r.Scores = r.Scores[1:]; return nil },
			"strategy bad: answered 1 scores and 2 reasons for 2 hosts"},
		{func(_ *placement.Batch, r *placement.Ranking) error { r.Scores[1] = math.Inf(-1); return nil },
			"strategy bad: scored host 1 as infinite"},
		{func(_ *placement.Batch, r *placement.Ranking) error { r.Reasons[0] = 1; return nil },
			"strategy bad: gave host 0 the reason 1 of 0"},
	} {
		_, err := placement.Choose(t.Context(), snapshot(t, "a:0 b:0"), demand(), []placement.Strategy{judge{"bad", c.rank}})
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := placement.Choose(ctx, snapshot(t, "a:0"), demand(), []placement.Strategy{fewest}); fault.KindOf(err) != fault.Cancelled {
		t.Errorf("got %v", err)
	}
}

func TestReasonsAreKeptOnce(t *testing.T) {
	r := placement.NewRanking(70_000)
	for i := range r.Scores {
		r.Refuse(i, fmt.Sprint(i/2%40_000))
	}
	if len(r.Texts) != 35_000 || r.Reasons[0] != 1 || r.Reasons[1] != 1 || r.Reasons[69_999] != 35_000 {
		t.Errorf("%d texts, %d %d %d", len(r.Texts), r.Reasons[0], r.Reasons[1], r.Reasons[69_999])
	}
	for i := range r.Scores {
		r.Refuse(i, fmt.Sprint("other ", i))
	}
	if len(r.Texts) != math.MaxUint16 || r.Reasons[69_999] != 0 {
		t.Errorf("%d texts, last reason %d", len(r.Texts), r.Reasons[69_999])
	}
}
