// Package badger keeps a store in a directory, in Badger.
//
// Badger alone syncs once per transaction and drops damaged parts of its log
// silently. This package adds one committer that writes everything waiting in
// one synced transaction, checksums over each record, a high-water mark that
// tells when acknowledged commits are missing, and a guard that stops writing
// before the disk is full.
//
// A store's directory contains Badger's files in data, and the files mark, lock
// and reserve.
package badger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// disk is the store. The fields without a lock belong to the committer.
type disk struct {
	cfg   Config
	lock  *os.File
	log   *logger
	reads *reads
	queue *queue

	mark     *marker
	at       position    // what is written
	list     fingerprint // of Badger's tables
	data     []byte      // the buffer of groups
	readOnly bool        // Badger is open for reading only
	failed   error       // why the store takes no writes until it is opened anew

	closing chan struct{} // closed by Close
	stopped chan struct{} // closed by the committer
	gc      *collector

	closeOnce sync.Once
	closeErr  error

	healthMu sync.Mutex
	health   health
}

// health is what the committer tells to Health.
type health struct {
	reason    string
	lastError string
	dropped   uint64
	commits   uint64
	syncs     uint64
	sequence  uint64
}

var _ store.Store = (*disk)(nil)

func (d *disk) note(fn func(*health)) {
	d.healthMu.Lock()
	defer d.healthMu.Unlock()
	fn(&d.health)
}

func (d *disk) dataDir() string { return filepath.Join(d.cfg.Dir, dataDir) }

// Get implements store.Store.
func (d *disk) Get(bucket store.Bucket, key string) (value []byte, err error) {
	s, err := d.reads.begin()
	if err != nil {
		return nil, err
	}
	defer d.reads.end(s)
	defer recovered(&err, "read "+string(bucket)+"/"+key)
	at := bucketKey(bucket, key)
	item, err := s.txn.Get(at)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, store.ErrNotFound(bucket, key)
	}
	if err != nil {
		return nil, readError(at, err)
	}
	err = item.Value(func(record []byte) error {
		part, err := openRecord(at, record)
		value = bytes.Clone(part)
		return err
	})
	if err != nil {
		return nil, readError(at, err)
	}
	if value == nil {
		value = []byte{}
	}
	return value, nil
}

// Scan implements store.Store.
func (d *disk) Scan(bucket store.Bucket, prefix string, fn func(key string, value []byte) error) error {
	s, err := d.reads.begin()
	if err != nil {
		return err
	}
	defer d.reads.end(s)
	options := badger.DefaultIteratorOptions
	options.PrefetchValues = false // they lie beside the keys
	options.Prefix = bucketKey(bucket, prefix)
	skip := len(bucket) + 1
	var it *badger.Iterator
	step := func(do func()) (err error) {
		defer recovered(&err, "scan "+string(bucket)+"/"+prefix)
		do()
		return nil
	}
	if err := step(func() { it = s.txn.NewIterator(options); it.Rewind() }); err != nil {
		return err
	}
	defer it.Close()
	for it.Valid() {
		if err := scanItem(it.Item(), skip, fn); err != nil {
			return err
		}
		if err := step(it.Next); err != nil {
			return err
		}
	}
	return nil
}

// scanItem opens the item's record and gives it to fn, whose error it returns
// as it is.
func scanItem(item *badger.Item, skip int, fn func(key string, value []byte) error) error {
	key := item.Key()
	var fnErr error
	err := item.Value(func(record []byte) error {
		value, err := openRecord(key, record)
		if err != nil {
			return err
		}
		fnErr = fn(string(key[skip:]), value)
		return nil
	})
	if fnErr != nil {
		return fnErr
	}
	if err != nil {
		return readError(key, err)
	}
	return nil
}

func readError(key []byte, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	return damaged(key, err.Error())
}

// recovered turns a panic of Badger, which some damaged tables cause, into an
// error.
func recovered(err *error, what string) {
	if p := recover(); p != nil {
		*err = fault.New(fault.Internal, "%s: the store's tables are damaged: %v", what, p)
	}
}

// Health implements store.Store. It also looks whether there is space again.
func (d *disk) Health() store.Health {
	pending, shed := d.queue.state()
	d.healthMu.Lock()
	h := d.health
	d.healthMu.Unlock()
	free, err := d.cfg.free(d.cfg.Dir)
	if err != nil {
		free = -1
	}
	if space := d.cfg.checkSpace(h.reason != ""); space != nil && h.reason == "" {
		h.reason = space.Error()
		signal(d.queue.now) // it is time to retreat
	} else if space == nil && h.reason != "" {
		signal(d.queue.now) // what was refused may work now
	}
	return store.Health{
		ReadOnly: h.reason != "", Reason: h.reason, LastError: h.lastError,
		Pending: pending, Dropped: h.dropped + shed,
		Commits: h.commits, Syncs: h.syncs, Sequence: h.sequence, FreeBytes: free,
	}
}

// Close implements store.Store.
func (d *disk) Close() error {
	d.closeOnce.Do(func() { d.closeErr = d.shutDown() })
	return d.closeErr
}

func (d *disk) shutDown() error {
	d.queue.close()
	close(d.closing)
	<-d.stopped
	d.gc.stop()
	d.reads.close()
	var errs []error
	if kept, _ := d.queue.state(); kept > 0 {
		errs = append(errs, fault.New(fault.ReadOnly, "close the store: %d enqueued batches were not written, it is read-only", kept))
	}
	if !d.readOnly && d.cfg.checkSpace(false) != nil { // closing writes the memtable
		if err := spendReserve(d.cfg.Dir); err != nil {
			errs = append(errs, fault.New(fault.Unavailable, "close the store: give back its reserve: %w", err))
		}
	}
	if err := d.reads.db.Close(); err != nil {
		errs = append(errs, fault.New(fault.Internal, "close the store: %w", err))
	}
	d.syncMark() // closing wrote tables
	errs = append(errs, d.mark.close(), d.lock.Close())
	return errors.Join(errs...)
}
