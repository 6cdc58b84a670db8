package wasm

import "github.com/gowanus-project/gowanus/engine/wasm/rewrite"

// Metered gives a module with its meter, for comparison.
func Metered(bin []byte) []byte {
	l := DefaultLimits()
	m, err := rewrite.Rewrite(bin, rules(&l))
	if err != nil {
		return nil
	}
	return m.Binary
}

// LongCalls tells how many long calls run.
func (r *Runtime) LongCalls() int { return len(r.long) }
