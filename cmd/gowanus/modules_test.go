package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/modules"
)

func TestShippedLoadsNothing(t *testing.T) {
	if _, err := modules.List(); fault.KindOf(err) == fault.Unavailable {
		t.Skip(err)
	}
	r, err := wasm.New(wasm.Config{CacheDir: filepath.Join(t.TempDir(), "cache")})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &parts{runtime: r, modules: module.New(module.Config{Runtime: r})}
	types, err := p.shipped(slog.New(slog.DiscardHandler))
	if err != nil || len(types) == 0 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	if n := len(r.Modules()); n != 0 {
		t.Errorf("%d modules are loaded before anybody called one", n)
	}
}

func TestPrepareOnlyWithoutCache(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "code"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := new(parts).prepare(dir, nil); err != nil { // it would need an engine
		t.Error(err)
	}
	if err := new(parts).prepare(filepath.Join(dir, "missing"), nil); !os.IsNotExist(err) {
		t.Errorf("a directory that is missing: %v", err)
	}
}

// Whoever is asked at a terminal may interrupt the program: reading there goes on until
// a line comes.
func TestQuestionIsInterrupted(t *testing.T) {
	in, typing := io.Pipe()
	defer typing.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	asked := writerFunc(func(p []byte) (int, error) { interrupt(); return len(p), nil })
	if _, err := question(ctx, asked, in, "Grant all of it? "); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
