// Command guest is the reference module of the SDK with types that do what no
// good module does, for the tests of the test kit.
package main

import (
	"encoding/json"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var _ = gowanus.Register(module())

func main() {}

func module() gowanus.Module {
	m := reference.Module()
	m.Name = "guest"
	m.Types = append(m.Types,
		gowanus.Type{Name: "forgetful", Kind: gowanus.KindStep, Plan: remember},
		gowanus.Type{Name: "endless", Kind: gowanus.KindStep, Plan: endless},
		gowanus.Type{Name: "reader", Kind: gowanus.KindStep, Plan: read},
		gowanus.Type{Name: "summary", Kind: gowanus.KindStep, Plan: summary,
			Related: []gowanus.RelatedSpec{{Of: "config:of", Sensors: []string{"config:sensors"}}}},
		gowanus.Type{Name: "sleepless", Kind: gowanus.KindPolicy, Events: []gowanus.EventSpec{{Sensor: "x"}}, PolicyEvent: sleepless},
		gowanus.Type{Name: "greedy", Kind: gowanus.KindStep, Plan: greedy},
		gowanus.Type{Name: "linked", Kind: gowanus.KindEntity,
			Config:    []gowanus.ConfigKey{{Name: "to", Type: "any"}, {Name: "size", Type: "integer"}, {Name: "password", Type: "string"}},
			Effectors: []gowanus.Effector{{Name: "start"}}, Effector: linked},
	)
	m.Capabilities = append(m.Capabilities, gowanus.Capability{Kind: "config", Value: "weight", Reason: "is read by the type reader"},
		gowanus.Capability{Kind: "step", Value: "start-process", Reason: "passes a secret on"},
		gowanus.Capability{Kind: "step", Value: "add-entity", Reason: "makes pairs"}, gowanus.Capability{Kind: "step", Value: "add-policy", Reason: "watches pairs"},
		gowanus.Capability{Kind: "step", Value: "deploy-application", Reason: "reads blueprints"})
	return m
}

var calls int

// remember answers otherwise the second time.
func remember(*gowanus.EffectorCall) (gowanus.Decision, error) {
	calls++
	return gowanus.Decision{Result: map[string]any{"calls": calls, "same": true}}, nil
}

// endless says that it begins, and never ends.
func endless(*gowanus.EffectorCall) (gowanus.Decision, error) {
	gowanus.Logf(gowanus.LevelInfo, "begins")
	for {
		calls++
	}
}

// read makes the host operation that its arguments say.
func read(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	request, err := json.Marshal(c.Args["request"])
	if err != nil {
		return gowanus.Decision{}, err
	}
	answer, err := gowanus.Host(int32(c.Args.Int("op")), request)
	if err != nil {
		return gowanus.Decision{}, err
	}
	return gowanus.Decision{Result: json.RawMessage(answer)}, nil
}

// summary tells what it read of the entities that its input names.
func summary(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	out := map[string]any{}
	for _, r := range c.Related {
		out[r.ID] = r.Sensors
	}
	return gowanus.Decision{Result: out}, nil
}

func sleepless(*gowanus.PolicyCall) (gowanus.Decision, error) {
	return gowanus.Decision{WakeAfter: "1ms"}, nil
}

// greedy decides on a step that the module does not ask for, or on one with an
// input that it does not have.
func greedy(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	if c.Args["slip"] == true {
		return gowanus.Decision{Steps: []gowanus.Step{{Step: "log"}, {Step: "log", Input: map[string]any{"mesage": "hi"}}}}, nil
	}
	return gowanus.Decision{Steps: []gowanus.Step{{Step: "run-command", Input: map[string]any{"command": "id"}}}}, nil
}

func linked(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	return gowanus.Decision{
		Steps:  []gowanus.Step{{Step: "start-process", Input: map[string]any{"command": "login", "env": map[string]any{"PW": c.Entity.Config["password"]}}}},
		Result: c.Entity.Config,
	}, nil
}
