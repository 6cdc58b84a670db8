package store

import (
	"context"
	"sync"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Call is a method of Store that Failing can spoil.
type Call uint8

// The calls that can be spoilt.
const (
	CallGet Call = iota
	CallScan
	CallCommit
	CallEnqueue
	CallFlush
	calls
)

// Mode is the way in which a call is spoilt.
type Mode uint8

const (
	// Refuse fails and does nothing: a full disk.
	Refuse Mode = iota
	// Unanswered does everything and fails all the same: a lost answer. An
	// Enqueue in this mode just succeeds.
	Unanswered
	// Torn writes the first half of a batch (rounded down) and fails. No sound
	// store does this; it shows what a caller relies on.
	Torn
	// Hang does nothing and returns only when its context ends, or at
	// Release or Close.
	Hang
)

// Failure says which call is spoilt, and how.
type Failure struct {
	Call Call
	Nth  int   // counted from 1 since the store was made; 0 is every one
	Mode Mode  // Refuse unless set
	Err  error // what the call returns; fault.Unavailable unless set
}

// Failing is a Store that spoils chosen calls of another.
type Failing struct {
	inner Store

	mu       sync.Mutex
	failures []Failure
	counts   [calls]int
	release  chan struct{}
	dropped  uint64
	last     error
}

// NewFailing wraps inner; without failures it passes everything through.
func NewFailing(inner Store, failures ...Failure) *Failing {
	return &Failing{inner: inner, failures: failures, release: make(chan struct{})}
}

// Fail adds a failure.
func (f *Failing) Fail(failure Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, failure)
}

// Heal removes all failures and lets hanging calls fail.
func (f *Failing) Heal() {
	f.mu.Lock()
	f.failures = nil
	f.mu.Unlock()
	f.Release()
}

// Release lets the calls that hang now fail.
func (f *Failing) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.release)
	f.release = make(chan struct{})
}

// Count tells how often a call was made.
func (f *Failing) Count(call Call) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[call]
}

// next counts the call and gives the failure meant for it, if any.
func (f *Failing) next(call Call) (Failure, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[call]++
	for _, failure := range f.failures {
		if failure.Call == call && (failure.Nth == 0 || failure.Nth == f.counts[call]) {
			if failure.Err == nil {
				failure.Err = fault.New(fault.Unavailable, "store failed on purpose")
			}
			return failure, f.release, true
		}
	}
	return Failure{}, nil, false
}

// spoil runs the call, or what the failure meant for it leaves of it.
func (f *Failing) spoil(ctx context.Context, call Call, whole, half func() error) error {
	failure, release, ok := f.next(call)
	if !ok {
		return whole()
	}
	switch failure.Mode {
	case Unanswered:
		if err := whole(); err != nil {
			return err
		}
	case Torn:
		if err := half(); err != nil {
			return err
		}
	case Hang:
		select {
		case <-ctx.Done():
			return fault.Wrap(ctx.Err(), "wait for the store", "")
		case <-release:
		}
	case Refuse:
	}
	return failure.Err
}

func nothing() error { return nil }

// Get implements Store.
func (f *Failing) Get(bucket Bucket, key string) ([]byte, error) {
	var value []byte
	err := f.spoil(context.Background(), CallGet, func() (err error) {
		value, err = f.inner.Get(bucket, key)
		return err
	}, nothing)
	if err != nil {
		return nil, err
	}
	return value, nil
}

// Scan implements Store.
func (f *Failing) Scan(bucket Bucket, prefix string, fn func(key string, value []byte) error) error {
	return f.spoil(context.Background(), CallScan, func() error {
		return f.inner.Scan(bucket, prefix, fn)
	}, nothing)
}

// Commit implements Store.
func (f *Failing) Commit(ctx context.Context, b *Batch) error {
	return f.spoil(ctx, CallCommit, func() error {
		return f.inner.Commit(ctx, b)
	}, func() error {
		return f.inner.Commit(ctx, firstHalf(b))
	})
}

// Enqueue implements Store. What fails counts as dropped in Health.
func (f *Failing) Enqueue(b *Batch) {
	failure, release, ok := f.next(CallEnqueue)
	if !ok || failure.Mode == Unanswered {
		f.inner.Enqueue(b)
		return
	}
	switch failure.Mode {
	case Torn:
		f.inner.Enqueue(firstHalf(b))
	case Hang:
		<-release
	case Refuse, Unanswered:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropped++
	f.last = failure.Err
}

func firstHalf(b *Batch) *Batch {
	half := &Batch{}
	for _, op := range b.Ops()[:b.Len()/2] {
		half.add(op)
	}
	return half
}

// Flush implements Store.
func (f *Failing) Flush(ctx context.Context) error {
	return f.spoil(ctx, CallFlush, func() error { return f.inner.Flush(ctx) }, nothing)
}

// Health implements Store.
func (f *Failing) Health() Health {
	h := f.inner.Health()
	f.mu.Lock()
	defer f.mu.Unlock()
	h.Dropped += f.dropped
	if f.last != nil {
		h.LastError = f.last.Error()
	}
	return h
}

// Close implements Store.
func (f *Failing) Close() error {
	f.Release()
	return f.inner.Close()
}
