package gowanus

import (
	"fmt"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// Error is a refusal that keeps its kind on the way to the user. Kind is one
// of the words of sdk/ABI.md: "invalid", "not-found", "conflict", …
type Error struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	At      string `json:"at,omitempty"` // where in the input, if that can be said
}

// Error gives the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error of the given kind.
func Errorf(kind, format string, args ...any) *Error {
	return refuse(kind, fmt.Sprintf(format, args...))
}

// refuse is for this package, which does without fmt: that is a tenth of the
// machine code of a module that does as well.
func refuse(kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// find gives the Error that err is or wraps, or nil. Its like in package
// errors needs more code than the rest of this package.
func find(err error) *Error {
	switch e := err.(type) {
	case *Error:
		return e
	case interface{ Unwrap() error }:
		return find(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if found := find(one); found != nil {
				return found
			}
		}
	}
	return nil
}

// show gives a value for an error: texts as they are, and the rest as JSON.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case error:
		return v.Error()
	case interface{ String() string }:
		return v.String()
	}
	text, err := wire.Append(nil, value)
	if err != nil {
		return "a value that is no JSON"
	}
	return string(text)
}
