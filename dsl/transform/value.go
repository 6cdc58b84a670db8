package transform

import (
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
)

// kindOf names the kind of a value for an error.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case time.Duration:
		return "a duration"
	case time.Time:
		return "a timestamp"
	}
	return "an object"
}

// scalar tells whether a value has a text that stands for it.
func scalar(v any) bool {
	switch v.(type) {
	case bool, int64, float64, string, time.Duration, time.Time:
		return true
	}
	return false
}

const maxShown = 60 // bytes of a value in an error

// shown quotes a value for an error, shortened.
func shown(v any) string {
	if !scalar(v) {
		return kindOf(v)
	}
	text := coerce.Text(v)
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	if _, isText := v.(string); isText {
		return strconv.Quote(text)
	}
	return text
}

// named is an entity: what a document says of it is its id.
type named interface{ EntityID() string }

// document gives a value as one of JSON: durations and timestamps are text,
// and an entity is its id.
func (l *Limits) document(v any) (any, error) { return document(v, l.Depth, l) }

func document(v any, depth int, l *Limits) (any, error) {
	if depth < 0 {
		return nil, exceeded("Depth", l.Depth, "lists and maps inside each other")
	}
	switch v := v.(type) {
	case time.Duration, time.Time:
		return coerce.Text(v), nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = document(v[i], depth-1, l); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			var err error
			if out[key], err = document(v[key], depth-1, l); err != nil {
				return nil, err
			}
		}
		return out, nil
	case named:
		return v.EntityID(), nil
	}
	return v, nil
}
