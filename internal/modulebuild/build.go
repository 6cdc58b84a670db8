// Package modulebuild compiles the sources of a module with the toolchain of
// their language, and checks what comes out as a server would.
package modulebuild

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// The languages whose sources are built.
const (
	Go             = "go"
	Rust           = "rust"
	AssemblyScript = "assemblyscript"
	C              = "c"
)

// Languages are all of them.
var Languages = []string{Go, Rust, C, AssemblyScript}

// Options say how a module is built. The zero value is usable.
type Options struct {
	Language string    // one of Languages; "" finds it by the files
	Output   string    // the file to write; "" is NAME.wasm in the folder, by the module's name
	Log      io.Writer // takes what the toolchain prints; nil drops it

	Slow     func(what string) // is told, on another goroutine, of a tool that runs for longer than Patience; may be nil
	Patience time.Duration     // 0 is DefaultPatience
}

// DefaultPatience is how long a tool runs before Options.Slow is told.
const DefaultPatience = 3 * time.Second

// Result is a built module.
type Result struct {
	File        string
	Language    string // "" for a file that something else compiled
	Size        int    // of the file, in bytes
	Description *hook.Description
}

// Build compiles the module in a folder, checks it against the contract,
// writes what it says of itself into it, and puts the file in its place, whole
// or not at all. A folder whose language is not known, or a module that breaks
// the contract, is fault.Invalid, a toolchain that is not there
// fault.Unavailable, sources that do not compile fault.Precondition.
//
// In the place of the folder may stand a file that something else compiled: it
// is checked, and gets its description.
func Build(ctx context.Context, dir string, o Options) (*Result, error) {
	if info, err := os.Stat(dir); err == nil && info.Mode().IsRegular() {
		return finish(ctx, dir, "", dir, o.Output)
	}
	language := o.Language
	if language == "" {
		var err error
		if language, err = Language(dir); err != nil {
			return nil, err
		}
	}
	compile, known := map[string]func(*job) (string, error){
		Go: (*job).golang, Rust: (*job).rust, AssemblyScript: (*job).assemblyScript, C: (*job).c,
	}[language]
	if !known {
		return nil, fault.New(fault.Invalid, "language %q: expected one of %s%s", language, strings.Join(Languages, ", "), nearest.Hint(language, Languages))
	}
	scratch, err := os.MkdirTemp("", "gowanus-build-")
	if err != nil {
		return nil, fault.New(fault.Unavailable, "make a folder for the module: %w", err)
	}
	defer os.RemoveAll(scratch)
	j := &job{ctx: ctx, dir: dir, out: filepath.Join(scratch, "module.wasm"), log: o.Log, slow: o.Slow, patience: cmp.Or(o.Patience, DefaultPatience)}
	if j.log == nil {
		j.log = io.Discard
	}
	file, err := compile(j)
	if err != nil {
		return nil, err
	}
	return finish(ctx, file, language, dir, o.Output)
}

// finish finishes a compiled file; without an output it goes to a folder, or
// replaces the file that place is.
func finish(ctx context.Context, file, language, place, output string) (*Result, error) {
	bin, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Precondition, "the toolchain ended well but made no module: %w", err)
	}
	d, bin, err := Finish(ctx, bin)
	if err != nil {
		return nil, err
	}
	switch {
	case output != "":
	case language == "":
		output = place
	default:
		output = filepath.Join(place, fileName(d.Name)+".wasm")
	}
	return &Result{File: output, Language: language, Size: len(bin), Description: d}, write(output, bin)
}

// Finish checks a compiled module against the contract, by running it, and
// gives its description and the file that carries it.
func Finish(ctx context.Context, bin []byte) (*hook.Description, []byte, error) {
	bare, err := section.Remove(bin, section.Describe)
	if err != nil {
		return nil, nil, err
	}
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	m, err := module.New(module.Config{Runtime: r}).Examine(ctx, bare)
	if err != nil {
		return nil, nil, fault.Wrap(err, "check the module against", "the contract")
	}
	with, err := section.Set(bare, section.Describe, m.Description())
	return m.Describes(), with, err
}

// Language finds the language of the sources in a folder.
func Language(dir string) (string, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fault.New(fault.NotFound, "there is no folder %s", dir)
	}
	for _, known := range []struct{ pattern, language string }{
		{"go.mod", Go}, {"Cargo.toml", Rust}, {"asconfig.json", AssemblyScript}, {"*.c", C}, {"src/*.c", C}, {"Makefile", C},
	} {
		if found, err := filepath.Glob(filepath.Join(dir, known.pattern)); err == nil && len(found) > 0 {
			return known.language, nil
		}
	}
	return "", fault.New(fault.Invalid, "%s has no sources of a module: expected go.mod, Cargo.toml, asconfig.json, or C files", dir)
}

// fileName makes a file's name of a module's.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, name)
	return strings.TrimLeft(name, ".-")
}

func write(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-")
	if err != nil {
		return fault.New(fault.Unavailable, "write the module: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fault.New(fault.Unavailable, "write the module: %w", err)
	}
	return nil
}
