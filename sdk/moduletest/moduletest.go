// Package moduletest tests modules in ordinary Go tests, with scenarios written
// in YAML as "gowanus module test" plays them. It needs neither a server nor
// Docker.
//
//	func TestModule(t *testing.T) {
//		moduletest.Run(t, "greeter.wasm", "tests/*.yaml")
//	}
//
// Who wants more than that opens the module once:
//
//	m := moduletest.Open(t, "greeter.wasm", moduletest.Options{})
//	moduletest.Play(t, m, "tests/*.yaml")
//	moduletest.Covered(t, m, 100)
package moduletest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

// Options say how a module is tested. The zero value is usable.
type Options = scenario.Options

// Run plays the scenarios of some files against a module, each as a subtest.
// Files may be patterns of filepath.Glob, of which each must match something.
// The module "" is the one that the first file names.
func Run(t *testing.T, module string, files ...string) {
	t.Helper()
	if module == "" && len(files) > 0 {
		names := match(t, files[0])
		suite, err := scenario.Read(names[0])
		if err != nil {
			t.Fatal(err)
		}
		module = suite.ModuleFile()
	}
	Play(t, Open(t, module, Options{}), files...)
}

// Open loads a module from its file for the time of the test.
func Open(t testing.TB, file string, o Options) *scenario.Module {
	t.Helper()
	m, err := scenario.Open(t.Context(), file, o)
	return keep(t, m, err)
}

// Load is Open for the content of a file; name stands in messages.
func Load(t testing.TB, name string, content []byte, o Options) *scenario.Module {
	t.Helper()
	m, err := scenario.Load(t.Context(), name, content, o)
	return keep(t, m, err)
}

func keep(t testing.TB, m *scenario.Module, err error) *scenario.Module {
	t.Helper()
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

// Covered fails the test when the scenarios that were played reached less than
// so many percent of what the module's description tells of.
func Covered(t testing.TB, m *scenario.Module, percent float64) {
	t.Helper()
	all, reached := m.Coverage()
	if reached >= percent {
		return
	}
	t.Errorf("the scenarios reached %.0f%% of module %s, expected %g%%", reached, m.Description.Name, percent)
	for _, c := range all {
		if c.Calls == 0 {
			t.Errorf("not reached: %s", strings.TrimSpace(c.Type+" "+c.Hook+" "+c.Branch))
		}
	}
}

func match(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("scenarios %s: no such file, %v", pattern, err)
	}
	return names
}

// Play is Run with a module that is loaded already. It does not close it.
func Play(t *testing.T, m *scenario.Module, files ...string) {
	t.Helper()
	for _, pattern := range files {
		for _, name := range match(t, pattern) {
			t.Run(filepath.Base(name), func(t *testing.T) { play(t, m, name) })
		}
	}
}

func play(t *testing.T, m *scenario.Module, file string) {
	suite, err := scenario.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suite.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			result, err := m.Play(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range result.Problems {
				t.Errorf("%s", p)
			}
		})
	}
}
