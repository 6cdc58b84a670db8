package store_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

func TestFailingPassesThrough(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewFailing(store.NewMemory()) })
}

// twoWrites is a batch of which half can be written.
func twoWrites() *store.Batch {
	b := &store.Batch{}
	b.Put("b", "1", []byte("x"))
	b.Put("b", "2", []byte("x"))
	return b
}

func count(t *testing.T, s store.Store) int {
	t.Helper()
	n := 0
	if err := s.Scan("b", "", func(string, []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFailingCommits(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name    string
		failure store.Failure
		err     string
		written int
	}{
		{"refuse", store.Failure{Call: store.CallCommit, Nth: 1}, "store failed on purpose", 0},
		{"own error", store.Failure{Call: store.CallCommit, Nth: 1, Err: boom}, "boom", 0},
		{"unanswered", store.Failure{Call: store.CallCommit, Mode: store.Unanswered, Err: boom}, "boom", 2},
		{"torn", store.Failure{Call: store.CallCommit, Mode: store.Torn, Err: boom}, "boom", 1},
		{"another one", store.Failure{Call: store.CallCommit, Nth: 2, Err: boom}, "", 2},
		{"another call", store.Failure{Call: store.CallGet, Err: boom}, "", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := store.NewFailing(store.NewMemory(), test.failure)
			text := ""
			if err := s.Commit(t.Context(), twoWrites()); err != nil {
				text = err.Error()
			}
			if n := count(t, s); text != test.err || n != test.written {
				t.Errorf("error %q and %d written, want %q and %d", text, n, test.err, test.written)
			}
			if n := s.Count(store.CallCommit); n != 1 {
				t.Errorf("%d commits counted", n)
			}
			s.Heal()
			if err := s.Commit(t.Context(), twoWrites()); err != nil {
				t.Errorf("after healing: %v", err)
			}
		})
	}
}

func TestFailingReadsAndFlushes(t *testing.T) {
	s := store.NewFailing(store.NewMemory())
	if err := s.Commit(t.Context(), twoWrites()); err != nil {
		t.Fatal(err)
	}
	for _, call := range []store.Call{store.CallGet, store.CallScan, store.CallFlush} {
		s.Fail(store.Failure{Call: call})
	}
	_, err := s.Get("b", "1")
	for _, err := range []error{err, s.Scan("b", "", nil), s.Flush(t.Context())} {
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	}
}

func TestFailingEnqueue(t *testing.T) {
	for mode, written := range map[store.Mode]int{store.Refuse: 0, store.Unanswered: 2, store.Torn: 1} {
		s := store.NewFailing(store.NewMemory(), store.Failure{Call: store.CallEnqueue, Mode: mode})
		s.Enqueue(twoWrites())
		if n := count(t, s); n != written {
			t.Errorf("mode %d: %d written, want %d", mode, n, written)
		}
		if h := s.Health(); (h.Dropped == 1) != (mode != store.Unanswered) {
			t.Errorf("mode %d: health %+v", mode, h)
		}
	}
}

func TestFailingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewFailing(store.NewMemory(), store.Failure{Call: store.CallCommit, Mode: store.Hang},
			store.Failure{Call: store.CallGet, Mode: store.Hang}, store.Failure{Call: store.CallEnqueue, Mode: store.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := s.Commit(ctx, twoWrites())
		if fault.KindOf(err) != fault.Timeout || err.Error() != "wait for the store: context deadline exceeded" {
			t.Errorf("got %v", err)
		}
		got := make(chan error)
		go func() {
			_, err := s.Get("b", "1")
			s.Enqueue(twoWrites())
			got <- err
		}()
		synctest.Wait()
		s.Release()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-got; err == nil || err.Error() != "store failed on purpose" {
			t.Errorf("got %v", err)
		}
	})
}
