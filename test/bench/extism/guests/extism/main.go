//go:build wasip1

// Command extism is the guest for Extism, by its Go PDK.
package main

import (
	"github.com/extism/go-pdk"

	"github.com/gowanus-project/gowanus/test/bench/extism/echo"
)

//go:wasmexport echo
func answer() int32 {
	pdk.Output(echo.Process(pdk.Input()))
	return 0
}

func main() {}
