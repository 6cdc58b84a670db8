package store

import (
	"github.com/gowanus-project/gowanus/engine/fault"
)

// What a batch may contain. They hold for every store, so that what works in
// a test works on disk.
const (
	MaxBucket = 64       // bytes in a bucket's name
	MaxKey    = 4 << 10  // bytes in a key
	MaxValue  = 16 << 20 // bytes in a value
)

// Bucket names a group of keys: "entity", "task". It consists of 1 to
// MaxBucket letters, digits, '-', '_' and '.'.
type Bucket string

// Check fails with fault.Invalid when b cannot name a bucket.
func (b Bucket) Check() error {
	if len(b) == 0 || len(b) > MaxBucket {
		return fault.New(fault.Invalid, "bucket name %q has %d bytes, expected 1 to %d", string(b), len(b), MaxBucket)
	}
	for i := range len(b) {
		c := b[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return fault.New(fault.Invalid, "bucket name %q contains %q, expected letters, digits, '-', '_' and '.'", string(b), string(c))
		}
	}
	return nil
}

// Op is one write: a value for a key, or its deletion.
type Op struct {
	Bucket Bucket
	Key    string
	Value  []byte
	Delete bool
}

// Batch collects writes that belong together: all of them happen, or none.
// The zero value is ready to use. A batch given to Commit or Enqueue belongs
// to the store from then on; it is not safe for use by several goroutines.
type Batch struct {
	ops  []Op
	size int
}

// Put sets the value of a key. The batch keeps value itself, which must not
// change any more.
func (b *Batch) Put(bucket Bucket, key string, value []byte) {
	b.add(Op{Bucket: bucket, Key: key, Value: value})
}

// Delete removes a key; it need not exist.
func (b *Batch) Delete(bucket Bucket, key string) {
	b.add(Op{Bucket: bucket, Key: key, Delete: true})
}

// Append adds the writes of other after those of b. A nil other adds none.
func (b *Batch) Append(other *Batch) {
	for _, op := range other.Ops() {
		b.add(op)
	}
}

func (b *Batch) add(op Op) {
	b.ops = append(b.ops, op)
	b.size += len(op.Bucket) + len(op.Key) + len(op.Value)
}

// Len is the number of writes.
func (b *Batch) Len() int { return len(b.Ops()) }

// Size is the number of bytes in the buckets, keys and values of the writes.
func (b *Batch) Size() int {
	if b == nil {
		return 0
	}
	return b.size
}

// Ops gives the writes in order, for implementations of Store. They are not
// to be changed.
func (b *Batch) Ops() []Op {
	if b == nil {
		return nil
	}
	return b.ops
}

// Check fails with fault.Invalid or fault.Limit at the first write that no
// store takes.
func (b *Batch) Check() error {
	for _, op := range b.Ops() {
		if err := op.Bucket.Check(); err != nil {
			return err
		}
		if len(op.Key) > MaxKey {
			return fault.New(fault.Limit, "key %.40q… in bucket %s has %d bytes, MaxKey allows %d", op.Key, op.Bucket, len(op.Key), MaxKey)
		}
		if len(op.Value) > MaxValue {
			return fault.New(fault.Limit, "value of %s/%s has %d bytes, MaxValue allows %d", op.Bucket, op.Key, len(op.Value), MaxValue)
		}
	}
	return nil
}
