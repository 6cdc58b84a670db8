package wasm

import (
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// mapped keeps linear memories out of the Go heap: the whole range is reserved
// at once, pages cost nothing until they are touched, growing never moves
// them, and closing an instance gives them back at once.
type mapped struct{ whole []byte }

// reserve makes a memory that can grow to most bytes.
func reserve(most uint64) experimental.LinearMemory {
	if most == 0 {
		return &mapped{}
	}
	whole, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return &mapped{} // the first Reallocate fails
	}
	return &mapped{whole: whole}
}

// Reallocate gives the first size bytes, or nil when there are not so many.
func (m *mapped) Reallocate(size uint64) []byte {
	if size > uint64(len(m.whole)) {
		return nil
	}
	if m.whole == nil {
		return []byte{}
	}
	return m.whole[:size]
}

// Free gives the memory back. Nothing may look at it any more.
func (m *mapped) Free() {
	if m.whole != nil {
		_ = syscall.Munmap(m.whole)
		m.whole = nil
	}
}
