package module_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

const description = `{"name": "m", "version": "1.0.0", "abi": [1, 1], "types": [{"name": "t", "kind": "entity"}], "capabilities": [{"kind": "step", "value": "log", "reason": "r"}]}`

func keeper(t *testing.T) (*module.Keeper, string) {
	t.Helper()
	r, err := wasm.New(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(t.TempDir(), "modules")
	return module.New(module.Config{Runtime: r, Dir: dir}), dir
}

func TestFiles(t *testing.T) {
	k, dir := keeper(t)
	content := []byte("\x00asm\x01\x00\x00\x00")
	digest := module.Digest(content)
	file := filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")+".wasm")
	m, err := k.Open(digest, []byte(description), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Content(); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(content, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Content(); err == nil || !strings.Contains(err.Error(), "was changed: its digest is sha256:") {
		t.Errorf("a file that was changed: %v", err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Content(); err != nil || string(got) != string(content) {
		t.Errorf("got %q, %v", got, err)
	}
	if err := k.Save(m); err != nil {
		t.Errorf("saving what is there: %v", err)
	}
	for name, keep := range map[string]bool{".new-1": false, "other.txt": true, strings.Repeat("0", 64) + ".wasm": false} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := k.Sweep(func(d string) bool { return d == digest }); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != keep {
			t.Errorf("after sweeping, %s: %v", name, err)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("a file that is used was swept: %v", err)
	}
	for _, bad := range []string{"", "sha256:../../etc", "md5:" + strings.Repeat("0", 64), "sha256:" + strings.Repeat("G", 64)} {
		m, err := k.Open(bad, []byte(description), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Content(); fault.KindOf(err) != fault.Internal || !strings.Contains(err.Error(), "is no digest of a module") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestShippedIsTrusted(t *testing.T) {
	k, _ := keeper(t)
	loads := 0
	m, err := k.Ship(module.Digest(nil), []byte(description), func() ([]byte, error) {
		loads++
		return nil, fault.New(fault.Unavailable, "no file")
	})
	if err != nil || !m.May("step", "log") || m.May("step", "sleep") || len(k.Modules()) != 1 {
		t.Fatalf("%v, %v", m.Granted(), err)
	}
	for range 2 { // what failed once fails again, without another try
		if err := m.Prepare(t.Context()); err == nil || err.Error() != "load module m: no file" || loads != 1 {
			t.Errorf("%v after %d tries", err, loads)
		}
	}
	m.Hold("it was bad")
	if s := m.Suspended(); s != "it was bad" {
		t.Errorf("suspended: %q", s)
	}
	if err := m.Prepare(t.Context()); fault.KindOf(err) != fault.Unavailable || err.Error() != "module m is suspended: it was bad" {
		t.Errorf("a suspended module: %v", err)
	}
}
