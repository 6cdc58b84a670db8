package gowanus_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// answering gives a module whose effector and parser do what a test says.
func answering(effector func() (gowanus.Decision, error)) *gowanus.Module {
	return &gowanus.Module{Name: "m", Types: []gowanus.Type{{
		Name: "t", Kind: gowanus.KindEntity,
		Effector: func(*gowanus.EffectorCall) (gowanus.Decision, error) { return effector() },
	}}}
}

type colour int

func (c colour) String() string { return "red" }

func TestErrorAnswers(t *testing.T) {
	var none *gowanus.Error
	full := gowanus.Errorf("capacity", "%d hosts", 3)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, `{}`},
		{none, `{}`},
		{full, `{"error":{"kind":"capacity","message":"3 hosts"}}`},
		{&gowanus.Error{Kind: "invalid", Message: "m", At: "config.a"}, `{"error":{"kind":"invalid","message":"m","at":"config.a"}}`},
		{fmt.Errorf("ask: %w", full), `{"error":{"kind":"capacity","message":"ask: 3 hosts"}}`},
		{errors.Join(errors.New("a"), fmt.Errorf("b: %w", full)), `{"error":{"kind":"capacity","message":"a\nb: 3 hosts"}}`},
		{errors.New("<plain>"), `{"error":{"kind":"internal","message":"<plain>"}}`},
	} {
		m := answering(func() (gowanus.Decision, error) { return gowanus.Decision{}, c.err })
		if got := string(m.Call(gowanus.HookEntityEffector, []byte(`{"type": "t"}`))); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

func TestPanics(t *testing.T) {
	for want, value := range map[string]any{
		"told":                    "told",
		"an error":                errors.New("an error"),
		"red":                     colour(1),
		"3.5":                     3.5,
		`{"a":[1]}`:               map[string]any{"a": []int{1}},
		"a value that is no JSON": func() {},
		"state cannot be encoded: a: expected a finite number, got NaN": nil,
	} {
		m := answering(func() (gowanus.Decision, error) {
			if value == nil {
				gowanus.State(map[string]any{"a": math.NaN()})
			}
			panic(value)
		})
		var got gowanus.Decision
		err := json.Unmarshal(m.Call(gowanus.HookEntityEffector, []byte(`{"type": "t"}`)), &got)
		if want = "hook 2 of module m panicked: " + want; err != nil || got.Error == nil || got.Error.Kind != "internal" || !placed.MatchString(got.Error.Message) || placed.ReplaceAllString(got.Error.Message, "") != want {
			t.Errorf("got %v, %v, want %s", got.Error, err, want)
		}
	}
}

// placed is where a handler of this file panicked.
var placed = regexp.MustCompile(`, at module_test\.go:[0-9]+$`)

func TestAnswersThatAreNoJSON(t *testing.T) {
	m := answering(func() (gowanus.Decision, error) {
		return gowanus.Decision{Sensors: map[string]any{"load": math.Inf(1)}}, nil
	})
	want := `{"error":{"kind":"internal","message":"encode answer: sensors.load: expected a finite number, got +Inf"}}`
	if got := string(m.Call(gowanus.HookEntityEffector, []byte(`{"type": "t"}`))); got != want {
		t.Errorf("got %s", got)
	}
}

func TestUnanswered(t *testing.T) {
	m := answering(nil)
	m.Types = append(m.Types, gowanus.Type{Name: "none", Aliases: []string{"bare"}})
	for _, c := range []struct {
		hook     gowanus.Hook
		in, want string
	}{
		{gowanus.HookEntityInit, `{"type": "t"}`, "not-found: type t does not answer entity.init"},
		{gowanus.HookEntityContinue, `{"type": "bare"}`, "invalid: type none has no effectors"},
		{gowanus.HookStepPlan, `{"type": "t"}`, "invalid: type t is no step"},
		{gowanus.HookPolicyEvent, `{"type": "t"}`, "not-found: type t does not answer policy.event"},
		{gowanus.HookEnricherEvent, `{"type": "t"}`, "not-found: type t does not answer enricher.event"},
		{gowanus.HookNetworkPlan, `{"type": "t"}`, "not-found: type t does not answer network.plan"},
		{gowanus.HookLocationPlan, `{"type": "t"}`, "not-found: type t does not answer location.plan"},
		{gowanus.HookBlueprintParse, `{"type": "t"}`, "not-found: type t does not answer blueprint.parse"},
		{gowanus.HookMigrate, `{"type": "t"}`, "not-found: type t does not answer migrate"},
		{gowanus.HookMigrate, `{"type": "x\"y"}`, `not-found: module m has no type "x\"y"`},
		{gowanus.HookPolicyEvent, `{"type": "t", "entity": {"config": 3}}`, "invalid: decode policy.event: byte 35, entity.config: expected an object, got 3"},
		{gowanus.HookEntityEffector, `{"type": 1}`, "invalid: decode effector call: byte 9, type: expected a text, got 1"},
		{99, ``, "not-found: module m does not know hook 99"},
	} {
		var got gowanus.Decision
		err := json.Unmarshal(m.Call(c.hook, []byte(c.in)), &got)
		if err != nil || got.Error == nil || got.Error.Kind+": "+got.Error.Message != c.want {
			t.Errorf("hook %d: got %v, %v, want %s", c.hook, got.Error, err, c.want)
		}
	}
}

func TestRecall(t *testing.T) {
	type memory struct{ N int }
	state := gowanus.State(memory{N: 3})
	for name, recall := range map[string]func(any) error{
		"effector": (&gowanus.EffectorCall{State: state}).Recall,
		"policy":   (&gowanus.PolicyCall{State: state}).Recall,
		"network":  (&gowanus.NetworkCall{State: state}).Recall,
		"location": (&gowanus.LocationCall{State: state}).Recall,
		"migrate":  (&gowanus.MigrateCall{State: state}).Recall,
	} {
		var m memory
		if err := recall(&m); err != nil || m.N != 3 {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
		var list []int
		if err := recall(&list); err == nil || err.Error() != "state: byte 0: expected a list, got an object" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	m := memory{N: 5}
	if err := (&gowanus.EffectorCall{}).Recall(&m); err != nil || m.N != 5 {
		t.Errorf("without a state: got %v, %v", m, err)
	}
	call := gowanus.EffectorCall{Now: "2026-11-20T12:00:00.5Z"}
	if now, err := call.Time(); err != nil || !now.Equal(time.Date(2026, 11, 20, 12, 0, 0, 5e8, time.UTC)) {
		t.Errorf("got %v, %v", now, err)
	}
}

func TestDecode(t *testing.T) {
	type port struct {
		Number int
		Tags   []string `json:"tags"`
	}
	v := gowanus.Values{"ports": []any{map[string]any{"number": 80.0, "tags": []any{"a"}}}, "bad": []any{map[string]any{"tags": []any{"a", 3.0}}}, "null": nil, "func": func() {}}
	ports := []port{{Number: 1}}
	for _, absent := range []string{"absent", "null"} {
		if err := v.Decode(absent, &ports); err != nil || len(ports) != 1 || ports[0].Number != 1 {
			t.Errorf("%s: got %v, %v", absent, ports, err)
		}
	}
	if err := v.Decode("ports", &ports); err != nil || len(ports) != 1 || ports[0].Number != 80 || ports[0].Tags[0] != "a" {
		t.Errorf("got %v, %v", ports, err)
	}
	for key, want := range map[string]gowanus.Error{
		"bad":   {Kind: "invalid", At: "bad[0].tags[1]", Message: "bad[0].tags[1]: expected a text, got 3"},
		"func":  {Kind: "invalid", Message: "func: expected a value that JSON can hold, got a func()"},
		"ports": {Kind: "invalid", At: "ports", Message: "ports: expected an object, got a list"},
	} {
		var err error
		if key == "ports" {
			err = v.Decode(key, &port{})
		} else {
			err = v.Decode(key, &ports)
		}
		var got *gowanus.Error
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: got %+v", key, got)
		}
	}
}
