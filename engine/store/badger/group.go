package badger

import (
	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// write is one write of the store's own, beside those of batches.
type write struct {
	key   []byte
	value []byte
	del   bool
}

// room is what fits into one transaction of Badger, by Badger's own count.
type room struct {
	count, size int64
}

// The finish entry of a transaction and our position come on top of what is
// counted, and perhaps one write of our own.
func transactionRoom(db *badger.DB) room {
	const own = 512
	return room{db.MaxBatchCount() - 5, db.MaxBatchSize() - own}
}

// take subtracts a batch; it is false when the batch does not fit any more.
func (r *room) take(ops []store.Op) bool {
	left := *r
	for _, op := range ops {
		left.count--
		left.size -= opSize(op)
	}
	if left.count <= 0 || left.size <= 0 {
		return false
	}
	*r = left
	return true
}

// opSize is what Badger counts for a write.
func opSize(op store.Op) int64 {
	const key, meta, version, pointer = 1, 2, 10, 12
	value := int64(recordHeader + len(op.Value))
	if value >= inlineValue {
		value = pointer
	}
	return int64(len(op.Bucket)+key+len(op.Key)) + value + meta + version
}

// group builds one transaction. Badger refers to the keys and values until the
// transaction is committed; they all lie in data.
type group struct {
	txn  *badger.Txn
	data []byte
	hash uint64
	long int64 // bytes that go to the value log
}

func (g *group) add(ops []store.Op) error {
	for _, op := range ops {
		start := len(g.data)
		g.data = appendKey(g.data, op.Bucket, op.Key)
		key := g.data[start:len(g.data):len(g.data)]
		if err := g.write(key, op.Value, op.Delete); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) write(key, value []byte, del bool) error {
	if del {
		g.hash = mix(g.hash, 1<<32|uint64(sum(key, nil)))
		return g.txn.Delete(key)
	}
	start := len(g.data)
	var crc uint32
	g.data, crc = appendRecord(g.data, key, value)
	g.hash = mix(g.hash, uint64(crc))
	if n := len(g.data) - start; n >= inlineValue {
		g.long += int64(n)
	}
	return g.txn.SetEntry(&badger.Entry{Key: key, Value: g.data[start:len(g.data):len(g.data)]})
}

// writeGroup writes batches and writes of our own in one synced transaction,
// with the position that this leads to, and then the mark. Only the committer
// calls it, and Open before there is one.
func (d *disk) writeGroup(batches [][]store.Op, commits int, own ...write) error {
	g := group{txn: d.reads.db.NewTransaction(true), data: d.data[:0], hash: d.at.hash}
	defer g.txn.Discard()
	for _, ops := range batches {
		if err := g.add(ops); err != nil {
			return writeError(err)
		}
	}
	for _, w := range own {
		if err := g.write(w.key, w.value, w.del); err != nil {
			return writeError(err)
		}
	}
	next := position{sequence: d.at.sequence + 1, commits: d.at.commits + uint64(commits), hash: g.hash}
	if err := g.write(sequenceKey, next.append(nil), false); err != nil {
		return writeError(err)
	}
	if err := g.txn.Commit(); err != nil {
		return d.fail(writeError(err))
	}
	if text, bad := d.log.failure(); bad {
		return d.fail(fault.New(fault.Internal, "write to the store: badger: %s", text))
	}
	if cap(g.data) <= keptData {
		d.data = g.data
	}
	d.gc.wrote(g.long)
	return d.advance(next)
}

// keptData is how large a buffer the committer keeps between groups.
const keptData = 4 << 20

func writeError(err error) error {
	return fault.New(fault.Internal, "write to the store: %w", err)
}

// advance notes that everything up to the position is on the disk.
func (d *disk) advance(to position) error {
	d.at = to
	d.note(func(h *health) {
		h.sequence = to.sequence
		h.syncs++
	})
	if err := d.mark.write(mark{to, d.list}); err != nil {
		return d.fail(err)
	}
	if d.cfg.written != nil {
		d.cfg.written(to)
	}
	return nil
}
