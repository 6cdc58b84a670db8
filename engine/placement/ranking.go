package placement

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// MaxReason is the length of a reason's text in bytes that sdk/ABI.md allows.
const MaxReason = 256

// Ranking is what a strategy thinks of each host of a Batch.
type Ranking struct {
	Scores  []float64 // the higher, the better; NaN refuses
	Reasons []uint16  // per host: 0 for none, or k for Texts[k-1]
	Texts   []string

	known map[string]uint16 // of Texts, the number in Reasons
}

// NewRanking gives a Ranking that accepts n hosts and tells none apart.
func NewRanking(n int) *Ranking {
	return &Ranking{Scores: make([]float64, n), Reasons: make([]uint16, n)}
}

// Refuse excludes host i; reason says why, in words for users. Of more than
// 65,535 different reasons the last ones are not kept.
func (r *Ranking) Refuse(i int, reason string) {
	r.Scores[i] = math.NaN()
	k, ok := r.known[reason]
	if !ok && len(r.Texts) < math.MaxUint16 {
		if r.known == nil {
			r.known = map[string]uint16{}
		}
		r.Texts = append(r.Texts, reason)
		k = uint16(len(r.Texts))
		r.known[reason] = k
	}
	r.Reasons[i] = k
}

// reason gives the text for host i, "" when there is none.
func (r *Ranking) reason(i int) string {
	if k := r.Reasons[i]; k > 0 {
		return r.Texts[k-1]
	}
	return ""
}

// check refuses a ranking that does not fit n hosts.
func (r *Ranking) check(n int) error {
	if len(r.Scores) != n || len(r.Reasons) != n {
		return fault.New(fault.Internal, "answered %d scores and %d reasons for %d hosts", len(r.Scores), len(r.Reasons), n)
	}
	for i, score := range r.Scores {
		if math.IsInf(score, 0) {
			return fault.New(fault.Internal, "scored host %d as infinite", i)
		}
	}
	for i, k := range r.Reasons {
		if int(k) > len(r.Texts) {
			return fault.New(fault.Internal, "gave host %d the reason %d of %d", i, k, len(r.Texts))
		}
	}
	return nil
}

// DecodeRanking reads the answer of placement.rank for n hosts. It keeps
// nothing of b. Anything that sdk/ABI.md does not allow is fault.Internal.
func DecodeRanking(b []byte, n int) (*Ranking, error) {
	reasons, err := checkRanking(b, n)
	if err != nil {
		return nil, err
	}
	r := NewRanking(n)
	if n == 0 {
		return r, nil
	}
	scores, index, table := b[u32(b, 16):], b[u32(b, 20):], b[u32(b, 24):]
	for i := range n {
		r.Scores[i] = math.Float64frombits(binary.LittleEndian.Uint64(scores[8*i:]))
		r.Reasons[i] = binary.LittleEndian.Uint16(index[2*i:])
	}
	if reasons > 0 {
		r.Texts = make([]string, reasons)
	}
	for k := range r.Texts {
		entry := table[8*k:]
		text, ok := part(b, u32(entry, 0), uint64(u32(entry, 4)))
		if !ok || len(text) > MaxReason || !utf8.Valid(text) {
			return nil, broken("reason %d is not a text of at most %d bytes within the answer", k+1, MaxReason)
		}
		r.Texts[k] = string(text)
	}
	return r, r.check(n)
}

// checkRanking checks the header and that the arrays lie within the answer. It
// gives the number of reasons.
func checkRanking(b []byte, n int) (int, error) {
	switch {
	case len(b) < headerSize || string(b[:4]) != "GWPR":
		return 0, broken("%d bytes that do not start with GWPR", len(b))
	case u32(b, 4) != abiVersion:
		return 0, broken("version %d, expected %d", u32(b, 4), abiVersion)
	case uint64(u32(b, 8)) != uint64(n):
		return 0, broken("%d hosts, asked for %d", u32(b, 8), n)
	case uint64(u32(b, 28)) != uint64(len(b)):
		return 0, broken("%d bytes, its header says %d", len(b), u32(b, 28))
	case u32(b, 12) > math.MaxUint16:
		return 0, broken("%d reasons, at most %d are allowed", u32(b, 12), math.MaxUint16)
	}
	reasons := int(u32(b, 12))
	if n == 0 {
		return 0, nil
	}
	for _, p := range []struct {
		name   string
		offset uint32
		size   uint64
	}{
		{"scores", u32(b, 16), 8 * uint64(n)},
		{"reason index", u32(b, 20), 2 * uint64(n)},
		{"reason table", u32(b, 24), 8 * uint64(reasons)},
	} {
		if _, ok := part(b, p.offset, p.size); !ok || p.offset%8 != 0 {
			return 0, broken("the %s at %d of %d bytes is outside of the answer or not at a multiple of 8", p.name, p.offset, p.size)
		}
	}
	return reasons, nil
}

func part(b []byte, offset uint32, size uint64) ([]byte, bool) {
	if uint64(offset)+size > uint64(len(b)) {
		return nil, false
	}
	return b[offset : uint64(offset)+size], true
}

func broken(format string, args ...any) error {
	return fault.New(fault.Internal, "the ranking cannot be read: "+format, args...)
}
