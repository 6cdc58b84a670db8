package placement

import (
	"context"
	"math"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Choice is the answer of Choose.
type Choice struct {
	Explain *Explain

	hosts *Snapshot
	rows  []int32
}

// Len gives how many hosts may be used.
func (c *Choice) Len() int { return len(c.rows) }

// Best gives the host that comes first. There must be one.
func (c *Choice) Best() location.Host { return c.hosts.Host(int(c.rows[0])) }

// Hosts gives the hosts that may be used, the best first.
func (c *Choice) Hosts() []location.Host {
	all := make([]location.Host, len(c.rows))
	for i, row := range c.rows {
		all[i] = c.hosts.Host(int(row))
	}
	return all
}

// Choose runs the chain of strategies over the hosts that are up. When it
// leaves no host the error is fault.Capacity and says why; the Choice then has
// the Explain still. An error of a strategy is returned with the strategy's
// name.
func Choose(ctx context.Context, s *Snapshot, d *Demand, chain []Strategy) (Choice, error) {
	rows, down := s.up()
	e := &Explain{hosts: s, demand: d, down: down}
	b := &Batch{demand: d, hosts: s, rows: rows, all: len(down) == 0, inputs: map[string]*Input{}}
	var space sorter
	for _, strategy := range chain {
		if len(b.rows) == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return Choice{Explain: e}, fault.Wrap(err, "place", d.Entity.Name)
		}
		ranking, err := strategy.Rank(ctx, b)
		if err == nil {
			err = ranking.check(len(b.rows))
		}
		if err != nil {
			return Choice{Explain: e}, fault.Wrap(err, "strategy", strategy.Name())
		}
		e.stages = append(e.stages, stage{name: strategy.Name(), rows: b.rows, ranking: ranking})
		if next, changed := ranking.apply(b.rows, &space); changed {
			b = &Batch{demand: d, hosts: s, rows: next, inputs: map[string]*Input{}}
		}
	}
	if len(b.rows) == 0 {
		return Choice{Explain: e}, e.capacity()
	}
	return Choice{Explain: e, hosts: s, rows: b.rows}, nil
}

// apply takes out the refused rows and sorts the others, the highest score
// first, equal ones as they came. It does not change rows, which it gives back
// when nothing changed.
func (r *Ranking) apply(rows []int32, space *sorter) (next []int32, changed bool) {
	left := space.space(len(rows))
	sorted := true
	for i, row := range rows {
		score := r.Scores[i]
		if math.IsNaN(score) {
			continue
		}
		key := descending(score)
		sorted = sorted && (len(left) == 0 || left[len(left)-1].key <= key)
		left = append(left, scored{key: key, row: row})
	}
	if sorted && len(left) == len(rows) {
		return rows, false
	}
	if !sorted {
		left = space.sort(left)
	}
	next = make([]int32, len(left))
	for i := range left {
		next[i] = left[i].row
	}
	return next, true
}
