package main

import "github.com/gowanus-project/gowanus/sdk/go/gowanus"

const (
	keySuppress = "suppressSensor"
	keyReset    = "resetSensor"
	keyTarget   = "target"
)

func suspender() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.ConditionalSuspendPolicy", Kind: gowanus.KindPolicy,
		Aliases:     names("ha", "ConditionalSuspendPolicy", "conditional-suspend"),
		Description: "suspends another policy of the entity while something holds",
		Config: []gowanus.ConfigKey{
			{Name: keySuppress, Type: "string", Required: true, Description: "each true value of this sensor suspends the policy"},
			{Name: keyReset, Type: "string", Required: true, Description: "each true value of this sensor resumes it"},
			{Name: keyTarget, Type: "string", Required: true, Description: "the policy: its id, name, type, unique tag, or config suspendTarget"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: keySuppress}, {SensorFrom: keyReset}},
		PolicyEvent: suspend,
	}
}

func suspend(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	e := c.Event
	if e == nil || !tells(e.Value) {
		return gowanus.Decision{}, nil
	}
	in := map[string]any{"policy": c.Config.String(keyTarget)}
	step := "resume-policy"
	if e.Sensor == c.Config.String(keySuppress) {
		step, in["reason"] = "suspend-policy", "suspended because of "+e.Sensor
	}
	return gowanus.Decision{Steps: []gowanus.Step{{Step: step, Input: in}}}, nil
}
