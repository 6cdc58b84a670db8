package main

import "fmt"

// Exit statuses, as the help of the program documents them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitNotFound    = 4
	exitRefused     = 5
	exitConflict    = 6
	exitInterrupted = 130
)

// failure is an error that says how the program shall exit.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

func usageError(format string, args ...any) error { return fail(exitUsage, format, args...) }
