//go:build !linux

package wasm

import "github.com/tetratelabs/wazero/experimental"

// memoryAllocator is nil: memories live in the Go heap.
func memoryAllocator() experimental.MemoryAllocator { return nil }
