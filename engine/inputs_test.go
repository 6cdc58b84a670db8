package engine

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine/stepinput"
)

// A decision is held to what its steps take, so each step has to say it.
func TestEachStepSaysWhatItTakes(t *testing.T) {
	e := &Engine{}
	if err := e.register(nil); err != nil {
		t.Fatal(err)
	}
	for name := range e.actions {
		if _, ok := stepinput.Keys(name); !ok {
			t.Errorf("step %s is missing in package stepinput", name)
		}
	}
}
