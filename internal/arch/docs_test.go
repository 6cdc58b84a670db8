package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// TestPathTable checks the table "The way of one blueprint": every file that
// it names exists, and has the functions that follow the file's name.
func TestPathTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs/ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## The way of one blueprint")
	if !ok {
		t.Fatal(`docs/ARCHITECTURE.md has no section "The way of one blueprint"`)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	files := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		file := ""
		for _, q := range quoted.FindAllStringSubmatch(cells[2], -1) {
			if strings.HasSuffix(q[1], ".go") {
				file = q[1]
				files++
				if _, err := os.Stat(filepath.Join(root(t), file)); err != nil {
					t.Errorf("docs/ARCHITECTURE.md: %v", err)
				}
			} else if file != "" && !defines(t, filepath.Join(root(t), file), q[1]) {
				t.Errorf("docs/ARCHITECTURE.md: %s has no function %s", file, q[1])
			}
		}
	}
	if files == 0 {
		t.Error("docs/ARCHITECTURE.md: the path table names no files")
	}
}

// defines tells whether a file has a function or method of that name.
func defines(t *testing.T, file, name string) bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return false
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == name {
			return true
		}
	}
	return false
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestLinks checks that relative links in documents lead somewhere.
func TestLinks(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".md") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			}
		}
	}
}
