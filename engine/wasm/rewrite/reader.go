package rewrite

import (
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// reader walks over bytes. The first failure sticks: every read after it gives
// zero, so that a caller may read a whole structure and check once. Loops over
// a count that was read must check it, or they would spin on zeros.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fault.New(fault.Invalid, format, args...)
	}
}

func (r *reader) done() bool { return r.err != nil || r.at >= len(r.b) }

func (r *reader) byte() byte {
	if r.err != nil || r.at >= len(r.b) {
		r.fail("ends in the middle at byte %d", r.at)
		return 0
	}
	c := r.b[r.at]
	r.at++
	return c
}

// skip passes over n bytes and gives them.
func (r *reader) skip(n uint32) []byte {
	if r.err != nil || uint64(n) > uint64(len(r.b)-r.at) {
		r.fail("%d bytes expected at byte %d, %d are left", n, r.at, len(r.b)-r.at)
		return nil
	}
	part := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return part
}

func (r *reader) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail("number at byte %d is longer than 32 bits", r.at)
	return 0
}

// signed reads a signed number of the given width in bits.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		if shift+7 < 64 && c&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		if low := int64(-1) << (bits - 1); bits < 64 && (v < low || v > ^low) {
			break
		}
		return v
	}
	r.fail("number at byte %d is longer than %d bits", r.at, bits)
	return 0
}

// count reads how many items follow, each of at least one byte.
func (r *reader) count() uint32 {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)-r.at) {
		r.fail("%d items announced at byte %d, %d bytes are left", n, r.at, len(r.b)-r.at)
		return 0
	}
	return n
}

func (r *reader) name() string {
	b := r.skip(r.u32())
	if !utf8.Valid(b) {
		r.fail("name before byte %d is not UTF-8", r.at)
	}
	return string(b)
}

func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendS64(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
