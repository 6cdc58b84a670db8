package scenario

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// Branches of a hook that are no effector, operation or event.
const (
	branchTimer    = "timer"
	branchContinue = "continue "
)

// spot is a place that scenarios can reach.
type spot struct{ typ, hook, branch string }

// coverage has how often each spot was reached; 0 for those that a decision
// promised.
type coverage map[spot]int

func (m *Module) cover(typ string, id hook.ID, branch string) {
	m.covered[spot{typ, id.String(), branch}]++
}

// promise notes that a decision asked to continue, or to be woken.
func (m *Module) promise(typ string, id hook.ID, branch string) {
	m.covered[spot{typ, id.String(), branch}] += 0
}

// Covered is a place in a module that its description, or a decision, tells
// of: a hook of a type, and of that an effector, event, operation or token.
// What the module's code distinguishes beyond that cannot be known.
type Covered struct {
	Type   string `json:"type,omitempty"` // "" for describe
	Hook   string `json:"hook"`
	Branch string `json:"branch,omitempty"`
	Calls  int    `json:"calls"` // of scenarios; each was made twice
}

// Coverage tells which places the scenarios reached, and how many of all in
// percent.
func (m *Module) Coverage() (all []Covered, percent float64) {
	spots := coverage{}
	for i := range m.Description.Types {
		for _, s := range declared(&m.Description.Types[i]) {
			spots[s] = 0
		}
	}
	for s, n := range m.covered {
		spots[s] = n
	}
	reached := 0
	for s, n := range spots {
		all = append(all, Covered{Type: s.typ, Hook: s.hook, Branch: s.branch, Calls: n})
		if n > 0 {
			reached++
		}
	}
	order := map[string]int{}
	for i := range m.Description.Types {
		order[m.Description.Types[i].Name] = i + 1
	}
	slices.SortFunc(all, func(a, b Covered) int {
		return cmp.Or(order[a.Type]-order[b.Type], cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Branch, b.Branch))
	})
	return all, 100 * float64(reached) / float64(len(spots))
}

// declared gives the places that the description of a type tells of. migrate
// is none: most modules have no states of other versions.
func declared(t *hook.Type) (out []spot) {
	add := func(id hook.ID, branches ...string) {
		for _, b := range branches {
			out = append(out, spot{t.Name, id.String(), b})
		}
	}
	switch t.Kind {
	case catalog.Entity:
		for _, e := range t.Effectors {
			add(hook.EntityEffector, e.Name)
		}
		if t.Init {
			add(hook.EntityInit, "")
		}
	case catalog.Policy, catalog.Enricher:
		id := hook.PolicyEvent
		if t.Kind == catalog.Enricher {
			id = hook.EnricherEvent
		}
		for i, e := range t.Events {
			add(id, eventBranch(e, i))
		}
	case catalog.Strategy:
		add(hook.PlacementRank, "")
	case catalog.Step:
		add(hook.StepPlan, "")
	case catalog.Format:
		add(hook.BlueprintParse, "")
	case catalog.Location:
		add(hook.LocationPlan, "obtain", "release")
	case catalog.Network:
		add(hook.NetworkPlan, "create", "delete", "attach", "detach")
	}
	return out
}

// profile has what calls took, by type and hook.
type profile map[spot]*Profile

// Profile is what the calls of one hook of a type took, without those that were
// made once more on a new instance.
type Profile struct {
	Type     string        `json:"type,omitempty"`
	Hook     string        `json:"hook"`
	Calls    int64         `json:"calls"`
	LastFuel int64         `json:"lastFuel"` // units, see wasm.CallLimits
	Fuel     int64         `json:"fuel"`     // of all calls
	Time     time.Duration `json:"timeNanos"`
	Longest  time.Duration `json:"longestNanos"`
	Memory   int64         `json:"memoryBytes"` // the module's largest memory until then
}

func (p profile) add(typ string, id hook.ID, took time.Duration, before, after wasm.Stats) {
	key := spot{typ: typ, hook: id.String()}
	one := p[key]
	if one == nil {
		one = &Profile{Type: typ, Hook: id.String()}
		p[key] = one
	}
	if after.Calls == before.Calls {
		return // it reached no instance
	}
	one.Calls++
	one.LastFuel = after.LastFuel
	one.Fuel += after.Fuel - before.Fuel
	one.Time += took
	one.Longest = max(one.Longest, took)
	one.Memory = int64(after.HighPages) << 16
}

// Profile tells what the calls so far took, the most fuel first.
func (m *Module) Profile() []Profile {
	var out []Profile
	for _, p := range m.recorder.profile {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Profile) int {
		return cmp.Or(cmp.Compare(b.Fuel, a.Fuel), strings.Compare(a.Type, b.Type), strings.Compare(a.Hook, b.Hook))
	})
	return out
}
