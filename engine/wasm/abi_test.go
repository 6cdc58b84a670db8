package wasm

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// TestWASIIsWhole compares what guests may import with a whole WASI: all of it
// with the same signatures, but for what sdk/ABI.md leaves out.
func TestWASIIsWhole(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		t.Fatal(err)
	}
	whole := r.Module(wasiModule).ExportedFunctionDefinitions()
	ours := imports()
	for name, f := range whole {
		want := rewrite.Signature{Params: string(f.ParamTypes()), Results: string(f.ResultTypes())}
		got, ok := ours[wasiModule+"."+name]
		left := strings.HasPrefix(name, "sock_") || name == "proc_raise"
		if ok == left || ok && got != want {
			t.Errorf("%s: %s (%v), want %s (%v)", name, got, ok, want, !left)
		}
	}
	for full := range ours {
		if name, isWASI := strings.CutPrefix(full, wasiModule+"."); isWASI && whole[name] == nil {
			t.Errorf("%s is not WASI", name)
		}
	}
}

func TestLimitsOfHooks(t *testing.T) {
	l := DefaultLimits()
	var names []string
	for id := range int32(12) {
		_, name := l.call(hook.ID(id))
		names = append(names, name)
	}
	want := []string{"Describe", "Plan", "Plan", "Plan", "Event", "Event", "Rank", "Plan", "Plan", "Plan", "Plan", "Plan"}
	if !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestPollWaitsForTheEarliest(t *testing.T) {
	subscription := func(clock uint32, timeout uint64, absolute byte) []byte {
		b := make([]byte, subscriptionSize)
		b[16] = byte(clock)
		for k := range 8 {
			b[24+k] = byte(timeout >> (8 * k))
		}
		b[40] = absolute
		return b
	}
	for _, c := range []struct {
		sub       []byte
		now, want uint64
	}{
		{subscription(1, 5, 0), 100, 105},
		{subscription(1, 5, 1), 100, 5},
		{subscription(0, clockStart+7, 1), 100, 7},
		{subscription(0, 7, 1), 100, 0},
		{subscription(1, ^uint64(0), 0), 100, longest},
		{subscription(1, ^uint64(0), 1), 100, longest},
	} {
		if got := wakeTime(c.sub, c.now); got != c.want {
			t.Errorf("% x at %d: %d, want %d", c.sub, c.now, got, c.want)
		}
	}
}
