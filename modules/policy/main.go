// Command policy is the module with the policies that detect and repair
// failures, and that elect a primary.
//
// As WebAssembly it answers the engine. Run natively it prints its
// description, which modules/build.sh keeps beside the module.
package main

import (
	"os"
	"slices"

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
		Name: "policy", Version: "1.1.0",
		Types: []gowanus.Type{restarter(), replacer(), detector(), connectionDetector(), sshDetector(), suspender(), electPolicy(), electStep()},
		Capabilities: slices.Concat(
			gowanus.Steps("to restart or replace an entity that failed, and to promote one that is elected", "invoke-effector"),
			gowanus.Steps("to mark an entity as failed that repairing does not help", "set-on-fire"),
			gowanus.Steps("to let a policy rest, or run again", "suspend-policy", "resume-policy"),
			gowanus.Steps("to see whether an entity can be reached", "check-endpoint", "ssh", "publish-output"),
			gowanus.Steps("to hear when a replacement has come to its end, and to tell that there is no primary", "set-sensor", "clear-sensor"),
			gowanus.Steps("to wait for a better candidate", "sleep"),
			gowanus.Steps("to let one child be enough for an entity with a primary", "set-config"),
			[]gowanus.Capability{
				{Kind: "http", Value: "*", Reason: "to see whether an entity can be reached, wherever it is"},
				{Kind: "sensor", Value: "*", Reason: "to read state and weight of candidates, and the sensors of the primary that are published"},
				{Kind: "config", Value: "*", Reason: "to read the weight of candidates, whose config key has any name"},
			}),
	}
}

// The sensors that tell of failures, in Brooklyn's names.
const (
	sensorFailed        = "ha.entityFailed"
	sensorRecovered     = "ha.entityRecovered"
	sensorRestartFailed = "ha.entityFailed.restart"
	sensorReplaceFailed = "ha.entityFailed.replacement"
	sensorUnreachable   = "ha.connectionFailed"
	sensorReachable     = "ha.connectionRecovered"
)

// report makes the value of these sensors. The time makes it differ from the
// value before, so that whoever listens sees each failure.
func report(c *gowanus.PolicyCall, what string) map[string]any {
	return reportOf(c.Entity.ID, what, c.Now)
}

func reportOf(id, what, now string) map[string]any {
	return map[string]any{"entity": gowanus.EntityValue(id), "description": what, "time": now}
}

// names gives the names of a policy over Brooklyn's packages.
func names(family, name, word string) []string {
	return []string{"brooklyn.policy." + family + "." + name, word}
}

// tells says whether the value of a sensor that tells of something does so:
// one that was taken away, or is false, does not.
func tells(value any) bool { return value != nil && value != false }

// suspendTarget is the key by which a ConditionalSuspendPolicy finds a policy.
func suspendTarget() gowanus.ConfigKey {
	return gowanus.ConfigKey{Name: "suspendTarget", Type: "string", Description: "a name by which a ConditionalSuspendPolicy finds this policy"}
}
