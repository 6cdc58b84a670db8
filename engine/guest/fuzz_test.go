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

// FuzzDocument checks the same of the hooks whose answer is no decision about an
// effector.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"children": [{"type": "x"}], "sensors": {"a": 1}, "tags": ["t"]}`, `{"blueprint": {"services": [1, 2.5, null]}}`,
		`{"errors": [{"line": 1, "column": -1, "message": "m"}]}`, `{"state": {"n": 1}}`, `{"sensors": {"a": 1e400}}`,
		`{"result": {"id": "i", "address": "a"}, "steps": [{"step": "log"}]}`, `{"error": {"kind": "not-found"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		m, err := guest.Load([]byte(fakeKinds), &fake{answer: string(answer)}, guest.Limits{Steps: 5, Sensors: 5, StateBytes: 100})
		if err != nil {
			t.Fatal(err)
		}
		m.GrantAll()
		ctx := t.Context()
		for _, typ := range m.Types() {
			var out any
			var err error
			switch {
			case typ.Init != nil:
				out, err = typ.Init(ctx, &hook.InitCall{})
			case typ.Policy != nil:
				out, err = typ.Policy.Event(ctx, &hook.PolicyCall{Timer: true})
			case typ.Networks != nil:
				out, err = typ.Networks(ctx, &hook.NetworkCall{})
			case typ.Machines != nil:
				out, err = typ.Machines(ctx, &hook.LocationCall{})
			case typ.Format != nil:
				out, err = typ.Format(ctx, &hook.ParseCall{})
			case typ.Step != nil:
				out, err = typ.Step(ctx, &hook.EffectorCall{})
			}
			if d, is := out.(*hook.Decision); is && err == nil && (len(d.Steps) > 5 || len(d.State) > 100 || typ.Kind == "enricher" && len(d.Steps) > 0) {
				t.Fatalf("%s: %s was accepted", typ.Kind, answer)
			}
			if _, broken := json.Marshal(out); err == nil && broken != nil {
				t.Fatal(broken)
			}
			if state, err := typ.Migrate(ctx, &hook.MigrateCall{State: json.RawMessage(`{}`)}); err == nil && len(state) > 100 {
				t.Fatalf("state of %d bytes", len(state))
			}
		}
	})
}

const fakeKinds = `{"name": "kinds", "version": "1.0.0", "abi": [1, 1], "types": [
	{"name": "pair", "kind": "entity", "init": true}, {"name": "sum", "kind": "enricher", "events": [{"sensor": "load"}]},
	{"name": "wire", "kind": "network"}, {"name": "cloud", "kind": "location"}, {"name": "lines", "kind": "format", "formats": [".lines"]},
	{"name": "shout", "kind": "step", "config": [{"name": "times", "type": "integer", "default": 1}]}
], "capabilities": [{"kind": "step", "value": "log", "reason": "r"}]}`

// FuzzDescription checks that a description is refused or can be registered.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(fakeDescription))
	f.Add([]byte(fakeKinds))
	f.Add([]byte(`{"error": {"kind": "invalid", "message": "m"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := guest.Load(text, &fake{}, guest.Limits{})
		if err != nil {
			return
		}
		for _, typ := range m.Types() {
			implemented := 0
			for _, has := range []bool{typ.Entity != nil, typ.Policy != nil, typ.Strategy != nil, typ.Step != nil, typ.Networks != nil, typ.Machines != nil, typ.Format != nil} {
				if has {
					implemented++
				}
			}
			if typ.Name == "" || implemented != 1 || (typ.Instance != nil) != (typ.Networks != nil) {
				t.Fatalf("%s gave %+v", text, typ)
			}
		}
	})
}
