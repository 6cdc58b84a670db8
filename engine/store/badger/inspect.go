package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// inspection is what the files say before Badger is opened. Badger repairs
// what it finds damaged by leaving it out, so everything that can be noticed
// without it is noticed first, and the files of a store that is refused are
// left as they are.
type inspection struct {
	empty  bool    // there is no store yet
	marker *marker // nil when there is none
	mark   mark
	known  bool // the mark says what was promised
	logs   []wal
}

// inspect reads the files of the store and fails when they show a loss.
func inspect(cfg Config) (*inspection, error) {
	dir := filepath.Join(cfg.Dir, dataDir)
	in := &inspection{}
	var err error
	in.marker, in.mark, err = openMark(cfg.Dir)
	in.known = err == nil
	if err != nil && !errors.Is(err, errNoMark) && !errors.Is(err, errBadMark) {
		return nil, err
	}
	if err := in.read(cfg, dir, err); err != nil {
		if in.marker != nil {
			err = errors.Join(err, in.marker.file.Close())
		}
		return nil, err
	}
	return in, nil
}

func (in *inspection) read(cfg Config, dir string, markErr error) error {
	manifest, err := os.ReadFile(filepath.Join(dir, manifestFile))
	in.empty = errors.Is(err, fs.ErrNotExist)
	if err != nil && !in.empty {
		return fault.New(fault.Unavailable, "read the store's list of tables: %w", err)
	}
	switch {
	case in.empty && in.known && in.mark.sequence == 0, in.empty && errors.Is(markErr, errNoMark):
		return nil
	case in.empty: // Badger would begin anew and delete the tables
		return fault.New(fault.Precondition, "store %s is damaged: its list of tables, %s, is missing; restore a backup", cfg.Dir, filepath.Join(dataDir, manifestFile))
	case !in.known:
		if err := cfg.loss("%w, so nobody knows whether commits are missing", markErr); err != nil {
			return err
		}
	case !in.mark.manifest.matches(manifest):
		if err := cfg.loss("its list of tables is damaged"); err != nil {
			return err
		}
	}
	if err := checkTables(cfg, dir); err != nil {
		return err
	}
	if in.logs, err = readWALs(dir); err != nil {
		return err
	}
	return in.checkLogs(cfg)
}

// checkLogs fails when the logs end before the mark, or miss something in
// between.
func (in *inspection) checkLogs(cfg Config) error {
	var last position
	for _, log := range in.logs {
		if log.last.sequence == 0 {
			continue
		}
		if last.sequence != 0 && log.first.sequence > last.sequence+1 {
			if err := cfg.loss("commits %d to %d are missing from its logs", last.commits+1, log.first.commits-1); err != nil {
				return err
			}
		}
		last = log.last
	}
	if last.sequence == 0 {
		return nil // all is in tables; see compare
	}
	return in.compareMark(cfg, last)
}

// compareMark fails when a position that was found is behind the mark.
func (in *inspection) compareMark(cfg Config, at position) error {
	switch {
	case !in.known:
	case at.sequence < in.mark.sequence:
		return cfg.loss("it ends at commit %d, but commit %d was acknowledged: %d commits are missing", at.commits, in.mark.commits, in.mark.commits-at.commits)
	case at.sequence == in.mark.sequence && at.hash != in.mark.hash:
		return cfg.loss("its commit %d is not the one that was acknowledged: its files are of different stores", at.commits)
	}
	return nil
}

// compare fails when what Badger holds after it was opened is not what the
// mark and the logs promised.
func (in *inspection) compare(cfg Config, db *badger.DB, at position) error {
	if err := in.compareMark(cfg, at); err != nil {
		return err
	}
	for _, log := range in.logs {
		if log.last.sequence == 0 {
			continue
		}
		before, err := positionBefore(db, log.firstVersion)
		if err != nil {
			return err
		}
		if before.sequence != 0 && before.sequence+1 != log.first.sequence {
			return cfg.loss("commits %d to %d are missing between its tables and its logs", before.commits+1, log.first.commits-1)
		}
		return nil
	}
	return nil
}

// positionBefore finds the newest position that was written before the given
// version of Badger; it is zero when compaction has removed it.
func positionBefore(db *badger.DB, version uint64) (position, error) {
	var before position
	err := db.View(func(txn *badger.Txn) error {
		options := badger.DefaultIteratorOptions
		options.AllVersions = true
		options.PrefetchValues = false
		it := txn.NewKeyIterator(sequenceKey, options)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if it.Item().Version() >= version {
				continue
			}
			return it.Item().Value(func(record []byte) error {
				value, err := openRecord(sequenceKey, record)
				if err != nil {
					return err
				}
				before, err = parsePosition(value)
				return err
			})
		}
		return nil
	})
	return before, err
}

// loss is an error about lost commits, or nothing but a line in the log when
// the operator allows it.
func (c Config) loss(format string, args ...any) error {
	how := fmt.Errorf(format, args...)
	if c.AllowLoss {
		c.Log.Warn("store opened in spite of a loss", "dir", c.Dir, "loss", how)
		return nil
	}
	return fault.New(fault.Precondition, "store %s has lost data: %w; restore a backup, or copy the directory and allow the loss to go on with what is left", c.Dir, how)
}
