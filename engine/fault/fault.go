// Package fault is the one error type that crosses package borders: what was
// attempted, on which entity, and which kind of failure it was.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Kind classifies a failure for those who must react to it: the server maps
// it to an HTTP status, the module host to an ABI status. The list is
// append-only; its numbers never change their meaning.
type Kind uint8

const (
	Internal     Kind = iota // a defect of ours, or one that nobody classified
	Invalid                  // the caller's input is wrong; repeating it cannot help
	NotFound                 // the thing named does not exist
	Conflict                 // the thing exists already, or changed meanwhile
	Unauthorized             // nobody is known to be calling
	Forbidden                // the caller, or a module, lacks the right
	Timeout                  // a deadline passed
	Cancelled                // somebody asked for it to stop
	Unavailable              // something outside does not answer; repeating may help
	Limit                    // a named limit was exceeded
	Capacity                 // no place is left to run on
	OnFire                   // the entity waited for has failed
	ReadOnly                 // the store refuses writes
	Precondition             // the request names things that do not belong together
	kinds                    // number of kinds
)

var names = [kinds]string{
	"internal", "invalid", "not-found", "conflict", "unauthorized", "forbidden", "timeout", "cancelled",
	"unavailable", "limit", "capacity", "on-fire", "read-only", "precondition",
}

// String gives the kind's name as it stands in JSON.
func (k Kind) String() string {
	if k < kinds {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind is the inverse of String; an unknown name is Internal.
func ParseKind(name string) Kind {
	for k, n := range names {
		if n == name {
			return Kind(k)
		}
	}
	return Internal
}

// Kinds lists all kinds, for tables that must cover each of them.
func Kinds() []Kind {
	all := make([]Kind, 0, kinds)
	for k := Internal; k < kinds; k++ {
		all = append(all, k)
	}
	return all
}

// Error is a classified failure. Its text is written for users; Err keeps the
// cause for logs and errors.Is.
type Error struct {
	Op     string // what was attempted, "start container"; may be empty
	Entity string // the entity it was attempted on, as users know it; may be empty
	Kind   Kind
	Err    error
}

// Error joins operation, entity and cause: "start container web: no such image".
func (e *Error) Error() string {
	text := e.Op
	if e.Entity != "" {
		if text != "" {
			text += " "
		}
		text += e.Entity
	}
	switch {
	case e.Err == nil && text == "":
		return e.Kind.String()
	case e.Err == nil:
		return text + ": " + e.Kind.String()
	case text == "":
		return e.Err.Error()
	}
	return text + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of the given kind with a formatted text; %w keeps a cause.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Wrap says what was attempted on which entity when err happened. The kind is
// that of err. A nil err stays nil.
func Wrap(err error, op, entity string) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Entity: entity, Kind: KindOf(err), Err: err}
}

// As gives err another kind; its text stays. A nil err stays nil.
func As(err error, kind Kind) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Err: err}
}

// KindOf finds the kind of an error. Errors of other origin are classified by
// context's two sentinels, else Internal.
func KindOf(err error) Kind {
	var e *Error
	var k interface{ FaultKind() Kind }
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &k):
		return k.FaultKind()
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Internal
}
