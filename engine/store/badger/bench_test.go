package badger_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	raw "github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/store/badger"
)

// parallel runs commit b.N times from so many goroutines and reports the rate.
func parallel(b *testing.B, writers int, commit func(n int64) error) {
	b.Helper()
	var next atomic.Int64
	total := int64(b.N)
	errs := make(chan error, writers)
	b.ResetTimer()
	for range writers {
		go func() {
			for n := next.Add(1); n <= total; n = next.Add(1) {
				if err := commit(n); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

var value = make([]byte, 256)

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("store/writers=%d", writers), func(b *testing.B) {
			s := open(b, badger.Config{Dir: b.TempDir()})
			parallel(b, writers, func(n int64) error {
				batch := &store.Batch{}
				batch.Put("bench", fmt.Sprintf("%012d", n), value)
				return s.Commit(b.Context(), batch)
			})
		})
		b.Run(fmt.Sprintf("raw/writers=%d", writers), func(b *testing.B) {
			db, err := raw.Open(raw.DefaultOptions(b.TempDir()).WithLogger(nil).WithSyncWrites(true))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			parallel(b, writers, func(n int64) error {
				return db.Update(func(txn *raw.Txn) error {
					return txn.Set(fmt.Appendf(nil, "%012d", n), value)
				})
			})
		})
	}
}

func BenchmarkOpenClose(b *testing.B) {
	dir := b.TempDir()
	s, err := badger.Open(badger.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10_000 {
		batch := &store.Batch{}
		batch.Put("bench", fmt.Sprintf("%012d", n), value)
		s.Enqueue(batch)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := badger.Open(badger.Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, badger.Config{Dir: b.TempDir()})
	batch := &store.Batch{}
	batch.Put("bench", "k", value)
	if err := s.Commit(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get("bench", "k"); err != nil {
			b.Fatal(err)
		}
	}
}
