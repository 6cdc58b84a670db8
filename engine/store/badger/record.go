package badger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// A record is what stands as a value in Badger: the version of its form, a
// CRC-32C over key and value, the value. The sum covers the key too, so that a
// value which turns up under another key is noticed.
const (
	recordVersion = 1
	recordHeader  = 1 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a record.
func sum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// appendRecord appends the record of a value and returns its checksum along.
func appendRecord(to, key, value []byte) ([]byte, uint32) {
	crc := sum(key, value)
	to = append(to, recordVersion)
	to = binary.BigEndian.AppendUint32(to, crc)
	return append(to, value...), crc
}

// openRecord gives the value in a record, which it is a part of.
func openRecord(key, record []byte) ([]byte, error) {
	switch {
	case len(record) < recordHeader:
		return nil, damaged(key, fmt.Sprintf("it has %d bytes, expected at least %d", len(record), recordHeader))
	case record[0] != recordVersion:
		return nil, damaged(key, fmt.Sprintf("its version is %d, expected %d", record[0], recordVersion))
	}
	value := record[recordHeader:]
	if want, got := binary.BigEndian.Uint32(record[1:]), sum(key, value); want != got {
		return nil, damaged(key, fmt.Sprintf("its checksum is %08x, expected %08x", got, want))
	}
	return value, nil
}

func damaged(key []byte, how string) error {
	return fault.New(fault.Internal, "record %s is damaged: %s", keyName(key), how)
}

// The keys of the store itself begin with a zero byte, which no bucket does.
const internal = "\x00"

var (
	sequenceKey = []byte(internal + "sequence")
	schemaKey   = []byte(internal + "schema")
	journalKey  = []byte(internal + "journal")
)

// appendKey appends the key in Badger of a key in a bucket. No bucket's name
// contains a zero byte, so no two pairs share a key.
func appendKey(to []byte, bucket store.Bucket, key string) []byte {
	to = append(to, bucket...)
	to = append(to, 0)
	return append(to, key...)
}

func bucketKey(bucket store.Bucket, key string) []byte {
	return appendKey(make([]byte, 0, len(bucket)+1+len(key)), bucket, key)
}

// keyName is a key for users: "entity/abc".
func keyName(key []byte) string {
	for i, c := range key {
		if c == 0 {
			return fmt.Sprintf("%s/%s", key[:i], key[i+1:])
		}
	}
	return fmt.Sprintf("%q", key)
}

// position is how far the store has got. It is written with every group of
// batches, in the same transaction.
type position struct {
	sequence uint64 // groups written
	commits  uint64 // batches written
	hash     uint64 // over all groups up to this one, in order
}

const positionSize = 3 * 8

func (p position) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, p.sequence)
	to = binary.BigEndian.AppendUint64(to, p.commits)
	return binary.BigEndian.AppendUint64(to, p.hash)
}

func parsePosition(from []byte) (position, error) {
	if len(from) != positionSize {
		return position{}, fault.New(fault.Internal, "the store's position has %d bytes, expected %d", len(from), positionSize)
	}
	return position{
		sequence: binary.BigEndian.Uint64(from),
		commits:  binary.BigEndian.Uint64(from[8:]),
		hash:     binary.BigEndian.Uint64(from[16:]),
	}, nil
}

// mix adds a number to a hash (FNV-1a by words).
func mix(hash, n uint64) uint64 { return (hash ^ n) * 1099511628211 }
