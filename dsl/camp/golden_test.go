package camp_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

var update = flag.Bool("update", false, "write the results into testdata")

// golden runs result on the first file of each archive, and compares what it
// gives with the second.
func golden(t *testing.T, pattern string, result func(t *testing.T, in txtar.File) txtar.File) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := result(t, archive.Files[0])
			if *update {
				archive.Files = []txtar.File{archive.Files[0], got}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(archive.Files) != 2 || archive.Files[1].Name != got.Name || string(archive.Files[1].Data) != string(got.Data) {
				t.Errorf("gave %s:\n%s\nwant %s", got.Name, got.Data, txtar.Format(archive))
			}
		})
	}
}

// TestGolden reads blueprints: the file "spec" holds the canonical form, or
// "errors" all problems.
func TestGolden(t *testing.T) {
	golden(t, "testdata/*.txtar", func(t *testing.T, in txtar.File) txtar.File {
		spec, err := camp.Parse(in.Name, in.Data, yamlpos.Limits{})
		if err != nil {
			return txtar.File{Name: "errors", Data: []byte(err.Error() + "\n")}
		}
		checkSame(t, spec)
		return txtar.File{Name: "spec", Data: []byte(blueprint.Format(spec))}
	})
}

// TestApplication says what application each blueprint stands for.
func TestApplication(t *testing.T) {
	isApplication := func(ref string) bool { return ref == "MyApplication" || ref == "MyApplication:1.0" }
	golden(t, "testdata/application/*.txtar", func(t *testing.T, in txtar.File) txtar.File {
		spec, err := camp.Parse(in.Name, in.Data, yamlpos.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		before := blueprint.Format(spec)
		app := spec.Application(isApplication, "Wrapper")
		if after := blueprint.Format(spec); after != before {
			t.Errorf("the spec was changed from\n%s\nto\n%s", before, after)
		}
		if app.Source != string(in.Data) || app.TypePos.Line == 0 {
			t.Errorf("the application lost its source or the place of its type: %v", app.TypePos)
		}
		return txtar.File{Name: "application", Data: []byte(blueprint.Format(app))}
	})
}

// checkSame reads the canonical form of a spec, which must give that spec.
func checkSame(t *testing.T, spec *blueprint.Spec) {
	t.Helper()
	text := blueprint.Format(spec)
	again, err := camp.Parse("canonical", []byte(text), yamlpos.Limits{})
	if err != nil {
		t.Fatalf("the canonical form is refused: %v\n%s", err, text)
	}
	if other := blueprint.Format(again); other != text {
		t.Errorf("the canonical form\n%s\nreads as\n%s", text, other)
	}
}

// fragments are seeds that are config, not blueprints.
var fragments = map[string]bool{
	"placement-maxcontainers-breadthfirst.yaml": true,
	"placement-maxcontainers-cpu.yaml":          true,
}

// TestSeeds reads the blueprints that Clocker and Brooklyn were shown with.
func TestSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/seed/*.yaml")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d files in testdata/seed, want 15: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := camp.Parse(file, text, yamlpos.Limits{})
		switch fragment := fragments[filepath.Base(file)]; {
		case fragment && err == nil:
			t.Errorf("%s: config alone was taken for a blueprint", file)
		case fragment:
		case err != nil:
			t.Error(err)
		default:
			checkSame(t, spec)
		}
	}
}
