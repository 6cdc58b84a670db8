package badger

import (
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// Commit implements store.Store.
func (d *disk) Commit(ctx context.Context, b *store.Batch) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, "commit to the store", "")
	}
	if err := d.check(b); err != nil {
		return err
	}
	r := &request{batch: b, done: make(chan error, 1)}
	if !d.queue.add(r) {
		return store.ErrClosed()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), "wait for the store", "")
	}
}

// Enqueue implements store.Store.
func (d *disk) Enqueue(b *store.Batch) {
	err := d.check(b)
	if err == nil && b.Len() > 0 && !d.queue.add(&request{batch: b}) {
		err = store.ErrClosed()
	}
	if err != nil {
		d.note(func(h *health) { h.lastError, h.dropped = err.Error(), h.dropped+1 })
	}
}

// Flush implements store.Store.
func (d *disk) Flush(ctx context.Context) error { return d.Commit(ctx, nil) }

func (d *disk) check(b *store.Batch) error {
	if n := b.Size() + 16*b.Len(); n > d.cfg.MaxBatch {
		return fault.New(fault.Limit, "batch of %d writes takes %s, MaxBatch allows %s", b.Len(), size(int64(n)), size(int64(d.cfg.MaxBatch)))
	}
	return b.Check()
}

// commitLoop is the one goroutine that writes. It ends at Close, having
// written what was waiting.
func (d *disk) commitLoop() {
	defer close(d.stopped)
	timer := time.NewTimer(d.cfg.FlushInterval)
	armed := true
	for {
		select {
		case <-d.queue.now:
			d.writeWaiting(true)
		case <-d.queue.soon:
		case <-timer.C:
			armed = false
			d.writeWaiting(false)
			d.syncMark()
			continue
		case <-d.closing:
			d.writeWaiting(false)
			return
		}
		if !armed {
			timer.Reset(d.cfg.FlushInterval)
			armed = true
		}
	}
}

// writeWaiting writes all that waits, in order, in as few transactions as it
// fits into.
func (d *disk) writeWaiting(asked bool) {
	// Those who were told the outcome of the last group get to run first, so
	// that what they commit next goes along now and not with the group after.
	runtime.Gosched()
	requests := d.queue.take()
	err := d.writable(asked || len(requests) > 0)
	for err == nil && len(requests) > 0 {
		n := d.fitting(requests)
		var failed error
		if n == 0 {
			n, failed = 1, d.writeBatch(requests[0].batch, 1)
		} else {
			failed = d.writeTogether(requests[:n])
		}
		d.queue.wrote(n)
		d.report(requests[:n], failed)
		requests = requests[n:]
		if len(requests) > 0 {
			err = d.writable(true)
		}
	}
	d.refuse(requests, err)
	d.collectIfDue()
}

// fitting counts the requests that fit into one transaction together.
func (d *disk) fitting(requests []*request) int {
	fit := transactionRoom(d.reads.db)
	for n, r := range requests {
		if !fit.take(r.batch.Ops()) {
			return n
		}
	}
	return len(requests)
}

func (d *disk) writeTogether(requests []*request) error {
	batches := make([][]store.Op, 0, len(requests))
	for _, r := range requests {
		if r.batch.Len() > 0 {
			batches = append(batches, r.batch.Ops())
		}
	}
	if len(batches) == 0 {
		return nil
	}
	return d.writeGroup(batches, len(batches))
}

// report tells the outcome to those who wait, and to Health for those who do
// not.
func (d *disk) report(requests []*request, err error) {
	var lost, written uint64
	for _, r := range requests {
		switch {
		case err == nil && r.batch.Len() > 0:
			written++
		case err != nil && r.done == nil:
			lost++
		}
	}
	d.note(func(h *health) {
		h.commits += written
		h.dropped += lost
		if err != nil {
			h.lastError = err.Error()
		}
	})
	for _, r := range requests {
		r.finish(err)
	}
}

// refuse fails the requests that somebody waits for and gives those that are
// to wait back to the queue until the store takes writes again. Who is told of
// it finds Health telling the same.
func (d *disk) refuse(requests []*request, err error) {
	if d.failed != nil && len(requests) > 0 {
		d.queue.settle(nil)
		d.report(requests, err)
		return
	}
	var kept, told []*request
	flushed := 0 // of told, those with nothing to write and nothing before them
	for _, r := range requests {
		switch {
		case r.done == nil:
			kept = append(kept, r)
		case r.batch.Len() == 0 && len(kept) == 0:
			told = slices.Insert(told, flushed, r)
			flushed++
		default:
			told = append(told, r)
		}
	}
	if len(kept) > 0 {
		d.note(func(h *health) { h.lastError = err.Error() })
	}
	d.queue.settle(kept)
	for i, r := range told {
		if i < flushed {
			r.finish(nil)
		} else {
			r.finish(err)
		}
	}
}

// writable tells whether writing is safe now. It makes the store read-only when
// space has become scarce and, asked by somebody who wants to write or to know,
// takes that back when there is enough.
func (d *disk) writable(asked bool) error {
	err := d.failed
	if err == nil {
		err = d.cfg.checkSpace(d.readOnly)
		switch {
		case err != nil && !d.readOnly:
			d.retreat(err)
		case err == nil && d.readOnly && asked:
			err = d.reopen()
		case err == nil && d.readOnly:
			return nil
		}
	}
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	d.note(func(h *health) { h.reason = reason })
	return err
}

// fail makes the store read-only for good: after a failed write nobody knows
// what is on the disk, and only opening it anew finds out.
func (d *disk) fail(err error) error {
	if d.failed == nil {
		d.failed = fault.New(fault.ReadOnly, "store is read-only until the server is started anew: %w", err)
		d.cfg.Log.Error("store failed", "dir", d.cfg.Dir, "error", err)
	}
	return err
}

// syncMark makes the mark durable, with the list of tables as it is now.
func (d *disk) syncMark() {
	if d.failed != nil {
		return
	}
	list, err := d.list.refresh(d.dataDir())
	if err == nil && list != d.list {
		d.list = list
		err = d.mark.write(mark{d.at, list})
	}
	if err == nil {
		err = d.mark.sync()
	}
	if err == nil {
		return
	}
	d.note(func(h *health) { h.lastError = err.Error() })
	if !d.readOnly {
		_ = d.fail(err) // nobody waits for the mark
	}
}
