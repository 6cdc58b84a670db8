package wasm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/wasm"
	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
)

// bombs are files that would take more memory or time than their size tells,
// each with the limit that refuses it, or "" when it is to be borne.
func bombs() map[string]struct {
	bin   func() []byte
	limit string
} {
	all := map[string]struct {
		bin   func() []byte
		limit string
	}{}
	add := func(name, limit string, change func(m *a.Module)) {
		all[name] = struct {
			bin   func() []byte
			limit string
		}{func() []byte {
			m := a.Guest(nil, a.Answer(0, 0))
			change(m)
			return m.Bytes()
		}, limit}
	}
	body := func(m *a.Module, code []byte) { m.Func("", "", "", "", code) }
	several := func(n int, code []byte) func(m *a.Module) {
		return func(m *a.Module) {
			t := m.Type("", "")
			for range n {
				m.Functions = append(m.Functions, a.U(uint64(t)))
				m.Body("", a.Join(a.Op(0), code, a.Op(0x0b)))
			}
		}
	}
	pushes := func(n int) []byte { return a.Join(heavy(a.Join(a.I32Const(0), a.Load()), n), heavy(a.Drop, n)) }
	add("one long function", "CodePerFunction", several(1, pushes(600_000)))
	add("long functions", "", several(4, pushes(32_000)))
	add("additions", "", several(2, heavy(a.Join(a.I32Const(0), a.Load(), a.I32Const(1), a.Add, a.Drop), 21_000)))
	add("functions that return again and again", "", several(60, heavy(a.Return, 190_000)))
	add("loops without locals", "BlockLocals", several(1, heavy(a.Loop(), 2_000)))
	add("functions of loops", "", several(14, heavy(a.Loop(), 1_350)))
	add("more functions of loops", "TotalBlockLocals", several(20, heavy(a.Loop(), 1_350)))
	add("blocks in blocks", "Nesting", func(m *a.Module) { body(m, a.Join(heavy(a.Op(0x02, 0x40), 5001), heavy(a.Op(0x0b), 5001))) })
	add("ifs in ifs", "", func(m *a.Module) {
		body(m, a.Join(heavy(a.Join(a.I32Const(1), a.Op(0x04, 0x40)), 4900), heavy(a.Op(0x0b), 4900)))
	})
	add("switch of many", "BlockLocals", func(m *a.Module) { body(m, a.Join(a.I32Const(0), a.Op(0x0e), a.U(6_000), make([]byte, 6_001))) })
	add("switch that is borne", "", func(m *a.Module) { body(m, a.Join(a.I32Const(0), a.Op(0x0e), a.U(5_000), make([]byte, 5_001))) })
	add("switches", "BlockLocals", func(m *a.Module) {
		body(m, heavy(a.Block(a.I32Const(0), a.Op(0x0e), a.U(100), make([]byte, 101)), 1500))
	})
	add("locals", "LocalsPerFunction", func(m *a.Module) {
		m.Functions = append(m.Functions, a.U(uint64(m.Type("", ""))))
		m.Body("", a.Join(a.Op(1), a.U(0xffffffff), a.Op(a.I64), a.Op(0x0b)))
	})
	add("locals of many functions", "", func(m *a.Module) {
		for range 500 {
			m.Functions = append(m.Functions, a.U(0))
			m.Body("", a.Join(a.Op(1), a.U(9999), a.Op(a.I64), a.I32Const(1), a.Op(0x0b)))
		}
	})
	add("small functions", "", several(90_000, nil))
	add("too many functions", "Functions", several(100_001, nil))
	add("custom sections", "", func(m *a.Module) { m.Custom = heavy(a.Section(0, a.Text("")), 5_000_000) })
	add("large custom section", "", func(m *a.Module) { m.Custom = a.Section(0, append(a.Text("x"), make([]byte, 30<<20)...)) })
	add("names that do not end", "", func(m *a.Module) { m.Custom = a.Section(0, a.Join(a.Text("name"), heavy(a.Op(1, 0), 10_000_000))) })
	add("too large", "ModuleBytes", func(m *a.Module) { m.Custom = a.Section(0, append(a.Text("x"), make([]byte, 33<<20)...)) })
	add("types of many results", "", func(m *a.Module) {
		for n := range 9000 {
			results := []byte(strings.Repeat("i", 14))
			for bit := range 14 {
				if n>>bit&1 == 1 {
					results[bit] = 'I'
				}
			}
			m.Func("", "", string(results), "", a.Unreachable)
		}
	})
	add("segments", "", func(m *a.Module) {
		for range 49_000 {
			m.Data = append(m.Data, a.Join(a.Op(0), a.I32Const(0), a.Op(0x0b), a.Text("x")))
		}
	})
	add("tables", "", func(m *a.Module) {
		for range 8 {
			m.Tables = append(m.Tables, append([]byte{0x70, 0}, a.U(200_000)...))
		}
	})
	add("memory of 4 GiB", "MemoryPages", func(m *a.Module) { m.Memories[0] = append([]byte{0}, a.U(65536)...) })
	add("imports", "Imports", func(m *a.Module) {
		m.Imports = [][]byte{heavy(a.Join(a.Text("gowanus"), a.Text("log"), a.Op(0, 0)), 100_000)}
		for range 99_999 {
			m.Imports = append(m.Imports, nil)
		}
	})
	return all
}

// TestBombs loads and compiles each. What is borne costs less memory than a
// hostile module may, and lets other modules be called meanwhile.
func TestBombs(t *testing.T) {
	for name, c := range bombs() {
		bin := c.bin()
		b := newBystander(t, wasm.Limits{})
		before := resetPeak(t)
		begin := time.Now()
		m, err := b.runtime.Load(name, bin, wasm.LoadOptions{})
		loaded := time.Since(begin)
		if refused := err != nil; refused != (c.limit != "") || refused && !strings.Contains(err.Error(), "the limit "+c.limit+" allows") {
			t.Errorf("%s: got %v, want the limit %q", name, err, c.limit)
			continue
		}
		if m != nil {
			ended := make(chan error, 1)
			go func() {
				_, err := plan(m, "x")
				ended <- err
			}()
			b.live(t)
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		more := (residentPeak(t) - before) >> 20
		t.Logf("%-40s %6d KiB: looked at in %8s, answered after %8s, %4d MiB", name, len(bin)>>10, loaded.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), more)
		if time.Since(begin) > 30*noticed {
			t.Errorf("%s took %s", name, time.Since(begin))
		}
		if more<<20 > mostResident {
			t.Errorf("%s took %d MiB", name, more)
		}
		if err := b.runtime.Close(); err != nil {
			t.Error(err)
		}
	}
}
