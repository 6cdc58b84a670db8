// Command docker is the module with the entities that are a Docker container.
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
var _ = register()

func register() bool {
	gowanus.Register(module())
	return true
}

func main() {
	os.Stdout.Write(append(gowanus.Call(gowanus.HookDescribe, nil), '\n'))
}

func module() gowanus.Module {
	var steps []gowanus.Capability
	for _, c := range [][]gowanus.Capability{
		gowanus.Steps("to wait for the entities that a container links to", "wait"),
		gowanus.Steps("to get a place on a Docker host, and to give it back", "obtain-host", "release-host", "if-placed"),
		gowanus.Steps("to run the container", "pull-image", "create-container", "start-container"),
		gowanus.Steps("to end the container", "stop-container", "remove-container"),
	} {
		steps = append(steps, c...)
	}
	return gowanus.Module{Name: "docker", Version: "1.0.0", Types: []gowanus.Type{application()}, Capabilities: append(steps,
		gowanus.Capability{Kind: "image", Value: "*", Reason: "runs the images that blueprints name"},
		gowanus.Capability{Kind: "secret", Value: "*", Reason: "makes the environment of containers, and of those linked to them, from config"},
	)}
}
