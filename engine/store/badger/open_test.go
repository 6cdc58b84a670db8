package badger_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

func wantError(t testing.TB, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || err.Error() != text {
		t.Errorf(" got %v error %v\nwant %v error %s", fault.KindOf(err), err, kind, text)
	}
}

func wantValue(t testing.TB, s store.Store, key, value string) {
	t.Helper()
	if got, err := s.Get("b", key); err != nil || string(got) != value {
		t.Errorf("%s is %q, %v; want %q", key, got, err, value)
	}
}

func one(key, value string) *store.Batch {
	b := &store.Batch{}
	b.Put("b", key, []byte(value))
	return b
}

func commit(t testing.TB, s store.Store, b *store.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	for i := range 3 {
		s := open(t, badger.Config{Dir: dir})
		if i > 0 {
			wantValue(t, s, "k", fmt.Sprint(i-1))
		}
		s.Enqueue(one("k", fmt.Sprint(i)))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfig(t *testing.T) {
	_, err := badger.Open(badger.Config{})
	wantError(t, err, fault.Invalid, "open the store: no directory is given, expected Dir")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = badger.Open(badger.Config{Dir: file})
	wantError(t, err, fault.Unavailable, "make the store's directory: mkdir "+file+": not a directory")
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, badger.Config{Dir: dir})
	text := fmt.Sprintf("store %s is in use by process %d", dir, os.Getpid())
	_, err := badger.Open(badger.Config{Dir: dir, LockWait: 1})
	wantError(t, err, fault.Conflict, text)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command(self)
	other.Env = append(os.Environ(), childDir+"="+dir)
	out, _ := other.Output() // it always fails
	if string(out) != text+"\n" {
		t.Errorf("another process got %q, want %q", out, text)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, badger.Config{Dir: dir})
}

// TestWaitsForTheLock opens a store that is in use until Open has found it so.
func TestWaitsForTheLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, badger.Config{Dir: dir})
	open(t, badger.Config{Dir: dir, LockWait: time.Hour}.WithLocked(sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})))
}

// TestFlushInterval sees that what is enqueued is written without a commit.
func TestFlushInterval(t *testing.T) {
	written := make(chan struct{}, 10)
	s := open(t, badger.Config{Dir: t.TempDir(), FlushInterval: time.Millisecond}.WithWritten(func() { written <- struct{}{} }))
	<-written // the schema
	s.Enqueue(one("k", "1"))
	<-written
	wantValue(t, s, "k", "1")
}

