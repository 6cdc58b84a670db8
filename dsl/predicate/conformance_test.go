package predicate_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// step is the scope of the workflows of the cases: one variable, t.
type step struct {
	world
	t any
}

func (s step) Evaluate(context.Context, any) (any, error) { return s.t, nil }

// TestCases runs the conditions of the conformance suite, which stand in
// workflows of three steps: let t, return yes on a condition, return no.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../../test/conformance/cases/workflow/predicate-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := yamlpos.Parse(filepath.Base(file), text, yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		blueprint, err := yamlpos.Parse("blueprint", []byte(doc.Get("blueprint").Text), yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		steps := blueprint.Get("services").Items[0].Get("brooklyn.initializers").Items[0].Get("brooklyn.config").Get("steps").Items
		p, err := predicate.Compile(steps[1].Get("condition"), predicate.Limits{})
		if err != nil {
			t.Errorf("%s: %v", doc.Pos.File, err)
			continue
		}
		want := doc.Get("steps").Items[0].Get("effector").Get("expect_result").Text == "yes"
		got, err := p.Test(context.Background(), predicate.Subject{Env: step{t: steps[0].Get("value").Any()}})
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", doc.Pos.File, got, err, want)
		}
	}
}
