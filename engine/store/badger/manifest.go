package badger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Badger's list of tables is a file of 8 bytes of magic and checksummed
// records, each a length, a CRC-32C and so many bytes. It only grows, except
// that now and then it is rewritten as one record. Badger deletes every table
// that the list does not name, and takes a list that was cut short for a whole
// one, so the store keeps a fingerprint of it.
const (
	manifestFile  = "MANIFEST"
	manifestMagic = 8
	manifestHead  = 8 // of a record
)

// fingerprint tells whether a list of tables still begins as it did. The zero
// fingerprint says nothing.
type fingerprint struct {
	size int64
	crc  uint32 // of the first size bytes
	head uint64 // the head of the first record; another one means rewritten
}

func (f fingerprint) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(f.size))
	to = binary.BigEndian.AppendUint32(to, f.crc)
	return binary.BigEndian.AppendUint64(to, f.head)
}

// parseFingerprint needs the 20 bytes that append makes.
func parseFingerprint(from []byte) fingerprint {
	return fingerprint{
		size: int64(binary.BigEndian.Uint64(from)),
		crc:  binary.BigEndian.Uint32(from[8:]),
		head: binary.BigEndian.Uint64(from[12:]),
	}
}

// takeFingerprint reads the list in a directory of Badger.
func takeFingerprint(dir string) (fingerprint, error) {
	content, err := readManifest(dir)
	if err != nil {
		return fingerprint{}, err
	}
	f := fingerprint{size: int64(len(content)), crc: crc32.Checksum(content, castagnoli)}
	if len(content) >= manifestMagic+manifestHead {
		f.head = binary.BigEndian.Uint64(content[manifestMagic:])
	}
	return f, nil
}

// refresh takes the fingerprint again if the file has changed its size.
func (f fingerprint) refresh(dir string) (fingerprint, error) {
	info, err := os.Stat(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == f.size {
		return f, nil // absent for an instant while it is rewritten
	}
	return takeFingerprint(dir)
}

func readManifest(dir string) ([]byte, error) {
	file, err := os.Open(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "open the store's list of tables: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "read the store's list of tables: %w", err)
	}
	return content, nil
}

// matches tells whether content is the list that f was taken of, possibly
// longer or rewritten since.
func (f fingerprint) matches(content []byte) bool {
	if f.size == 0 {
		return true
	}
	if int64(len(content)) >= f.size && crc32.Checksum(content[:f.size], castagnoli) == f.crc {
		return true
	}
	return f.rewritten(content)
}

// rewritten tells whether content begins with another record than the list did,
// and that one is whole.
func (f fingerprint) rewritten(content []byte) bool {
	const start = manifestMagic + manifestHead
	if len(content) < start || binary.BigEndian.Uint64(content[manifestMagic:]) == f.head {
		return false
	}
	length := int64(binary.BigEndian.Uint32(content[manifestMagic:]))
	if length == 0 || start+length > int64(len(content)) {
		return false
	}
	return crc32.Checksum(content[start:start+length], castagnoli) == binary.BigEndian.Uint32(content[manifestMagic+4:])
}