func TestUnfinishedStart(t *testing.T) {
	for _, name := range []string{"000001.vlog", "00001.mem"} {
		dir := t.TempDir()
		s := open(t, badger.Config{Dir: dir})
		commit(t, s, one("k", "1"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, badger.Config{Dir: dir})
		wantValue(t, s, "k", "1")
		commit(t, s, one("k", "2"))
	}
}

func TestSchema(t *testing.T) {
	cfg := badger.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	commit(t, s, one("k", "1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrated := cfg.WithSchema(3, map[uint32]badger.Migration{
		1: func(from store.Store, changes *store.Batch) error {
			value, err := from.Get("b", "k")
			changes.Put("b", "k", append(value, "+2"...))
			return err
		},
		2: func(from store.Store, changes *store.Batch) error {
			value, err := from.Get("b", "k")
			changes.Put("b", "k", append(value, "+3"...))
			return err
		},
	})
	_, err := badger.Open(cfg.WithSchema(3, map[uint32]badger.Migration{}))
	wantError(t, err, fault.Precondition, "store "+cfg.Dir+" has schema 1, which this program cannot bring to schema 3; start a program in between first")
	s = open(t, migrated)
	wantValue(t, s, "k", "1+2+3")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = badger.Open(cfg)
	wantError(t, err, fault.Precondition, "store "+cfg.Dir+" has schema 3, this program knows schemas up to 1; start the newer program that wrote it, or restore a backup from before")
	s = open(t, migrated) // refusing it did no harm, and nothing is migrated twice
	wantValue(t, s, "k", "1+2+3")
}

func TestBigBatches(t *testing.T) {
	cfg := badger.Config{Dir: t.TempDir()}
	s := open(t, cfg)
	many, long := &store.Batch{}, &store.Batch{}
	for i := range 100_000 {
		many.Put("many", fmt.Sprintf("%06d", i), []byte("v"))
	}
	for i := range 10 {
		long.Put("long", fmt.Sprint(i), make([]byte, 4<<20))
	}
	commit(t, s, many)
	commit(t, s, long)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	for bucket, want := range map[store.Bucket]int{"many": 100_000, "long": 10} {
		n := 0
		if err := s.Scan(bucket, "", func(string, []byte) error { n++; return nil }); err != nil || n != want {
			t.Errorf("%d keys in %s, %v; want %d", n, bucket, err, want)
		}
	}
	for i := range 5 {
		long.Put("long", fmt.Sprint("more", i), make([]byte, 4<<20))
	}
	wantError(t, s.Commit(t.Context(), long), fault.Limit, "batch of 15 writes takes 60 MB, MaxBatch allows 48 MB")
	s.Enqueue(long)
	if h := s.Health(); h.Dropped != 1 || h.LastError != "batch of 15 writes takes 60 MB, MaxBatch allows 48 MB" {
		t.Errorf("health %+v", h)
	}
}

// space is a file system that tests fill and empty.
type space struct{ atomic.Int64 }

func (s *space) config(dir string) badger.Config {
	return badger.Config{Dir: dir, FlushInterval: time.Hour}.WithFree(s.Load)
}

func TestDiskFills(t *testing.T) {
	var free space
	free.Store(1 << 30)
	dir := t.TempDir()
	s := open(t, free.config(dir))
	commit(t, s, one("k", "1"))

	free.Store(120 << 20)
	text := "store is read-only: only 120 MB free in " + dir + ", 256 MB needed"
	later := strings.Replace(text, ", 256 MB", ", 448 MB", 1) // to come back
	if h := s.Health(); !h.ReadOnly || h.Reason != text || h.FreeBytes != 120<<20 {
		t.Errorf("health before the next write: %+v", h)
	}
	s.Enqueue(one("e", "1"))
	// Which of the two it says depends on whether the committer, which Health
	// and Enqueue wake, came first.
	if err := s.Commit(t.Context(), one("k", "2")); fault.KindOf(err) != fault.ReadOnly || err.Error() != text && err.Error() != later {
		t.Errorf("got %v, want %s, or %s", err, text, later)
	}
	wantError(t, s.Flush(t.Context()), fault.ReadOnly, later)
	wantValue(t, s, "k", "1")
	if h := s.Health(); !h.ReadOnly || h.Reason != later || h.Pending != 1 || h.LastError != later {
		t.Errorf("health: %+v", h)
	}

	free.Store(1 << 30)
	commit(t, s, one("k", "3"))
	wantValue(t, s, "k", "3")
	wantValue(t, s, "e", "1")
	if h := s.Health(); h.ReadOnly || h.Reason != "" || h.Pending != 0 || h.Dropped != 0 {
		t.Errorf("health after there is space: %+v", h)
	}
}

func TestHealthBringsTheStoreBack(t *testing.T) {
	var free space
	free.Store(1 << 30)
	written := make(chan struct{}, 10)
	s := open(t, free.config(t.TempDir()).WithWritten(func() { written <- struct{}{} }))
	<-written // the schema
	free.Store(0)
	s.Enqueue(one("e", "1"))
	if err := s.Flush(t.Context()); fault.KindOf(err) != fault.ReadOnly {
		t.Fatal(err)
	}
	free.Store(1 << 30)
	s.Health()
	<-written
	wantValue(t, s, "e", "1")
}

func TestPendingIsBounded(t *testing.T) {
	var free space
	free.Store(1 << 30)
	cfg := free.config(t.TempDir())
	cfg.MaxPending = 10_000
	s := open(t, cfg)
	for i := range 100 { // waits for room again and again
		s.Enqueue(one("k", fmt.Sprint(i, strings.Repeat("x", 1000))))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	free.Store(0)
	if err := s.Commit(t.Context(), one("k", "")); fault.KindOf(err) != fault.ReadOnly {
		t.Fatal(err)
	}
	for i := range 100 {
		s.Enqueue(one(fmt.Sprintf("%02d", i), strings.Repeat("x", 1000)))
		if i%10 == 0 {
			if err := s.Flush(t.Context()); fault.KindOf(err) != fault.ReadOnly {
				t.Fatal(err)
			}
		}
	}
	h := s.Health()
	if h.Pending > 9 || h.Pending < 7 || h.Dropped != uint64(100-h.Pending) {
		t.Errorf("health %+v, want about 8 of 100 kept", h)
	}
	free.Store(1 << 30)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "99", strings.Repeat("x", 1000))
}

// TestOpenOnFullDisk opens what a crash left while there is no space.
func TestOpenOnFullDisk(t *testing.T) {
	var free space
	free.Store(1 << 30)
	live, dir := t.TempDir(), t.TempDir()
	s := open(t, free.config(live))
	commit(t, s, one("k", "1"))
	image(t, live, dir)

	free.Store(5 << 20)
	text := "store is read-only: only 5 MB free in " + dir + ", 256 MB needed"
	_, err := badger.Open(free.config(filepath.Join(dir, "another")))
	wantError(t, err, fault.ReadOnly, "cannot make a store: store is read-only: only 5 MB free in "+dir+"/another, 256 MB needed")

	s = open(t, free.config(dir))
	if h := s.Health(); !h.ReadOnly || h.Reason != text {
		t.Errorf("health %+v", h)
	}
	wantValue(t, s, "k", "1")
	wantError(t, s.Commit(t.Context(), one("k", "2")), fault.ReadOnly, strings.Replace(text, ", 256 MB", ", 448 MB", 1))

	free.Store(1 << 30)
	err = s.Scan("b", "", func(string, []byte) error {
		wantError(t, s.Commit(t.Context(), one("k", "2")), fault.ReadOnly,
			"store is read-only: there is space again, but it is being read; repeat")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, one("k", "3"))
	wantValue(t, s, "k", "3")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, free.config(dir))
	wantValue(t, s, "k", "3")
}

// TestClosedOnFullDisk closes and opens a store without ever having space.
func TestClosedOnFullDisk(t *testing.T) {
	var free space
	free.Store(1 << 30)
	dir := t.TempDir()
	s := open(t, free.config(dir))
	commit(t, s, one("k", "1"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	free.Store(0)
	for range 2 {
		s = open(t, free.config(dir))
		wantValue(t, s, "k", "1")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := badger.Open(free.config(dir))
	if err != nil {
		t.Fatal(err)
	}
	s.Enqueue(one("k", "2"))
	wantError(t, s.Close(), fault.ReadOnly, "close the store: 1 enqueued batches were not written, it is read-only")
}

// TestLongValuesAreCollected overwrites a long value until its old versions
// take several value logs.
func TestLongValuesAreCollected(t *testing.T) {
	collected := make(chan struct{}, 100)
	dir := t.TempDir()
	s := open(t, badger.Config{Dir: dir}.WithCollected(func() { collected <- struct{}{} }))
	const rounds, length = 20, 12 << 20
	for range 3 {
		for n := range rounds / 3 {
			b := &store.Batch{}
			b.Put("b", "long", append(number(uint64(n)), make([]byte, length)...))
			commit(t, s, b)
		}
		<-collected
	}
	if n := blocks(t, filepath.Join(dir, "data")); n > rounds*length*2/3 {
		t.Errorf("%d MB are kept for one value of %d MB", n>>20, length>>20)
	}
	if got, err := s.Get("b", "long"); err != nil || len(got) != 8+length {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// blocks is what the files in a directory take on the disk.
func blocks(t *testing.T, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		var info unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, entry.Name()), &info); err == nil {
			n += info.Blocks * 512
		}
	}
	return n
}
