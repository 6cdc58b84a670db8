package guest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// fake is a module that always gives the same answer, or fails.
type fake struct {
	answer string
	err    error

	asked hook.ID
	got   string
}

func (f *fake) CallInto(_ context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	in := make([]byte, size)
	write(in)
	f.asked, f.got = id, string(in)
	if f.err != nil {
		return f.err
	}
	answer := []byte(f.answer)
	err := read(answer)
	clear(answer) // whoever kept a part of it sees zeros
	if err != nil {
		return fault.Wrap(err, "call "+id.String()+" of module", "fake")
	}
	return nil
}

const fakeDescription = `{"name": "fake", "version": "1.0.0", "abi": [1, 1], "types": [
	{"name": "thing", "kind": "entity", "prefix": "thing:", "effectors": [{"name": "start"}]},
	{"name": "watcher", "kind": "policy", "config": [{"name": "window", "type": "duration", "default": "3m"}], "events": [{"sensor": "load"}]},
	{"name": "picky", "kind": "strategy", "columns": ["containers"], "config": [
		{"name": "max.size", "flags": ["max"], "type": "integer", "default": 8}, {"name": "must", "type": "string", "required": true}]},
	{"name": "greet", "kind": "step"}
], "capabilities": [{"kind": "step", "value": "log", "reason": "r"}, {"kind": "step", "value": "if-placed", "reason": "r"}]}`

func load(t testing.TB, f *fake, l guest.Limits) map[string]*catalog.Type {
	t.Helper()
	m, err := guest.Load([]byte(fakeDescription), f, l)
	if err != nil {
		t.Fatal(err)
	}
	m.GrantAll()
	types := map[string]*catalog.Type{}
	for _, typ := range m.Types() {
		types[typ.Name] = typ
	}
	return types
}

func TestTypes(t *testing.T) {
	types := load(t, &fake{}, guest.Limits{})
	for name, want := range map[string][3]bool{"thing": {true, false, false}, "watcher": {false, true, false}, "picky": {false, false, true}} {
		typ := types[name]
		if got := [3]bool{typ.Entity != nil, typ.Policy != nil, typ.Strategy != nil}; got != want {
			t.Errorf("%s: entity, policy, strategy are %v, want %v", name, got, want)
		}
		if typ.Module != "fake" || typ.Version != "1.0.0" {
			t.Errorf("%s: got %+v", name, typ)
		}
	}
	if _, err := catalog.New(types["thing"], types["watcher"], types["picky"]); err != nil {
		t.Error(err)
	}
}

