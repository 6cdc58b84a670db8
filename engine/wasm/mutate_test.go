package wasm_test

import (
	"context"
	"encoding/binary"
	"flag"
	"math"
	"math/rand/v2"
	"strings"
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

var mutations = flag.Int("mutations", 600, "how many mutated modules TestMutatedModules tries")

// TestMutatedModules changes some bytes of modules many times. Whatever
// comes out is refused, fails, or answers; every error has a kind, and nothing
// panics, hangs or stays behind. With thousands of mutations one in 500 is of a
// module that the Go compiler made, which takes a second each.
func TestMutatedModules(t *testing.T) {
	r, err := wasm.New(wasm.Config{Limits: wasm.Limits{Init: short, Plan: short}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	random := rand.New(rand.NewPCG(uint64(*mutations), 2))
	calls := endlessCalls()
	originals := [][]byte{a.Variety(), a.Variety(), spinning(), growing(), calls["tree of calls"](), calls["indirect calls"](), calls["loops on every level"]()}
	outcome := map[string]int{}
	for n := range *mutations {
		original := originals[n%len(originals)]
		if n%500 == 499 {
			original = goGuest
		}
		outcome[mutate(t, r, original, random)]++
	}
	t.Log(outcome)
	for _, way := range []string{"refused", "answered", "invalid", "internal", "timeout"} {
		if outcome[way] == 0 {
			t.Errorf("no mutation was %s: %v", way, outcome)
		}
	}
}

// mutate changes some bytes of a module, calls it and says what became of it.
func mutate(t *testing.T, r *wasm.Runtime, original []byte, random *rand.Rand) string {
	t.Helper()
	bin := append([]byte(nil), original...)
	for range 1 + random.IntN(3) {
		at := 8 + random.IntN(len(bin)-8)
		if random.IntN(2) == 0 { // more often in code than in the tables before it
			at = len(bin)/2 + random.IntN(len(bin)/2)
		}
		switch random.IntN(20) {
		case 0:
			bin = append(bin[:at], bin[at+1:]...)
		case 1:
			bin = append(bin[:at], append([]byte{byte(random.IntN(256))}, bin[at:]...)...)
		case 2:
			bin[at] ^= 1 << random.IntN(8)
		default:
			bin[at] = byte(random.IntN(256))
		}
	}
	m, err := r.Load("m", bin, wasm.LoadOptions{})
	if err != nil {
		return "refused"
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = m.Call(ctx, hook.EntityEffector, []byte("document"))
	if ctx.Err() == context.DeadlineExceeded {
		t.Fatalf("% x hangs", bin)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if s := m.Stats(); s.Idle+s.Running+s.Pages != 0 {
		t.Errorf("%+v is left of % x", s, bin)
	}
	if err == nil {
		return "answered"
	}
	if strings.Contains(err.Error(), "the compiler gave up") {
		t.Logf("a panic of the compiler, recovered: %v", err)
	}
	return fault.KindOf(err).String()
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
