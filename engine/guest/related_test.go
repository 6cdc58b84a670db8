package guest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
)

const curiousDescription = `{"name": "curious", "version": "1.0.0", "abi": [1, 1], "types": [
	{"name": "eye", "kind": "policy", "wakeAfter": "2s", "related": [{"of": "members", "sensors": ["up"], "config": ["weight"]}]},
	{"name": "ear", "kind": "enricher", "related": [{"of": "members"}]},
	{"name": "look", "kind": "step", "related": [{"of": "config:any"}]}
], "capabilities": [
	{"kind": "sensor", "value": "up", "reason": "r"}, {"kind": "sensor", "value": "load.*", "reason": "r"}, {"kind": "config", "value": "weight", "reason": "r"}]}`

// What a module has no capability for is left out of what it reads of others,
// and secrets are hidden there too.
func TestRelated(t *testing.T) {
	f := &fake{answer: `{}`}
	m, err := guest.Load([]byte(curiousDescription), f, guest.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]*catalog.Type{}
	for _, typ := range m.Types() {
		types[typ.Name] = typ
	}
	related := []hook.Related{{
		Of: "members", Ref: hook.Ref{ID: "m1", Name: "one"},
		Sensors: map[string]any{"up": true, "load.mean": 1, "url": "x"}, Config: map[string]any{"weight": 2, "weight.more": 3},
	}}
	for _, c := range []struct {
		grants []hook.Capability
		want   string
	}{
		{m.Capabilities(), `{"id":"m1","application":"","name":"one","type":"","of":"members","config":{"weight":2},"sensors":{"load.mean":1,"up":true}}`},
		{m.Capabilities()[1:2], `{"id":"m1","application":"","name":"one","type":"","of":"members","sensors":{"load.mean":1}}`},
		{nil, `{"id":"m1","application":"","name":"one","type":"","of":"members"}`},
	} {
		m.Grant(c.grants)
		for name, ask := range map[string]func() error{
			"policy": func() error {
				_, err := types["eye"].Policy.Event(t.Context(), &hook.PolicyCall{Related: related, Timer: true})
				return err
			},
			"enricher": func() error {
				_, err := types["ear"].Policy.Event(t.Context(), &hook.PolicyCall{Related: related, Timer: true})
				return err
			},
			"step": func() error {
				_, err := types["look"].Step(t.Context(), &hook.EffectorCall{Related: related})
				return err
			},
		} {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			var got struct{ Related []json.RawMessage }
			if err := json.Unmarshal([]byte(f.got), &got); err != nil || len(got.Related) != 1 || string(got.Related[0]) != c.want {
				t.Errorf("%s:\ngot  %s\nwant %s", name, got.Related, c.want)
			}
		}
	}
	if len(related[0].Sensors) != 3 {
		t.Error("the caller's document was changed")
	}
	waker, is := types["eye"].Policy.(catalog.Waker)
	if after, ok := waker.Wake(nil); !is || !ok || after != 2*time.Second {
		t.Errorf("woken after %v, %v", after, ok)
	}
	if _, ok := types["ear"].Policy.(catalog.Waker).Wake(nil); ok {
		t.Error("one that does not ask for it is woken")
	}
}
