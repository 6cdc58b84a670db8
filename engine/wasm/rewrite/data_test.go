package rewrite_test

import (
	"bytes"
	"testing"

	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// TestDataIsPutTogether compares memories after data segments in every order.
func TestDataIsPutTogether(t *testing.T) {
	type segment struct {
		at   int64
		text string
	}
	for name, c := range map[string]struct {
		segments []segment
		fewer    bool
	}{
		"none":             {nil, false},
		"one":              {[]segment{{5, "a"}}, false},
		"adjacent":         {[]segment{{5, "abc"}, {8, "def"}}, true},
		"small gap":        {[]segment{{5, "abc"}, {40, "def"}, {100, "x"}}, true},
		"large gap":        {[]segment{{5, "abc"}, {4000, "def"}}, false},
		"overlapping":      {[]segment{{5, "abcdef"}, {7, "x"}, {8, "y"}}, false},
		"backwards":        {[]segment{{100, "abc"}, {90, "def"}, {96, "x"}}, true},
		"over what is set": {[]segment{{100, "abc"}, {10, "xyz"}, {110, "q"}, {60, "r"}}, true},
		"gap with content": {[]segment{{20, "content"}, {0, "x"}, {40, "y"}}, true},
		"empty":            {[]segment{{5, ""}, {5, ""}, {70, "x"}}, true},
		"at the end":       {[]segment{{65530, "abc"}, {65533, "def"}}, true},
	} {
		m := &a.Module{}
		m.Memory(1, -1)
		for _, s := range c.segments {
			m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(s.at), a.Op(0x0b), a.Text(s.text)))
		}
		bin := m.Bytes()
		out := metered(t, bin)
		want, _ := start(t, bin).Memory().Read(0, 65536)
		for _, changed := range [][]byte{out.Binary, out.Shell} {
			if got, _ := start(t, changed).Memory().Read(0, 65536); !bytes.Equal(got, want) {
				t.Errorf("%s: the memory differs", name)
			}
		}
		if fewer := segments(out.Shell) < len(c.segments); fewer != c.fewer {
			t.Errorf("%s: %d segments of %d", name, segments(out.Shell), len(c.segments))
		}
	}
}

// segments counts the data segments of a module with fewer than 128.
func segments(bin []byte) int {
	for at := 8; at < len(bin); {
		id, size := bin[at], 0
		for shift := 0; ; shift += 7 {
			at++
			size |= int(bin[at]&0x7f) << shift
			if bin[at] < 0x80 {
				break
			}
		}
		if at++; id == 11 {
			return int(bin[at])
		}
		at += size
	}
	return 0
}

// TestNumberedDataIsKept leaves segments alone that instructions may name.
func TestNumberedDataIsKept(t *testing.T) {
	m := &a.Module{DataCount: true}
	m.Memory(1, -1)
	for at := range 3 {
		m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(int64(at)), a.Op(0x0b), a.Text("x")))
	}
	out, err := rewrite.Rewrite(m.Bytes(), rules())
	if err != nil || segments(out.Binary) != 3 {
		t.Errorf("%d segments, %v", segments(out.Binary), err)
	}
}
