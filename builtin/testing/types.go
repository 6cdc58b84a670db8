// Package testing has the entities that test others: each passes or fails when
// it is started, and is on fire if it failed. What they do is in steps of their
// own, which wait for events where there are any.
package testing

import (
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

const (
	version = "1.0.0"
	pkg     = "org.apache.brooklyn.test.framework."
)

// The config keys, in Brooklyn's names.
const (
	onError   = "on.error.spec"
	onFinally = "on.finally.spec"
	goOn      = "continueOnFailure"
	testSpec  = "test.spec"
)

var lifecycle = []hook.Effector{
	{Name: "start", Description: "test"}, {Name: "stop", Description: "stop what is below it"}, {Name: "restart", Description: "test again"},
}

var tested = []hook.Sensor{
	{Name: "service.isUp", Type: "boolean", Description: "the test passed"},
	{Name: "service.state", Type: "string", Description: "running when it passed, on-fire when it failed"},
	{Name: "service.problems", Type: "map", Description: "why it failed"},
	{Name: "test.target.entity.id", Type: "string", Description: "the entity that is tested"},
	{Name: "test.target.entity.name", Type: "string", Description: "its display name"},
	{Name: "test.target.entity.type", Type: "string", Description: "its type"},
}

func key(name, typ, what string, flags ...string) hook.ConfigKey {
	return hook.ConfigKey{Name: name, Flags: flags, Type: typ, Description: what}
}

func withDefault(k hook.ConfigKey, v any) hook.ConfigKey { k.Default = v; return k }

// own makes a key count for the test alone, not for those below it.
func own(k hook.ConfigKey) hook.ConfigKey { k.Inherit = entity.Never; return k }

func targets() []hook.ConfigKey {
	return []hook.ConfigKey{
		key("target", "entity", "the entity that is tested", "targetEntity"),
		key("targetId", "string", "or its id", "target.id"),
		withDefault(key("targetResolutionTimeout", "duration", "how long the entity with the id is waited for, if it is not there"), "0s"),
	}
}

func trials(attempts any) []hook.ConfigKey {
	return []hook.ConfigKey{
		withDefault(key("timeout", "duration", "how long it may take until the test passes"), "5m"),
		withDefault(own(key("maxAttempts", "integer", "how often it is tried; as often as there is time for when absent", "iterationLimit", "iterations")), attempts),
		withDefault(key("backoffToPeriod", "duration", "the longest pause between two attempts, where no event tells of a change"), "500ms"),
		own(key("assert", "any", "what must hold: a map of conditions, or a list of these", "assertions")),
	}
}

// single gives a type that tests one thing.
func single(name, alias, what string, config []hook.ConfigKey, impl catalog.EntityImpl, sensors ...hook.Sensor) *catalog.Type {
	return &catalog.Type{
		Type: hook.Type{
			Name: pkg + name, Kind: catalog.Entity, Aliases: []string{alias}, Description: what,
			Config: config, Sensors: append(slices.Clip(tested), sensors...), Effectors: lifecycle,
		},
		Version: version, Entity: impl,
		Checks: catalog.Checks{"assert": checkAssertions, "abortConditions": checkAssertions},
	}
}

// group gives a type whose children are tests.
func group(name, alias, what string, parallel bool) *catalog.Type {
	config := append(targets(),
		withDefault(own(key(goOn, "boolean", "whether tests after one that failed are run")), false),
		own(key(onError, "any", "what is added and started when a test failed, an entitySpec", "onErrorSpec")),
		own(key(onFinally, "any", "what is added and started at the end, whatever happened", "onFinallySpec")),
		withDefault(key("timeout", "duration", "for the tests below that have none of their own"), "5m"),
	)
	return &catalog.Type{
		Type: hook.Type{
			Name: pkg + name, Kind: catalog.Entity, Aliases: []string{alias}, Description: what,
			Config: config, Sensors: tested[:3], Effectors: lifecycle,
		},
		Version: version, Entity: suite{parallel},
	}
}

// Types gives all types of this package.
func Types() []*catalog.Type {
	endpoint := single("TestEndpointReachable", "test-endpoint-reachable", "tests whether an address can be connected to by TCP", slices.Concat(targets(), trials(nil), []hook.ConfigKey{
		own(key("endpoint", "any", "the address: host:port, or a URL")),
		own(key("endpointSensor", "any", "or the sensor of the target with it")),
	}), one{step: "test-endpoint", keys: []string{"endpoint", "endpointSensor"}})
	endpoint.Checks = catalog.Checks{"assert": func(n *yamlpos.Node) error { _, err := wantsReachable(n.Any()); return err }}
	return []*catalog.Type{
		group("TestCase", "test-case", "tests, one after the other", false),
		group("ParallelTestCase", "parallel-test-case", "tests, all at once", true),
		single("TestSensor", "test-sensor", "tests a sensor", slices.Concat(targets(), trials(nil), []hook.ConfigKey{
			required(key("sensor", "string", "the sensor")),
			own(key("abortConditions", "any", "conditions that end the test at once when one holds", "abort.conditions")),
		}), one{step: "test-sensor", keys: []string{"sensor", "abortConditions"}}),
		single("TestEffector", "test-effector", "invokes an effector and tests its result", slices.Concat(targets(), trials(int64(1)), []hook.ConfigKey{
			required(key("effector", "string", "the effector")),
			own(key("params", "map", "its arguments")),
		}), one{step: "test-effector", keys: []string{"effector", "params"}, result: "result"}, hook.Sensor{Name: "result", Type: "any", Description: "what the effector gave"}),
		single("TestHttpCall", "test-http-call", "tests the answer of an address by HTTP", slices.Concat(targets(), trials(nil), []hook.ConfigKey{
			required(key("url", "string", "the address")),
			withDefault(own(key("method", "string", "the method")), "GET"),
			own(key("headers", "map", "headers")),
			own(key("body", "string", "what is sent")),
			withDefault(own(key("applyAssertionTo", "string", "what the conditions are about: body or status")), "body"),
		}), one{step: "test-http", keys: []string{"url", "method", "headers", "body", "applyAssertionTo"}}),
		endpoint,
		single("LoopOverGroupMembersTestCase", "loop-test-case", "a test for each member of a group, one after the other", slices.Concat(targets(), []hook.ConfigKey{
			required(key(testSpec, "any", "the test, an entitySpec; its target is the member", "testSpec")),
			withDefault(key("timeout", "duration", "for the tests below that have none of their own"), "5m"),
		}), loop{}),
	}
}

func required(k hook.ConfigKey) hook.ConfigKey { k.Required = true; return own(k) }
