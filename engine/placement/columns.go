package placement

import (
	"encoding/binary"
	"math"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// abiVersion is the version of the buffers' layout.
const abiVersion = 1

// The types of columns on the wire. Type 2, u32, is not sent by this engine.
const (
	typeFloat64 = 1
	typeBitmap  = 3
	typeString  = 4
)

const (
	headerSize = 32 // of the input and of the ranking
	entrySize  = 32 // of one column in the table
)

// column has one value per host of a Snapshot; typ says in which field.
type column struct {
	typ    uint32
	floats []float64
	bits   []bool
	texts  []string
}

// Input is the encoded question to a strategy but for its last part, the
// request, which differs between strategies that want the same columns. It is
// not changed after it was made.
type Input struct{ body []byte }

// Size gives the length of the whole document in bytes.
func (in *Input) Size(request []byte) int { return len(in.body) + len(request) }

// Write puts the document with the given request into dst, which must have
// Size bytes.
func (in *Input) Write(dst, request []byte) {
	copy(dst, in.body)
	copy(dst[len(in.body):], request)
	put32(dst, 16, len(in.body))
	put32(dst, 20, len(request))
	put32(dst, 24, len(in.body)+len(request))
}

// encode lays out the named columns of the hosts in rows. Columns that the
// snapshot does not have are left out. Texts of more than the 4 GiB that the
// layout can address are fault.Limit.
func encode(s *Snapshot, rows []int32, names []string) (*Input, error) {
	type entry struct {
		*column
		name string
		at   int // of the data
		size int
	}
	entries := make([]entry, 0, len(names))
	for _, name := range names {
		if c := s.column(name); c != nil {
			entries = append(entries, entry{column: c, name: name, size: c.size(rows)})
		}
	}
	at := headerSize + entrySize*len(entries)
	for i := range entries {
		at += len(entries[i].name)
	}
	for i := range entries {
		entries[i].at = round8(at)
		at = entries[i].at + entries[i].size
	}
	if at = round8(at); uint64(at) > math.MaxUint32 {
		return nil, fault.New(fault.Limit, "columns of %d hosts take %d bytes, the layout allows %d", len(rows), at, uint32(math.MaxUint32))
	}
	b := make([]byte, at)
	copy(b, "GWPC")
	put32(b, 4, abiVersion)
	put32(b, 8, len(rows))
	put32(b, 12, len(entries))
	nameAt := headerSize + entrySize*len(entries)
	for i, e := range entries {
		t := b[headerSize+entrySize*i:]
		put32(t, 0, int(e.typ))
		put32(t, 4, nameAt)
		put32(t, 8, len(e.name))
		put32(t, 12, e.at)
		put32(t, 16, e.size)
		nameAt += copy(b[nameAt:], e.name)
		e.put(b[e.at:e.at+e.size], rows)
	}
	return &Input{body: b}, nil
}

// size gives the bytes of the data for the hosts in rows.
func (c *column) size(rows []int32) int {
	switch c.typ {
	case typeFloat64:
		return 8 * len(rows)
	case typeBitmap:
		return 8 * ((len(rows) + 63) / 64)
	}
	size := 4 * (len(rows) + 1)
	for _, row := range rows {
		size += len(c.texts[row])
	}
	return size
}

// put writes the data for the hosts in rows; b is zero.
func (c *column) put(b []byte, rows []int32) {
	switch c.typ {
	case typeFloat64:
		for i, row := range rows {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(c.floats[row]))
		}
	case typeBitmap:
		for i, row := range rows {
			if c.bits[row] {
				b[i/8] |= 1 << (i % 8)
			}
		}
	case typeString:
		texts, at := b[4*(len(rows)+1):], 0
		for i, row := range rows {
			at += copy(texts[at:], c.texts[row])
			put32(b, 4*(i+1), at)
		}
	}
}

func round8(n int) int { return (n + 7) &^ 7 }

func put32(b []byte, at, v int) { binary.LittleEndian.PutUint32(b[at:], uint32(v)) }

func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
