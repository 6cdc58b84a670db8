package gowanus

import "unsafe"

// input is where the engine puts a call's document. It only grows: the engine
// discards an instance whose memory became too large.
var input []byte

//go:wasmexport gw_abi
func exportABI() int32 { return ABIVersion }

//go:wasmexport gw_alloc
func exportAlloc(size int32) int32 {
	if size < 0 {
		return 0
	}
	input = words(input, max(int(size), 8))
	return address(input)
}

// exportCall reads the document from input, where the engine has written it; a
// pointer to anywhere else is refused.
//
//go:wasmexport gw_call
func exportCall(hook, ptr, size int32) int64 {
	var in []byte
	if size != 0 {
		at, n := uint64(uint32(ptr)-uint32(address(input))), uint64(uint32(size))
		if at+n > uint64(len(input)) {
			return pack(errorAnswer(refuse("invalid", "the document is not where gw_alloc put it")))
		}
		in = input[at : at+n]
	}
	return pack(Call(Hook(hook), in))
}

// pack gives an answer's place: its address above its length.
func pack(out []byte) int64 { return int64(uint32(address(out)))<<32 | int64(uint32(len(out))) }

func address(b []byte) int32 { return int32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
