//go:build wasip1

// Command own is the guest for Gowanus, by the bare ABI.
package main

import (
	"unsafe"

	"github.com/gowanus-project/gowanus/test/bench/extism/echo"
)

var in, out []byte

//go:wasmexport gw_abi
func abi() int32 { return 1 }

//go:wasmexport gw_alloc
func alloc(size int32) int32 {
	if int(size) > len(in) {
		in = make([]byte, (size+7)&^7)
	}
	return address(in)
}

//go:wasmexport gw_call
func call(_, _, size int32) int64 {
	out = echo.Process(in[:size])
	return int64(uint32(address(out)))<<32 | int64(uint32(len(out)))
}

func address(b []byte) int32 { return int32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

func main() {}
