package badger

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Badger keeps what it has not yet sorted into tables in write-ahead logs,
// NNNNN.mem. At open it replays each up to the first entry that does not
// check, cuts off the rest and says nothing. So the logs are read here first,
// when a loss can still be reported and nothing has been cut off.
//
// A log is a header of 20 bytes and entries: two bytes of flags, lengths of key
// and value and the expiry as varints, key (its last 8 bytes are the inverted
// version), value, CRC-32C. The entries of a transaction carry one version and
// are valid when an entry with the finish flag follows. The rest of the file is
// zero.
const (
	walSuffix    = ".mem"
	walHeader    = 20
	walMaxKey    = 1 << 16
	walTxn       = 1 << 6
	walTxnFinish = 1 << 7
	walVersion   = 8 // bytes of a key
)

// wal is what one log holds of the store's groups.
type wal struct {
	path         string
	end          int64    // the offset after the last valid transaction
	size         int64    // of the file
	first, last  position // of the groups within; zero when there are none
	firstVersion uint64   // Badger's version of the first group
}

// readWALs reads all logs in a directory of Badger, oldest first.
func readWALs(dir string) ([]wal, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "list the store's logs: %w", err)
	}
	type named struct {
		number int
		name   string
	}
	var names []named
	for _, entry := range entries {
		base, ok := strings.CutSuffix(entry.Name(), walSuffix)
		if !ok {
			continue
		}
		if number, err := strconv.Atoi(base); err == nil {
			names = append(names, named{number, entry.Name()})
		}
	}
	slices.SortFunc(names, func(a, b named) int { return a.number - b.number })
	logs := make([]wal, 0, len(names))
	for _, n := range names {
		log, err := readWAL(filepath.Join(dir, n.name))
		if err != nil {
			return nil, fault.New(fault.Unavailable, "read the store's log %s: %w", n.name, err)
		}
		logs = append(logs, log)
	}
	return logs, nil
}

func readWAL(path string) (wal, error) {
	file, err := os.Open(path)
	if err != nil {
		return wal{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return wal{}, err
	}
	log, err := scanWAL(io.NewSectionReader(file, 0, info.Size()), info.Size())
	log.path = path
	return log, err
}

// scanWAL follows Badger's own rules about where the valid part ends.
func scanWAL(from io.Reader, size int64) (wal, error) {
	log := wal{size: size, end: min(walHeader, size)}
	r := bufio.NewReaderSize(from, 64<<10)
	if _, err := r.Discard(walHeader); err != nil {
		return log, notEnd(err)
	}
	var (
		entry   walEntry
		open    uint64 // the version of the transaction being read, or 0
		pending *position
		at      = log.end
	)
	for {
		ok, err := entry.read(r, size-at)
		if err != nil || !ok {
			return log, err
		}
		at += entry.size
		version := entry.version()
		switch {
		case entry.flags&walTxn != 0:
			if open == 0 {
				open = version
			}
			if version != open {
				return log, nil
			}
			if p, ok := entry.position(); ok {
				pending = &p
			}
			continue
		case entry.flags&walTxnFinish != 0:
			finished, err := strconv.ParseUint(string(entry.value), 10, 64)
			if err != nil || finished != open {
				return log, nil
			}
			log.note(pending, open)
			open, pending = 0, nil
		case open != 0:
			return log, nil
		}
		log.end = at
	}
}

// note records the group that a valid transaction wrote.
func (w *wal) note(p *position, version uint64) {
	if p == nil {
		return
	}
	if w.first.sequence == 0 {
		w.first, w.firstVersion = *p, version
	}
	w.last = *p
}

// walEntry is the entry read last; its slices are reused.
type walEntry struct {
	flags byte
	key   []byte
	value []byte
	size  int64
	data  []byte
}

// read reads the next entry. It is false at the end of the valid part.
func (e *walEntry) read(r *bufio.Reader, left int64) (bool, error) {
	head, err := r.Peek(2 + 3*binary.MaxVarintLen64)
	if err := notEnd(err); err != nil {
		return false, err
	}
	if len(head) < 2 {
		return false, nil
	}
	at := 2
	var lengths [3]uint64 // key, value, expiry
	for i := range lengths {
		n, width := binary.Uvarint(head[at:])
		if width <= 0 {
			return false, nil
		}
		lengths[i], at = n, at+width
	}
	klen, vlen := lengths[0], lengths[1]
	if klen < walVersion || klen > walMaxKey || vlen > uint64(left) {
		return false, nil
	}
	e.flags = head[0]
	e.size = int64(at) + int64(klen) + int64(vlen) + crc32.Size
	if e.size > left {
		return false, nil
	}
	e.data = slices.Grow(e.data[:0], int(e.size))[:e.size]
	if _, err := io.ReadFull(r, e.data); err != nil {
		return false, notEnd(err)
	}
	e.key = e.data[at : at+int(klen)]
	e.value = e.data[at+int(klen) : e.size-crc32.Size]
	body, crc := e.data[:e.size-crc32.Size], binary.BigEndian.Uint32(e.data[e.size-crc32.Size:])
	return crc32.Checksum(body, castagnoli) == crc, nil
}

func (e *walEntry) version() uint64 {
	return ^binary.BigEndian.Uint64(e.key[len(e.key)-walVersion:])
}

// position gives the store's position when that is what the entry holds.
func (e *walEntry) position() (position, bool) {
	if !bytes.Equal(e.key[:len(e.key)-walVersion], sequenceKey) {
		return position{}, false
	}
	value, err := openRecord(sequenceKey, e.value)
	if err != nil {
		return position{}, false
	}
	p, err := parsePosition(value)
	return p, err == nil
}

// notEnd drops the errors that only say that the file is over.
func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
