package guest_test

import (
	"encoding/json"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// FuzzDecision checks that whatever a module answers is either refused with an
// error that names it, or within the limits and capabilities.
func FuzzDecision(f *testing.F) {
	for _, seed := range []string{
		`{"steps": [{"id": "a", "step": "log", "input": {"message": "hi"}, "timeout": "1m"}, {"continue": "more"}], "state": {}}`,
		`{"steps": [{"step": "if-placed", "input": {"step": "log", "input": {}}}], "sensors": {"x": null}, "wakeAfter": "1s"}`,
		`{"error": {"kind": "invalid", "message": "m", "at": "a"}}`, `{"steps": [null]}`, `nul`, `{"state": null} `,
	} {
		f.Add([]byte(seed))
	}
	limits := guest.Limits{Steps: 5, Sensors: 5, StateBytes: 100}
	f.Fuzz(func(t *testing.T, answer []byte) {
		types := load(t, &fake{answer: string(answer)}, limits)
		d, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without text")
			}
			return
		}
		if len(d.Steps) > 5 || len(d.Sensors) > 5 || len(d.State) > 100 || d.Error != nil || d.WakeAfter != "" {
			t.Fatalf("%s was accepted", answer)
		}
		for _, s := range d.Steps {
			if s.Continue == "" && s.Step != "log" && s.Step != "if-placed" {
				t.Fatalf("step %q was accepted", s.Step)
			}
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatal(err)
		}
		if _, err := types["watcher"].Policy.Event(t.Context(), &hook.PolicyCall{}); err != nil && fault.KindOf(err) != fault.Internal {
			t.Fatal(err)
		}
	})
}

// FuzzDescription checks that a description is refused or can be registered.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(fakeDescription))
	f.Add([]byte(`{"error": {"kind": "invalid", "message": "m"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := guest.Load(text, &fake{}, guest.Limits{})
		if err != nil {
			return
		}
		for _, typ := range m.Types() {
			if typ.Name == "" || (typ.Entity == nil) == (typ.Policy == nil && typ.Strategy == nil && typ.Step == nil) {
				t.Fatalf("%s gave %+v", text, typ)
			}
		}
	})
}
