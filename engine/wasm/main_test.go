package wasm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gowanus-project/gowanus/engine/wasm"
)

// goGuest is testdata/guest, built by the Go compiler at hand; codeCache keeps
// its code from one test to the next.
var (
	goGuest   []byte
	codeCache string
)

func TestMain(m *testing.M) {
	code, err := withGuest(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withGuest(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "gowanus-wasm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, ".")
	build.Dir = filepath.Join("testdata", "guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build testdata/guest: %w\n%s", err, out)
	}
	if goGuest, err = os.ReadFile(file); err != nil {
		return 0, err
	}
	codeCache = filepath.Join(dir, "cache")
	return m.Run(), nil
}

// load loads a module into a runtime of its own, which is closed at the end.
func load(t testing.TB, bin []byte, cfg wasm.Config, o wasm.LoadOptions) *wasm.Module {
	t.Helper()
	r, err := wasm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := r.Load("m", bin, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loadGo(t testing.TB, l wasm.Limits, o wasm.LoadOptions) *wasm.Module {
	return load(t, goGuest, wasm.Config{CacheDir: codeCache, Limits: l}, o)
}
