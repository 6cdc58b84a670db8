package gowanus

import (
	"runtime"
	"strconv"
	"strings"
)

// library begins the names of our own functions.
const library = "github.com/gowanus-project/gowanus/sdk/go/gowanus."

// panicked tells, in a function that recovers, what the panic said and where it
// was: in the innermost function that is neither of the Go runtime nor ours.
func panicked(said any) string {
	text := "panicked: " + show(said)
	var at [16]uintptr
	frames := runtime.CallersFrames(at[:runtime.Callers(0, at[:])])
	for {
		f, more := frames.Next()
		if f.Line > 0 && !strings.HasPrefix(f.Function, "runtime.") && !strings.HasPrefix(f.Function, library) {
			return text + ", at " + f.File[strings.LastIndexByte(f.File, '/')+1:] + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return text
		}
	}
}
