// Command probe is the reference module of the SDK with types that show how
// modules are installed, upgraded and held to their grants. Its version is set
// when it is linked.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/reference"
)

var version = "1.0.0"

var _ = gowanus.Register(module())

func main() {}

func module() gowanus.Module {
	m := reference.Module()
	m.Name, m.Version = "probe", version
	for i := range m.Types {
		if m.Types[i].Kind == gowanus.KindLocation {
			m.Types[i].Config = []gowanus.ConfigKey{{Name: "address", Type: "string"}}
		}
	}
	m.Types = append(m.Types, probe(), tally())
	m.Capabilities = append(m.Capabilities,
		gowanus.Capability{Kind: "step", Value: "wait", Reason: "waits"},
		gowanus.Capability{Kind: "step", Value: "set-sensor", Reason: "publishes"},
		gowanus.Capability{Kind: "step", Value: "release-host", Reason: "leaves"},
		gowanus.Capability{Kind: "step", Value: "set-config", Reason: "keeps"},
		gowanus.Capability{Kind: "config", Value: "shown.*", Reason: "reads"},
	)
	if strings.HasPrefix(version, "2.") {
		m.Capabilities = append(m.Capabilities, gowanus.Capability{Kind: "step", Value: "sleep", Reason: "rests"})
	}
	return m
}

func probe() gowanus.Type {
	effectors := []gowanus.Effector{{Name: "start"}, {Name: "act"}, {Name: "slow"}, {Name: "read"}, {Name: "crash"}, {Name: "pass"}, {Name: "place"}, {Name: "leave"}}
	if strings.HasPrefix(version, "2.") {
		effectors = append(effectors, gowanus.Effector{Name: "new"})
	}
	return gowanus.Type{
		Name: "org.example.Probe", Kind: gowanus.KindEntity, Prefix: "probe:",
		Config:    []gowanus.ConfigKey{{Name: "probe.password", Type: "string"}},
		Effectors: effectors,
		Effector:  effector,
	}
}

func effector(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	switch {
	case c.Token == "placed":
		return gowanus.Decision{Result: c.Output("host")}, nil
	case c.Token == "awake":
		return gowanus.Decision{Result: "decided by " + version}, nil
	case c.Effector == "act":
		return gowanus.Decision{Steps: []gowanus.Step{{Step: c.Args.String("step"), Input: c.Args.Map("input")}}, Sensors: map[string]any{"acted": true}}, nil
	case c.Effector == "slow":
		return gowanus.Decision{Steps: []gowanus.Step{
			{Step: "set-sensor", Input: map[string]any{"sensor": "slow.by", "value": version}}, // tells that the decision is on record
			{Step: "wait", Input: map[string]any{"sensor": "go"}}, {Continue: "awake"},
		}}, nil
	case c.Effector == "pass":
		return gowanus.Decision{
			Steps:  []gowanus.Step{{Step: "set-config", Input: map[string]any{"config": "kept.password", "value": c.Entity.Config["probe.password"]}}},
			Result: c.Entity.Config["probe.password"],
		}, nil
	case c.Effector == "read":
		var v any
		var err error
		if file := c.Args.String("file"); file != "" {
			var content []byte
			content, err = gowanus.HostFile(file)
			v = string(content)
		} else if key := c.Args.String("key"); key != "" {
			v, err = gowanus.HostConfig(c.Args.String("entity"), key)
		} else {
			v, err = gowanus.HostSensor(c.Args.String("entity"), c.Args.String("sensor"))
		}
		return gowanus.Decision{Result: v}, err
	case c.Effector == "place":
		return gowanus.Decision{Steps: []gowanus.Step{{ID: "host", Step: "obtain-host"}, {Continue: "placed"}}}, nil
	case c.Effector == "leave":
		return gowanus.Decision{Steps: []gowanus.Step{{Step: "release-host"}}}, nil
	case c.Effector == "crash":
		os.Exit(3)
	}
	return gowanus.Decision{Result: version}, nil
}

func tally() gowanus.Type {
	return gowanus.Type{
		Name: "org.example.Tally", Kind: gowanus.KindPolicy,
		Events:      []gowanus.EventSpec{{Sensor: "beat"}},
		PolicyEvent: count,
		Migrate:     migrate,
	}
}

// old and now are the states of versions 1 and 2.
type (
	old struct {
		N int `json:"n"`
	}
	now struct {
		Count int `json:"count"`
	}
)

func count(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	if strings.HasPrefix(version, "1.") {
		var s old
		_ = json.Unmarshal(c.State, &s)
		s.N++
		return gowanus.Decision{State: gowanus.State(s), Sensors: map[string]any{"tally": s.N, "tally.by": version}}, nil
	}
	var s now
	_ = json.Unmarshal(c.State, &s)
	s.Count++
	return gowanus.Decision{State: gowanus.State(s), Sensors: map[string]any{"tally": s.Count, "tally.by": version}}, nil
}

func migrate(c *gowanus.MigrateCall) (json.RawMessage, error) {
	var s old
	if err := json.Unmarshal(c.State, &s); err != nil || !strings.HasPrefix(c.From, "1.") {
		return nil, gowanus.Errorf("invalid", "no state of version 1: %s", c.State)
	}
	if s.N > 2 {
		return nil, gowanus.Errorf("invalid", "more than two beats cannot be brought over")
	}
	return gowanus.State(now{Count: s.N}), nil
}
