package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/internal/modulebuild"
	kit "github.com/gowanus-project/gowanus/sdk/moduletest/scenario"
)

// TestModules builds the module of the page for module authors, plays "yaml
// tests" against it, and "yaml scenarios" against the reference module. "text
// problems" is what is wrong with the block before it.
func TestModules(t *testing.T) {
	all, _ := blocks(t, "modules")
	var own, reference *kit.Module
	played := 0
	for i, b := range all {
		switch b.word {
		case "module":
			own = compile(t, map[string]string{"main.go": b.body, "go.mod": goMod("cooldown")})
		case "tests", "scenarios":
			m := own
			if b.word == "scenarios" {
				if reference == nil {
					reference = compile(t, map[string]string{"main.go": referenceMain, "go.mod": goMod("reference")})
				}
				m = reference
			}
			want := ""
			if i+1 < len(all) && all[i+1].word == "problems" {
				want = strings.TrimSpace(all[i+1].body)
			}
			playBlock(t, m, b, want)
			played++
		}
	}
	if played < 5 {
		t.Errorf("%d blocks were played", played)
	}
}

const referenceMain = `package main

import (
	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var _ = gowanus.Register(reference.Module())

func main() {}
`

func goMod(name string) string {
	return "module " + name + "\n\ngo 1.24.0\n\nrequire github.com/gowanus-project/gowanus/sdk/go v1.0.0\n\n" +
		"replace github.com/gowanus-project/gowanus/sdk/go => SDK\n"
}

// compile builds a module of some files.
func compile(t *testing.T, files map[string]string) *kit.Module {
	t.Helper()
	dir := t.TempDir()
	sdk, err := filepath.Abs("../../sdk/go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "SDK", sdk)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	built, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := kit.Open(t.Context(), built.File, kit.Options{})
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

func playBlock(t *testing.T, m *kit.Module, b block, want string) {
	t.Helper()
	suite, err := kit.Parse("", []byte(b.body))
	if err != nil {
		t.Errorf("line %d: %v", b.line, err)
		return
	}
	var got []string
	for _, s := range suite.Scenarios {
		r, err := m.Play(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Problems {
			got = append(got, p.String())
		}
	}
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("line %d: got\n%s\nwant\n%s", b.line, text, want)
	}
}
