package store

import "github.com/gowanus-project/gowanus/engine/fault"

// ErrClosed is what every store answers after Close.
func ErrClosed() error { return fault.New(fault.Unavailable, "store is closed") }

// ErrNotFound is what every store answers for a key without a value.
func ErrNotFound(bucket Bucket, key string) error {
	return fault.New(fault.NotFound, "%s %q is not in the store", bucket, key)
}
