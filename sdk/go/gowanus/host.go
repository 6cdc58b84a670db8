package gowanus

import (
	"fmt"
	"strconv"
)

// The levels of Log.
const (
	LevelDebug = 0
	LevelInfo  = 1
	LevelWarn  = 2
	LevelError = 3
)

// Logf writes one line to the engine's log, with the module's name. The engine
// drops lines above its limit for one call. In ordinary tests it does nothing.
func Logf(level int, format string, args ...any) {
	hostLog(int32(level), fmt.Sprintf(format, args...))
}

// kinds are the words of sdk/ABI.md in the order of their status numbers.
var kinds = [...]string{
	"internal", "invalid", "not-found", "conflict", "unauthorized", "forbidden", "timeout", "cancelled",
	"unavailable", "limit", "capacity", "on-fire", "read-only", "precondition",
}

// Host asks the engine for something that was not sent with the call. Each
// operation is a capability; without the grant the error's kind is
// "forbidden". In ordinary tests every operation is "unavailable".
func Host(op int32, request []byte) ([]byte, error) {
	out := make([]byte, 4096)
	for {
		n := hostCall(op, request, out)
		switch {
		case n < 0:
			return nil, hostError(op, -n-1)
		case n <= int64(len(out)):
			return out[:n], nil
		}
		out = make([]byte, n)
	}
}

func hostError(op int32, status int64) error {
	kind := kinds[0]
	if status < int64(len(kinds)) {
		kind = kinds[status]
	}
	return refuse(kind, "host operation "+strconv.Itoa(int(op))+": "+kind)
}
