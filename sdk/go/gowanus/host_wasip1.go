package gowanus

import "unsafe"

//go:wasmimport gowanus log
func importLog(level int32, ptr unsafe.Pointer, size uint32)

//go:wasmimport gowanus host
func importHost(op int32, ptr unsafe.Pointer, size uint32, out unsafe.Pointer, room uint32) int64

func hostLog(level int32, line string) {
	importLog(level, unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

func hostCall(op int32, request, out []byte) int64 {
	return importHost(op, unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)),
		unsafe.Pointer(unsafe.SliceData(out)), uint32(len(out)))
}
