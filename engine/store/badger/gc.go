package badger

import (
	"errors"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// collector frees the space of long values that were overwritten; short ones
// are freed by Badger's own compaction. Badger finds out what is garbage in the
// value log only when it merges tables, and long values hardly fill its
// memtable, so the committer first renews Badger, which makes a table.
type collector struct {
	long  int64 // written to the value log since the last collection; the committer's
	kick  chan struct{}
	end   chan struct{}
	ended sync.WaitGroup
}

// startCollector starts the goroutine that collects when it is kicked, until
// stop.
func startCollector(d *disk) *collector {
	c := &collector{kick: make(chan struct{}, 1), end: make(chan struct{})}
	c.ended.Go(func() {
		for {
			select {
			case <-c.end:
				return
			case <-c.kick:
				if err := c.collect(d); err != nil {
					d.cfg.Log.Warn("collect the store's old values", "error", err)
				}
				if d.cfg.collected != nil {
					d.cfg.collected()
				}
			}
		}
	})
	return c
}

// wrote counts what was written to the value log. A nil collector, as it is
// while a store is opened, counts nothing.
func (c *collector) wrote(long int64) {
	if c != nil {
		c.long += long
	}
}

// collectIfDue is the committer's part. While the store is being read it does
// nothing; the next write tries again.
func (d *disk) collectIfDue() {
	if d.gc.long < valueLogFile || d.failed != nil || d.readOnly {
		return
	}
	done, err := d.reads.replace(func(old *badger.DB) (*badger.DB, error) {
		if err := old.Close(); err != nil {
			return nil, fault.New(fault.Internal, "close the store to collect old values: %w", err)
		}
		return openBadger(d.cfg, d.dataDir(), d.log, false)
	})
	switch {
	case err != nil:
		_ = d.fail(err) // nobody waits for it; later writes tell
	case done:
		d.gc.long = 0
		signal(d.gc.kick)
	}
}

// collect merges the tables and rewrites the value logs of which half is
// garbage, until there is none.
func (c *collector) collect(d *disk) error {
	s, err := d.reads.begin() // keeps Badger open
	if err != nil {
		return nil // the store is being closed
	}
	defer d.reads.end(s)
	db := d.reads.current()
	if d.cfg.checkSpace(false) != nil {
		return nil // it needs space before it frees some
	}
	if err := db.Flatten(1); err != nil {
		return err
	}
	for d.cfg.checkSpace(false) == nil {
		select {
		case <-c.end:
			return nil
		default:
		}
		err := db.RunValueLogGC(0.5)
		if errors.Is(err, badger.ErrNoRewrite) || errors.Is(err, badger.ErrRejected) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) stop() {
	close(c.end)
	c.ended.Wait()
}
