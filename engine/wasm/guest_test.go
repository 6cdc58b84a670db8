package wasm_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// effector makes the document of an effector call of testdata/guest.
func effector(name, args string) []byte {
	return []byte(`{"type":"guest","effector":"` + name + `","args":` + args + `}`)
}

func TestGoGuestAnswers(t *testing.T) {
	m := loadGo(t, wasm.Limits{}, wasm.LoadOptions{})
	for _, c := range []struct {
		id       hook.ID
		in, want string
	}{
		{hook.EntityEffector, string(effector("echo", `{"a":[1,"<b>"]}`)), `{"result":{"a":[1,"<b>"]}}`},
		{hook.EntityEffector, string(effector("panic", `{}`)), `{"error":{"kind":"internal","message":"hook 2 of module reference panicked: as told, at main.go:45"}}`},
		{hook.EntityEffector, string(effector("goroutines", `{}`)), `{"result":4950}`},
		{hook.EntityEffector, `{"type":"other"}`, `{"error":{"kind":"not-found","message":"module reference has no type \"other\""}}`},
		{hook.EntityEffector, `{`, `{"error":{"kind":"invalid","message":"decode effector call: byte 1: expected a key, got the end"}}`},
		{hook.ID(12), ``, `{"error":{"kind":"not-found","message":"module reference does not know hook 12"}}`},
	} {
		out, err := m.Call(context.Background(), c.id, []byte(c.in))
		if err != nil || string(out) != c.want {
			t.Errorf("%s %s\n got %s, %v\nwant %s", c.id, c.in, out, err, c.want)
		}
	}
	if s := m.Stats(); s.Started != 1 || s.Discarded != 0 || s.Failures != 0 || s.Calls != 6 {
		t.Errorf("an error answer is no failure: %+v", s)
	}
}

func TestGoGuestFailures(t *testing.T) {
	for _, c := range []struct {
		effector string
		kind     fault.Kind
		want     string
	}{
		{"exit", fault.Internal, `call entity.effector of module m: exited with code 3, after writing "giving up"`},
		{"deadlock", fault.Internal, `after writing "fatal error: all goroutines are asleep - deadlock!`},
		{"recurse", fault.Limit, "call entity.effector of module m: calls itself deeper than the limit StackSlots allows (1048576)"},
		{"grow", fault.Internal, "out of memory"},
		{"loop", fault.Limit, "call entity.effector of module m: used more fuel than the limit Plan.Fuel allows (1000000000)"},
	} {
		t.Run(c.effector, func(t *testing.T) {
			m := loadGo(t, wasm.Limits{Plan: wasm.CallLimits{Fuel: 1e9}}, wasm.LoadOptions{})
			_, err := m.Call(context.Background(), hook.EntityEffector, effector(c.effector, "{}"))
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != c.kind {
				t.Errorf("got %v (%v), want %s (%v)", err, fault.KindOf(err), c.want, c.kind)
			}
			out, err := m.Call(context.Background(), hook.EntityEffector, effector("echo", "{}"))
			if err != nil || string(out) != `{"result":{}}` {
				t.Errorf("the next call: %s, %v", out, err)
			}
			if s := m.Stats(); s.Started != 2 || s.Discarded != 1 || s.Failures != 1 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestGoGuestSeesNothing(t *testing.T) {
	const want = `{"result":{"args":0,"environment":0,"file":"open /etc/passwd: Capabilities insufficient","random":"RANDOM","slept":true,"year":2022}}`
	m := loadGo(t, wasm.Limits{}, wasm.LoadOptions{})
	first, err := m.Call(context.Background(), hook.EntityEffector, effector("world", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	_, random, _ := strings.Cut(string(first), `"random":"`)
	if got := strings.Replace(string(first), random[:16], "RANDOM", 1); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	second, err := m.Call(context.Background(), hook.EntityEffector, effector("world", "{}"))
	if err != nil || string(second) != string(first) {
		t.Errorf("the second call sees %s, %v", second, err)
	}
}

func TestFuelIsDeterministic(t *testing.T) {
	var fuel [2]int64
	for n := range fuel {
		m := loadGo(t, wasm.Limits{}, wasm.LoadOptions{})
		if _, err := m.Call(context.Background(), hook.EntityEffector, effector("echo", `{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		fuel[n] = m.Stats().LastFuel
	}
	if fuel[0] != fuel[1] || fuel[0] == 0 {
		t.Errorf("the same call on fresh instances took %d and %d", fuel[0], fuel[1])
	}
}

// Lines are logged as they end, however many writes they take.
func TestGuestWrites(t *testing.T) {
	var log bytes.Buffer
	m := load(t, goGuest, wasm.Config{
		CacheDir: codeCache, Limits: wasm.Limits{LogBytes: 10}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, wasm.LoadOptions{})
	if _, err := m.Call(t.Context(), hook.EntityEffector, effector("write", `{"parts": ["on", "e\ntw", "o", "\n\nthr", "ee", "\n0123456789abcdef\n", "next"]}`)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		if _, text, ok := strings.Cut(line, "level=WARN msg="); ok {
			got = append(got, strings.Fields(text)[0])
		}
	}
	if want := "one two three 012345678 next"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
