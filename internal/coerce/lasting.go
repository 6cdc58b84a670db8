package coerce

import (
	"encoding/json"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// MaxDepth is how deep lists and objects may be nested in a value that is to
// last. encoding/json writes any depth but reads no more than 10,000, so that
// what is stored deeper could never be read again; a record around the value
// takes some of that.
const MaxDepth = 1000

// Encode gives the JSON of what is stored. Errors: fault.Invalid for what is no
// JSON, and fault.Limit for more than MaxDepth.
func Encode(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fault.New(fault.Invalid, "it is not JSON: %w", err)
	}
	return text, Shallow(text)
}

// Shallow refuses JSON that is nested deeper than MaxDepth, with fault.Limit.
func Shallow(text []byte) error {
	if n := Depth(text); n > MaxDepth {
		return fault.New(fault.Limit, "it is nested %d deep, the limit MaxDepth allows %d", n, MaxDepth)
	}
	return nil
}

// Depth gives how deep lists and objects are nested in JSON: 0 for a number.
func Depth(text []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
			if c == '\\' {
				i++
			}
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// Deep tells whether a plain value is nested deeper than MaxDepth.
func Deep(v any) bool { return deeper(v, MaxDepth) }

func deeper(v any, most int) bool {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			if most == 0 || deeper(item, most-1) {
				return true
			}
		}
		return most == 0
	case map[string]any:
		for _, item := range x {
			if most == 0 || deeper(item, most-1) {
				return true
			}
		}
		return most == 0
	}
	return false
}
