package badger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// mark is the high-water mark: what the store has promised to hold. It lives
// in a file beside Badger's, because Badger drops everything behind a damaged
// place of its log without a word.
//
// It is written after Badger has synced a group and before anybody is told, so
// after a crash the mark may be behind Badger but never ahead of it: a mark
// ahead of Badger means loss. It is itself synced only every flush interval;
// a power failure may take it back that far, which costs some of its power to
// notice loss and never gives a false alarm.
//
// It also has the fingerprint of Badger's list of tables as of then.
type mark struct {
	position
	manifest fingerprint
}

// The file has two slots in different disk blocks, written in turn. A torn
// write spoils one; the other is the mark before it.
const (
	markFile   = "mark"
	slotSize   = 64
	slotStride = 4096
	markMagic  = "gwmark1\n"
)

// appendSlot encodes a mark; the slot with the greater turn is the newer one.
func appendSlot(to []byte, turn uint64, m mark) []byte {
	start := len(to)
	to = append(to, markMagic...)
	to = binary.BigEndian.AppendUint64(to, turn)
	to = m.position.append(to)
	to = m.manifest.append(to)
	return binary.BigEndian.AppendUint32(to, crc32.Checksum(to[start:], castagnoli))
}

func parseSlot(slot []byte) (turn uint64, m mark, ok bool) {
	if len(slot) != slotSize || !bytes.HasPrefix(slot, []byte(markMagic)) {
		return 0, mark{}, false
	}
	body, crc := slot[:slotSize-4], binary.BigEndian.Uint32(slot[slotSize-4:])
	if crc32.Checksum(body, castagnoli) != crc {
		return 0, mark{}, false
	}
	turn = binary.BigEndian.Uint64(body[8:])
	at, err := parsePosition(body[16 : 16+positionSize])
	if err != nil {
		return 0, mark{}, false
	}
	return turn, mark{at, parseFingerprint(body[16+positionSize:])}, true
}

// parseMark finds the newer valid slot of a mark file's content.
func parseMark(content []byte) (turn uint64, m mark, ok bool) {
	for _, at := range []int{0, slotStride} {
		if len(content) < at+slotSize {
			break
		}
		if t, parsed, valid := parseSlot(content[at : at+slotSize]); valid && (!ok || t > turn) {
			turn, m, ok = t, parsed, true
		}
	}
	return turn, m, ok
}

// marker is the open mark file.
type marker struct {
	file  *os.File
	turn  uint64
	buf   []byte
	dirty bool // written but not synced
}

// errNoMark and errBadMark are what reading a mark can end with beside
// failures of the disk.
var (
	errNoMark  = errors.New("there is no high-water mark")
	errBadMark = errors.New("the high-water mark is damaged")
)

// openMark opens the mark file and reads it. With errNoMark there is no file
// yet, with errBadMark what the store promised is unknown.
func openMark(dir string) (*marker, mark, error) {
	file, err := os.OpenFile(filepath.Join(dir, markFile), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, mark{}, errNoMark
	}
	if err != nil {
		return nil, mark{}, fault.New(fault.Unavailable, "open the high-water mark: %w", err)
	}
	content, err := io.ReadAll(io.NewSectionReader(file, 0, slotStride+slotSize))
	if err != nil {
		return nil, mark{}, errors.Join(fault.New(fault.Unavailable, "read the high-water mark: %w", err), file.Close())
	}
	turn, m, ok := parseMark(content)
	if !ok {
		return &marker{file: file}, mark{}, errBadMark
	}
	return &marker{file: file, turn: turn}, m, nil
}

// createMark makes the file with the given mark and all its blocks in use, so
// that writing a mark later needs no room on the disk.
func createMark(dir string, m mark) (*marker, error) {
	content := make([]byte, slotStride+slotSize)
	copy(content, appendSlot(nil, 0, m))
	path := filepath.Join(dir, markFile)
	err := writeSynced(path+".new", content)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "create the high-water mark: %w", err)
	}
	k, _, err := openMark(dir)
	return k, err
}

func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// write notes a mark; it survives the process from now on, and a power failure
// after the next sync.
func (k *marker) write(m mark) error {
	k.turn++
	k.buf = appendSlot(k.buf[:0], k.turn, m)
	k.dirty = true
	if _, err := k.file.WriteAt(k.buf, int64(k.turn%2)*slotStride); err != nil {
		return fault.New(fault.Unavailable, "write the high-water mark: %w", err)
	}
	return nil
}

func (k *marker) sync() error {
	if !k.dirty {
		return nil
	}
	if err := k.file.Sync(); err != nil {
		return fault.New(fault.Unavailable, "sync the high-water mark: %w", err)
	}
	k.dirty = false
	return nil
}

func (k *marker) close() error {
	return errors.Join(k.sync(), k.file.Close())
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
