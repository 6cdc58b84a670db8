package step

import (
	"sync"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/dsl/transform"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Workflow is a definition that was read: steps with variables of their own.
// It is immutable and safe for concurrent use.
type Workflow struct {
	Name       string
	Node       *yamlpos.Node // as written
	Parameters []Parameter
	Input      []Named // computed in their order; each sees those before it
	Output     *expr.Template
	Condition  *Condition
	Lock       *Lock
	Timeout    *expr.Template
	OnError    []*Step
	Steps      []*Step
	Replayable Replayable
	Idempotent Tri
	Retention  *Retention

	// Of a step with targets:
	Target      *expr.Template // nil: once, for the entity at hand
	TargetWord  string         // "children" and "members", or a range as written, when Target is one of these
	Variable    string         // what a target is called; "target" when ""
	Spread      []string       // names of variables that a target, a map, is unpacked to
	IndexName   string         // what its number is called; "target_index" when ""
	Concurrency *expr.Template
	Reducing    []Named // variables that are handed from one to the next

	blocks   map[string][]*Step
	byPath   map[string]*Step
	byID     map[string]*Step
	operands sync.Map // *expr.Template by text
}

func newWorkflow(n *yamlpos.Node) *Workflow {
	return &Workflow{Node: n, blocks: map[string][]*Step{}, byPath: map[string]*Step{}, byID: map[string]*Step{}}
}

// Block gives the steps of a block by its path: "" for the steps of the
// workflow, "!" for those of its on-error, and for a step whose Path is P: P for
// its own, P+"!" for its on-error. Nil when there is none.
func (w *Workflow) Block(path string) []*Step { return w.blocks[path] }

// Find gives a step of the workflow's own list by id; ok is false when there
// is none.
func Find(steps []*Step, id string) (index int, ok bool) {
	for i, s := range steps {
		if s.ID == id {
			return i, true
		}
	}
	return 0, false
}

// Named is a value with its name.
type Named struct {
	Name  string
	Value *expr.Template
}

// Parameter declares what a workflow is given.
type Parameter struct {
	Name, Type, Description string
	Default                 *expr.Template // nil: none
	Required                bool
}

// Tri is yes, no or not said.
type Tri int8

const (
	Unsaid Tri = iota
	Yes
	No
)

// Lock lets one run at a time hold a name of an entity.
type Lock struct {
	Name   *expr.Template
	Entity *expr.Template // nil: the workflow's own
}

// Condition is a predicate, and what it is about if that is not said in it.
type Condition struct{ Predicate *predicate.Predicate }

// Step is one step.
type Step struct {
	Path  string // unique within its workflow: "2", "2.0" in a block of it, "2!0" in its on-error
	Index int    // in its list
	ID    string
	Name  string // "" when none was given
	Type  string // the word that it begins with
	Node  *yamlpos.Node
	Pos   yamlpos.Pos

	Kind   *Kind   // nil when Custom is set
	Custom *Custom // of the catalog

	Condition  *Condition
	Next       string // "" is the next one
	Input      []Named
	Output     *expr.Template
	Timeout    *expr.Template
	OnError    []*Step
	Idempotent Tri
	Replayable Replayable
	Retention  *Retention

	Args   map[string]Arg // the step's own keys
	Block  []*Step        // of a subworkflow, if or switch
	Inline bool           // the block is the step behind "then"; jumps to the end mean what is around
	Nested *Workflow      // of workflow and foreach

	Pipeline *transform.Pipeline
	Retry    *Again
	Missing  expr.OnMissing // of let
}

// Arg is a key of a step: computed when the step runs, or kept as written.
type Arg struct {
	Value *expr.Template
	Raw   *yamlpos.Node
}

// Custom is a step type of the catalog.
type Custom struct {
	Name       string
	Shorthand  string // template, "" when it has none
	Parameters []Parameter
	// Definition gives the steps of a type that is a workflow.
	Definition func() (*Workflow, error)
	// Module tells that a module decides the steps.
	Module bool
	// Inputs tells what is wrong with what a step at pos is given below input;
	// that is an empty map when there is none. Nil takes anything. Only Check
	// asks: what was accepted once can be read ever after.
	Inputs func(pos yamlpos.Pos, input *yamlpos.Node) error
}

// Resolver finds step types that are not the language's own. The error is
// fault.NotFound when there is none.
type Resolver interface {
	StepType(name string) (*Custom, error)
}

// Label gives a step's name for people.
func (s *Step) Label() string {
	if s.Name != "" {
		return s.Name
	}
	if s.ID != "" {
		return s.Type + " (" + s.ID + ")"
	}
	return s.Type
}

// ByPath gives the step of a path, or nil.
func (w *Workflow) ByPath(path string) *Step { return w.byPath[path] }

// ByID gives the first step of an id, in the workflow's list and in the blocks
// within it; nil when there is none.
func (w *Workflow) ByID(id string) *Step { return w.byID[id] }

// Owner gives the step whose block a path names; nil for the blocks of the
// workflow itself and for those of error handlers.
func (w *Workflow) Owner(block string) *Step { return w.byPath[block] }

// Operand compiles a value within a condition or a transform; what was
// compiled once is kept.
func (w *Workflow) Operand(raw any) (*expr.Template, error) {
	text, isText := raw.(string)
	if isText {
		if t, ok := w.operands.Load(text); ok {
			return t.(*expr.Template), nil
		}
	}
	t, err := expr.CompileTemplate(yamlpos.FromAny(raw, yamlpos.Pos{}), expr.Limits{})
	if err == nil && isText {
		w.operands.Store(text, t)
	}
	return t, err
}
