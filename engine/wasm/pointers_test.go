package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/hook"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// forwarding is a guest that calls an imported function with the arguments that
// stand in its document, 8 bytes each, and answers with nothing.
func forwarding(full, params, results string) []byte {
	m := &a.Module{}
	from, name, _ := strings.Cut(full, ".")
	f := m.Import(from, name, params, results)
	var code []byte
	for k, t := range params {
		op := byte(0x28) // i32.load
		if t == 'I' {
			op = 0x29
		}
		code = append(code, a.Join(a.Get(1), a.Op(op, 0), a.U(uint64(8*k)))...)
	}
	code = append(code, a.Call(f)...)
	if results != "" {
		code = append(code, a.Drop...)
	}
	return a.Guest(m, code, a.Answer(0, 0)).Bytes()
}

// TestForgedArguments calls every function that guests may import with
// pointers and lengths that are wrong in every way. The call answers, or fails
// with words that name what was wrong; nothing of ours panics.
func TestForgedArguments(t *testing.T) {
	r, err := New(Config{Limits: Limits{Failures: 1 << 30, Plan: CallLimits{Time: 10 * time.Second, Fuel: 1 << 40}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	letters := strings.NewReplacer("\x7f", "i", "\x7e", "I")
	values := []uint64{0, 1, 2, 3, 7, 8, 24, 1023, 1024, 65528, 65533, 65535, 65536, 1 << 31, 1<<31 - 1, 1<<32 - 8, 1<<32 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	random := rand.New(rand.NewPCG(7, 7))
	tried, failed := 0, 0
	for full, s := range imports() {
		params := letters.Replace(s.Params)
		m, err := r.Load(full, forwarding(full, params, letters.Replace(s.Results)), LoadOptions{
			Host: func(_ context.Context, op int32, request []byte) ([]byte, error) {
				return bytes.Repeat([]byte("x"), int(op)&0xff), nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 40 {
			document := make([]byte, 8*len(params)+8)
			for k := range params {
				v := values[random.IntN(len(values))]
				if n < len(values) { // first the same everywhere
					v = values[n]
				}
				binary.LittleEndian.PutUint64(document[8*k:], v)
			}
			tried++
			_, err := m.Call(t.Context(), hook.EntityEffector, document)
			if err == nil {
				continue
			}
			failed++
			text := err.Error()
			if strings.Contains(text, "recovered") || strings.Contains(text, "runtime error") ||
				!strings.Contains(text, "outside of its memory") && !strings.Contains(text, "exited with code") {
				t.Errorf("%s with % x: %v", full, document, err)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if t.Logf("%d calls, %d failed", tried, failed); failed == 0 || failed == tried {
		t.Error("that tells nothing")
	}
}
