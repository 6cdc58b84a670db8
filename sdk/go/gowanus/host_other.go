//go:build !wasip1

package gowanus

func hostLog(int32, string) {}

func hostCall(int32, []byte, []byte) int64 {
	return -9 // unavailable
}
