package scenario_test

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

// guest is testdata/guest, built by the Go compiler at hand, and codeCache keeps
// its code from one test to the next.
var guest, codeCache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gowanus-scenario-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	guest, codeCache = filepath.Join(dir, "guest.wasm"), filepath.Join(dir, "cache")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", guest, ".")
	cmd.Dir = filepath.Join("testdata", "guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	code := 1
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the guest: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func open(t testing.TB, o scenario.Options) *scenario.Module {
	t.Helper()
	o.CacheDir = codeCache
	m, err := scenario.Open(t.Context(), guest, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestKinds plays scenarios of all kinds that are as they say.
func TestKinds(t *testing.T) {
	suite, err := scenario.Read("testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, scenario.Options{})
	for _, s := range suite.Scenarios {
		r, err := m.Play(t.Context(), s)
		if err != nil || !r.Passed() {
			t.Errorf("%s, %v", r, err)
		}
	}
}

// TestEndless: what ends by a limit is not waited for again.
func TestEndless(t *testing.T) {
	file := filepath.Join(t.TempDir(), "endless.yaml")
	if err := os.WriteFile(file, []byte("scenarios: [{name: n, step: endless}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	suite, err := scenario.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	m := open(t, scenario.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Limits: wasm.Limits{Plan: wasm.CallLimits{Fuel: 1e6}}})
	r, err := m.Play(t.Context(), suite.Scenarios[0])
	if err != nil || r.Passed() || !strings.Contains(r.String(), "used more fuel than the limit Plan.Fuel allows (1000000)") {
		t.Errorf("%s, %v", r, err)
	}
	if n := strings.Count(log.String(), "msg=begins"); n != 1 {
		t.Errorf("it began %d times:\n%s", n, log.String())
	}
	if one := m.Profile()[0]; one.Hook != "step.plan" || one.Calls != 1 || one.Fuel <= 1e6/2 {
		t.Errorf("the profile says %+v", one)
	}
}

// TestCoverage tells what a module declares, what decisions promised, and what
// of it scenarios reached.
func TestCoverage(t *testing.T) {
	m := open(t, scenario.Options{Once: true})
	suite, err := scenario.Parse("f", []byte(`scenarios:
- {name: a, entity: greeter, calls: [{effector: start}, {effector: start}]}
- {name: b, policy: org.example.Restarter, config: {also: x}, event: {sensor: x, value: false}}
- {name: c, hook: location.plan, in: {type: org.example.Cloud, op: obtain, name: l, config: {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suite.Scenarios {
		if r, err := m.Play(t.Context(), s); err != nil || !r.Passed() {
			t.Fatalf("%s, %v", r, err)
		}
	}
	var got []string
	all, percent := m.Coverage()
	for _, c := range all {
		if c.Type == "" || strings.HasPrefix(c.Type, "org.example") {
			got = append(got, strings.TrimPrefix(fmt.Sprintf("%s %s %s %d", c.Type, c.Hook, c.Branch, c.Calls), "org.example."))
		}
	}
	want := ` describe  1
Greeter entity.continue continue placed 0
Greeter entity.effector start 2
Restarter policy.event sensor in also 1
Restarter policy.event service.isUp 0
Emptiest placement.rank  0
Pair entity.init  0
Counter enricher.event joined or left of members 0
Counter enricher.event load of members 0
Shout step.plan  0
Wire network.plan attach 0
Wire network.plan create 0
Wire network.plan delete 0
Wire network.plan detach 0
Cloud location.plan obtain 1
Cloud location.plan release 0
Lines blueprint.parse  0`
	if text := strings.Join(got, "\n"); text != want || percent != 100*4.0/24 {
		t.Errorf("%.2f%% of\n%s\nwant\n%s", percent, text, want)
	}
	byHook := map[string]scenario.Profile{}
	for _, p := range m.Profile() {
		byHook[p.Hook] = p
	}
	if p := byHook["entity.effector"]; p.Calls != 2 || p.Type != "org.example.Greeter" || p.Fuel < 2 || p.LastFuel >= p.Fuel || p.Time < p.Longest || p.Memory == 0 {
		t.Errorf("got %+v", p)
	}
}

// BenchmarkPlay plays all scenarios of testdata/kinds.yaml, each call twice.
func BenchmarkPlay(b *testing.B) {
	suite, err := scenario.Read("testdata/kinds.yaml")
	if err != nil {
		b.Fatal(err)
	}
	m := open(b, scenario.Options{})
	for b.Loop() {
		for _, s := range suite.Scenarios {
			if r, err := m.Play(b.Context(), s); err != nil || !r.Passed() {
				b.Fatalf("%s, %v", r, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"", "load module m.wasm: is not a core WebAssembly module of version 1"},
		{"#!/bin/sh", "load module m.wasm: is not a core WebAssembly module of version 1"},
	} {
		file := filepath.Join(t.TempDir(), "m.wasm")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := scenario.Open(t.Context(), file, scenario.Options{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v", c.content, err)
		}
	}
	_, err := scenario.Open(t.Context(), "none.wasm", scenario.Options{})
	if fault.KindOf(err) != fault.NotFound || err.Error() != "read the module: open none.wasm: no such file or directory" {
		t.Errorf("got %v", err)
	}
}
