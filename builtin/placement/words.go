package placement

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// labels is the word whose members are the labels of a host, of any name.
const labels = "label"

// The words that say what is placed, beside the columns of a host.
const (
	wordEntity   = "entity"   // id, name, type, application, planId of what is placed
	wordDemand   = "demand"   // what it asks for
	wordSequence = "sequence" // placements in the location so far
)

// known gives the members of each word that has some, and of others nil. The
// columns with one line for each entity are there as a list, entities.
func known() map[string][]string {
	out := map[string][]string{wordEntity: {"id", "name", "type", "application", "planId"}, wordDemand: nil, wordSequence: nil, labels: nil}
	for _, column := range placement.Columns() {
		first, rest, nested := strings.Cut(column, ".")
		switch {
		case first == wordEntity || strings.HasPrefix(column, placement.LabelPrefix):
		case nested:
			out[first] = append(out[first], rest)
		default:
			out[column] = nil
		}
	}
	return out
}

// checkUse refuses words that stand for nothing.
func checkUse(path []string) error {
	all := known()
	members, ok := all[path[0]]
	if !ok {
		words := make([]string, 0, len(all))
		for word := range all {
			words = append(words, word)
		}
		slices.Sort(words)
		if hint := nearest.Hint(path[0], words); hint != "" {
			return fault.New(fault.Invalid, "nothing is called %q%s", path[0], hint)
		}
		return fault.New(fault.Invalid, "nothing is called %q; expected one of %s", path[0], strings.Join(words, ", "))
	}
	if len(path) > 1 && members != nil && !slices.Contains(members, path[1]) {
		return fault.New(fault.Invalid, "%s has no %q; expected one of %s", path[0], path[1], strings.Join(members, ", "))
	}
	return nil
}

// columnsOf gives the columns that a path reads.
func columnsOf(path []string) []string {
	switch members := known()[path[0]]; {
	case path[0] == wordEntity || path[0] == wordDemand || path[0] == wordSequence:
		return nil
	case path[0] == labels && len(path) > 1:
		return []string{placement.LabelPrefix + path[1]}
	case path[0] == labels: // which ones is computed
		return nil
	case path[0] == placement.Entities:
		return []string{placement.EntityIDs, placement.EntityNames, placement.EntityTypes, placement.EntityApps}
	case members == nil:
		return []string{path[0]}
	case len(path) > 1:
		return []string{path[0] + "." + path[1]}
	default:
		out := make([]string, len(members))
		for i, m := range members {
			out[i] = path[0] + "." + m
		}
		return out
	}
}

// words answers what an expression asks about one host of a batch.
type words struct {
	batch   *placement.Batch
	columns map[string]*values
	members map[string][]string
	entity  map[string]any
	demand  map[string]any

	branches map[string]*branch
	row      int
	lost     string // what the present host has no value of, and was asked for last
}

// values are those of one column.
type values struct {
	floats []float64
	texts  []string
}

// branch is a word with members: cpu, memory, app, label.
type branch struct{ name string }

func newWords(b *placement.Batch) *words {
	d := b.Demand()
	e := d.Entity
	demand := d.Needs
	if demand == nil {
		demand = map[string]any{}
	}
	return &words{
		batch: b, columns: map[string]*values{}, branches: map[string]*branch{}, members: known(), demand: demand,
		entity: map[string]any{"id": e.ID, "name": e.Name, "type": e.Type, "application": e.Application, "planId": e.PlanID},
	}
}

// Name gives what a word stands for.
func (w *words) Name(_ context.Context, name string) (any, error) {
	switch name {
	case wordEntity:
		return w.entity, nil
	case wordDemand:
		return w.demand, nil
	case wordSequence:
		return w.batch.Demand().Sequence, nil
	case placement.Up:
		return true, nil // nobody is asked about others
	case placement.Entities:
		return w.entities(), nil
	}
	members, ok := w.members[name]
	switch {
	case !ok:
		return nil, expr.Unknown(name)
	case members != nil || name == labels:
		b := w.branches[name]
		if b == nil {
			b = &branch{name}
			w.branches[name] = b
		}
		return b, nil
	}
	return w.value(name, name)
}

// Member gives a member of a word.
func (w *words) Member(_ context.Context, of any, name string) (any, error) {
	b, ok := of.(*branch)
	if !ok {
		return nil, expr.Unknown(name)
	}
	if b.name == labels {
		return w.value(placement.LabelPrefix+name, labels+"."+name)
	}
	return w.value(b.name+"."+name, b.name+"."+name)
}

// value gives that of a column for the present host.
func (w *words) value(column, path string) (any, error) {
	c := w.column(column)
	if c.floats != nil && !math.IsNaN(c.floats[w.row]) {
		return c.floats[w.row], nil
	}
	if c.texts != nil && c.texts[w.row] != "" {
		return c.texts[w.row], nil
	}
	w.lost = path
	return nil, expr.Unknown(path)
}

func (w *words) column(name string) *values {
	c := w.columns[name]
	if c == nil {
		c = &values{floats: w.batch.Floats(name), texts: w.batch.Strings(name)}
		w.columns[name] = c
	}
	return c
}

// entities gives what runs on the present host.
func (w *words) entities() []any {
	lines := func(column string) []string {
		c := w.column(column)
		if c.texts == nil || c.texts[w.row] == "" {
			return nil
		}
		return strings.Split(c.texts[w.row], "\n")
	}
	ids, names := lines(placement.EntityIDs), lines(placement.EntityNames)
	types, applications := lines(placement.EntityTypes), lines(placement.EntityApps)
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = map[string]any{"id": id, "name": at(names, i), "type": at(types, i), "application": at(applications, i)}
	}
	return out
}
