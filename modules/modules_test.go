package modules

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/gowanus-project/gowanus/engine/fault"
)

func TestList(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	all, err := list(fstest.MapFS{
		"built/README.md": file("placeholder"), "built/.stamp": file(""),
		"built/b.wasm": file("B"), "built/b.json": file("{}"), "built/b.sha256": file("b0\n"),
		"built/a.wasm": file("A"), "built/a.json": file(`{"name":"a"}`), "built/a.sha256": file("a0\n"),
	})
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" || string(all[0].Description) != `{"name":"a"}` || all[0].Digest != "sha256:a0" {
		t.Fatalf("got %v, %v", all, err)
	}
	if bin, err := all[1].Wasm(); err != nil || string(bin) != "B" {
		t.Errorf("got %q, %v", bin, err)
	}

	for _, c := range []struct {
		files fstest.MapFS
		want  string
	}{
		{fstest.MapFS{"built/README.md": file("")}, `this binary was built without modules: run "make modules" and build it again`},
		{fstest.MapFS{"built/a.wasm": file("A")}, `module a was built without its description: run "make modules" and build again`},
		{fstest.MapFS{"built/a.wasm": file("A"), "built/a.json": file("{}")}, `module a was built without its digest: run "make modules" and build again`},
	} {
		if _, err := list(c.files); fault.KindOf(err) != fault.Unavailable || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestBuilt checks what this binary holds, which may be nothing yet.
func TestBuilt(t *testing.T) {
	all, err := List()
	if fault.KindOf(err) == fault.Unavailable && err != nil {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		bin, err := m.Wasm()
		if err != nil || !bytes.HasPrefix(bin, []byte("\x00asm")) {
			t.Errorf("%s: not WebAssembly: %.4q, %v", m.Name, bin, err)
		}
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(bin)); sum != m.Digest {
			t.Errorf("%s: digest %s, expected %s", m.Name, m.Digest, sum)
		}
		var d struct{ Name, Version string }
		if err := json.Unmarshal(m.Description, &d); err != nil || d.Name != m.Name || d.Version == "" {
			t.Errorf("%s: describes itself as %+v, %v", m.Name, d, err)
		}
	}
}
