package store

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Memory is a Store that forgets everything when the process ends. What is
// enqueued it writes at once.
type Memory struct {
	mu      sync.RWMutex
	buckets map[Bucket]map[string][]byte
	health  Health
	closed  bool
}

// NewMemory makes an empty store in memory.
func NewMemory() Store {
	return &Memory{buckets: map[Bucket]map[string][]byte{}, health: Health{FreeBytes: -1}}
}

// Get implements Store.
func (m *Memory) Get(bucket Bucket, key string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed()
	}
	value, ok := m.buckets[bucket][key]
	if !ok {
		return nil, ErrNotFound(bucket, key)
	}
	return bytes.Clone(value), nil
}

// Scan implements Store.
func (m *Memory) Scan(bucket Bucket, prefix string, fn func(key string, value []byte) error) error {
	found, err := m.find(bucket, prefix)
	if err != nil {
		return err
	}
	for _, op := range found {
		if err := fn(op.Key, op.Value); err != nil {
			return err
		}
	}
	return nil
}

// find copies the matching keys in order, so that fn may call the store.
func (m *Memory) find(bucket Bucket, prefix string) ([]Op, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed()
	}
	var found []Op
	for key, value := range m.buckets[bucket] {
		if strings.HasPrefix(key, prefix) {
			found = append(found, Op{Key: key, Value: value})
		}
	}
	slices.SortFunc(found, func(a, b Op) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

// Commit implements Store.
func (m *Memory) Commit(ctx context.Context, b *Batch) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, "commit to the store", "")
	}
	return m.write(b)
}

// Enqueue implements Store.
func (m *Memory) Enqueue(b *Batch) {
	if err := m.write(b); err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.health.LastError = err.Error()
		m.health.Dropped++
	}
}

func (m *Memory) write(b *Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed()
	}
	if b.Len() == 0 {
		return nil
	}
	for _, op := range b.Ops() {
		m.apply(op)
	}
	m.health.Commits++
	m.health.Sequence++
	return nil
}

func (m *Memory) apply(op Op) {
	if op.Delete {
		delete(m.buckets[op.Bucket], op.Key)
		return
	}
	bucket := m.buckets[op.Bucket]
	if bucket == nil {
		bucket = map[string][]byte{}
		m.buckets[op.Bucket] = bucket
	}
	bucket[op.Key] = bytes.Clone(op.Value)
}

// Flush implements Store.
func (m *Memory) Flush(ctx context.Context) error { return m.Commit(ctx, nil) }

// Health implements Store.
func (m *Memory) Health() Health {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.health
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
