package docker

import (
	"context"
	"sync"
)

// memo remembers the results of calls that need to succeed only once, by key.
// Callers that come while the first one is on its way wait for its result.
type memo[V any] struct {
	mu      sync.Mutex
	entries map[string]*memoized[V]
}

type memoized[V any] struct {
	done      chan struct{} // closed when the rest is set
	value     V
	err       error
	abandoned bool // the caller that loaded it gave up; says nothing about others
}

// get gives the value of key, calling load for it if nobody did. loaded tells
// that it was this caller's load. Failures are not remembered.
func (m *memo[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (value V, loaded bool, err error) {
	for {
		e, mine := m.entry(key)
		if mine {
			return m.load(ctx, key, e, load)
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return value, false, ctx.Err()
		}
		if !e.abandoned {
			return e.value, false, e.err
		}
	}
}

func (m *memo[V]) entry(key string) (e *memoized[V], mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		return e, false
	}
	if m.entries == nil {
		m.entries = map[string]*memoized[V]{}
	}
	e = &memoized[V]{done: make(chan struct{}), abandoned: true}
	m.entries[key] = e
	return e, true
}

func (m *memo[V]) load(ctx context.Context, key string, e *memoized[V], load func(context.Context) (V, error)) (V, bool, error) {
	ok := false
	defer func() { // also when load panics: nobody must wait for ever
		if !ok {
			m.drop(key, e)
		}
		close(e.done)
	}()
	e.value, e.err = load(ctx)
	e.abandoned = e.err != nil && ctx.Err() != nil
	ok = e.err == nil
	return e.value, true, e.err
}

func (m *memo[V]) drop(key string, e *memoized[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[key] == e {
		delete(m.entries, key)
	}
}

// forget makes the next get of key load it again.
func (m *memo[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

// forgetAll makes the next get of any key load it again.
func (m *memo[V]) forgetAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.entries)
}
