package step

import (
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/internal/nearest"
)

// roots are the names that every ${…} may begin with.
var roots = []string{"workflow", "entity", "output"}

// undefined warns of names that nothing in a definition sets. A step whose
// output may be a map hides what it brings, so nothing is said behind one.
func (p *parser) undefined(w *Workflow) {
	known := map[string]bool{}
	for _, name := range roots {
		known[name] = true
	}
	if !collect(w, known) {
		return
	}
	all := slices.Sorted(maps.Keys(known))
	for _, u := range p.uses {
		if len(u.Path) == 0 || u.Optional || known[u.Path[0]] {
			continue
		}
		p.warnings.Add(u.Pos, "nothing here sets the variable %q%s", u.Path[0], nearest.Hint(u.Path[0], all))
	}
}

// collect notes the names that a workflow sets, in its blocks and in the
// workflows within it; false when that cannot be known.
func collect(w *Workflow, known map[string]bool) bool {
	for _, list := range [][]Named{w.Input, w.Reducing} {
		for _, n := range list {
			known[n.Name] = true
		}
	}
	for _, q := range w.Parameters {
		known[q.Name] = true
	}
	if w.Target != nil {
		known["target"], known["target_index"] = true, true
		for _, name := range append([]string{w.Variable, w.IndexName}, w.Spread...) {
			known[name] = true
		}
	}
	for _, list := range [][]*Step{w.Steps, w.OnError} {
		for _, s := range list {
			if !s.collect(known) {
				return false
			}
		}
	}
	return true
}

func (s *Step) collect(known map[string]bool) bool {
	if s.Custom != nil || s.Output != nil {
		return false
	}
	switch s.Kind.Form {
	case Act:
		if !slices.Contains([]string{"log", "set-sensor", "clear-sensor", "set-config", "clear-config", "set-entity-name"}, s.Kind.Name) {
			return false
		}
	case Wait, Switch, Update, Transform, Load:
		return false // what they give may be a map
	case Let:
		if a := s.Args["variable"]; a.Value != nil {
			name, _ := a.Value.Constant()
			if text, ok := name.(string); ok {
				root, _, _ := strings.Cut(text, ".")
				root, _, _ = strings.Cut(root, "[")
				known[root] = true
			}
		}
	}
	for _, n := range s.Input {
		known[n.Name] = true
	}
	if s.Nested != nil && !collect(s.Nested, known) {
		return false
	}
	for _, list := range [][]*Step{s.Block, s.OnError} {
		for _, inner := range list {
			if !inner.collect(known) {
				return false
			}
		}
	}
	return true
}
