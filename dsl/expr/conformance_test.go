package expr_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Every blueprint and catalog of the conformance cases compiles, unless its
// case expects an error.
func TestConformanceDocuments(t *testing.T) {
	files, err := filepath.Glob("../../test/conformance/cases/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	expressions := 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tc, err := yamlpos.Parse(name, text, yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"blueprint", "catalog"} {
			text, ok := tc.Get(part).Any().(string)
			if !ok {
				continue
			}
			doc, err := yamlpos.Parse(name, []byte(text), yamlpos.Limits{})
			if err != nil {
				continue // that is for the reader of YAML to say
			}
			v, err := expr.Compile(doc, expr.Limits{})
			if err != nil && tc.Get("expect_deploy_error") == nil {
				t.Error(err)
			}
			if err == nil && !v.Constant() {
				expressions++
			}
		}
	}
	if len(files) > 0 && expressions < 50 {
		t.Errorf("only %d documents hold expressions", expressions)
	}
}
