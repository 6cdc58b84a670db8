package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// dataDir is where Badger's own files are, within the store's directory.
const dataDir = "data"

// Open opens the store in a directory, or makes one there.
//
// It fails with fault.Conflict when another process uses the directory, and
// with fault.Precondition when the store has lost commits that it had
// acknowledged, unless AllowLoss is set, or when a newer program wrote it. When
// less than MinFree is free it opens an existing store for reading only.
func Open(cfg Config) (store.Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, dataDir), 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "make the store's directory: %w", err)
	}
	lock, err := acquire(&cfg)
	if err != nil {
		return nil, err
	}
	d := &disk{
		cfg: cfg, lock: lock, log: &logger{to: cfg.Log}, queue: newQueue(cfg.MaxPending),
		closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	d.gc = startCollector(d)
	go d.commitLoop()
	return d, nil
}

// open does all that must be done before the committer can start. When it
// fails, nothing is left open but the lock.
func (d *disk) open() (err error) {
	found, err := inspect(d.cfg)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && d.mark != nil {
			err = errors.Join(err, d.mark.file.Close())
		}
	}()
	d.mark = found.marker
	if noSpace := d.cfg.checkSpace(false); noSpace != nil {
		if err := d.prepareReadOnly(found, noSpace); err != nil {
			return err
		}
	}
	if d.mark == nil {
		if d.mark, err = createMark(d.cfg.Dir, mark{}); err != nil {
			return err
		}
	}
	db, err := openBadger(d.cfg, d.dataDir(), d.log, d.readOnly)
	if err != nil {
		return err
	}
	d.reads = newReads(db)
	if err := d.begin(found); err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// begin checks what Badger holds against what it should, and brings it up to
// date.
func (d *disk) begin(found *inspection) error {
	value, err := readInternal(d.reads.db, sequenceKey)
	if err != nil {
		return err
	}
	if value != nil {
		if d.at, err = parsePosition(value); err != nil {
			return err
		}
	}
	d.health.sequence = d.at.sequence
	if err := found.compare(d.cfg, d.reads.db, d.at); err != nil {
		return err
	}
	if d.readOnly {
		return d.readableAsIs()
	}
	return d.finishOpen()
}

// finishOpen does what needs writing.
func (d *disk) finishOpen() error {
	makeReserve(d.cfg)
	list, err := takeFingerprint(d.dataDir())
	if err != nil {
		return err
	}
	d.list = list
	if err := d.mark.write(mark{d.at, list}); err != nil {
		return err
	}
	if err := d.mark.sync(); err != nil {
		return err
	}
	if err := d.finishJournal(); err != nil {
		return err
	}
	return d.migrate()
}

// prepareReadOnly makes an existing store fit to be opened without writing:
// Badger wants its logs to end where their valid part does.
func (d *disk) prepareReadOnly(found *inspection, noSpace error) error {
	if found.empty {
		return fault.New(fault.ReadOnly, "cannot make a store: %w", noSpace)
	}
	for _, log := range found.logs {
		var err error
		switch {
		case log.end <= walHeader:
			err = os.Remove(log.path)
		case log.end < log.size:
			err = os.Truncate(log.path, log.end)
		}
		if err != nil {
			return fault.New(fault.ReadOnly, "%w, and it cannot be opened for reading: %w", noSpace, err)
		}
	}
	d.readOnly = true
	d.health.reason = noSpace.Error()
	return nil
}

// readableAsIs tells whether a store that cannot be written now is complete.
func (d *disk) readableAsIs() error {
	journal, err := readInternal(d.reads.db, journalKey)
	if err != nil {
		return err
	}
	have, err := readSchema(d.reads.db)
	if err != nil {
		return err
	}
	switch {
	case journal != nil:
		return fault.New(fault.ReadOnly, "store %s holds a large batch that a crash interrupted, and there is no space to finish it: free some", d.cfg.Dir)
	case have > d.cfg.schema:
		return d.tooNew(have)
	case have < d.cfg.schema:
		return fault.New(fault.ReadOnly, "store %s has schema %d and there is no space to bring it to schema %d: free some", d.cfg.Dir, have, d.cfg.schema)
	}
	return nil
}

// openTries bounds how often Badger is opened.
const openTries = 8

// openBadger opens Badger. After a kill a log file may be there with no bytes
// in it; Badger then fails once ("Create a new file") for each such file and
// has repaired it.
func openBadger(cfg Config, dir string, log *logger, readOnly bool) (*badger.DB, error) {
	for try := 1; ; try++ {
		db, err := openOnce(cfg.options(dir, log, readOnly))
		if err == nil {
			if text, bad := log.failure(); bad {
				return nil, errors.Join(fault.New(fault.Precondition, "store %s is damaged: badger: %s; restore a backup", cfg.Dir, text), db.Close())
			}
			return db, nil
		}
		if !strings.Contains(err.Error(), "Create a new file") || try == openTries {
			return nil, fault.New(fault.Unavailable, "open the store %s: %w", cfg.Dir, err)
		}
		cfg.Log.Info("store opened again after an unfinished start", "dir", cfg.Dir, "try", try, "reason", err)
	}
}

func openOnce(options badger.Options) (db *badger.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("badger: %v", p)
		}
	}()
	return badger.Open(options)
}
