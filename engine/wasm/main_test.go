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
	if goGuest, err = build(dir, filepath.Join("testdata", "guest")); err != nil {
		return 0, err
	}
	codeCache = filepath.Join(dir, "cache")
	return m.Run(), nil
}

// build compiles a module in a folder with a go.mod above it.
func build(dir, source string) ([]byte, error) {
	file := filepath.Join(dir, filepath.Base(source)+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", source, err, out)
	}
	return os.ReadFile(file)
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
