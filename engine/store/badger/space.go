package badger

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// freeBytes tells how much an ordinary user may still write in the file system
// of a directory.
func freeBytes(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("ask for the space left in %s: %w", dir, err)
	}
	return int64(fs.Bavail) * fs.Bsize, nil
}

// checkSpace fails with fault.ReadOnly when less than MinFree is free. Badger
// writes through memory maps; on a full disk that is not an error but a SIGBUS
// which ends the process, so it must be known before.
//
// A store that is read-only needs half as much again, and its reserve, to take
// writes: closing Badger frees some space, and it should not come and go.
func (c Config) checkSpace(readOnly bool) error {
	free, err := c.free(c.Dir)
	if err != nil {
		return fault.New(fault.ReadOnly, "store is read-only: %w", err)
	}
	needed := c.MinFree
	if readOnly {
		needed += c.MinFree/2 + missingReserve(c.Dir)
	}
	if free < needed {
		return fault.New(fault.ReadOnly, "store is read-only: only %s free in %s, %s needed", size(free), c.Dir, size(needed))
	}
	return nil
}

// size writes bytes for users: "120 MB".
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