func TestEntity(t *testing.T) {
	f := &fake{answer: `{"steps": [{"id": "a", "step": "log", "input": {"message": "hi"}, "timeout": "1m"}, {"continue": "more"}],
		"sensors": {"x": 1, "y": null}, "state": {"n": 1}, "result": "done"}`}
	thing := load(t, f, guest.Limits{})["thing"].Entity
	d, err := thing.Effector(t.Context(), &hook.EffectorCall{Type: "thing", Effector: "start", Entity: hook.Entity{Ref: hook.Ref{ID: "x1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if f.asked != hook.EntityEffector || !strings.Contains(f.got, `"effector":"start"`) || !strings.Contains(f.got, `"id":"x1"`) {
		t.Errorf("asked %s %s", f.asked, f.got)
	}
	if len(d.Steps) != 2 || d.Steps[0].Input["message"] != "hi" || d.Steps[1].Continue != "more" || string(d.State) != `{"n": 1}` || d.Result != "done" {
		t.Errorf("got %+v", d)
	}
	if y, set := d.Sensors["y"]; !set || y != nil || d.Sensors["x"] != int64(1) {
		t.Errorf("got sensors %v", d.Sensors)
	}
	f.answer = `{"state": null}`
	if d, err = thing.Continue(t.Context(), &hook.EffectorCall{Token: "more"}); err != nil || f.asked != hook.EntityContinue || d.State != nil {
		t.Errorf("got %+v, %v of %s", d, err, f.asked)
	}
}

func TestStep(t *testing.T) {
	f := &fake{answer: `{"steps": [{"step": "log", "input": {"message": "hi"}}], "result": "greeted"}`}
	greet := load(t, f, guest.Limits{})["greet"].Step
	d, err := greet(t.Context(), &hook.EffectorCall{Type: "greet", Effector: "greet", Args: map[string]any{"who": "you"}})
	if err != nil || f.asked != hook.StepPlan || !strings.Contains(f.got, `"args":{"who":"you"}`) || d.Result != "greeted" || len(d.Steps) != 1 {
		t.Errorf("asked %s %s, got %+v, %v", f.asked, f.got, d, err)
	}
}

func TestPolicy(t *testing.T) {
	f := &fake{answer: `{"state": [1], "wakeAfter": "1m 30s"}`}
	watcher := load(t, f, guest.Limits{})["watcher"].Policy
	d, err := watcher.Event(t.Context(), &hook.PolicyCall{Type: "watcher", Config: map[string]any{"window": 90000}})
	if err != nil || d.WakeAfter != "1m 30s" || f.asked != hook.PolicyEvent {
		t.Errorf("got %+v, %v of %s", d, err, f.asked)
	}
	if !strings.Contains(f.got, `"config":{"window":"1m 30s"}`) {
		t.Errorf("the config was not coerced: %s", f.got)
	}
	_, err = watcher.Event(t.Context(), &hook.PolicyCall{Config: map[string]any{"window": "soon"}})
	if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), `window of watcher: cannot read "soon" as duration`) {
		t.Errorf("got %v", err)
	}
}

// TestBrokenAnswers: each names the module, the hook and the type.
func TestBrokenAnswers(t *testing.T) {
	const entity, policy = "entity.effector of type thing of module fake: ", "policy.event of type watcher of module fake: "
	for _, c := range []struct {
		answer string
		kind   fault.Kind
		want   string
	}{
		{``, fault.Internal, entity + `the answer cannot be read: it is empty`},
		{`{`, fault.Internal, entity + `the answer cannot be read: the JSON ends in the middle`},
		{`[]`, fault.Internal, entity + `the answer cannot be read: the whole: expected an object, got array`},
		{`{} {}`, fault.Internal, entity + `the answer cannot be read: something follows the JSON value`},
		{`{"stepz": []}`, fault.Internal, entity + `the answer cannot be read: unknown field "stepz", before byte 13; did you mean "steps"?`},
		{`{"steps": [{"step": "log", "inputs": {}}]}`, fault.Internal, entity + `the answer cannot be read: unknown field "inputs", before byte 42; did you mean "input"?`},
		{`{"steps": [null]}`, fault.Internal, entity + `step 1: expected either step or continue`},
		{`{"steps": [{"step": "log"}, {"step": "log", "continue": "x"}]}`, fault.Internal, entity + `step 2: expected either step or continue`},
		{`{"steps": [{"continue": "x", "timeout": "1m"}]}`, fault.Internal, entity + `step 1: continue stands alone, without id, input or timeout`},
		{`{"steps": [{"step": "log", "timeout": "0s"}]}`, fault.Internal, entity + `step 1: timeout: expected a duration above 0, got "0s"`},
		{`{"steps": [{"step": "` + strings.Repeat("x", 257) + `"}]}`, fault.Internal, entity + `step 1: step, continue and id may have at most 256 bytes`},
		{`{"steps": [{"step": "log", "id": "a"}, {"step": "log", "id": "a"}]}`, fault.Internal, entity + `step 2: two steps have the id "a"`},
		{`{"sensors": {"": 1}}`, fault.Internal, entity + `sensor name "": expected 1 to 256 bytes`},
		{`{"wakeAfter": "1m"}`, fault.Internal, entity + `wakeAfter: only a policy or enricher is woken`},
		{`{"steps": [{"step":"log"},{"step":"log"},{"step":"log"}]}`, fault.Limit, entity + `answer with 3 steps, the limit Steps allows 2`},
		{`{"sensors": {"a":1,"b":2,"c":3}}`, fault.Limit, entity + `answer with 3 sensors, the limit Sensors allows 2`},
		{`{"state": "01234567890"}`, fault.Limit, entity + `answer with 13 bytes of state, the limit StateBytes allows 10`},
		{`{"result": "` + strings.Repeat("x", 500) + `"}`, fault.Limit, entity + `answer of 514 bytes, the limit DecisionBytes allows 500`},
		{`{"steps": [{"step": "log", "input": {"message": "m"}}, {"step": "create-container"}]}`, fault.Forbidden,
			entity + `step 2, create-container, needs a capability that module fake does not ask for: kind step, value create-container`},
		{`{"steps": [{"step": "if-placed", "input": {"step": "if-placed", "input": {"step": "unmanage"}}}]}`, fault.Forbidden,
			entity + `step 1, unmanage, needs a capability that module fake does not ask for: kind step, value unmanage`},
		// Of policies:
		{`{"steps": [{"continue": "x"}]}`, fault.Internal, policy + `step 1: a policy cannot continue`},
		{`{"result": 1}`, fault.Internal, policy + `a policy or enricher has no result`},
		{`{"wakeAfter": "-1s"}`, fault.Internal, policy + `wakeAfter: expected a duration above 0, got "-1s"`},
	} {
		f := &fake{answer: c.answer}
		types := load(t, f, guest.Limits{Steps: 2, Sensors: 2, StateBytes: 10, DecisionBytes: 500})
		var err error
		if strings.HasPrefix(c.want, "policy") {
			_, err = types["watcher"].Policy.Event(t.Context(), &hook.PolicyCall{})
		} else {
			_, err = types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
		}
		if fault.KindOf(err) != c.kind || err == nil || err.Error() != c.want {
			t.Errorf("%.80s:\ngot  %v (%s)\nwant %s (%s)", c.answer, err, fault.KindOf(err), c.want, c.kind)
		}
	}
}

// TestRefusals: what the module says to users reaches them as it is.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer string
		kind   fault.Kind
		want   string
	}{
		{`{"error": {"kind": "invalid", "message": "openPorts[1]: expected a port", "at": "openPorts[1]"}}`, fault.Invalid, "openPorts[1]: expected a port"},
		{`{"error": {"kind": "conflict", "message": "expected a port", "at": "openPorts[1]"}}`, fault.Conflict, "openPorts[1]: expected a port"},
		{`{"error": {"kind": "no-such-kind", "message": "oh"}}`, fault.Internal, "oh"},
		{`{"error": {}}`, fault.Internal, "module fake refused without saying why"},
		{`{"error": {"kind": "invalid", "message": "` + strings.Repeat("ä", 20) + `"}}`, fault.Invalid, "ääää…"},
		{`{"error": {"kind": "invalid", "message": "no %s here"}, "steps": [{"step": "forbidden"}]}`, fault.Invalid, "no %s her…"},
	} {
		types := load(t, &fake{answer: c.answer}, guest.Limits{})
		if strings.HasSuffix(c.want, "…") {
			types = load(t, &fake{answer: c.answer}, guest.Limits{MessageBytes: 9})
		}
		_, err := types["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
		if fault.KindOf(err) != c.kind || err == nil || err.Error() != c.want {
			t.Errorf("got %v (%s), want %s (%s)", err, fault.KindOf(err), c.want, c.kind)
		}
	}
}

