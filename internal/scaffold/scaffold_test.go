package scaffold_test

import (
	"go/format"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/internal/scaffold"
	"github.com/gowanus-project/gowanus/sdk/moduletest"
)

// TestGo builds a project of each kind without any network, and plays its
// scenarios.
func TestGo(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "")
	for _, kind := range scaffold.Kinds("go") {
		t.Run(kind, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			files, err := scaffold.Write(dir, scaffold.Options{Language: "go", Kind: kind, Name: "my-module"})
			if fault.KindOf(err) == fault.Unavailable && err != nil {
				t.Skip(err)
			}
			if want := []string{".gitignore", "README.md", "go.mod", "main.go", "tests/my-module.yaml"}; err != nil || !slices.Equal(files, want) {
				t.Fatalf("wrote %v, %v", files, err)
			}
			source, err := os.ReadFile(filepath.Join(dir, "main.go"))
			if err != nil {
				t.Fatal(err)
			}
			if formatted, err := format.Source(source); err != nil || string(formatted) != string(source) {
				t.Errorf("main.go is not formatted, %v:\n%s", err, formatted)
			}
			m, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Description.Name != "my-module" || m.File != filepath.Join(dir, "my-module.wasm") {
				t.Errorf("got %+v", m)
			}
			moduletest.Run(t, m.File, filepath.Join(dir, "tests", "*.yaml"))
		})
	}
}

// everyBuild names the variable by which "make sdks" asks for projects in all
// languages, with toolchains that must be there.
const everyBuild = "GOWANUS_EVERY_SDK"

// TestLanguages builds a project of each kind in each other language, and plays
// the scenarios, which are the same in all.
func TestLanguages(t *testing.T) {
	for name, value := range map[string]string{ // it is to be built, not to be good
		"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
	} {
		t.Setenv(name, value)
	}
	if os.Getenv("CARGO_TARGET_DIR") == "" {
		t.Setenv("CARGO_TARGET_DIR", t.TempDir()) // what all kinds need is compiled once
	}
	own := map[string][]string{
		"c":              {".gitignore", "Makefile", "README.md", "module.c", "tests/my-module.yaml"},
		"rust":           {".gitignore", "Cargo.toml", "README.md", "src/lib.rs", "tests/my-module.yaml"},
		"assemblyscript": {".gitignore", "README.md", "asconfig.json", "module.ts", "package.json", "tests/my-module.yaml"},
	}
	for language, want := range own {
		if !slices.Equal(scaffold.Kinds(language), scaffold.Kinds("go")) {
			t.Errorf("%s has the kinds %v, Go has %v", language, scaffold.Kinds(language), scaffold.Kinds("go"))
		}
		for _, kind := range scaffold.Kinds(language) {
			t.Run(language+"/"+kind, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "new")
				files, err := scaffold.Write(dir, scaffold.Options{Language: language, Kind: kind, Name: "my-module"})
				if fault.KindOf(err) == fault.Unavailable && err != nil {
					t.Skip(err)
				}
				if err != nil || !slices.Equal(files, want) {
					t.Fatalf("wrote %v, %v", files, err)
				}
				every := os.Getenv(everyBuild) != ""
				if !every && language != "c" {
					t.Skipf("building it takes long; \"make sdks\" does")
				}
				m, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
				if fault.KindOf(err) == fault.Unavailable && err != nil && !every {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				if m.Language != language || m.Description.Name != "my-module" || m.File != filepath.Join(dir, "my-module.wasm") {
					t.Errorf("got %+v", m)
				}
				moduletest.Run(t, m.File, filepath.Join(dir, "tests", "*.yaml"))
			})
		}
	}
}

// TestSDK: with a folder of the library nothing of it is copied.
func TestSDK(t *testing.T) {
	dir := t.TempDir()
	if _, err := scaffold.Write(dir, scaffold.Options{Language: "go", Kind: "policy", Name: "p", SDK: "../../sdk/go"}); err != nil {
		t.Fatal(err)
	}
	sdk, err := filepath.Abs("../../sdk/go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	want := "module p\n\ngo 1.24.0\n\nrequire github.com/gowanus-project/gowanus/sdk/go v1.0.0\n\nreplace github.com/gowanus-project/gowanus/sdk/go => \"" + sdk + "\"\n"
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "vendor")); err == nil {
		t.Error("the library was copied")
	}
	if _, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{}); err != nil {
		t.Error(err)
	}
}

// TestSDKOfOthers: projects in other languages name the library's folder too.
func TestSDKOfOthers(t *testing.T) {
	for language, c := range map[string]struct{ file, want string }{
		"c":              {"Makefile", "\nSDK ?= @/src\n"},
		"rust":           {"Cargo.toml", "\ngowanus = { path = \"@\" }\n"},
		"assemblyscript": {"package.json", "\n    \"gowanus\": \"file:@\"\n"},
	} {
		dir := t.TempDir()
		sdk, err := filepath.Abs(filepath.Join("../../sdk", language))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scaffold.Write(dir, scaffold.Options{Language: language, Kind: "policy", Name: "p", SDK: sdk}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, c.file))
		if want := strings.ReplaceAll(c.want, "@", sdk); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: got %s, %v, want %s", language, text, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "gowanus")); err == nil {
			t.Errorf("%s: the library was copied", language)
		}
		if language != "c" {
			continue
		}
		if _, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{}); err != nil && fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	languages := strings.Join(scaffold.Languages(), ", ")
	for _, c := range []struct {
		dir  string
		o    scaffold.Options
		kind fault.Kind
		want string
	}{
		{"", scaffold.Options{Language: "cobol", Name: "x"}, fault.Invalid, `language "cobol": expected ` + languages},
		{"", scaffold.Options{Language: "go", Kind: "polcy", Name: "x"}, fault.Invalid, `kind "polcy": expected entity, network, policy, strategy; did you mean "policy"?`},
		{"", scaffold.Options{Language: "go"}, fault.Invalid, `name "": expected small letters and digits, in words joined by -, like my-module`},
		{"", scaffold.Options{Language: "go", Name: "../x"}, fault.Invalid, `name "../x": expected small letters and digits, in words joined by -, like my-module`},
		{"", scaffold.Options{Language: "go", Name: "a--b"}, fault.Invalid, `name "a--b": expected small letters and digits, in words joined by -, like my-module`},
		{full, scaffold.Options{Language: "go", Name: "x"}, fault.Conflict, "the folder " + full + " is not empty"},
	} {
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "new")
		}
		_, err := scaffold.Write(dir, c.o)
		if err == nil || err.Error() != c.want || fault.KindOf(err) != c.kind {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
		}
		if _, err := os.Stat(dir); c.dir == "" && err == nil {
			t.Errorf("%+v: the folder was made", c.o)
		}
	}
}
