package scenario

import (
	"slices"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Words of expectations that are no values.
const (
	wordExactly  = "exactly"  // nothing else is there; or, around a value, no word in it has a meaning
	wordIncludes = "includes" // other things may be there
)

// strong are the words that make a map a predicate; weak ones may stand beside
// them.
var (
	strong = []string{
		"equals", "regex", "glob", "less-than", "less-than-or-equal-to", "greater-than", "greater-than-or-equal-to", "in-range",
		"has-element", "when", "not", "check",
	}
	weak = []string{"key", "index", "jsonpath", "filter", "size", "any", "all"}
)

// isPredicate tells whether a map of an expectation is a predicate.
func isPredicate(n *yamlpos.Node) bool {
	if n.Kind != yamlpos.Map {
		return false
	}
	found := false
	for _, e := range n.Entries {
		switch {
		case slices.Contains(strong, e.Key):
			found = true
		case (e.Key == "any" || e.Key == "all") && e.Value.Kind == yamlpos.List && slices.ContainsFunc(e.Value.Items, isPredicate):
			found = true
		case !slices.Contains(weak, e.Key):
			return false
		}
	}
	return found
}

// only gives the value of a map with one key of that name, or nil.
func only(n *yamlpos.Node, key string) *yamlpos.Node {
	if n.Kind == yamlpos.Map && len(n.Entries) == 1 && n.Entries[0].Key == key {
		return n.Entries[0].Value
	}
	return nil
}

// expectation checks the words of an expectation and compiles its predicates.
func (r *reader) expectation(s *Scenario, n *yamlpos.Node) {
	if n.Kind == yamlpos.List {
		for _, item := range n.Items {
			r.oneExpectation(s, item)
		}
		return
	}
	r.oneExpectation(s, n)
}

func (r *reader) oneExpectation(s *Scenario, n *yamlpos.Node) {
	known := fields{wordExactly: func(n *yamlpos.Node) { r.boolean(n, wordExactly) }}
	for _, word := range said[s.kind] {
		known[word] = func(n *yamlpos.Node) { r.predicates(s, n) }
	}
	if s.kind == "" { // what a hook answers is checked when it is known
		for _, e := range r.entries(n, "expect") {
			if e.Key != wordExactly {
				r.predicates(s, e.Value)
			}
		}
		return
	}
	r.fields(n, "expect", known)
}

// said are the fields of what a module can answer, by the kind of scenario.
var said = map[string][]string{
	catalog.Entity:   {"steps", "sensors", "state", "result", "error", "children", "config", "policies", "enrichers", "tags"},
	catalog.Step:     {"steps", "sensors", "state", "result", "error"},
	catalog.Location: {"steps", "sensors", "state", "result", "error"},
	catalog.Network:  {"steps", "sensors", "state", "result", "error"},
	catalog.Policy:   {"steps", "sensors", "state", "wakeAfter", "error"},
	catalog.Enricher: {"sensors", "state", "wakeAfter", "error"},
	catalog.Strategy: {"hosts", "refused", "scores", "state", "error"},
	catalog.Format:   {"blueprint", "errors", "state", "error"},
}

// saidTo are the fields of what a module can answer to a hook.
func saidTo(id hook.ID) []string {
	switch id {
	case hook.Describe:
		return []string{"name", "version", "abi", "types", "capabilities"}
	case hook.EntityInit:
		return []string{"children", "config", "sensors", "policies", "enrichers", "tags", "error"}
	case hook.BlueprintParse:
		return []string{"blueprint", "errors", "error"}
	case hook.Migrate:
		return []string{"state", "error"}
	}
	return []string{"steps", "sensors", "state", "result", "wakeAfter", "error"}
}

// predicates compiles those in a value.
func (r *reader) predicates(s *Scenario, n *yamlpos.Node) {
	if only(n, wordExactly) != nil {
		return
	}
	if isPredicate(n) {
		p, err := predicate.Compile(n, predicate.Limits{})
		if err != nil {
			r.errs.Append(n.Pos, err)
			return
		}
		s.tests[n] = p
		return
	}
	for _, item := range n.Items {
		r.predicates(s, item)
	}
	for _, e := range n.Entries {
		r.predicates(s, e.Value)
	}
}
