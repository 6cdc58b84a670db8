package guestbook_test

import (
	"os"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// TestBlueprints reads both blueprints: each has the three services.
func TestBlueprints(t *testing.T) {
	for _, file := range []string{"blueprint.yaml", "docker.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := camp.Parse(file, text, yamlpos.Limits{})
		if err != nil {
			t.Error(err)
			continue
		}
		if len(spec.Children) != 3 {
			t.Errorf("%s has %d services, want 3", file, len(spec.Children))
		}
	}
}
