package yamlpos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Error is one problem of a text, at its place.
type Error struct {
	Pos Pos
	Msg string // what is wrong and what was expected, lower-case, without the place

	limit string // field of Limits that was exceeded
}

// exceeded is the error for a text beyond a field of Limits.
func exceeded(pos Pos, limit, format string, args ...any) *Error {
	return &Error{Pos: pos, Msg: fmt.Sprintf(format, args...), limit: limit}
}

// Error gives the compiler's form, file:line:col: message.
func (e *Error) Error() string {
	if at := e.Pos.String(); at != "" {
		return at + ": " + e.Msg
	}
	return e.Msg
}

// maxKept is how many problems of one text are kept; nobody reads more.
const maxKept = 200

// Errors collects all problems of a text, beyond the first 200 only their
// number. Its zero value is ready to use.
type Errors struct {
	list []*Error
	more int // problems that are not in list
}

// Add records a problem.
func (es *Errors) Add(pos Pos, format string, args ...any) {
	if len(es.list) >= maxKept {
		es.more++
		return
	}
	es.keep(&Error{Pos: pos, Msg: fmt.Sprintf(format, args...)})
}

func (es *Errors) keep(list ...*Error) {
	room := min(maxKept-len(es.list), len(list))
	es.list = append(es.list, list[:room]...)
	es.more += len(list) - room
}

// Append records the problems of another error: each one of an Errors or
// Error, any other error at pos.
func (es *Errors) Append(pos Pos, err error) {
	switch e := err.(type) {
	case nil:
	case *Errors:
		es.keep(e.list...)
		es.more += e.more
	case *Error:
		es.keep(e)
	default:
		es.Add(pos, "%s", err)
	}
}

// List gives the problems that are kept, in the order of the text.
func (es *Errors) List() []*Error {
	out := slices.Clone(es.list)
	slices.SortStableFunc(out, func(a, b *Error) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return out
}

// Problems gives the problems with a place that an error consists of, in the
// order of the text; none for an error of another kind.
func Problems(err error) []*Error {
	var all *Errors
	if errors.As(err, &all) {
		return all.List()
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// Err gives nil when there is no problem, else es itself.
func (es *Errors) Err() error {
	if len(es.list) == 0 {
		return nil
	}
	return es
}

// Error lists the problems, one a line, in the order of the text.
func (es *Errors) Error() string {
	lines := make([]string, 0, len(es.list)+1)
	for _, e := range es.List() {
		lines = append(lines, e.Error())
	}
	if es.more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", es.more))
	}
	return strings.Join(lines, "\n")
}

// FaultKind makes Errors an Invalid fault, or Limit when a limit ended the
// reading.
func (es *Errors) FaultKind() fault.Kind {
	for _, e := range es.list {
		if e.limit != "" {
			return fault.Limit
		}
	}
	return fault.Invalid
}

// FaultKind makes an Error an Invalid fault, or Limit when it reports a limit.
func (e *Error) FaultKind() fault.Kind {
	if e.limit != "" {
		return fault.Limit
	}
	return fault.Invalid
}
