// Package store keeps named values in buckets and writes them durably in
// atomic batches.
//
// There are two ways to write. Commit waits until the batch is on disk: for
// what the engine promises to remember before it acts. Enqueue does not wait:
// for sensors and activity history, which may lag by the flush interval and
// are lost for that long by a crash. Both go through one queue, so the writes
// of both are applied in the order of the calls, and a later write to a key
// wins however it was made.
//
// Memory is the store of tests and trials, engine/store/badger the one on
// disk, Failing makes any store fail on purpose. All pass storetest.
package store

import (
	"context"
	"time"
)

// DefaultFlushInterval is how long an enqueued batch waits at most for a
// Commit to take it along, unless the store is configured otherwise.
const DefaultFlushInterval = 100 * time.Millisecond

// Store is a durable map from bucket and key to value. Its methods may be
// called at the same time, also from within the function given to Scan.
type Store interface {
	// Get gives the value of a key, fault.NotFound when it has none. The
	// caller owns the value.
	Get(bucket Bucket, key string) ([]byte, error)

	// Scan calls fn for each key of the bucket that begins with prefix, in
	// the order of the keys' bytes, as they were when Scan was called. An
	// error of fn ends the scan and is returned as it is. The value is valid
	// only during fn, which must not change it.
	Scan(bucket Bucket, prefix string, fn func(key string, value []byte) error) error

	// Commit writes the batch, whole or not at all. When it returns nil, the
	// batch and everything enqueued before it is durable and visible to Get
	// and Scan. It fails with fault.ReadOnly while the store refuses writes,
	// with fault.Limit for a batch that is too big, with fault.Invalid for a
	// bad bucket or key; then nothing of the batch is written. When ctx ends
	// first, the waiting ends with fault.Cancelled or fault.Timeout and the
	// outcome is unknown: the batch may yet be written. After any other error
	// the outcome is unknown until the store is opened anew. An empty batch
	// writes nothing and waits for what was enqueued.
	Commit(ctx context.Context, b *Batch) error

	// Enqueue writes the batch, whole or not at all, some time before the
	// next Commit returns, or at the latest after the flush interval. Only
	// then is it visible to Get and Scan. It does not wait for the disk, but
	// for room when more is enqueued than the disk takes. Health tells what
	// failed.
	Enqueue(b *Batch)

	// Flush waits until everything enqueued before it is durable. It fails
	// like Commit.
	Flush(ctx context.Context) error

	// Health tells whether the store takes writes, and how many it took.
	Health() Health

	// Close flushes and releases the store. Other calls then fail with
	// fault.Unavailable. It may be repeated.
	Close() error
}

// Health is the state of a store at one moment.
type Health struct {
	ReadOnly  bool   `json:"readOnly"`            // writes are refused
	Reason    string `json:"reason,omitempty"`    // why, for users
	LastError string `json:"lastError,omitempty"` // the last failure to write something enqueued
	Pending   int    `json:"pending"`             // batches not yet durable
	Dropped   uint64 `json:"dropped"`             // enqueued batches given up
	Commits   uint64 `json:"commits"`             // batches written, both ways
	Syncs     uint64 `json:"syncs"`               // times the disk was waited for
	Sequence  uint64 `json:"sequence"`            // the number of the last group of batches written together
	FreeBytes int64  `json:"freeBytes"`           // left on the store's file system; -1 when it has none
}
