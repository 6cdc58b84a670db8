// Package storetest is the test that every implementation of store.Store
// passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// Run tests the stores that open makes. Each must be empty; Run closes them.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"get what was put", getWhatWasPut},
		{"get gives a copy", getGivesACopy},
		{"scan in order", scanInOrder},
		{"scan ends with its function", scanEndsWithItsFunction},
		{"call the store while it scans", callTheStoreWhileItScans},
		{"the last write of a batch wins", theLastWriteOfABatchWins},
		{"batches are atomic to readers", batchesAreAtomicToReaders},
		{"enqueued comes before committed", enqueuedComesBeforeCommitted},
		{"many writers", manyWriters},
		{"bad batches write nothing", badBatchesWriteNothing},
		{"limits", limits},
		{"a context that ended", aContextThatEnded},
		{"health counts", healthCounts},
		{"closed", closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			test.run(t, s)
		})
	}
}

func put(t testing.TB, s store.Store, bucket store.Bucket, pairs ...string) {
	t.Helper()
	b := &store.Batch{}
	for i := 0; i < len(pairs); i += 2 {
		b.Put(bucket, pairs[i], []byte(pairs[i+1]))
	}
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, s store.Store, bucket store.Bucket, key, value string) {
	t.Helper()
	got, err := s.Get(bucket, key)
	if err != nil || string(got) != value {
		t.Errorf("%s/%s is %q, %v; want %q", bucket, key, got, err, value)
	}
}

func wantError(t testing.TB, err error, kind fault.Kind, text string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind || err.Error() != text {
		t.Errorf("got %v error %v\nwant %v error %s", fault.KindOf(err), err, kind, text)
	}
}

