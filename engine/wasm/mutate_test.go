package wasm_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

func TestVarietyRuns(t *testing.T) {
	m := load(t, a.Variety(), wasm.Config{}, wasm.LoadOptions{})
	for range 2 {
		if out, err := plan(m, "hi"); err != nil || out != "hi" {
			t.Fatalf("got %s, %v", out, err)
		}
	}
}

// TestMutatedModules changes some bytes of a module a thousand times. Whatever
// comes out is refused, fails, or answers; every error has a kind, and nothing
// panics or hangs.
func TestMutatedModules(t *testing.T) {
	r, err := wasm.New(wasm.Config{Limits: wasm.Limits{Init: short, Plan: short}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	random := rand.New(rand.NewPCG(1, 2))
	original := a.Variety()
	outcome := map[string]int{}
	for range 1000 {
		bin := append([]byte(nil), original...)
		for range 1 + random.IntN(3) {
			bin[8+random.IntN(len(bin)-8)] = byte(random.IntN(256))
		}
		m, err := r.Load("m", bin, wasm.LoadOptions{})
		if err != nil {
			outcome["refused"]++
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err = m.Call(ctx, hook.EntityEffector, []byte("document"))
		cancel()
		switch {
		case ctx.Err() == context.DeadlineExceeded:
			t.Fatalf("% x hangs", bin)
		case err == nil:
			outcome["answered"]++
		default:
			outcome[fault.KindOf(err).String()]++
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(outcome)
	for _, way := range []string{"refused", "answered", "invalid", "internal"} {
		if outcome[way] == 0 {
			t.Errorf("no mutation was %s: %v", way, outcome)
		}
	}
}

// columns encodes the input of placement.rank for the reference module: n hosts, of
// which each seventh is down.
func columns(n int) []byte {
	const demand = `{"type":"org.example.Emptiest"}`
	containers, up := make([]byte, 8*n), make([]byte, (n+63)/64*8)
	for i := range n {
		binary.LittleEndian.PutUint64(containers[8*i:], math.Float64bits(float64(i*i%1000)))
		if i%7 != 0 {
			up[i/8] |= 1 << (i % 8)
		}
	}
	b := make([]byte, 32+2*32)
	put := func(at int, values ...int) {
		for k, v := range values {
			binary.LittleEndian.PutUint32(b[at+4*k:], uint32(v))
		}
	}
	add := func(part []byte) int {
		b = append(b, make([]byte, (8-len(b)%8)%8)...)
		b = append(b, part...)
		return len(b) - len(part)
	}
	at := add([]byte(demand))
	put(12, 2, at, len(demand))
	put(32, 1, add([]byte("containers")), 10, add(containers), len(containers))
	put(64, 3, add([]byte("up")), 2, add(up), len(up))
	copy(b, "GWPC")
	put(4, 1, n)
	put(24, len(b))
	return b
}
