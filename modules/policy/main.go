// Command policy is the module with the policies that detect and repair
// failures.
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
	return gowanus.Module{
		Name: "policy", Version: "1.0.0",
		Types: []gowanus.Type{restarter(), detector()},
		Capabilities: append(
			gowanus.Steps("to restart an entity that failed", "invoke-effector"),
			gowanus.Steps("to mark an entity as failed that restarting does not help", "set-on-fire")...),
	}
}

// The sensors that tell of failures, in Brooklyn's names.
const (
	sensorFailed        = "ha.entityFailed"
	sensorRecovered     = "ha.entityRecovered"
	sensorRestartFailed = "ha.entityFailed.restart"
)

// report makes the value of these sensors. The time makes it differ from the
// value before, so that whoever listens sees each failure.
func report(c *gowanus.PolicyCall, what string) map[string]any {
	return map[string]any{"entity": gowanus.EntityValue(c.Entity.ID), "description": what, "time": c.Now}
}
