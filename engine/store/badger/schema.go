package badger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// schema is the form of the store that this program writes. A change that
// older programs must not meet raises it, with a migration.
const schema uint32 = 1

// migration changes a store of one schema into the next. It writes its changes
// to the batch, which is applied together with the new schema number.
type migration func(from store.Store, changes *store.Batch) error

// migrations gives the migration from each older schema.
func migrations() map[uint32]migration {
	return map[uint32]migration{}
}

// readSchema is 0 in a store that has none yet.
func readSchema(db *badger.DB) (uint32, error) {
	value, err := readInternal(db, schemaKey)
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 4 {
		return 0, fault.New(fault.Internal, "the store's schema has %d bytes, expected 4", len(value))
	}
	return binary.BigEndian.Uint32(value), nil
}

// readInternal reads a record of the store's own, nil when there is none.
func readInternal(db *badger.DB, key []byte) ([]byte, error) {
	var value []byte
	err := db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return err
		}
		record, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		value, err = openRecord(key, record)
		return err
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, "read the store's", keyName(key))
	}
	return value, nil
}

// migrate brings the store to the newest schema. It refuses a store that a
// newer program wrote.
func (d *disk) migrate() error {
	have, err := readSchema(d.reads.db)
	if err != nil {
		return err
	}
	if have == 0 && d.at.sequence > 0 {
		return fault.New(fault.Precondition, "store %s holds data but no schema number; another program made it", d.cfg.Dir)
	}
	if have > d.cfg.schema {
		return d.tooNew(have)
	}
	if have == 0 {
		return d.raise(&store.Batch{}, d.cfg.schema)
	}
	for ; have < d.cfg.schema; have++ {
		step, ok := d.cfg.migrations[have]
		if !ok {
			return fault.New(fault.Precondition, "store %s has schema %d, which this program cannot bring to schema %d; start a program in between first", d.cfg.Dir, have, d.cfg.schema)
		}
		changes := &store.Batch{}
		if err := step(d, changes); err != nil {
			return fault.Wrap(err, fmt.Sprintf("bring the store from schema %d to %d", have, have+1), "")
		}
		if err := d.raise(changes, have+1); err != nil {
			return err
		}
		d.cfg.Log.Info("store migrated", "dir", d.cfg.Dir, "schema", have+1)
	}
	return nil
}

func (d *disk) tooNew(have uint32) error {
	return fault.New(fault.Precondition, "store %s has schema %d, this program knows schemas up to %d; start the newer program that wrote it, or restore a backup from before", d.cfg.Dir, have, d.cfg.schema)
}

// raise writes the changes of a migration and the schema they lead to.
func (d *disk) raise(changes *store.Batch, to uint32) error {
	if err := changes.Check(); err != nil {
		return err
	}
	number := binary.BigEndian.AppendUint32(nil, to)
	return d.writeBatch(changes, 0, write{key: schemaKey, value: number})
}
