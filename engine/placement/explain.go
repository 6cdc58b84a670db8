package placement

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// How much of an explanation stands in an error's text.
const (
	shownRefusals = 5 // reasons
	shownHosts    = 3 // names per reason; above it only their number
)

// isDown is the reason for hosts that no strategy is asked about.
const isDown = "down"

// Explain tells how a choice came about.
type Explain struct {
	hosts  *Snapshot
	demand *Demand
	down   []int32
	stages []stage
}

// stage is what one strategy was asked and said.
type stage struct {
	name    string
	rows    []int32
	ranking *Ranking
}

func (s *stage) reason(i int) string {
	if text := s.ranking.reason(i); text != "" {
		return text
	}
	return "refused by " + s.name
}

// Score is what one strategy gave a host.
type Score struct {
	Strategy string  `json:"strategy"`
	Score    float64 `json:"score"`
}

// Verdict is what became of one host.
type Verdict struct {
	Host      string  `json:"host"`
	Refused   string  `json:"refused,omitempty"`   // the reason; "" when the host was left
	RefusedBy string  `json:"refusedBy,omitempty"` // the strategy; "" for a host that is down
	Scores    []Score `json:"scores,omitempty"`    // of the strategies that did not refuse it, in the order of the chain
}

// String gives the verdict in one line: "lh1: 8 containers, max is 8".
func (v Verdict) String() string {
	if v.Refused != "" {
		return v.Host + ": " + v.Refused
	}
	scores := make([]string, len(v.Scores))
	for i, s := range v.Scores {
		scores[i] = s.Strategy + " " + strconv.FormatFloat(s.Score, 'g', -1, 64)
	}
	if len(scores) == 0 {
		return v.Host + ": accepted"
	}
	return v.Host + ": accepted, " + strings.Join(scores, ", ")
}

// Verdicts gives the verdict on each host, in the order of the snapshot.
func (e *Explain) Verdicts() []Verdict {
	all := make([]Verdict, e.hosts.Len())
	for i := range all {
		all[i].Host = e.hosts.name(i)
	}
	for _, row := range e.down {
		all[row].Refused = isDown
	}
	for k := range e.stages {
		s := &e.stages[k]
		for i, row := range s.rows {
			v, score := &all[row], s.ranking.Scores[i]
			if math.IsNaN(score) {
				v.Refused, v.RefusedBy = s.reason(i), s.name
				continue
			}
			v.Scores = append(v.Scores, Score{Strategy: s.name, Score: score})
		}
	}
	return all
}

// Refusal is one reason and the hosts that it was given for.
type Refusal struct {
	Reason string   `json:"reason"`
	Hosts  []string `json:"hosts"`
}

// String gives the refusal in words: "2× 8 containers, max is 8 (lh1, lh2)".
func (r Refusal) String() string {
	text := fmt.Sprintf("%d× %s", len(r.Hosts), r.Reason)
	if len(r.Hosts) <= shownHosts {
		text += " (" + strings.Join(r.Hosts, ", ") + ")"
	}
	return text
}

// Refusals gives the reasons why hosts were refused, the most frequent first.
func (e *Explain) Refusals() []Refusal {
	hosts := map[string][]string{}
	for _, row := range e.down {
		hosts[isDown] = append(hosts[isDown], e.hosts.name(int(row)))
	}
	for k := range e.stages {
		s := &e.stages[k]
		for i, row := range s.rows {
			if math.IsNaN(s.ranking.Scores[i]) {
				reason := s.reason(i)
				hosts[reason] = append(hosts[reason], e.hosts.name(int(row)))
			}
		}
	}
	all := make([]Refusal, 0, len(hosts))
	for reason, names := range hosts {
		all = append(all, Refusal{Reason: reason, Hosts: names})
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(len(b.Hosts), len(a.Hosts)), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}

// capacity is the error for a demand that no host is left for.
func (e *Explain) capacity() error {
	where := e.demand.Location
	if where == "" {
		where = "the location"
	}
	if e.hosts.Len() == 0 {
		return fault.New(fault.Capacity, "no host for %s: %s has no hosts", e.demand.Entity.Name, where)
	}
	refusals := e.Refusals()
	texts := make([]string, 0, shownRefusals+1)
	for i, r := range refusals {
		if i == shownRefusals {
			texts = append(texts, fmt.Sprintf("and %d more reasons", len(refusals)-i))
			break
		}
		texts = append(texts, r.String())
	}
	return fault.New(fault.Capacity, "no host for %s among the %d of %s: %s", e.demand.Entity.Name, e.hosts.Len(), where, strings.Join(texts, "; "))
}
