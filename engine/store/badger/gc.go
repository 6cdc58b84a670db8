package badger

import (
	"errors"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// collector frees the space of long values that were overwritten. Short ones
// are freed by Badger's own compaction.
type collector struct {
	long  int64 // written to the value log since the last kick; the committer's
	kick  chan struct{}
	end   chan struct{}
	ended sync.WaitGroup
}

// startCollector runs a collection each time enough was written to the value
// log, until stop.
func startCollector(d *disk) *collector {
	c := &collector{kick: make(chan struct{}, 1), end: make(chan struct{})}
	c.ended.Go(func() {
		for {
			select {
			case <-c.end:
				return
			case <-c.kick:
				c.collect(d)
			}
		}
	})
	return c
}

// wrote counts what was written to the value log. A nil collector, as it is
// while a store is opened, counts nothing.
func (c *collector) wrote(long int64) {
	if c == nil {
		return
	}
	if c.long += long; c.long >= valueLogFile {
		c.long = 0
		signal(c.kick)
	}
}

// collect rewrites value logs of which half is garbage, until there is none.
func (c *collector) collect(d *disk) {
	s, err := d.reads.begin() // keeps Badger open
	if err != nil {
		return
	}
	defer d.reads.end(s)
	db := d.reads.current()
	for {
		select {
		case <-c.end:
			return
		default:
		}
		if d.cfg.checkSpace(false) != nil {
			return // it needs space before it frees some
		}
		err := db.RunValueLogGC(0.5)
		if err != nil {
			if !errors.Is(err, badger.ErrNoRewrite) && !errors.Is(err, badger.ErrRejected) {
				d.cfg.Log.Warn("collect the store's old values", "error", err)
			}
			return
		}
	}
}

func (c *collector) stop() {
	close(c.end)
	c.ended.Wait()
}
