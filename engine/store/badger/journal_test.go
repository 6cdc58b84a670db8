package badger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

// TestBigBatchIsAtomic looks at the store, and at what a crash would leave of
// it, after each of the transactions that a big batch takes.
func TestBigBatchIsAtomic(t *testing.T) {
	const width = 40
	big := func(value byte) *store.Batch {
		b := &store.Batch{}
		for i := range width {
			b.Put("b", fmt.Sprintf("%02d", i), append([]byte{value}, make([]byte, 100_000)...))
		}
		return b
	}
	live := t.TempDir()
	look := func() {}
	s := open(t, badger.Config{Dir: live}.WithWritten(func() { look() }))
	commit(t, s, big('1'))

	var images []string
	look = func() {
		if got := values(t, s); got != "1"+fmt.Sprint(width) {
			t.Errorf("readers see %s within the batch", got)
		}
		dir := t.TempDir()
		image(t, live, dir)
		images = append(images, dir)
	}
	commit(t, s, big('2'))
	look = func() {}
	if got := values(t, s); got != "2"+fmt.Sprint(width) {
		t.Errorf("readers see %s after the batch", got)
	}
	if len(images) < 4 {
		t.Fatalf("written in %d transactions, want the journal and several more", len(images))
	}
	for i, dir := range images {
		s := open(t, badger.Config{Dir: dir})
		if got := values(t, s); got != "2"+fmt.Sprint(width) {
			t.Errorf("after a crash behind transaction %d: %s", i, got)
		}
		commit(t, s, one("after", "x"))
	}
}

// values gives the first byte of all values, and how many there are.
func values(t *testing.T, s store.Store) string {
	t.Helper()
	seen := map[byte]int{}
	if err := s.Scan("b", "", func(_ string, value []byte) error { seen[value[0]]++; return nil }); err != nil {
		t.Error(err)
	}
	text := ""
	for value, n := range seen {
		text += fmt.Sprint(string(value), n)
	}
	return text
}

// TestContextEndsTheWaiting ends a context while the batch is being written.
func TestContextEndsTheWaiting(t *testing.T) {
	wait := func() {}
	s := open(t, badger.Config{Dir: t.TempDir()}.WithWritten(func() { wait() }))
	commit(t, s, one("k", "1"))
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	wait = func() { cancel(); <-release }
	wantError(t, s.Commit(ctx, one("k", "2")), fault.Cancelled, "wait for the store: context canceled")
	close(release)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "k", "2")
}
