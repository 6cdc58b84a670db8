package badger

import (
	"log/slog"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// What Badger may use. A small memtable keeps an idle server small, and the
// write-ahead log that a start must replay short.
const (
	memtable     = 8 << 20
	memtables    = 2
	valueLogFile = 64 << 20
	inlineValue  = 1 << 20 // a longer value goes to the value log
)

// Defaults of Config.
const (
	// DefaultMinFree leaves room for what Badger writes on its own account
	// after the check: a full memtable three times (log, table, compacted
	// table), a value log file, and what others write meanwhile.
	DefaultMinFree = 256 << 20
	// DefaultMaxPending bounds the memory of what waits to be written.
	DefaultMaxPending = 64 << 20
	// DefaultMaxBatch bounds one batch. It is written to the value log first,
	// as a single value.
	DefaultMaxBatch = 48 << 20
	// DefaultLockWait is much longer than a process needs to end, and short
	// for whoever started a second server by mistake.
	DefaultLockWait = 2 * time.Second
)

// Config says where and how a store is kept. Only Dir is needed.
type Config struct {
	// Dir is the store's own directory. It is made when absent.
	Dir string
	// FlushInterval is how long an enqueued batch waits at most for company;
	// store.DefaultFlushInterval unless set.
	FlushInterval time.Duration
	// MinFree is how many bytes must be free on Dir's file system for the
	// store to take writes; DefaultMinFree unless set. Another 64 MB are set
	// aside in a file, for closing the store when the disk is full.
	MinFree int64
	// MaxPending is how many bytes may wait to be written before Enqueue waits
	// for room, or gives up the oldest while the store is read-only; DefaultMaxPending unless set.
	MaxPending int
	// MaxBatch is how many bytes one batch may have; DefaultMaxBatch unless
	// set, which is also the most.
	MaxBatch int
	// LockWait is how long Open waits for a process that still uses the
	// directory; DefaultLockWait unless set. One that was killed does for a
	// moment, if it was just making another process.
	LockWait time.Duration
	// AllowLoss opens a store that is known to have lost commits, with what
	// is left.
	AllowLoss bool
	// Log gets what Badger and the store have to say; nothing unless set.
	Log *slog.Logger

	// free tells the bytes free to us in the file system of a directory.
	free func(dir string) (int64, error)
	// migrations overrides the table of migrations, schema the newest schema.
	migrations map[uint32]migration
	schema     uint32
	// written is called by the committer after each group.
	written func(position)
	// locked is called before Open waits for the directory.
	locked func()
	// collected is called after old values were collected.
	collected func()
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, fault.New(fault.Invalid, "open the store: no directory is given, expected Dir")
	}
	if c.FlushInterval <= 0 {
		c.FlushInterval = store.DefaultFlushInterval
	}
	if c.MinFree <= 0 {
		c.MinFree = DefaultMinFree
	}
	if c.MaxPending <= 0 {
		c.MaxPending = DefaultMaxPending
	}
	if c.LockWait <= 0 {
		c.LockWait = DefaultLockWait
	}
	if c.MaxBatch <= 0 || c.MaxBatch > DefaultMaxBatch {
		c.MaxBatch = DefaultMaxBatch
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.free == nil {
		c.free = freeBytes
	}
	if c.schema == 0 {
		c.schema, c.migrations = schema, migrations()
	}
	return c, nil
}

// options are Badger's settings: durable, one writer, little memory.
func (c Config) options(dir string, log badger.Logger, readOnly bool) badger.Options {
	return badger.DefaultOptions(dir).
		WithLogger(log).
		WithReadOnly(readOnly).
		WithSyncWrites(true).
		WithDetectConflicts(false). // there is one writer
		WithMemTableSize(memtable).
		WithNumMemtables(memtables).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(8).
		WithNumCompactors(2). // the least that Badger takes
		WithCompression(options.None).
		WithBlockCacheSize(0). // tables are mapped and not compressed; the kernel caches them
		WithIndexCacheSize(0).
		WithValueLogFileSize(valueLogFile).
		WithValueThreshold(inlineValue).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithVerifyValueChecksum(true).
		WithMetricsEnabled(false)
}
