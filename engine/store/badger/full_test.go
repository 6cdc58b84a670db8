package badger_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

var fills = flag.Int("fills", 0, "how often TestFullDisk fills a small file system; it needs the right to mount one")

// TestFullDisk fills a real file system, by the store itself and to the last
// byte by somebody else, and looks whether the store survives both and comes
// back when there is space.
func TestFullDisk(t *testing.T) {
	if *fills == 0 {
		t.Skip("mounts a file system; ask for it with -fills=10")
	}
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=1200m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)
	for round := range *fills {
		fillOnce(t, mount, round)
	}
}

func fillOnce(t *testing.T, mount string, round int) {
	cfg := badger.Config{Dir: filepath.Join(mount, "store"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	defer os.RemoveAll(cfg.Dir)
	foreign, ballast := filepath.Join(mount, "foreign"), filepath.Join(mount, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 500<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, cfg)
	acked := fill(t, s, []int{100, 1_000_000}[round%2]) // with space left, or not
	full(t, foreign)
	checkFull(t, s, acked)
	if round%4 < 2 { // also over a restart, which then opens it read-only
		if err := s.Close(); err != nil {
			t.Fatalf("round %d: close on a full disk: %v", round, err)
		}
		s = open(t, cfg)
		checkFull(t, s, acked)
	}
	for _, path := range []string{foreign, ballast} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if got := fill(t, s, 10); got != 10 {
		t.Errorf("round %d: does not take writes again: %+v", round, s.Health())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("round %d: %d batches until it was full", round, acked)
}

// fill commits until the store refuses, or so many batches.
func fill(t *testing.T, s store.Store, most int) int {
	t.Helper()
	for n := 0; ; n++ {
		if n == most {
			return n
		}
		b := &store.Batch{}
		b.Put("b", fmt.Sprintf("%06d", n), make([]byte, 50_000))
		switch err := s.Commit(context.Background(), b); {
		case fault.KindOf(err) == fault.ReadOnly && err != nil:
			return n
		case err != nil:
			t.Fatal(err)
		}
	}
}

// full writes a file until nothing more fits on the file system.
func full(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); ; {
		if _, err := file.Write(block); err != nil {
			if block = block[:len(block)/2]; len(block) == 0 {
				return
			}
		}
	}
}

func checkFull(t *testing.T, s store.Store, acked int) {
	t.Helper()
	if h := s.Health(); !h.ReadOnly || h.FreeBytes > 65<<20 { // the reserve may have been given back
		t.Errorf("health on a full disk: %+v", h)
	}
	b := &store.Batch{}
	b.Put("b", "k", nil)
	if err := s.Commit(context.Background(), b); fault.KindOf(err) != fault.ReadOnly {
		t.Errorf("commit on a full disk: %v", err)
	}
	n := 0
	if err := s.Scan("b", "", func(string, []byte) error { n++; return nil }); err != nil || n != acked {
		t.Errorf("%d of %d batches on a full disk, %v", n, acked, err)
	}
}
