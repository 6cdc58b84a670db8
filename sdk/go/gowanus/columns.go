package gowanus

import (
	"encoding/binary"
	"strconv"
	"unsafe"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// The types of columns.
const (
	ColumnFloat64 = 1
	ColumnUint32  = 2
	ColumnBitmap  = 3
	ColumnString  = 4
)

// NoUint32 stands in a u32 column for a host without a value.
const NoUint32 = 0xFFFFFFFF

const (
	headerSize = 32 // of the columns and of the ranking
	entrySize  = 32 // of one column in the table
)

// Hosts are the hosts to rank, as columns: row i of every column is host i.
// Columns are views of the engine's buffer and live until Rank returns.
type Hosts struct {
	RankRequest

	count int
	buf   []byte
	table []byte
}

// Len gives the number of hosts.
func (h *Hosts) Len() int { return h.count }

// Float64s gives a column of numbers, or nil when there is none of that name.
// NaN stands for a host without a value.
func (h *Hosts) Float64s(name string) []float64 {
	data := h.column(name, ColumnFloat64)
	if len(data) == 0 {
		return nil
	}
	return unsafe.Slice((*float64)(unsafe.Pointer(&data[0])), h.count)
}

// Uint32s gives a column of numbers, or nil when there is none of that name.
// NoUint32 stands for a host without a value.
func (h *Hosts) Uint32s(name string) []uint32 {
	data := h.column(name, ColumnUint32)
	if len(data) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&data[0])), h.count)
}

// Bitmap gives a column of truth values. When there is none of that name its
// Len is 0 and every host has false.
func (h *Hosts) Bitmap(name string) Bitmap {
	data := h.column(name, ColumnBitmap)
	if len(data) == 0 {
		return Bitmap{}
	}
	return Bitmap{words: unsafe.Slice((*uint64)(unsafe.Pointer(&data[0])), len(data)/8), count: h.count}
}

// Strings gives a column of texts. When there is none of that name its Len is
// 0 and every host has "".
func (h *Hosts) Strings(name string) Strings {
	data := h.column(name, ColumnString)
	if len(data) == 0 {
		return Strings{}
	}
	offsets := unsafe.Slice((*uint32)(unsafe.Pointer(&data[0])), h.count+1)
	return Strings{offsets: offsets, text: data[4*(h.count+1):]}
}

// column finds the data of a column of the given type.
func (h *Hosts) column(name string, typ uint32) []byte {
	for e := h.table; len(e) >= entrySize; e = e[entrySize:] {
		if u32(e, 0) == typ && string(h.part(u32(e, 4), u32(e, 8))) == name {
			return h.part(u32(e, 12), u32(e, 16))
		}
	}
	return nil
}

func (h *Hosts) part(offset, length uint32) []byte {
	return h.buf[offset : uint64(offset)+uint64(length)]
}

// Bitmap is a column of truth values.
type Bitmap struct {
	words []uint64
	count int
}

// Len gives the number of hosts, or 0 for a column that is not there.
func (b Bitmap) Len() int { return b.count }

// Has gives the value of host i.
func (b Bitmap) Has(i int) bool {
	return i < b.count && b.words[i/64]>>(i%64)&1 == 1
}

// Strings is a column of texts.
type Strings struct {
	offsets []uint32
	text    []byte
}

// Len gives the number of hosts, or 0 for a column that is not there.
func (s Strings) Len() int { return max(len(s.offsets)-1, 0) }

// At gives the text of host i without copying it; it must not be kept after
// Rank returns (strings.Clone makes it last).
func (s Strings) At(i int) string {
	if i >= s.Len() {
		return ""
	}
	text := s.text[s.offsets[i]:s.offsets[i+1]]
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// openHosts checks the header and the table; a broken buffer is a defect of
// the engine, but it must not make a handler read elsewhere.
func openHosts(in []byte) (*Hosts, error) {
	if len(in) < headerSize || string(in[:4]) != "GWPC" {
		return nil, refuse("invalid", "placement: the input does not start with GWPC")
	}
	if v := u32(in, 4); v != ABIVersion {
		return nil, refuse("invalid", "placement: columns of version "+strconv.FormatUint(uint64(v), 10)+", this module reads version "+strconv.Itoa(ABIVersion))
	}
	in = aligned(in)
	columns := uint64(u32(in, 12))
	if uint64(u32(in, 24)) != uint64(len(in)) || headerSize+entrySize*columns > uint64(len(in)) {
		return nil, refuse("invalid", "placement: the input has "+strconv.Itoa(len(in))+" bytes, its header says otherwise")
	}
	h := &Hosts{count: int(u32(in, 8)), buf: in, table: in[headerSize : headerSize+entrySize*columns]}
	for e := h.table; len(e) >= entrySize; e = e[entrySize:] {
		if !h.fits(u32(e, 4), u32(e, 8)) || !h.fits(u32(e, 12), u32(e, 16)) || u32(e, 12)%8 != 0 || !h.sized(e) {
			return nil, refuse("invalid", "placement: column "+strconv.Itoa((len(h.table)-len(e))/entrySize)+" does not fit its buffer")
		}
	}
	if !h.fits(u32(in, 16), u32(in, 20)) {
		return nil, refuse("invalid", "placement: the demand does not fit its buffer")
	}
	if demand := h.part(u32(in, 16), u32(in, 20)); len(demand) > 0 {
		if err := wire.Unmarshal(demand, &h.RankRequest); err != nil {
			return nil, refuse("invalid", "placement: decode demand: "+err.Error())
		}
	}
	return h, nil
}

func (h *Hosts) fits(offset, length uint32) bool {
	return uint64(offset)+uint64(length) <= uint64(len(h.buf))
}

// sized says whether the data of a table entry has the length its type needs.
func (h *Hosts) sized(entry []byte) bool {
	n, length := uint64(h.count), uint64(u32(entry, 16))
	switch u32(entry, 0) {
	case ColumnFloat64:
		return length == 8*n
	case ColumnUint32:
		return length == 4*n
	case ColumnBitmap:
		return length == (n+63)/64*8
	case ColumnString:
		return length >= 4*(n+1) && h.rising(h.part(u32(entry, 12), u32(entry, 16)))
	}
	return true // a type of a later version; nobody here asks for it
}

// rising checks the offsets of a text column.
func (h *Hosts) rising(data []byte) bool {
	last := uint32(0)
	for i := 0; i <= h.count; i++ {
		at := u32(data, 4*i)
		if at < last {
			return false
		}
		last = at
	}
	return uint64(last) == uint64(len(data)-4*(h.count+1))
}

// aligned gives in, or a copy of it that starts at a multiple of 8. Within the
// engine the input always is aligned.
func aligned(in []byte) []byte {
	if uintptr(unsafe.Pointer(unsafe.SliceData(in)))%8 == 0 {
		return in
	}
	out := words(nil, len(in))
	copy(out, in)
	return out
}

// words gives n bytes at a multiple of 8, from old if that is long enough.
func words(old []byte, n int) []byte {
	if n <= cap(old) {
		return old[:n]
	}
	block := make([]uint64, (n+7)/8)
	if len(block) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&block[0])), len(block)*8)[:n]
}

func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
