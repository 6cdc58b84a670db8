package wasm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// errTime is the cause of a halt by the wall clock.
var errTime = errors.New("time is over")

// exitError ends a guest that called proc_exit.
type exitError struct{ code uint32 }

func (e *exitError) Error() string { return fmt.Sprintf("exited with code %d", e.code) }

// guestError ends a guest that broke the contract in a host function.
type guestError struct{ text string }

func (e *guestError) Error() string { return e.text }

// explain turns what ended the guest into an error for users. limitName is the
// field of Limits that limit stands in.
func (i *instance) explain(err error, limit CallLimits, limitName string) error {
	if err == nil {
		return nil
	}
	i.broken = true
	i.mu.Lock()
	cause := i.cause
	i.mu.Unlock()
	var classified *fault.Error
	var exit *exitError
	var guest *guestError
	switch {
	case errors.Is(cause, errTime):
		return fault.New(fault.Timeout, "took longer than the limit %s.Time allows (%s)", limitName, limit.Time)
	case cause != nil:
		return cause
	case errors.As(err, &classified):
		return err
	case int64(i.stack.Get()) < 0:
		return fault.New(fault.Limit, "calls itself deeper than the limit StackSlots allows (%d)", i.module.limits.StackSlots)
	case int64(i.reserve.Get()) < 0, errors.Is(err, errOverdrawn):
		return fault.New(fault.Limit, "used more fuel than the limit %s.Fuel allows (%d)", limitName, limit.Fuel)
	case errors.As(err, &exit):
		return fault.New(fault.Internal, "%w%s", exit, i.world.lastWords())
	case errors.As(err, &guest):
		return fault.New(fault.Internal, "%w", guest)
	}
	if i.denied.Load() {
		return fault.New(fault.Limit, "was refused more memory than the limit TotalPages allows all instances (%d pages), and trapped: %s",
			i.module.limits.TotalPages, trim(err.Error(), i.world.lastWords()))
	}
	return fault.New(fault.Internal, "trapped: %s", trim(err.Error(), i.world.lastWords()))
}

// trim keeps of a trap's text what fits into a message: its reason, with what
// the guest said last behind it, and the innermost functions.
func trim(text, words string) string {
	lines := strings.Split(text, "\n")
	lines[0] = strings.TrimPrefix(lines[0], "wasm error: ")
	kept := []string{lines[0] + words}
	for _, line := range lines[1:] {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "wasm stack trace") {
			continue
		}
		if len(kept) == 6 {
			break
		}
		kept = append(kept, "at "+line)
	}
	return strings.Join(kept, ", ")
}
