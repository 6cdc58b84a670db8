package badger

import (
	"encoding/binary"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// A batch that does not fit into one transaction of Badger is first written as
// a whole, as one value under journalKey. Then its writes follow in several
// transactions, the last of which removes the journal. A crash in between is
// finished at the next Open, before anybody reads; until the end all readers
// see the state before.

// writeBatch writes a batch of any size, with one write of our own in the same
// transaction as its last write.
func (d *disk) writeBatch(b *store.Batch, commits int, own ...write) error {
	fit := transactionRoom(d.reads.db)
	if fit.take(b.Ops()) {
		return d.writeGroup([][]store.Op{b.Ops()}, commits, own...)
	}
	journal := encodeJournal(append(ownOps(own), b.Ops()...))
	if err := d.writeGroup(nil, commits, write{key: journalKey, value: journal}); err != nil {
		return err
	}
	d.reads.freeze()
	if err := d.writeParts(b.Ops(), own...); err != nil {
		return err // readers stay with the state before; the next Open finishes
	}
	d.reads.thaw()
	return nil
}

// ownOps puts writes of our own into a journal, as writes to no bucket.
func ownOps(own []write) []store.Op {
	var ops []store.Op
	for _, w := range own {
		ops = append(ops, store.Op{Key: string(w.key), Value: w.value, Delete: w.del})
	}
	return ops
}

// writeParts writes what a journal holds, and removes the journal at last.
func (d *disk) writeParts(ops []store.Op, own ...write) error {
	for {
		n, fit := 0, transactionRoom(d.reads.db)
		for n < len(ops) && fit.take(ops[n:n+1]) {
			n++
		}
		if n == len(ops) {
			own = append(own, write{key: journalKey, del: true})
			return d.writeGroup([][]store.Op{ops}, 0, own...)
		}
		if err := d.writeGroup([][]store.Op{ops[:n]}, 0); err != nil {
			return err
		}
		ops = ops[n:]
	}
}

// finishJournal writes what a crash left of a large batch.
func (d *disk) finishJournal() error {
	journal, err := readInternal(d.reads.db, journalKey)
	if err != nil || journal == nil {
		return err
	}
	ops, err := decodeJournal(journal)
	if err != nil {
		return err
	}
	var own []write
	for len(ops) > 0 && ops[0].Bucket == "" {
		own = append(own, write{key: []byte(ops[0].Key), value: ops[0].Value, del: ops[0].Delete})
		ops = ops[1:]
	}
	d.cfg.Log.Info("finishing a large batch that a crash interrupted", "writes", len(ops))
	return d.writeParts(ops, own...)
}

func encodeJournal(ops []store.Op) []byte {
	var to []byte
	for _, op := range ops {
		kind := byte(0)
		if op.Delete {
			kind = 1
		}
		to = append(to, kind)
		to = appendBytes(to, string(op.Bucket))
		to = appendBytes(to, op.Key)
		to = appendBytes(to, op.Value)
	}
	return to
}

func appendBytes[T string | []byte](to []byte, part T) []byte {
	to = binary.AppendUvarint(to, uint64(len(part)))
	return append(to, part...)
}

func decodeJournal(from []byte) ([]store.Op, error) {
	var ops []store.Op
	for len(from) > 0 {
		kind := from[0]
		from = from[1:]
		var parts [3][]byte
		for i := range parts {
			n, width := binary.Uvarint(from)
			if width <= 0 || n > uint64(len(from)-width) {
				return nil, badJournal(len(ops))
			}
			parts[i], from = from[width:width+int(n)], from[width+int(n):]
		}
		if kind > 1 {
			return nil, badJournal(len(ops))
		}
		ops = append(ops, store.Op{Bucket: store.Bucket(parts[0]), Key: string(parts[1]), Value: parts[2], Delete: kind == 1})
	}
	return ops, nil
}

func badJournal(at int) error {
	return fault.New(fault.Internal, "the journal of a large batch is damaged at its write %d", at)
}
