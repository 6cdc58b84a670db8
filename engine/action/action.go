// Package action defines what a workflow step that acts is given and how it
// reports: the only door through which anything outside is touched.
package action

import (
	"context"
	"io"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Action implements one step type. Run must be safe to repeat: after a crash
// the engine runs the interrupted step again, so creating means "create or
// adopt" and deleting means "delete if there".
type Action struct {
	Name string // the step type: "create-container"
	Doc  string // one sentence for users
	// Run acts and gives the step's output, a JSON value or nil. It must
	// return soon after ctx ends.
	Run func(ctx context.Context, c *Call) (any, error)
}

// Call is one run of a step.
type Call struct {
	Entity   hook.Ref        // on whose behalf the step acts
	Input    map[string]any  // the step's own keys, resolved, as JSON values
	Lease    *location.Lease // the place the entity holds; nil before it obtained one
	Workflow string          // id of the workflow run
	Step     int             // index of the step within it; (Workflow, Step) stays the same when the step is repeated
	Out      io.Writer       // the task's stdout stream
	Err      io.Writer       // the task's stderr stream
	// Block tells users what the step waits for, until the func that it
	// returns is called.
	Block func(details string) (done func())
	// Hold records the outside thing (container id, process id) that the
	// entity's lease now stands for. It is stored before Hold returns.
	Hold func(ctx context.Context, resource string) error
	// World is what else the step may ask for; nil where no engine runs it.
	World World
}
