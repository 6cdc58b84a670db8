// Package modules holds the WebAssembly modules that the server ships with.
//
// Each folder beside this file that has a go.mod is the source of one: an
// ordinary program that needs sdk/go and nothing else, like anybody's module.
// build.sh compiles them into the folder built, together with what each says
// of itself, so that listing their types compiles nothing.
package modules

import (
	"embed"
	"io/fs"
	"path"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

//go:embed all:built
var built embed.FS

// Module is one module as it was built.
type Module struct {
	Name        string
	Description []byte // its answer to describe, JSON
	Digest      string // SHA-256 of the module, "sha256:" and hexadecimal digits

	files fs.FS
}

// List gives the modules in the order of their names. When none were built it
// is fault.Unavailable.
func List() ([]Module, error) { return list(built) }

func list(files fs.FS) ([]Module, error) {
	paths, err := fs.Glob(files, "built/*.wasm")
	if err != nil {
		return nil, fault.New(fault.Internal, "list the built modules: %w", err)
	}
	if len(paths) == 0 {
		return nil, fault.New(fault.Unavailable, `this binary was built without modules: run "make modules" and build it again`)
	}
	all := make([]Module, len(paths))
	for i, p := range paths {
		name := strings.TrimSuffix(path.Base(p), ".wasm")
		description, err := fs.ReadFile(files, "built/"+name+".json")
		if err != nil {
			return nil, fault.New(fault.Unavailable, `module %s was built without its description: run "make modules" and build again`, name)
		}
		sum, err := fs.ReadFile(files, "built/"+name+".sha256")
		if err != nil {
			return nil, fault.New(fault.Unavailable, `module %s was built without its digest: run "make modules" and build again`, name)
		}
		all[i] = Module{Name: name, Description: description, Digest: "sha256:" + strings.TrimSpace(string(sum)), files: files}
	}
	return all, nil
}

// Library gives the files of the library that modules in a language are
// written with; fault.Unavailable when they are not in this binary.
func Library(language string) (fs.FS, error) {
	dir := "built/_library/" + language
	if _, err := fs.Stat(built, dir); err != nil {
		return nil, fault.New(fault.Unavailable, "this binary was built without the library for modules in %s", language)
	}
	return fs.Sub(built, dir)
}

// Wasm gives the module itself, some megabytes, as a copy.
func (m Module) Wasm() ([]byte, error) {
	bin, err := fs.ReadFile(m.files, "built/"+m.Name+".wasm")
	if err != nil {
		return nil, fault.New(fault.Internal, "read module %s: %w", m.Name, err)
	}
	return bin, nil
}
