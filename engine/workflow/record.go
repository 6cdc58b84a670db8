// Package workflow runs the steps that implementations decide on, durably:
// each step is on record before it acts, and a crash at any instant leads to
// it being repeated, not forgotten.
package workflow

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
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
)

// Record is a run as the store keeps it.
type Record struct {
	ID          ID              `json:"id"`
	Application string          `json:"application"`
	Entity      string          `json:"entity"`
	Name        string          `json:"name"` // for users: "start", or the policy's type
	Effector    string          `json:"effector,omitempty"`
	Overridden  bool            `json:"overridden,omitempty"` // the type's effector, not the one that took its place
	Adjunct     string          `json:"adjunct,omitempty"`    // the policy that decided the steps
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
func (r *Record) Nest(name string) ID { return r.ID + "." + ID(strconv.Itoa(r.Next)) + "." + ID(name) }
