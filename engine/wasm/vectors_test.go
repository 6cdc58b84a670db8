package wasm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// vector is one file of sdk/vectors.
type vector struct {
	Hook    hook.ID         `json:"hook"`
	In, Out json.RawMessage `json:",omitempty"`
}

func vectors(t *testing.T) map[string]vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "sdk", "vectors", "*.json"))
	if err != nil || len(files) < 15 {
		t.Fatalf("%d vectors, %v", len(files), err)
	}
	all := map[string]vector{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		var v vector
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = v
	}
	return all
}

func value(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	return v
}

// TestVectors asks the reference module what sdk/go asks natively. The guest has
// one type more, so that it describes itself differently.
func TestVectors(t *testing.T) {
	m := loadGo(t, wasm.Limits{}, wasm.LoadOptions{})
	for name, v := range vectors(t) {
		if v.Hook == hook.Describe {
			continue
		}
		in := []byte(v.In)
		if v.Hook == hook.PlacementRank {
			var err error
			if in, err = base64.StdEncoding.DecodeString(value(t, v.In).(string)); err != nil {
				t.Fatal(err)
			}
		}
		out, err := m.Call(context.Background(), v.Hook, in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := any(nil), value(t, v.Out)
		if bytes.HasPrefix(out, []byte("GWPR")) {
			got = ranking(out)
		} else {
			got = value(t, out)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
}

// ranking gives the meaning of a ranking as the vectors write it.
func ranking(b []byte) any {
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	ranked := []any{}
	for i := range u32(8) {
		score := math.Float64frombits(binary.LittleEndian.Uint64(b[u32(16)+8*i:]))
		if !math.IsNaN(score) {
			ranked = append(ranked, map[string]any{"score": score})
			continue
		}
		at := u32(24) + 8*(int(binary.LittleEndian.Uint16(b[u32(20)+2*i:]))-1)
		ranked = append(ranked, map[string]any{"refused": string(b[u32(at) : u32(at)+u32(at+4)])})
	}
	return ranked
}

// TestVectorsAreTheDocuments reads the vectors as the engine's own documents
// and writes them again: nothing is lost or added, so the library, its
// description and the engine mean the same.
func TestVectorsAreTheDocuments(t *testing.T) {
	again := func(name string, b json.RawMessage, into any) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		written, err := json.Marshal(into)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := value(t, written), value(t, b); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, want)
		}
	}
	for name, v := range vectors(t) {
		switch v.Hook {
		case hook.Describe:
			again(name, v.Out, &hook.Description{})
		case hook.EntityEffector, hook.EntityContinue:
			again(name, v.In, &hook.EffectorCall{})
			again(name, v.Out, &hook.Decision{})
		case hook.PolicyEvent:
			again(name, v.In, &hook.PolicyCall{})
			again(name, v.Out, &hook.Decision{})
		}
	}
}
