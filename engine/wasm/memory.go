package wasm

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// pageBytes is what memory grows by; rewrite.ExportTurn needs one page more
// than an instance may have.
const pageBytes = 64 << 10

// budget is the memory that the instances of a module may have together.
type budget struct {
	most uint64 // bytes
	used atomic.Uint64
}

// grow takes bytes, if there are so many left.
func (b *budget) grow(by uint64) bool {
	for {
		used := b.used.Load()
		if used+by > b.most {
			return false
		}
		if b.used.CompareAndSwap(used, used+by) {
			return true
		}
	}
}

func (b *budget) shrink(by uint64) { b.used.Add(-by) }

// counted is a linear memory whose size is taken from a budget.
type counted struct {
	experimental.LinearMemory
	budget *budget
	size   uint64
	denied *atomic.Bool // set when the budget refused it to grow
	turn   func() bool  // says that it is not asked to grow, but that the guest lets the host in
}

// memoryAllocator makes the memory of the instance.
func (i *instance) memoryAllocator() experimental.MemoryAllocator {
	return experimental.MemoryAllocatorFunc(func(_, most uint64) experimental.LinearMemory {
		i.linear = &counted{LinearMemory: reserve(most - pageBytes), budget: &i.module.memory, denied: &i.denied, turn: i.takeTurn}
		return i.linear
	})
}

// Reallocate gives the first size bytes, or nil when the budget or the machine
// does not have them.
func (c *counted) Reallocate(size uint64) []byte {
	if c.turn() {
		return nil
	}
	by := size - c.size
	if !c.budget.grow(by) {
		c.denied.Store(true)
		return nil
	}
	memory := c.LinearMemory.Reallocate(size)
	if memory == nil {
		c.budget.shrink(by)
		return nil
	}
	c.size = size
	return memory
}

// Free gives the memory back, once. Nothing may look at it any more.
func (c *counted) Free() {
	c.LinearMemory.Free()
	c.budget.shrink(c.size)
	c.size = 0
}
