package testing_test

import (
	"context"
	"fmt"
	"testing"

	framework "github.com/gowanus-project/gowanus/builtin/testing"
	"github.com/gowanus-project/gowanus/engine/action"
)

// asking is a world that notes which steps are run within a step.
type asking struct {
	action.World
	ran []string
}

func (a *asking) Run(_ context.Context, step string, input map[string]any) (any, error) {
	a.ran = append(a.ran, fmt.Sprint(step, " ", input["confine"]))
	return map[string]any{"reachable": true, "content": "c"}, nil
}

// What asks addresses hands on to which hosts a module is held.
func TestTestsAreConfined(t *testing.T) {
	for step, c := range map[string]struct {
		input map[string]any
		want  string
	}{
		"test-http":     {map[string]any{"url": "http://a/", "applyAssertionTo": "body", "assert": map[string]any{"equals": "c"}}, "[http [a]]"},
		"test-endpoint": {map[string]any{"endpoint": "a:1"}, "[check-endpoint [a]]"},
	} {
		for _, a := range framework.Actions() {
			if a.Name != step {
				continue
			}
			w := &asking{}
			c.input["confine"], c.input["timeout"], c.input["backoffToPeriod"] = []any{"a"}, "1s", "1ms"
			if _, err := a.Run(t.Context(), &action.Call{Input: c.input, World: w}); err != nil || fmt.Sprint(w.ran) != c.want {
				t.Errorf("%s: %v, %v", step, w.ran, err)
			}
		}
	}
}
