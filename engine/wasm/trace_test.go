package wasm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// TestTrace has a module that traps when it is asked nothing, and remembers
// three calls.
func TestTrace(t *testing.T) {
	bin := a.Guest(nil, a.Get(2), a.Eqz, a.If(a.Unreachable), a.Echo()).Bytes()
	m := load(t, bin, wasm.Config{TraceCalls: 3, Subject: func(context.Context) (string, string) { return "type", "entity" }}, wasm.LoadOptions{})
	if got := m.Trace(); len(got) != 0 {
		t.Errorf("before the first call: %+v", got)
	}
	for _, c := range []struct {
		id hook.ID
		in string
	}{{hook.PolicyEvent, "first"}, {hook.PolicyEvent, "abc"}, {hook.EntityEffector, ""}, {hook.EnricherEvent, "x"}} {
		_, _ = m.Call(t.Context(), c.id, []byte(c.in))
	}
	got := m.Trace()
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	for k, want := range []struct {
		id      hook.ID
		in, out int
		err     string
	}{{hook.EnricherEvent, 1, 1, ""}, {hook.EntityEffector, 0, 0, "trapped: unreachable"}, {hook.PolicyEvent, 3, 3, ""}} {
		g := got[k]
		if g.Hook != want.id || g.In != want.in || g.Out != want.out || !strings.HasPrefix(g.Error, want.err) || (g.Error == "") != (want.err == "") ||
			g.Type != "type" || g.Entity != "entity" || g.Fuel <= 0 || g.Took <= 0 || g.Pages != 1 || g.Time.IsZero() {
			t.Errorf("call %d: got %+v, want %+v", k, g, want)
		}
	}
	s := m.Stats()
	if l := s.Latency; len(l) != len(wasm.LatencyBuckets())+1 || l[len(l)-1] != 4 || l[0] > l[1] || s.Fuel < got[0].Fuel+got[1].Fuel+got[2].Fuel {
		t.Errorf("got %+v", s)
	}
	if s.Calls != 4 || s.Failures != 1 || len(s.Hooks) != 3 || s.Hooks[1].Hook != hook.PolicyEvent || s.Hooks[1].Calls != 2 || s.Hooks[1].Latency[len(s.Hooks[1].Latency)-1] != 2 {
		t.Errorf("got %+v", s)
	}
}
