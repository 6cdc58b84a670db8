// Command scaling is the module with the policies that change the size of a
// pool, or move work between its parts.
//
// As WebAssembly it answers the engine. Run natively it prints its
// description, which modules/build.sh keeps beside the module.
package main

import (
	"os"
	"strconv"

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
		Name: "scaling", Version: "1.0.0",
		Types: []gowanus.Type{autoscaler(), headroom(), balancer(), followTheSun()},
		Capabilities: append(append(
			gowanus.Steps("to resize a cluster, and to move items", "invoke-effector"),
			gowanus.Steps("to hear when a change has come to its end", "set-sensor")...),
			gowanus.Capability{Kind: "sensor", Value: "*", Reason: "to read the items of containers, from a sensor of any name"},
			gowanus.Capability{Kind: "config", Value: "loadbalancing.container.*", Reason: "to read the thresholds of containers"},
			gowanus.Capability{Kind: "config", Value: keyPlace, Reason: "to read where containers are"}),
	}
}

// brooklyn gives the names of a policy over Brooklyn's packages.
func brooklyn(family, name, word string) []string {
	return []string{"brooklyn.policy." + family + "." + name, "brooklyn.policy." + name, word}
}

// number reads a number, also one that is written as text.
func number(v any) (float64, bool) {
	f, ok := v.(float64)
	return f, ok
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// refuse is an error about config.
func refuse(message string) error { return &gowanus.Error{Kind: "invalid", Message: message} }

// entityID gives the id of an entity value, or "".
func entityID(v any) string {
	ref, _ := gowanus.EntityRef(v)
	return ref.ID
}
