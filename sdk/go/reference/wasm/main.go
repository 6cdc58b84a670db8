// Command wasm is the reference module as a program. Run natively it prints its
// description.
package main

import (
	"os"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var _ = gowanus.Register(reference.Module())

func main() {
	os.Stdout.Write(append(gowanus.Call(gowanus.HookDescribe, nil), '\n'))
}
