package placement

import (
	"encoding/binary"
	"math"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
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

// column has one value per host; typ says in which field. One of a Table also
// says where its values come from: from a host, or from who is on it.
type column struct {
	typ    uint32
	floats []float64
	bits   []bool
	texts  []string

	host  func(c *column, row int32, h *location.Host)
	seats func(c *column, row int32, list []*seat)
	known int // hosts that have a value

	packed []byte // the data of all hosts in their order, of texts; nil: not made since they changed
}

// Input is the question to a strategy but for its last part, the request,
// which differs between strategies that want the same columns of the same
// hosts. Columns are written straight to where the strategy reads them.
type Input struct {
	rows    []int32
	natural bool // rows are all hosts in the order of the location
	entries []entry
	body    int // bytes
}

// NoHosts gives the question about no hosts, with which a strategy is asked
// about its config alone.
func NoHosts() *Input { return &Input{body: headerSize} }

// entry is a column in the table of an Input.
type entry struct {
	*column
	name string
	at   int // of the data
	size int
}

// Size gives the length of the whole document in bytes.
func (in *Input) Size(request []byte) int { return in.body + len(request) }

// Write puts the document with the given request into dst, which must have
// Size bytes.
func (in *Input) Write(dst, request []byte) {
	names := headerSize + entrySize*len(in.entries)
	clear(dst[:names])
	copy(dst, "GWPC")
	put32(dst, 4, abiVersion)
	put32(dst, 8, len(in.rows))
	put32(dst, 12, len(in.entries))
	put32(dst, 16, in.body)
	put32(dst, 20, len(request))
	put32(dst, 24, in.Size(request))
	nameAt, end := names, names
	for i := range in.entries {
		end += len(in.entries[i].name)
	}
	for i := range in.entries {
		e := &in.entries[i]
		t := dst[headerSize+entrySize*i:]
		put32(t, 0, int(e.typ))
		put32(t, 4, nameAt)
		put32(t, 8, len(e.name))
		put32(t, 12, e.at)
		put32(t, 16, e.size)
		nameAt += copy(dst[nameAt:], e.name)
		clear(dst[end:e.at])
		end = e.at + e.size
		if data := dst[e.at:end]; in.natural && e.packed != nil {
			copy(data, e.packed)
		} else {
			e.put(data, in.rows)
		}
	}
	clear(dst[end:in.body])
	copy(dst[in.body:], request)
}

// encode lays out the named columns of the hosts in rows; natural says that
// these are all hosts in the order of the location. Columns that the
// snapshot does not have are left out. Texts of more than the 4 GiB that the
// layout can address are fault.Limit.
func encode(s *Snapshot, rows []int32, natural bool, names []string) (*Input, error) {
	in := &Input{rows: rows, natural: natural, entries: make([]entry, 0, len(names))}
	for _, name := range names {
		if c := s.column(name); c != nil {
			if natural {
				c.pack(rows)
			}
			in.entries = append(in.entries, entry{column: c, name: name, size: c.size(rows)})
		}
	}
	at := headerSize + entrySize*len(in.entries)
	for i := range in.entries {
		at += len(in.entries[i].name)
	}
	for i := range in.entries {
		in.entries[i].at = round8(at)
		at = in.entries[i].at + in.entries[i].size
	}
	if at = round8(at); uint64(at) > math.MaxUint32 {
		return nil, fault.New(fault.Limit, "columns of %d hosts take %d bytes, the layout allows %d", len(rows), at, uint32(math.MaxUint32))
	}
	in.body = at
	return in, nil
}

// pack keeps the data of all hosts, so that texts which do not change are put
// together once. Those of who is on a host change with each placement.
func (c *column) pack(all []int32) {
	if c.typ == typeString && c.host != nil && c.packed == nil {
		packed := make([]byte, c.size(all))
		c.put(packed, all)
		c.packed = packed
	}
}

// size gives the bytes of the data for the hosts in rows.
func (c *column) size(rows []int32) int {
	if c.packed != nil && len(rows) == len(c.texts) { // the same texts, in whichever order
		return len(c.packed)
	}
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

// put writes the data for the hosts in rows.
func (c *column) put(b []byte, rows []int32) {
	switch c.typ {
	case typeFloat64:
		for i, row := range rows {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(c.floats[row]))
		}
	case typeBitmap:
		clear(b)
		for i, row := range rows {
			if c.bits[row] {
				b[i/8] |= 1 << (i % 8)
			}
		}
	case typeString:
		put32(b, 0, 0)
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
