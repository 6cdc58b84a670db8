package scenario

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Suite is one file of scenarios.
type Suite struct {
	File      string
	Module    string // the module's file, relative to this one; "" when it names none
	Scenarios []*Scenario
}

// Scenario is one of them. It is not changed by being played.
type Scenario struct {
	Name string
	Pos  yamlpos.Pos

	kind     string  // of the type that it is about; "" for a raw call
	subject  *part   // nil for a raw call and for strategies
	chain    []*part // of strategies
	own      *being  // the entity that it is about, or that the type works for
	others   []*being
	files    map[string]string
	hosts    *yamlpos.Node
	network  *yamlpos.Node
	location *hook.Location
	withhold []withheld
	now      time.Time
	seed     int64
	calls    []*call
	tests    map[*yamlpos.Node]*predicate.Predicate
}

// part is a type with its config.
type part struct {
	typ    string
	pos    yamlpos.Pos
	config *yamlpos.Node
}

// withheld is a capability that the module asks for and does not get.
type withheld struct {
	hook.Capability
	pos yamlpos.Pos
}

// call is one thing that happens. Which fields are used depends on the kind.
type call struct {
	pos    yamlpos.Pos
	only   bool          // it is the scenario itself
	expect *yamlpos.Node // nil: anything but an error

	after    time.Duration
	sensors  map[string]any // of own, changed before anything is asked
	entities []*being       // changed in the same way

	effector string
	args     map[string]any
	event    *event
	outputs  *yamlpos.Node // of continue
	goOn     bool
	demand   map[string]any
	hosts    *yamlpos.Node
	text     string
	file     string
	op       string
	host     string
	address  string
	machine  map[string]any
	network  *yamlpos.Node
	migrate  *migration

	hook hook.ID       // of a raw call
	in   *yamlpos.Node // of a raw call

	given map[string]bool // the keys that it has
}

type event struct {
	pos    yamlpos.Pos
	sensor string
	value  any
	source string // id; "" is own
	change string
	of     string // of a change: members or children; "" finds out
}

type migration struct {
	from  string
	state any
	set   bool // state is given
}

// startTime is the simulated time at which a scenario begins that does not say.
var startTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// kinds are the words that name what a scenario is about.
var kinds = []string{
	catalog.Entity, catalog.Policy, catalog.Enricher, catalog.Strategy, catalog.Step, catalog.Format, catalog.Location, catalog.Network,
}

// ModuleFile gives the module's file as it is found from where the program
// runs, "" when the suite names none.
func (s *Suite) ModuleFile() string {
	if s.Module == "" || filepath.IsAbs(s.Module) {
		return s.Module
	}
	return filepath.Join(filepath.Dir(s.File), s.Module)
}

// Read reads a file of scenarios.
func Read(file string) (*Suite, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "read scenarios: %w", err)
	}
	return Parse(file, text)
}

// Parse reads scenarios; file only names the text in positions. The error is
// a *yamlpos.Error, or a *yamlpos.Errors with all problems.
func Parse(file string, text []byte) (*Suite, error) {
	root, err := yamlpos.Parse(file, text, yamlpos.Limits{})
	if err != nil {
		return nil, err
	}
	r := &reader{}
	s := &Suite{File: file}
	now := startTime
	var list *yamlpos.Node
	r.fields(root, "a file of scenarios", fields{
		"module":    func(n *yamlpos.Node) { s.Module = r.text(n, "module") },
		"now":       func(n *yamlpos.Node) { now = r.time(n, "now") },
		"scenarios": func(n *yamlpos.Node) { list = n },
	})
	names := map[string]yamlpos.Pos{}
	for _, n := range r.list(list, "scenarios") {
		one := r.scenario(n, now)
		if first, taken := names[one.Name]; taken && one.Name != "" {
			r.errs.Add(one.Pos, "scenario %q is already there at %s", one.Name, first)
		}
		names[one.Name] = one.Pos
		s.Scenarios = append(s.Scenarios, one)
	}
	if len(s.Scenarios) == 0 && r.errs.Err() == nil {
		r.errs.Add(root.Pos, "expected scenarios")
	}
	if err := r.errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}
