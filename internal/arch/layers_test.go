package arch

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/gowanus-project/gowanus"

// layersTxt has one "layer package" pair a line; a package imports only
// packages of strictly lower layers. "x/..." stands for everything below x.
//
//go:embed layers.txt
var layersTxt string

// owners maps a library to the packages that may import it, so that it is
// replaced or upgraded in one place.
var owners = map[string][]string{
	"github.com/tetratelabs/wazero":       {"engine/wasm"},
	"github.com/docker/docker":            {"builtin/docker"},
	"github.com/docker/go-connections":    {"builtin/docker"},
	"github.com/dgraph-io/badger/v4":      {"engine/store/badger"},
	"github.com/labstack/echo/v4":         {"server"},
	"github.com/prometheus/client_golang": {"server"},
	"github.com/expr-lang/expr":           {"dsl/expr"},
	"oras.land/oras-go/v2":                {"internal/oci"},
	"github.com/opencontainers":           {"internal/oci"},
	"github.com/sourcegraph/conc":         {"engine/task"},
	"go.yaml.in/yaml/v4":                  {"internal/yamlpos"},
	"golang.org/x/crypto":                 {"builtin/remote", "internal/oci/sign"},
	"github.com/spf13/cobra":              {"cmd/gowanus"},
	"github.com/jedib0t/go-pretty/v6":     {"cmd/gowanus"},
}

type pkg struct {
	ImportPath, Dir, Name, Doc string
	GoFiles                    []string
	Imports                    []string
	Error                      *struct{ Err string }
}

// rel is the package's path inside the module.
func (p pkg) rel() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports,Error", module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		if p.Error != nil && strings.Contains(p.Error.Err, "import cycle") {
			t.Errorf("%s: %s", p.rel(), p.Error.Err)
		}
		all = append(all, p) // what does not compile is the compiler's business
	}
}

// table gives the layer of a package, if it has one.
type table map[string]int

func layers(t *testing.T) table {
	t.Helper()
	m := table{}
	for line := range strings.Lines(layersTxt) {
		var n int
		var p string
		if _, err := fmt.Sscan(line, &n, &p); err != nil {
			t.Fatalf("layers.txt: %q: %v", line, err)
		}
		if _, twice := m[p]; twice {
			t.Errorf("layers.txt names %s twice", p)
		}
		m[p] = n
	}
	return m
}

func (m table) of(rel string) (layer int, ok bool) {
	if n, ok := m[rel]; ok {
		return n, true
	}
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if n, ok := m[dir+"/..."]; ok {
			return n, true
		}
	}
	return 0, false
}

func TestLayers(t *testing.T) {
	m := layers(t)
	there := map[string]bool{}
	for _, p := range list(t) {
		there[p.rel()] = true
		n, ok := m.of(p.rel())
		if !ok {
			t.Errorf("%s is in no layer: add it to layers.txt and to docs/ARCHITECTURE.md", p.rel())
			continue
		}
		for _, imp := range p.Imports {
			dep, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			// The kit that tests modules is a host of them, and has layers as any other.
			if strings.HasPrefix(dep, "sdk/") && !strings.HasPrefix(dep, "sdk/moduletest") {
				t.Errorf("%s must not import %s: sdk is for modules", p.rel(), dep)
			} else if d, ok := m.of(dep); ok && d >= n {
				t.Errorf("%s (layer %d) must not import %s (layer %d)", p.rel(), n, dep, d)
			}
		}
	}
	for p := range m {
		if !there[p] && !strings.HasSuffix(p, "/...") {
			t.Errorf("layers.txt names %s, which does not exist", p)
		}
	}
}

// TestDocumentedLayers finds each package of the table in the document.
func TestDocumentedLayers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs/ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for p := range layers(t) {
		if top := strings.TrimSuffix(p, "/..."); !strings.Contains(top, "/internal") && !strings.Contains(string(text), "`"+top) {
			t.Errorf("docs/ARCHITECTURE.md does not mention %s", p)
		}
	}
}

func TestOwners(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			for lib, allowed := range owners {
				if imp != lib && !strings.HasPrefix(imp, lib+"/") {
					continue
				}
				if !contains(allowed, p.rel()) {
					t.Errorf("%s imports %s: only %s may", p.rel(), imp, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestPackageComments(t *testing.T) {
	for _, p := range list(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, want) && len(p.GoFiles) > 0 {
			t.Errorf("%s: the package comment must start with %q", p.rel(), want)
		}
	}
}
