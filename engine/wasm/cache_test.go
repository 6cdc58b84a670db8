package wasm_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// files lists what is below a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestCache runs a module with what is left of its code in the cache.
func TestCache(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(code, shell string) error
		used   bool
	}{
		"as it is":          {func(string, string) error { return nil }, true},
		"code is gone":      {func(code, _ string) error { return os.Remove(code) }, false},
		"code is cut":       {func(code, _ string) error { return os.Truncate(code, 100) }, false},
		"code is another's": {func(code, _ string) error { return os.Rename(code, code[:len(code)-4]+"abcd") }, false},
		"code is of another wazero": {func(code, _ string) error {
			return os.WriteFile(code, []byte("WAZEVO\x0dwazero-v9.9.9..............."), 0o600)
		}, false},
		"shell is gone": {func(_, shell string) error { return os.Remove(shell) }, false},
		"shell is cut":  {func(_, shell string) error { return os.Truncate(shell, 50) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			run := func() string {
				var log bytes.Buffer
				logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				m := load(t, a.Guest(nil, a.Echo()).Bytes(), wasm.Config{CacheDir: dir, Log: logger}, wasm.LoadOptions{})
				if out, err := plan(m, "hello"); err != nil || out != "hello" {
					t.Fatalf("got %s, %v", out, err)
				}
				return log.String()
			}
			if log := run(); !strings.Contains(log, "cached=false") {
				t.Fatalf("at first: %s", log)
			}
			kept := files(t, dir)
			if len(kept) != 2 {
				t.Fatalf("kept %q", kept)
			}
			code, shell := kept[0], kept[1]
			if filepath.Base(code) == "shell.wasm" {
				code, shell = shell, code
			}
			if err := c.damage(code, shell); err != nil {
				t.Fatal(err)
			}
			log := run()
			if used := strings.Contains(log, "cached=true"); used != c.used {
				t.Errorf("used is %v: %s", used, log)
			}
			if log := run(); !strings.Contains(log, "cached=true") {
				t.Errorf("it was not mended: %s", log)
			}
			if again := files(t, dir); len(again) != 2 {
				t.Errorf("kept %q", again)
			}
		})
	}
}

// TestCacheIsOfTheLimits does not take from the cache what tighter limits refuse.
func TestCacheIsOfTheLimits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	bin := a.Guest(nil, a.Echo()).Bytes()
	if _, err := plan(load(t, bin, wasm.Config{CacheDir: dir}, wasm.LoadOptions{}), "x"); err != nil {
		t.Fatal(err)
	}
	l := wasm.Limits{}
	l.Structure.Functions = 2
	r, err := wasm.New(wasm.Config{CacheDir: dir, Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Load("m", bin, wasm.LoadOptions{}); err == nil || !strings.Contains(err.Error(), "the limit Functions allows 2") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkTenModules makes ten modules ready at the same time: the shipped
// ones, each under several names, with their code in the cache. A module that
// nobody calls costs what "loaded" tells.
func BenchmarkTenModules(b *testing.B) {
	built, err := filepath.Glob("../../modules/built/*.wasm")
	if err != nil || len(built) == 0 {
		b.Skip("no modules are built")
	}
	var ten [][]byte
	for n := range 10 {
		bin, err := os.ReadFile(built[n%len(built)])
		if err != nil {
			b.Fatal(err)
		}
		ten = append(ten, append(bin, a.Section(0, a.Text(string(rune('a'+n))))...))
	}
	dir := filepath.Join(b.TempDir(), "cache")
	start := func(ready bool) {
		r, err := wasm.New(wasm.Config{CacheDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		defer r.Close()
		var wg sync.WaitGroup
		for _, bin := range ten {
			wg.Go(func() {
				m, err := r.Load("m", bin, wasm.LoadOptions{})
				if err == nil && ready {
					err = m.Prepare(b.Context())
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	start(true)
	for name, ready := range map[string]bool{"ready": true, "loaded": false} {
		b.Run(name, func(b *testing.B) {
			before := processorTime()
			for b.Loop() {
				start(ready)
			}
			b.ReportMetric(float64(processorTime()-before)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what the process took so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
