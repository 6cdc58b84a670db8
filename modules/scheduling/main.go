// Command scheduling is the module with the policies that act at a time.
//
// As WebAssembly it answers the engine. Run natively it prints its
// description, which modules/build.sh keeps beside the module.
package main

import (
	"os"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// The engine never runs main of a module, so that registering is the work of a
// variable.
var _ = gowanus.Register(module())

func main() {
	os.Stdout.Write(append(gowanus.Call(gowanus.HookDescribe, nil), '\n'))
}

func module() gowanus.Module {
	return gowanus.Module{
		Name: "scheduling", Version: "1.0.0",
		Types: []gowanus.Type{scheduled(), periodic(), stopAfter()},
		Capabilities: append(gowanus.Steps("to call the effector whose time has come", "invoke-effector"),
			gowanus.Steps("to hear when a call has come to its end", "set-sensor")...),
	}
}
