package badger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Refusing to write is not enough when the disk fills: Badger sorts and merges
// tables on its own account, and writes its memtable when it is closed. So the
// store holds a file of disk blocks in reserve. When space gets scarce it gives
// them back, closes Badger and opens it for reading only, which writes nothing
// at all.
const (
	reserveFile = "reserve"
	reserveSize = 64 << 20
)

func reservePath(dir string) string { return filepath.Join(dir, reserveFile) }

// missingReserve is what must be free beyond MinFree to have a reserve too. It
// counts blocks: a copy of the file may be all holes.
func missingReserve(dir string) int64 {
	var info unix.Stat_t
	if err := unix.Stat(reservePath(dir), &info); err != nil {
		return reserveSize
	}
	return max(0, reserveSize-info.Blocks*512)
}

// makeReserve sets blocks aside, when there is room for it. A file system that
// cannot do that leaves the store without a reserve, which only matters on a
// full disk.
func makeReserve(cfg Config) {
	missing := missingReserve(cfg.Dir)
	if free, err := cfg.free(cfg.Dir); missing == 0 || err != nil || free < cfg.MinFree+missing {
		return
	}
	file, err := os.OpenFile(reservePath(cfg.Dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(unix.Fallocate(int(file.Fd()), 0, 0, reserveSize), file.Close())
	}
	if err != nil {
		cfg.Log.Warn("set disk space aside for the store", "dir", cfg.Dir, "error", err)
	}
}

func spendReserve(dir string) error {
	err := os.Remove(reservePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// retreat makes Badger read-only while there is still some space. While the
// store is being read it does not; the next write tries again.
func (d *disk) retreat(why error) {
	done, err := d.reads.replace(func(old *badger.DB) (*badger.DB, error) {
		if err := spendReserve(d.cfg.Dir); err != nil {
			d.cfg.Log.Warn("give back the store's reserve", "dir", d.cfg.Dir, "error", err)
		}
		if err := old.Close(); err != nil {
			return nil, fault.New(fault.Internal, "%w, and it cannot be closed: %w", why, err)
		}
		return openBadger(d.cfg, d.dataDir(), d.log, true)
	})
	switch {
	case !done:
		return
	case err != nil:
		_ = d.fail(err) // the caller has an error already
		return
	}
	d.readOnly = true
	d.syncMark() // closing wrote tables
	d.cfg.Log.Warn("store refuses writes", "dir", d.cfg.Dir, "reason", why)
}

// reopen replaces the read-only Badger when there is space again.
func (d *disk) reopen() error {
	done, err := d.reads.replace(func(old *badger.DB) (*badger.DB, error) {
		if err := old.Close(); err != nil {
			return nil, fault.New(fault.Internal, "store is read-only: close it to open it for writing: %w", err)
		}
		return openBadger(d.cfg, d.dataDir(), d.log, false)
	})
	switch {
	case !done:
		return fault.New(fault.ReadOnly, "store is read-only: there is space again, but it is being read; repeat")
	case err != nil:
		return d.fail(err)
	}
	d.readOnly = false
	if err := d.finishOpen(); err != nil {
		return d.fail(err)
	}
	d.cfg.Log.Info("store takes writes again", "dir", d.cfg.Dir)
	return nil
}
