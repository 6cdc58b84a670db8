package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
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
	p := &parts{runtime: r}
	types, err := p.shipped(slog.New(slog.DiscardHandler))
	if err != nil || len(types) == 0 {
		t.Fatalf("%d types, %v", len(types), err)
	}
	if n := len(r.Modules()); n != 0 {
		t.Errorf("%d modules are loaded before anybody called one", n)
	}
}

func TestLazyModule(t *testing.T) {
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable {
		t.Skip(err)
	}
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	m := &lazyModule{runtime: r, module: list[0]}
	for range 2 { // what failed once fails again, with the same words
		err := m.CallInto(t.Context(), hook.Describe, 0, func([]byte) {}, func([]byte) error { return nil })
		want := "load module " + list[0].Name + ": the module runtime is closed"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
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
