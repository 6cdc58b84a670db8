package rewrite

import (
	"cmp"
	"slices"
)

// fill is the longest run of zeros that is written out to make one data segment
// of two.
const fill = 64

// segment is a run of bytes that memory begins with.
type segment struct {
	at    uint64
	bytes []byte
}

func (s segment) end() uint64 { return s.at + uint64(len(s.bytes)) }

// dataSection gives the data section with neighbouring segments put together.
// The Go linker leaves out every run of zeros, and makes forty thousand
// segments, which take longer to read than all the rest of a module whose code
// is compiled already.
//
// Segments stay as they are when instructions can name them, which takes a
// data count section, and when they overlap, so that their order matters.
func (e *emitter) dataSection() []byte {
	body := e.body(secData)
	list, ok := segmentsOf(body)
	if e.data >= 0 || !ok || len(list) == 0 {
		return body
	}
	out, n := make([]byte, 0, len(body)), uint32(0)
	for from := 0; from < len(list); n++ {
		to := from + 1
		for to < len(list) && list[to].at-list[to-1].end() <= fill {
			to++
		}
		out = appendSegment(out, list[from:to])
		from = to
	}
	return append(appendU32(make([]byte, 0, len(out)+5), n), out...)
}

// segmentsOf gives the segments by their address; ok is false when they overlap
// or are not of the simple kind.
func segmentsOf(body []byte) (list []segment, ok bool) {
	r := &reader{b: body}
	if len(body) == 0 {
		return nil, true
	}
	n := r.u32()
	list = make([]segment, 0, n)
	for range n {
		flag := r.u32()
		if flag == 2 {
			r.u32()
		}
		if flag == 1 || r.byte() != opI32Const {
			return nil, false
		}
		s := segment{at: uint64(uint32(r.signed(32)))}
		r.byte()
		s.bytes = r.skip(r.u32())
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b segment) int { return cmp.Compare(a.at, b.at) })
	for k := 1; k < len(list); k++ {
		if list[k].at < list[k-1].end() {
			return nil, false
		}
	}
	return list, true
}

// appendSegment encodes neighbouring segments as one.
func appendSegment(out []byte, list []segment) []byte {
	first, last := list[0], list[len(list)-1]
	out = appendS64(append(out, 0, opI32Const), int64(int32(uint32(first.at))))
	out = appendU32(append(out, opEnd), uint32(last.end()-first.at))
	at := first.at
	for _, s := range list {
		out = append(append(out, make([]byte, s.at-at)...), s.bytes...)
		at = s.end()
	}
	return out
}
