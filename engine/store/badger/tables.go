package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// A table of Badger is a row of blocks, their index, the index's length, the
// index's checksum, the checksum's length. Badger ends the process when one of
// the lengths is wrong and leaves out a table whose checksum is, so the tables
// are checked before Badger sees them. Tables that the list does not name are
// left over from a crash and no concern.

// verifiedBlocks is how many bytes of tables are read at open, newest tables
// first. Of the others the index is checked, and each block when it is read.
const verifiedBlocks = 64 << 20

// checkTables checks the tables in a directory of Badger.
func checkTables(cfg Config, dir string) error {
	numbers, err := listTables(dir)
	if err != nil {
		return fault.New(fault.Precondition, "store %s is damaged: its list of tables: %w; restore a backup", cfg.Dir, err)
	}
	budget := int64(verifiedBlocks)
	for _, number := range slices.Backward(numbers) {
		path := table.NewFilename(number, dir)
		if err := checkTable(path, &budget); err != nil {
			return fault.New(fault.Precondition, "store %s is damaged: its table %s: %w; restore a backup", cfg.Dir, filepath.Base(path), err)
		}
	}
	return nil
}

// listTables gives the numbers of the tables in use, in order.
func listTables(dir string) ([]uint64, error) {
	file, err := os.Open(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, _, err := badger.ReplayManifestFile(file, 0, badger.DefaultOptions(dir).WithLogger(nil))
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(list.Tables)), nil
}

// checkTable checks the index of a table, and its blocks while the budget, in
// bytes, lasts.
func checkTable(path string, budget *int64) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	index, err := readIndex(tail{file, info.Size()})
	if err != nil {
		return err
	}
	if *budget -= info.Size(); *budget < 0 {
		return nil
	}
	return checkBlocks(file, index)
}

// tail is the part of a file that is not yet read from its end.
type tail struct {
	file *os.File
	left int64
}

func (t *tail) take(n int64) ([]byte, error) {
	if n < 0 || n > t.left {
		return nil, fmt.Errorf("it was cut short: %d bytes are missing", n-t.left)
	}
	t.left -= n
	part := make([]byte, n)
	_, err := t.file.ReadAt(part, t.left)
	return part, err
}

// takeSized takes what stands before its own length.
func (t *tail) takeSized() ([]byte, error) {
	length, err := t.take(4)
	if err != nil {
		return nil, err
	}
	return t.take(int64(binary.BigEndian.Uint32(length)))
}

func readIndex(t tail) (*fb.TableIndex, error) {
	checksum, err := t.takeSized()
	if err != nil {
		return nil, err
	}
	index, err := t.takeSized()
	if err != nil {
		return nil, err
	}
	if len(index) == 0 || !checks(index, checksum) {
		return nil, errors.New("the checksum of its index is wrong")
	}
	return fb.GetRootAsTableIndex(index, 0), nil
}

// checks compares data with a checksum in Badger's form, a protocol buffer
// whose second field is the CRC-32C.
func checks(data, checksum []byte) bool {
	want := binary.AppendUvarint([]byte{2 << 3}, uint64(crc32.Checksum(data, castagnoli)))
	return string(want) == string(checksum)
}

func checkBlocks(file *os.File, index *fb.TableIndex) error {
	var (
		offset fb.BlockOffset
		block  []byte
	)
	for i := range index.OffsetsLength() {
		if !index.Offsets(&offset, i) {
			return fmt.Errorf("its index lacks block %d", i)
		}
		n := int(offset.Len())
		block = slices.Grow(block[:0], n)[:n]
		if _, err := file.ReadAt(block, int64(offset.Offset())); err != nil {
			return err
		}
		if !blockChecks(block) {
			return fmt.Errorf("the checksum of its block %d is wrong", i)
		}
	}
	return nil
}

// blockChecks checks a block, which ends with its checksum and the length of
// that.
func blockChecks(block []byte) bool {
	body := len(block) - 4
	if body < 0 {
		return false
	}
	length := int64(binary.BigEndian.Uint32(block[body:]))
	if length > int64(body) {
		return false
	}
	data := block[:int64(body)-length]
	return checks(data, block[len(data):body])
}
