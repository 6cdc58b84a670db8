package reference_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var _ = gowanus.Register(reference.Module())

// vector is one file of sdk/vectors.
type vector struct {
	Hook gowanus.Hook    `json:"hook"`
	In   json.RawMessage `json:"in"`
	Out  any             `json:"out"`
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../vectors/*.json")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second call uses the buffers of the first
				if got := ask(t, v); !reflect.DeepEqual(got, v.Out) {
					t.Errorf("got  %v\nwant %v", got, v.Out)
				}
			}
		})
	}
}

// ask makes the call and gives the meaning of the answer.
func ask(t *testing.T, v vector) (answer any) {
	t.Helper()
	in := []byte(v.In)
	if v.Hook == gowanus.HookPlacementRank {
		var text string
		err := json.Unmarshal(v.In, &text)
		if err == nil {
			in, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out := gowanus.Call(v.Hook, in)
	if v.Hook == gowanus.HookPlacementRank && out[0] != '{' {
		return ranking(t, out)
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return answer
}

func ranking(t *testing.T, b []byte) any {
	t.Helper()
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	if string(b[:4]) != "GWPR" || u32(4) != 1 || u32(28) != len(b) {
		t.Fatalf("header % x of %d bytes", b[:32], len(b))
	}
	ranked := []any{}
	for i := range u32(8) {
		score := math.Float64frombits(binary.LittleEndian.Uint64(b[u32(16)+8*i:]))
		if !math.IsNaN(score) {
			ranked = append(ranked, map[string]any{"score": score})
			continue
		}
		k := int(binary.LittleEndian.Uint16(b[u32(20)+2*i:]))
		at := u32(24) + 8*(k-1)
		ranked = append(ranked, map[string]any{"refused": string(b[u32(at) : u32(at)+u32(at+4)])})
	}
	return ranked
}

// TestBrokenColumns cuts and changes a good buffer: the answer is a ranking or
// an error, and never a panic or a read outside of the buffer.
func TestBrokenColumns(t *testing.T) {
	b, err := os.ReadFile("../../vectors/rank.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ In []byte }
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for n := range v.In {
		if out := gowanus.Call(gowanus.HookPlacementRank, v.In[:n]); out[0] != '{' {
			t.Errorf("%d bytes: %q", n, out)
		}
		for _, c := range []byte{0, 1, 0x7f, 0xff} {
			in := append([]byte(nil), v.In...)
			in[n] = c
			var d gowanus.Decision
			out := gowanus.Call(gowanus.HookPlacementRank, in)
			if out[0] == '{' && (json.Unmarshal(out, &d) != nil || d.Error == nil || d.Error.Kind == "internal") {
				t.Errorf("byte %d = %d: %s", n, c, out)
			}
		}
	}
}

func Example() {
	fmt.Printf("%s\n", gowanus.Call(gowanus.HookPolicyEvent, []byte(`{"type": "org.example.Restarter", "timer": true}`)))
	// Output: {"state":{"n":0}}
}
