package guest_test

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// A step is given its input as its type declares it.
func TestStepArgs(t *testing.T) {
	const description = `{"name": "steps", "version": "1.0.0", "abi": [1, 1], "types": [
		{"name": "act", "kind": "step", "related": [{"of": "config:peers", "sensors": ["config:load"]}], "config": [
			{"name": "act.text", "flags": ["text"], "type": "string", "required": true},
			{"name": "times", "type": "integer", "default": 1},
			{"name": "who", "type": "string"}]},
		{"name": "free", "kind": "step"}], "capabilities": []}`
	for _, c := range []struct {
		step string
		args map[string]any
		want string // the document's args, or the error
	}{
		{"act", map[string]any{"text": 5}, `{"act.text":"5","times":1}`},
		{"act", map[string]any{"act.text": "a", "text": "b", "times": "3"}, `{"act.text":"a","times":3}`},
		{"act", map[string]any{"text": "a", "peers": []any{"x2"}, "load": "cpu"}, `{"act.text":"a","load":"cpu","peers":["x2"],"times":1}`},
		{"act", map[string]any{"text": "a", "who": map[string]any{"$entity": "x2"}}, `{"act.text":"a","times":1,"who":{"$entity":"x2"}}`},
		{"act", map[string]any{}, "act needs the input act.text"},
		{"act", map[string]any{"text": nil}, "act needs the input act.text"},
		{"act", map[string]any{"text": "a", "tims": 2}, `act has no input "tims"; did you mean "times"?`},
		{"act", map[string]any{"text": "a", "times": "often"}, `input times of act: cannot read "often" as integer`},
		{"free", map[string]any{"anything": 1}, `{"anything":1}`},
	} {
		f := &fake{answer: `{}`}
		m, err := guest.Load([]byte(description), f, guest.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, typ := range m.Types() {
			if typ.Name != c.step {
				continue
			}
			_, err := typ.Step(t.Context(), &hook.EffectorCall{Args: c.args})
			if err != nil {
				got = err.Error()
				if fault.KindOf(err) != fault.Invalid {
					t.Errorf("%v: kind %s", c.args, fault.KindOf(err))
				}
				continue
			}
			_, got, _ = strings.Cut(f.got, `"args":`)
			got, _, _ = strings.Cut(got, `,"now":`)
		}
		if got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.step, c.args, got, c.want)
		}
	}
}
