package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Limits of the source, in lines.
const (
	maxFile = 500
	maxFunc = 100
)

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// tracked gives the files that git knows or would take, by path below root.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("not a git working tree: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func TestSource(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "/testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		} else if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > maxFile {
			t.Errorf("%s has %d lines, the limit is %d", name, n, maxFile)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, d := range file.Decls {
			checkDecl(t, fset, d, strings.HasSuffix(name, "_test.go"))
		}
	}
}

func checkDecl(t *testing.T, fset *token.FileSet, d ast.Decl, test bool) {
	t.Helper()
	at := fset.Position(d.Pos())
	f, isFunc := d.(*ast.FuncDecl)
	if isFunc {
		if n := fset.Position(d.End()).Line - at.Line + 1; n > maxFunc && !test { // a table of cases may be long
			t.Errorf("%s: %s has %d lines, the limit is %d", at, f.Name.Name, n, maxFunc)
		}
		if f.Recv == nil && f.Name.Name == "init" {
			t.Errorf("%s: no init(): wire explicitly", at)
		}
	}
	if test {
		return
	}
	oneLine := fset.Position(d.End()).Line == at.Line // a getter; its name says it
	if isFunc && f.Name.IsExported() && exportedReceiver(f) && f.Doc == nil && !oneLine {
		t.Errorf("%s: exported %s has no comment", at, f.Name.Name)
	}
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, s := range g.Specs {
		if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() && s.Doc == nil && g.Doc == nil && s.Comment == nil {
			t.Errorf("%s: exported type %s has no comment", fset.Position(s.Pos()), s.Name.Name)
		}
	}
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// TestSelfContained keeps references to neighbours of the repository out of it.
func TestSelfContained(t *testing.T) {
	forbidden := []byte(".." + "/shared")
	for _, name := range tracked(t) {
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err == nil && bytes.Contains(text, forbidden) {
			t.Errorf("%s mentions %s, which is not part of the repository", name, forbidden)
		}
	}
}