// keys lists what a scan finds, as "key=value".
func keys(t testing.TB, s store.Store, bucket store.Bucket, prefix string) []string {
	t.Helper()
	var found []string
	err := s.Scan(bucket, prefix, func(key string, value []byte) error {
		found = append(found, key+"="+string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func getWhatWasPut(t *testing.T, s store.Store) {
	_, err := s.Get("entity", "a")
	wantError(t, err, fault.NotFound, `entity "a" is not in the store`)

	binary := "\x00\xff\n"
	put(t, s, "entity", "a", "1", "", "empty key", "empty value", "", binary, binary)
	put(t, s, "entity2", "a", "other bucket")
	want(t, s, "entity", "a", "1")
	want(t, s, "entity", "", "empty key")
	want(t, s, "entity", "empty value", "")
	want(t, s, "entity", binary, binary)
	want(t, s, "entity2", "a", "other bucket")

	b := &store.Batch{}
	b.Delete("entity", "a")
	b.Delete("entity", "never there")
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get("entity", "a")
	wantError(t, err, fault.NotFound, `entity "a" is not in the store`)
	want(t, s, "entity2", "a", "other bucket")
}

func getGivesACopy(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "value")
	got, err := s.Get("b", "k")
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 'X'
	want(t, s, "b", "k", "value")
}

func scanInOrder(t *testing.T, s store.Store) {
	put(t, s, "task", "b/2", "4", "a", "1", "b/1", "3", "b", "2", "b0", "5", "\xff", "6")
	put(t, s, "tas", "k", "another bucket")
	put(t, s, "task2", "b/1", "another bucket")
	for prefix, expected := range map[string][]string{
		"":   {"a=1", "b=2", "b/1=3", "b/2=4", "b0=5", "\xff=6"},
		"b":  {"b=2", "b/1=3", "b/2=4", "b0=5"},
		"b/": {"b/1=3", "b/2=4"},
		"c":  nil,
	} {
		if got := keys(t, s, "task", prefix); !slices.Equal(got, expected) {
			t.Errorf("scan of %q: %q, want %q", prefix, got, expected)
		}
	}
	if got := keys(t, s, "none", ""); got != nil {
		t.Errorf("scan of an empty bucket: %q", got)
	}
}

func scanEndsWithItsFunction(t *testing.T, s store.Store) {
	put(t, s, "b", "1", "", "2", "", "3", "")
	stop := errors.New("enough")
	seen := 0
	err := s.Scan("b", "", func(string, []byte) error {
		seen++
		if seen == 2 {
			return stop
		}
		return nil
	})
	if err != stop || seen != 2 {
		t.Errorf("saw %d keys and got %v, want 2 and the function's own error", seen, err)
	}
}

func callTheStoreWhileItScans(t *testing.T, s store.Store) {
	put(t, s, "b", "1", "old", "2", "old")
	var seen []string
	err := s.Scan("b", "", func(key string, value []byte) error {
		seen = append(seen, key+"="+string(value))
		put(t, s, "b", "2", "new", "3", "new")
		want(t, s, "b", "2", "new")
		return s.Scan("b", "3", func(string, []byte) error { return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	if expected := []string{"1=old", "2=old"}; !slices.Equal(seen, expected) {
		t.Errorf("saw %q, want the state when the scan began, %q", seen, expected)
	}
}

func theLastWriteOfABatchWins(t *testing.T, s store.Store) {
	b, more := &store.Batch{}, &store.Batch{}
	b.Put("b", "kept", []byte("1"))
	b.Delete("b", "kept")
	b.Put("b", "gone", []byte("1"))
	more.Put("b", "kept", []byte("2"))
	more.Delete("b", "gone")
	b.Append(more)
	b.Append(nil)
	if b.Len() != 5 || b.Size() != len("b")*5+len("kept")*3+len("gone")*2+3 {
		t.Errorf("batch has %d writes of %d bytes", b.Len(), b.Size())
	}
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s, "b", ""); !slices.Equal(got, []string{"kept=2"}) {
		t.Errorf("found %q", got)
	}
}

// batchesAreAtomicToReaders writes the same number under many keys and looks
// whether a scan ever finds two numbers.
func batchesAreAtomicToReaders(t *testing.T, s store.Store) {
	const width, rounds = 50, 40
	var group sync.WaitGroup
	group.Go(func() {
		for round := range rounds {
			b := &store.Batch{}
			for i := range width {
				b.Put("b", fmt.Sprintf("%03d", i), fmt.Append(nil, round))
			}
			if err := s.Commit(t.Context(), b); err != nil {
				t.Error(err)
			}
		}
	})
	last := fmt.Sprint(rounds - 1)
	for done := false; !done && !t.Failed(); {
		values := map[string]int{}
		if err := s.Scan("b", "", func(_ string, value []byte) error {
			values[string(value)]++
			return nil
		}); err != nil {
			t.Error(err)
		}
		if len(values) > 1 {
			t.Errorf("a scan saw parts of several batches: %v", values)
		}
		done = values[last] == width
	}
	group.Wait()
}

func enqueuedComesBeforeCommitted(t *testing.T, s store.Store) {
	for i := range 50 {
		early, late, committed := &store.Batch{}, &store.Batch{}, &store.Batch{}
		early.Put("b", "a", fmt.Append(nil, "early", i))
		early.Put("b", "e", fmt.Append(nil, "early", i))
		late.Put("b", "l", fmt.Append(nil, "late", i))
		committed.Put("b", "a", fmt.Append(nil, "committed", i))
		s.Enqueue(early)
		if err := s.Commit(t.Context(), committed); err != nil {
			t.Fatal(err)
		}
		want(t, s, "b", "a", fmt.Sprint("committed", i))
		want(t, s, "b", "e", fmt.Sprint("early", i))
		s.Enqueue(late)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, s, "b", "l", fmt.Sprint("late", i))
		if h := s.Health(); h.Pending != 0 {
			t.Errorf("%d pending after a flush", h.Pending)
		}
	}
}

func manyWriters(t *testing.T, s store.Store) {
	const writers, each = 8, 50
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				b := &store.Batch{}
				b.Put("b", fmt.Sprint(w), fmt.Append(nil, i))
				if i%3 == 0 {
					s.Enqueue(b)
				} else if err := s.Commit(t.Context(), b); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		want(t, s, "b", fmt.Sprint(w), fmt.Sprint(each-1))
	}
}

func badBatchesWriteNothing(t *testing.T, s store.Store) {
	for bucket, text := range map[store.Bucket]string{
		"":                                    `bucket name "" has 0 bytes, expected 1 to 64`,
		"a/b":                                 `bucket name "a/b" contains "/", expected letters, digits, '-', '_' and '.'`,
		"a\x00":                               `bucket name "a\x00" contains "\x00", expected letters, digits, '-', '_' and '.'`,
		store.Bucket(strings.Repeat("x", 65)): fmt.Sprintf("bucket name %q has 65 bytes, expected 1 to 64", strings.Repeat("x", 65)),
	} {
		b := &store.Batch{}
		b.Put("good", "k", []byte("v"))
		b.Put(bucket, "k", []byte("v"))
		wantError(t, s.Commit(t.Context(), b), fault.Invalid, text)
		before := s.Health().Dropped
		s.Enqueue(b)
		if h := s.Health(); h.LastError != text || h.Dropped != before+1 {
			t.Errorf("health after a bad batch was enqueued: %+v", h)
		}
	}
	if got := keys(t, s, "good", ""); got != nil {
		t.Errorf("half of a bad batch was written: %q", got)
	}
}

func limits(t *testing.T, s store.Store) {
	key, value := strings.Repeat("k", store.MaxKey), bytes.Repeat([]byte{7}, store.MaxValue)
	put(t, s, "b", key, string(value))
	want(t, s, "b", key, string(value))

	b := &store.Batch{}
	b.Put("b", key+"k", nil)
	wantError(t, s.Commit(t.Context(), b), fault.Limit,
		fmt.Sprintf("key %.40q… in bucket b has 4097 bytes, MaxKey allows 4096", key))
	b = &store.Batch{}
	b.Put("b", "k", append(value, 7))
	wantError(t, s.Commit(t.Context(), b), fault.Limit,
		"value of b/k has 16777217 bytes, MaxValue allows 16777216")
}

func aContextThatEnded(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &store.Batch{}
	b.Put("b", "k", []byte("v"))
	wantError(t, s.Commit(ctx, b), fault.Cancelled, "commit to the store: context canceled")
	ctx, cancel = context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	wantError(t, s.Flush(ctx), fault.Timeout, "commit to the store: context deadline exceeded")
	if got := keys(t, s, "b", ""); got != nil {
		t.Errorf("written in spite of the context: %q", got)
	}
}

func healthCounts(t *testing.T, s store.Store) {
	before := s.Health()
	put(t, s, "b", "1", "")
	put(t, s, "b", "2", "")
	b := &store.Batch{}
	b.Put("b", "3", nil)
	s.Enqueue(b)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := s.Health()
	if h.ReadOnly || h.Reason != "" || h.LastError != "" || h.Pending != 0 {
		t.Errorf("not healthy: %+v", h)
	}
	if n := h.Commits - before.Commits; n != 3 {
		t.Errorf("%d commits counted, want 3", n)
	}
	if h.Sequence <= before.Sequence {
		t.Errorf("sequence went from %d to %d", before.Sequence, h.Sequence)
	}
}

func closed(t *testing.T, s store.Store) {
	put(t, s, "b", "k", "v")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const text = "store is closed"
	b := &store.Batch{}
	b.Put("b", "k", nil)
	_, err := s.Get("b", "k")
	wantError(t, err, fault.Unavailable, text)
	wantError(t, s.Scan("b", "", func(string, []byte) error { return nil }), fault.Unavailable, text)
	wantError(t, s.Commit(t.Context(), b), fault.Unavailable, text)
	wantError(t, s.Flush(t.Context()), fault.Unavailable, text)
	s.Enqueue(b)
	if h := s.Health(); h.LastError != text {
		t.Errorf("health after something was enqueued: %+v", h)
	}
}
