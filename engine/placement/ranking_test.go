package placement

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// encodeRanking writes the answer of a module.
func encodeRanking(r *Ranking) []byte {
	n := len(r.Scores)
	fixed := headerSize + 8*n + round8(2*n)
	b := make([]byte, fixed+8*len(r.Texts))
	copy(b, "GWPR")
	for i := range n {
		binary.LittleEndian.PutUint64(b[headerSize+8*i:], math.Float64bits(r.Scores[i]))
		binary.LittleEndian.PutUint16(b[headerSize+8*n+2*i:], r.Reasons[i])
	}
	for k, text := range r.Texts {
		put32(b, fixed+8*k, len(b))
		put32(b, fixed+8*k+4, len(text))
		b = append(b, text...)
	}
	for k, v := range []int{abiVersion, n, len(r.Texts), headerSize, headerSize + 8*n, fixed, len(b)} {
		put32(b, 4+4*k, v)
	}
	return b
}

func twoOfThree() *Ranking {
	r := NewRanking(3)
	r.Scores[0] = 1.5
	r.Refuse(1, "full")
	r.Refuse(2, "wrong rack")
	return r
}

func TestDecodeRanking(t *testing.T) {
	got, err := DecodeRanking(encodeRanking(twoOfThree()), 3)
	if err != nil {
		t.Fatal(err)
	}
	if got.Scores[0] != 1.5 || !math.IsNaN(got.Scores[1]) || got.reason(0) != "" || got.reason(1) != "full" || got.reason(2) != "wrong rack" {
		t.Errorf("got %+v", got)
	}
	if got, err = DecodeRanking(encodeRanking(NewRanking(0)), 0); err != nil || len(got.Scores) != 0 {
		t.Errorf("no hosts: got %+v, %v", got, err)
	}
}

func TestDecodeRankingRefuses(t *testing.T) {
	patch := func(at, v int) func([]byte) []byte {
		return func(b []byte) []byte { put32(b, at, v); return b }
	}
	for _, c := range []struct {
		damage func([]byte) []byte
		want   string
	}{
		{func(b []byte) []byte { return nil }, "0 bytes that do not start with GWPR"},
		{func(b []byte) []byte { return b[:31] }, "31 bytes that do not start with GWPR"},
		{func(b []byte) []byte { b[0] = 'X'; return b }, "94 bytes that do not start with GWPR"},
		{patch(4, 2), "version 2, expected 1"},
		{patch(8, 4), "4 hosts, asked for 3"},
		{func(b []byte) []byte { return append(b, 0) }, "95 bytes, its header says 94"},
		{patch(12, 65536), "65536 reasons, at most 65535 are allowed"},
		{patch(16, 72), "the scores at 72 of 24 bytes is outside of the answer or not at a multiple of 8"},
		{patch(16, 36), "the scores at 36 of 24 bytes is outside of the answer or not at a multiple of 8"},
		{patch(20, math.MaxUint32&^7), "the reason index at 4294967288 of 6 bytes is outside of the answer or not at a multiple of 8"},
		{patch(24, 88), "the reason table at 88 of 16 bytes is outside of the answer or not at a multiple of 8"},
		{patch(64, 91), "reason 1 is not a text of at most 256 bytes within the answer"},
		{func(b []byte) []byte { b[len(b)-1] = 0xFF; return b }, "reason 2 is not a text of at most 256 bytes within the answer"},
	} {
		_, err := DecodeRanking(c.damage(encodeRanking(twoOfThree())), 3)
		if fault.KindOf(err) != fault.Internal || err == nil || err.Error() != "the ranking cannot be read: "+c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	infinite := twoOfThree()
	infinite.Scores[0] = math.Inf(1)
	if _, err := DecodeRanking(encodeRanking(infinite), 3); err == nil || err.Error() != "scored host 0 as infinite" {
		t.Errorf("got %v", err)
	}
	index := twoOfThree()
	index.Reasons[0] = 3
	if _, err := DecodeRanking(encodeRanking(index), 3); err == nil || err.Error() != "gave host 0 the reason 3 of 2" {
		t.Errorf("got %v", err)
	}
}

// FuzzDecodeRanking checks that no answer of a module makes the engine read
// outside of it, and that what is accepted can be used without further checks.
func FuzzDecodeRanking(f *testing.F) {
	f.Add(encodeRanking(twoOfThree()), 3)
	f.Add(encodeRanking(NewRanking(0)), 0)
	f.Add(encodeRanking(NewRanking(9)), 9)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > 1<<16 {
			return
		}
		before := slices.Clone(b)
		r, err := DecodeRanking(b, n)
		if !slices.Equal(b, before) {
			t.Fatal("the answer was changed")
		}
		if err != nil {
			if fault.KindOf(err) != fault.Internal {
				t.Fatalf("got %v of kind %s", err, fault.KindOf(err))
			}
			return
		}
		rows := make([]int32, n)
		next, _ := r.apply(rows, &sorter{})
		for i := range n {
			_ = r.reason(i)
		}
		again, err := DecodeRanking(encodeRanking(r), n)
		if err != nil || len(next) > n || !slices.Equal(again.Reasons, r.Reasons) || !slices.Equal(again.Texts, r.Texts) {
			t.Fatalf("decoding the encoding of %+v gives %+v, %v", r, again, err)
		}
	})
}

func BenchmarkApply10k(b *testing.B) {
	r, rows := NewRanking(10_000), make([]int32, 10_000)
	x := uint64(1)
	for i := range rows {
		rows[i] = int32(i)
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		r.Scores[i] = float64(x >> 11)
	}
	for b.Loop() {
		r.apply(rows, &sorter{})
	}
}

func BenchmarkDecodeRanking10k(b *testing.B) {
	r := NewRanking(10_000)
	for i := range r.Scores {
		r.Refuse(i, []string{"full", "wrong rack"}[i%2])
	}
	text := encodeRanking(r)
	for b.Loop() {
		if _, err := DecodeRanking(text, 10_000); err != nil {
			b.Fatal(err)
		}
	}
}
