// Package workflow runs the steps that implementations decide on, durably:
// each step is on record before it acts, and a crash at any instant leads to
// it being repeated, not forgotten.
package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const bucket store.Bucket = "workflow"

// ID names a workflow run. That of a nested run is its parent's, a dot, and
// what tells it from its siblings, so that a repeated step finds the runs that
// it started before.
type ID string

// Status is where a run stands.
type Status string

const (
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Record is a run as the store keeps it.
type Record struct {
	ID          ID              `json:"id"`
	Application string          `json:"application"`
	Entity      string          `json:"entity"`
	Name        string          `json:"name"` // for users: "start", or the policy's type
	Effector    string          `json:"effector,omitempty"`
	Overridden  bool            `json:"overridden,omitempty"`  // the type's effector, not the one that took its place
	Adjunct     string          `json:"adjunct,omitempty"`     // the policy that decided the steps
	StepType    string          `json:"stepType,omitempty"`    // the type of a step that a module decides
	Machines    *Machines       `json:"machines,omitempty"`    // what a location's module is asked
	TypeVersion string          `json:"typeVersion,omitempty"` // of the type whose module decides: it ends with the one that it began with
	Sensor      *Sensor         `json:"sensor,omitempty"`      // gets the result
	Args        map[string]any  `json:"args,omitempty"`
	Task        string          `json:"task"`             // id of the task that shows it
	Config      map[string]any  `json:"config,omitempty"` // of the entity, as resolved for the first decision
	Decided     bool            `json:"decided"`
	Steps       []hook.Step     `json:"steps,omitempty"`
	Next        int             `json:"next"` // index of the step that runs, or is to run
	Outputs     []hook.Output   `json:"outputs,omitempty"`
	State       json.RawMessage `json:"state,omitempty"`
	Token       string          `json:"token,omitempty"` // of the continue step being decided
	Status      Status          `json:"status"`
	Result      any             `json:"result,omitempty"`
	Error       string          `json:"error,omitempty"`
	ErrorKind   string          `json:"errorKind,omitempty"`
	Created     time.Time       `json:"created"`

	// Of the run of a definition:
	Flow    *Flow         `json:"flow,omitempty"`
	Scope   entity.Scope  `json:"scope,omitzero"`    // of the text that the definition stands in
	After   time.Duration `json:"after,omitempty"`   // it begins so long after it was made
	Skipped bool          `json:"skipped,omitempty"` // its condition did not hold
	Ended   time.Time     `json:"ended,omitzero"`

	def    *step.Workflow
	given  *values // what a nested run is given
	saved  *saved
	stored bool
	depth  int       // runs around it
	until  time.Time // of a run of a former life: when it is to go on
	parked bool      // it waits, and only the store knows where it stands

	Parkable bool `json:"-"` // nothing but the run itself stands around it, so that it can wait without a goroutine
}

// Flow is what is kept of the run of a definition beside where it stands.
type Flow struct {
	Definition any      `json:"definition,omitempty"` // as written; a nested run has its parent's
	Hash       string   `json:"hash,omitempty"`       // runs of one hash are kept together
	Replays    []Replay `json:"replays,omitempty"`    // the runs before the present one
	Reason     string   `json:"reason,omitempty"`     // of the present one
	Steps      []string `json:"steps,omitempty"`      // of an ended run: paths of those that ran
}

// Machines is a request to the module that obtains machines for a location.
type Machines struct {
	Location string         `json:"location"`
	Op       string         `json:"op"` // obtain, release
	Demand   map[string]any `json:"demand,omitempty"`
	Machine  map[string]any `json:"machine,omitempty"`
}

// Sensor is where the result of a run is published.
type Sensor struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// Replay is one time that a run was begun, or gone back into.
type Replay struct {
	Task      string    `json:"task"`
	Reason    string    `json:"reason,omitempty"`
	Submitted time.Time `json:"submitted"`
	Ended     time.Time `json:"ended,omitzero"`
	Status    Status    `json:"status"`
	Error     string    `json:"error,omitempty"`
	Result    any       `json:"result,omitempty"`
}

// saved is where a run of a former life stood.
type saved struct {
	state []byte
	steps [][]byte
}

// top gives the id of the run that this one is nested in, at whatever depth.
func (id ID) top() ID {
	if i := strings.IndexByte(string(id), '.'); i >= 0 {
		return id[:i]
	}
	return id
}

// top tells whether the run is not nested in another one.
func (r *Record) top() bool { return r.ID.top() == r.ID }

// Nest gives the id of a run that the present step starts.
func (r *Record) Nest(name string) ID { return r.ID.within(strconv.Itoa(r.Next) + "." + name) }

// longest is the length from which on the id of a nested run has a hash in
// place of those around it: deep down ids would be most of what is in memory.
const longest = 200

// within gives the id of a run nested in that of id.
func (id ID) within(name string) ID {
	if len(id) <= longest {
		return id + "." + ID(name)
	}
	sum := sha256.Sum256([]byte(id))
	return id.top() + "." + ID(hex.EncodeToString(sum[:16])) + "." + ID(name)
}

// plain makes what was decoded values that are worked with.
func (r *Record) plain() {
	for _, m := range []map[string]any{r.Args, r.Config} {
		for k := range m {
			m[k] = coerce.Plain(m[k])
		}
	}
	r.Result = coerce.Plain(r.Result)
	for i := range r.Outputs {
		r.Outputs[i].Output = coerce.Plain(r.Outputs[i].Output)
	}
	for i := range r.Steps {
		for k, v := range r.Steps[i].Input {
			r.Steps[i].Input[k] = coerce.Plain(v)
		}
	}
	if r.Flow != nil {
		r.Flow.Definition = coerce.Plain(r.Flow.Definition)
	}
}

// Resumed tells whether the run goes on with what it began before.
func (r *Record) Resumed() bool { return r.saved != nil }
