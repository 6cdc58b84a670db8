package badger

import (
	"sync"

	"github.com/gowanus-project/gowanus/engine/store"
)

// request is a batch on its way to the disk.
type request struct {
	batch *store.Batch
	done  chan error // takes the outcome; nil when nobody waits
}

func (r *request) finish(err error) {
	if r.done != nil {
		r.done <- err
	}
}

// queue holds requests in the order of the calls. Whoever adds one that nobody
// waits for, when it is full, waits for room.
type queue struct {
	mu      sync.Mutex
	room    sync.Cond
	waiting []*request
	bytes   int // in waiting
	limit   int // for bytes
	taken   int // requests taken and not yet settled
	stuck   bool
	closed  bool
	dropped uint64

	now  chan struct{} // somebody waits
	soon chan struct{} // something waits for company
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit, now: make(chan struct{}, 1), soon: make(chan struct{}, 1)}
	q.room.L = &q.mu
	return q
}

// cost is what a batch takes in memory, roughly.
func cost(b *store.Batch) int { return b.Size() + 64*b.Len() + 64 }

// add appends a request. It is false when the queue is closed.
func (q *queue) add(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := cost(r.batch)
	for r.done == nil && q.bytes > 0 && q.bytes+n > q.limit && !q.closed && !q.stuck {
		signal(q.now)
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, r)
	q.bytes += n
	if q.stuck && r.done == nil {
		q.shed()
	}
	if r.done != nil {
		signal(q.now)
	} else {
		signal(q.soon)
	}
	return true
}

// shed gives up the oldest enqueued requests while the store refuses writes
// and more than the limit waits.
func (q *queue) shed() {
	kept := q.waiting[:0]
	for _, r := range q.waiting {
		if n := cost(r.batch); r.done == nil && q.bytes > q.limit {
			q.bytes -= n
			q.dropped++
			continue
		}
		kept = append(kept, r)
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
}

// take gives everything that waits. The caller settles it.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting, q.bytes = nil, 0
	q.taken = len(all)
	q.room.Broadcast()
	return all
}

// wrote says that the first n of those taken are done with, before who waits
// for them is told.
func (q *queue) wrote(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= n
}

// settle says that what was taken is done with but for the requests kept,
// which go back to the front. Requests are kept when the store refuses writes.
func (q *queue) settle(kept []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = 0
	q.stuck = len(kept) > 0
	if !q.stuck {
		return
	}
	for _, r := range kept {
		q.bytes += cost(r.batch)
	}
	q.waiting = append(kept, q.waiting...)
	q.shed()
	q.room.Broadcast()
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
}

func (q *queue) state() (pending int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) + q.taken, q.dropped
}

// signal leaves a note in a channel with room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
