package expr

import (
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Error is a failed evaluation: where the expression stands, which part of it
// failed, and why. Its kind is that of the cause.
type Error struct {
	Pos  yamlpos.Pos // unknown for a value of CompileAny
	Text string      // the part of the expression, as written
	Err  error
}

// Error gives file:line:col: text: cause.
func (e *Error) Error() string {
	text := e.Text + ": " + e.Err.Error()
	if at := e.Pos.String(); at != "" {
		return at + ": " + text
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// FaultKind gives the kind of the cause.
func (e *Error) FaultKind() fault.Kind { return fault.KindOf(e.Err) }
