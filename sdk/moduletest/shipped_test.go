package moduletest_test

import (
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/modules"
	"github.com/gowanus-project/gowanus/sdk/moduletest"
)

// TestShipped plays the scenarios of the modules that the server ships with.
func TestShipped(t *testing.T) {
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable && err != nil {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	for _, shipped := range list {
		t.Run(shipped.Name, func(t *testing.T) {
			files := filepath.Join("../../modules", shipped.Name, "tests/*.yaml")
			if names, _ := filepath.Glob(files); len(names) == 0 {
				t.Fatalf("module %s has no scenarios: expected %s", shipped.Name, files)
			}
			bin, err := shipped.Wasm()
			if err != nil {
				t.Fatal(err)
			}
			m := moduletest.Load(t, shipped.Name, bin, moduletest.Options{CacheDir: cache})
			moduletest.Play(t, m, files)
			_, percent := m.Coverage()
			t.Logf("coverage %.0f%%", percent)
		})
	}
}
