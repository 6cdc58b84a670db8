package rewrite_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	a "github.com/gowanus-project/gowanus/engine/wasm/internal/asm"
	"github.com/gowanus-project/gowanus/engine/wasm/rewrite"
)

// generator makes random functions that end: blocks, loops and branches of
// every form, also out of several loops at once, and calls.
type generator struct {
	*rand.Rand
	labels  []int // from the outside in: how many values a branch there takes
	steps   int   // the global that counts turns of loops
	typed   int   // type (i32) -> (i32)
	callees []int
	left    int // statements
}

const variables = 4

func (g *generator) variable() int { return g.IntN(variables) }

// several makes some statements, which leave nothing on the stack.
func (g *generator) several() []byte {
	var code []byte
	for range 1 + g.IntN(4) {
		code = append(code, g.statement()...)
	}
	return code
}

func (g *generator) statement() []byte {
	if g.left--; g.left < 0 || len(g.labels) > 7 {
		return a.Join(a.Get(g.variable()), a.I32Const(g.Int64N(9)-4), a.Add, a.Set(g.variable()))
	}
	switch g.IntN(9) {
	case 0, 1:
		return g.nested(0x03)
	case 2:
		return g.nested(0x02)
	case 3:
		return a.Join(a.Get(g.variable()), g.nested(0x04))
	case 4, 5:
		return g.branch()
	case 6:
		if len(g.callees) > 0 {
			return a.Join(a.Get(g.variable()), a.Call(g.callees[g.IntN(len(g.callees))]), a.Set(g.variable()))
		}
	case 7:
		return a.Join(a.Get(g.variable()), a.I32Const(1<<g.IntN(3)), a.Op(0x71), a.If(a.Get(g.variable()), a.Return))
	}
	return a.Join(a.Get(g.variable()), a.Get(g.variable()), a.Op([]byte{0x6a, 0x6b, 0x6c, 0x73}[g.IntN(4)]), a.Set(g.variable()))
}

// nested makes a block, which takes and leaves a value if it is typed. A loop
// leaves the function when loops took too many turns.
func (g *generator) nested(op byte) []byte {
	values := g.IntN(2)
	if op == 0x04 {
		values = 0
	}
	g.labels = append(g.labels, values)
	defer func() { g.labels = g.labels[:len(g.labels)-1] }()
	var turn []byte
	if op == 0x03 {
		turn = a.Join(a.Index(0x23, g.steps), a.I32Const(1), a.Add, a.Index(0x24, g.steps),
			a.Index(0x23, g.steps), a.I32Const(3000), a.Op(0x4a), a.If(a.Get(g.variable()), a.Return))
	}
	if values == 0 {
		return a.Join(a.Op(op, 0x40), turn, g.several(), a.Op(0x0b))
	}
	return a.Join(a.Get(g.variable()), a.Op(op), a.S(int64(g.typed)), a.Set(g.variable()), turn, g.several(), a.Get(g.variable()), a.Op(0x0b), a.Set(g.variable()))
}

func (g *generator) branch() []byte {
	if len(g.labels) == 0 {
		return nil
	}
	target := g.IntN(len(g.labels))
	values := g.labels[len(g.labels)-1-target]
	var value, drop []byte
	if values == 1 {
		value, drop = a.Get(g.variable()), a.Drop
	}
	switch g.IntN(3) {
	case 0:
		return a.Join(a.Get(g.variable()), a.I32Const(3), a.Op(0x71), a.If(value, a.Br(target+1)))
	case 1:
		return a.Join(value, a.Get(g.variable()), a.I32Const(1), a.Op(0x71), a.BrIf(target), drop)
	}
	var targets []byte
	n := 1 + g.IntN(4)
	for range n + 1 {
		for {
			if t := g.IntN(len(g.labels)); g.labels[len(g.labels)-1-t] == values {
				targets = append(targets, byte(t+1))
				break
			}
		}
	}
	return a.Join(a.Get(g.variable()), a.I32Const(7), a.Op(0x71), a.I32Const(2), a.Op(0x48),
		a.If(value, a.Get(g.variable()), a.Op(0x0e, byte(n)), targets))
}

// program makes a module of three functions, of which each may call those
// before it; f is the last.
func program(random *rand.Rand) []byte {
	m := &a.Module{}
	m.Memory(1, -1)
	g := &generator{Rand: random, typed: m.Type("i", "i"), steps: m.Global('i', a.I32Const(0))}
	for k := range 3 {
		g.left = 25
		name := ""
		if k == 2 {
			name = "f"
		}
		f := m.Func(name, "i", "i", "iii", g.several(), g.several(), a.Get(1), a.Get(2), a.Add)
		if g.IntN(2) == 0 {
			g.callees = append(g.callees, f)
		}
	}
	return m.Bytes()
}

// TestMeterChangesNothing runs random programs with and without their meter.
func TestMeterChangesNothing(t *testing.T) {
	programs := 400
	if testing.Short() {
		programs = 50
	}
	counted := 0
	for seed := range uint64(programs) {
		bin := program(rand.New(rand.NewPCG(seed, 1)))
		plain, with := start(t, bin), start(t, metered(t, bin).Binary)
		for arg := range uint64(4) {
			p, perr := plain.ExportedFunction("f").Call(context.Background(), arg)
			w, werr := with.ExportedFunction("f").Call(context.Background(), arg)
			if perr != nil || werr != nil || !slices.Equal(p, w) {
				t.Fatalf("program %d, f(%d): %v (%v), with its meter %v (%v)", seed, arg, p, perr, w, werr)
			}
		}
		if get(with, rewrite.ExportFuel) < rewrite.Slice-100 {
			counted++
		}
	}
	if counted < programs/4 {
		t.Errorf("only %d of %d programs loop", counted, programs)
	}
}
