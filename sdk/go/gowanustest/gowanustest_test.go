package gowanustest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

func register() {
	gowanus.Register(gowanus.Module{
		Name: "fixture", Version: "1.0.0",
		Capabilities: gowanus.Steps("to publish what was asked", "set-sensor"),
		Types: []gowanus.Type{
			{Name: "greeter", Prefix: "greeter:", Kind: gowanus.KindEntity, Effector: greet},
			{Name: "counter", Kind: gowanus.KindPolicy, PolicyEvent: count},
			{Name: "spread", Kind: gowanus.KindStrategy, Columns: []string{"containers", "up", "label:rack", "slots"}, Rank: spread},
		},
	})
}

func greet(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	switch {
	case c.Effector == "fail":
		return gowanus.Decision{}, fmt.Errorf("greet %s: %w", c.Entity.Name, gowanus.Errorf("conflict", "greeted already"))
	case c.Effector == "panic":
		var m map[string]int
		m["x"]++
	case c.Token == "greeted":
		return gowanus.Decision{Result: c.Output("first")}, nil
	}
	return gowanus.Decision{Steps: []gowanus.Step{
		{ID: "first", Step: "no-op", Input: map[string]any{"text": "<" + c.Args.String("text") + ">"}},
		{Continue: "greeted"},
	}}, nil
}

func count(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	var n int
	if c.State != nil {
		n = int(c.State[0] - '0')
	}
	return gowanus.Decision{State: gowanus.State(n + 1), WakeAfter: "30s"}, nil
}

func spread(in *gowanus.Hosts, out *gowanus.Ranking) {
	containers, up, rack, slots := in.Float64s("containers"), in.Bitmap("up"), in.Strings("label:rack"), in.Uint32s("slots")
	for i := range in.Len() {
		switch {
		case !up.Has(i):
			out.Refuse(i, "is down")
		case rack.At(i) == in.Config.String("avoid"):
			out.Refuse(i, "stands in rack "+rack.At(i))
		default:
			out.Score(i, float64(slots[i])-containers[i])
		}
	}
}

func TestRank(t *testing.T) {
	register()
	columns := []gowanustest.Column{
		{Name: "containers", Values: []float64{3, 1, 0, 2}},
		{Name: "up", Values: []bool{true, true, false, true}},
		{Name: "label:rack", Values: []string{"a", "", "c", "d"}},
		{Name: "slots", Values: []uint32{8, 8, 8, 8}},
	}
	for range 2 { // the second time over reused buffers
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: "spread", Config: gowanus.Values{"avoid": "d"}}, 4, columns...)
		if err != nil {
			t.Fatal(err)
		}
		want := "[{5 } {7 } {NaN is down} {NaN stands in rack d}]"
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if got, err := gowanustest.Rank(gowanus.RankRequest{Type: "spread"}, 0); err != nil || len(got) != 0 {
		t.Errorf("no hosts: %v, %v", got, err)
	}
}

func TestEffector(t *testing.T) {
	register()
	call := gowanus.EffectorCall{Type: "greeter:1", Effector: "greet", Args: gowanus.Values{"text": "hi"}}
	d, err := gowanustest.Effector(call)
	if err != nil || d.Steps[0].Input["text"] != "<hi>" || d.Steps[1].Continue != "greeted" {
		t.Fatalf("got %+v, %v", d, err)
	}
	call.Token, call.Outputs = "greeted", []gowanus.Output{{ID: "first", Step: "no-op", Output: "done"}}
	if d, err = gowanustest.Effector(call); err != nil || d.Result != "done" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestErrors(t *testing.T) {
	register()
	for _, c := range []struct{ typ, effector, kind, message string }{
		{"greeter", "fail", "conflict", "greet : greeted already"},
		{"greeter", "panic", "internal", "hook 2 of module fixture panicked: assignment to entry in nil map, at gowanustest_test.go:31"},
		{"counter", "greet", "invalid", "type counter has no effectors"},
		{"nobody", "greet", "not-found", `module fixture has no type "nobody"`},
	} {
		_, err := gowanustest.Effector(gowanus.EffectorCall{Type: c.typ, Effector: c.effector})
		var e *gowanus.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Message != c.message {
			t.Errorf("%s %s: got %#v, want %s: %s", c.typ, c.effector, err, c.kind, c.message)
		}
	}
	if _, err := gowanustest.Rank(gowanus.RankRequest{Type: "greeter"}, 0); err == nil || err.Error() != "type greeter does not rank hosts" {
		t.Errorf("got %v", err)
	}
	if got := string(gowanus.Call(99, nil)); got != `{"error":{"kind":"not-found","message":"module fixture does not know hook 99"}}` {
		t.Errorf("got %s", got)
	}
}

func TestPolicyState(t *testing.T) {
	register()
	d, err := gowanustest.Policy(gowanus.PolicyCall{Type: "counter"})
	if err != nil || string(d.State) != "1" || d.WakeAfter != "30s" {
		t.Fatalf("got %+v, %v", d, err)
	}
	d, err = gowanustest.Policy(gowanus.PolicyCall{Type: "counter", State: d.State, Timer: true})
	if err != nil || string(d.State) != "2" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestReasonsAreCutAtARune(t *testing.T) {
	long := strings.Repeat("ä", 200)
	gowanus.Register(gowanus.Module{Types: []gowanus.Type{{Name: "no", Rank: func(in *gowanus.Hosts, out *gowanus.Ranking) {
		for i := range in.Len() {
			out.Refuse(i, long)
		}
	}}}})
	got, err := gowanustest.Rank(gowanus.RankRequest{Type: "no"}, 3)
	if err != nil || got[2].Reason != strings.Repeat("ä", 128) {
		t.Errorf("got %v, %v", got, err)
	}
}
