package gowanus

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
	"unsafe"
)

const (
	maxReasons    = math.MaxUint16
	maxReasonText = 256 // bytes
)

// Ranking takes what a strategy thinks of each host. At first every host is
// accepted with score 0.
type Ranking struct {
	scores  []float64
	index   []uint16
	reasons map[string]uint16
	texts   []string
	err     error
}

// Reason stands for a text that says why hosts are refused. It belongs to one
// Ranking.
type Reason uint16

// Score accepts host i; the higher the score, the better.
func (r *Ranking) Score(i int, score float64) { r.scores[i] = score }

// Scores gives the scores of all hosts, to be set in place. NaN refuses.
func (r *Ranking) Scores() []float64 { return r.scores }

// Refuse excludes host i and says why in words for users.
func (r *Ranking) Refuse(i int, reason string) {
	r.scores[i] = math.NaN()
	r.index[i] = r.reason(reason)
}

// Reason keeps a text, so that many hosts can be refused for it without
// comparing it for each.
func (r *Ranking) Reason(text string) Reason { return Reason(r.reason(text)) }

// RefuseFor excludes host i for a reason that was kept.
func (r *Ranking) RefuseFor(i int, reason Reason) {
	r.scores[i] = math.NaN()
	r.index[i] = uint16(reason)
}

// Fail answers with an error instead of a ranking: the strategy cannot work
// with its config. It should not depend on the hosts, because the engine asks
// about none to check a blueprint.
func (r *Ranking) Fail(err error) { r.err = err }

// reason gives the index of a text, 0 for none. Texts are kept once each.
func (r *Ranking) reason(text string) uint16 {
	if text == "" {
		return 0
	}
	if cut := maxReasonText; len(text) > cut {
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	if k, ok := r.reasons[text]; ok {
		return k
	}
	if len(r.texts) == maxReasons {
		return 0
	}
	own := string(append([]byte(nil), text...)) // the text may be a view of the input
	r.texts = append(r.texts, own)
	r.reasons[own] = uint16(len(r.texts))
	return uint16(len(r.texts))
}

var ranking []byte // the answer's buffer, reused

// rank answers HookPlacementRank.
func (m *Module) rank(in []byte) []byte {
	hosts, err := openHosts(in)
	if err != nil {
		return errorAnswer(err)
	}
	t, err := m.typ(hosts.Type)
	if err != nil {
		return errorAnswer(err)
	}
	if t.Rank == nil {
		return errorAnswer(refuse("invalid", "type "+t.Name+" does not rank hosts"))
	}
	n := hosts.count
	fixed := headerSize + 8*n + round8(2*n)
	ranking = words(ranking, fixed)
	clear(ranking)
	out := &Ranking{reasons: map[string]uint16{}}
	if n > 0 {
		out.scores = unsafe.Slice((*float64)(unsafe.Pointer(&ranking[headerSize])), n)
		out.index = unsafe.Slice((*uint16)(unsafe.Pointer(&ranking[headerSize+8*n])), n)
	}
	t.Rank(hosts, out)
	if out.err != nil {
		return errorAnswer(out.err)
	}
	return out.finish(n, fixed)
}

// finish appends the texts to the scores and writes the header.
func (r *Ranking) finish(n, fixed int) []byte {
	if n == 0 {
		r.texts = nil
	}
	total := fixed + 8*len(r.texts)
	for _, text := range r.texts {
		total += len(text)
	}
	if total > cap(ranking) {
		grown := words(nil, total+total/4)
		copy(grown, ranking)
		ranking = grown
	}
	ranking = ranking[:total]
	at := fixed + 8*len(r.texts)
	for i, text := range r.texts {
		put32(ranking, fixed+8*i, at)
		put32(ranking, fixed+8*i+4, len(text))
		at += copy(ranking[at:], text)
	}
	copy(ranking, "GWPR")
	put32(ranking, 4, ABIVersion)
	put32(ranking, 8, n)
	put32(ranking, 12, len(r.texts))
	put32(ranking, 16, headerSize)
	put32(ranking, 20, headerSize+8*n)
	put32(ranking, 24, fixed)
	put32(ranking, 28, total)
	return ranking
}

func round8(n int) int { return (n + 7) &^ 7 }

func put32(b []byte, at, v int) { binary.LittleEndian.PutUint32(b[at:], uint32(v)) }
