package badger

import (
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/store"
)

// reads stands between those who read and Badger: it knows when nobody reads,
// so that Badger can be closed or replaced, and lets all read an older state
// while a large batch is written in parts.
type reads struct {
	mu     sync.Mutex
	none   sync.Cond // active is 0
	db     *badger.DB
	active int
	frozen *snapshot
	closed error // why nobody may read any more
}

// snapshot is a transaction that many readers share.
type snapshot struct {
	txn    *badger.Txn
	shared int // readers, and the one that froze
}

func newReads(db *badger.DB) *reads {
	r := &reads{db: db}
	r.none.L = &r.mu
	return r
}

// begin gives a transaction to read with. The caller ends it.
func (r *reads) begin() (*snapshot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed != nil {
		return nil, r.closed
	}
	r.active++
	if r.frozen != nil {
		r.frozen.shared++
		return r.frozen, nil
	}
	// Under the lock, so that freeze cannot come between.
	return &snapshot{txn: r.db.NewTransaction(false), shared: 1}, nil
}

func (r *reads) end(s *snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release(s)
	r.active--
	if r.active == 0 {
		r.none.Broadcast()
	}
}

func (r *reads) release(s *snapshot) {
	s.shared--
	if s.shared == 0 {
		s.txn.Discard()
	}
}

// freeze lets all who begin from now on read the state of now, until thaw.
func (r *reads) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = &snapshot{txn: r.db.NewTransaction(false), shared: 1}
}

func (r *reads) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release(r.frozen)
	r.frozen = nil
}

// replace runs fn, which gives another Badger, if nobody reads; else it is
// false. Who begins to read waits for it.
func (r *reads) replace(fn func(*badger.DB) (*badger.DB, error)) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active > 0 {
		return false, nil
	}
	db, err := fn(r.db)
	if err != nil {
		r.closed = err
		return true, err
	}
	r.db = db
	return true, nil
}

// close refuses further readers and waits for those at it.
func (r *reads) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = store.ErrClosed()
	for r.active > 0 {
		r.none.Wait()
	}
}

func (r *reads) current() *badger.DB {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.db
}