func TestFailedCalls(t *testing.T) {
	cause := fault.New(fault.Timeout, "call entity.effector of module fake: took too long")
	_, err := load(t, &fake{err: cause}, guest.Limits{})["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{})
	if !errors.Is(err, cause) || fault.KindOf(err) != fault.Timeout || err.Error() != "type thing: call entity.effector of module fake: took too long" {
		t.Errorf("got %v", err)
	}
	_, err = load(t, &fake{}, guest.Limits{})["thing"].Entity.Effector(t.Context(), &hook.EffectorCall{Args: map[string]any{"f": func() {}}})
	if fault.KindOf(err) != fault.Internal || err.Error() != "entity.effector of type thing of module fake: encode the call: json: unsupported type: func()" {
		t.Errorf("got %v", err)
	}
}

func TestDescribe(t *testing.T) {
	f := &fake{answer: fakeDescription}
	got, err := guest.Describe(t.Context(), f, guest.Limits{})
	if err != nil || string(got) != fakeDescription || f.asked != hook.Describe || f.got != "" {
		t.Errorf("got %s, %v", got, err)
	}
	_, err = guest.Describe(t.Context(), f, guest.Limits{DescriptionBytes: 10})
	if fault.KindOf(err) != fault.Limit || !strings.Contains(err.Error(), "the limit DescriptionBytes allows 10") {
		t.Errorf("got %v", err)
	}
}
