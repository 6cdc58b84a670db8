//go:build !linux

package wasm

import "github.com/tetratelabs/wazero/experimental"

// heap keeps linear memories in the Go heap.
type heap struct{ bytes []byte }

// reserve makes a memory; nothing is reserved.
func reserve(uint64) experimental.LinearMemory { return &heap{} }

// Reallocate gives the first size bytes, at a new place if it must.
func (h *heap) Reallocate(size uint64) []byte {
	if size > uint64(cap(h.bytes)) {
		larger := make([]byte, size, size+size/4)
		copy(larger, h.bytes)
		h.bytes = larger
	}
	h.bytes = h.bytes[:size]
	return h.bytes
}

// Free gives the memory back.
func (h *heap) Free() { h.bytes = nil }
