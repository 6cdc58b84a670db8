package badger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowanus-project/gowanus/engine/fault"
)

const lockFile = "lock"

// acquire locks the directory against other processes. The kernel releases the
// lock with the file, however the process ends: when the last copy of it is
// closed, also that of a child between its fork and its program.
func acquire(cfg *Config) (*os.File, error) {
	dir := cfg.Dir
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "lock the store's directory: %w", err)
	}
	if err := lock(file, cfg); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "store %s is in use by %s", dir, holder(file))
		}
		return nil, fault.New(fault.Unavailable, "lock the store's directory %s: %w", dir, err)
	}
	// The number helps people only; a full disk must not stop a start.
	if file.Truncate(0) == nil {
		_, _ = file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return file, nil
}

// lockPause is how long it waits before it tries again. The kernel offers to
// tell when the lock is free, but not to give up then.
const lockPause = 10 * time.Millisecond

// lock tries until Config.LockWait is over.
func lock(file *os.File, cfg *Config) error {
	for end := time.Now().Add(cfg.LockWait); ; time.Sleep(lockPause) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(end) {
			return err
		}
		if cfg.locked != nil {
			cfg.locked()
		}
	}
}

func holder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if number := strings.TrimSpace(string(text)); err == nil && number != "" {
		return "process " + number
	}
	return "another process"
}
