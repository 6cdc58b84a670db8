package main

import (
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyFailureSensor = "failureSensorToMonitor"
	keyRecurring     = "failOnRecurringFailuresInThisDuration"
	keySetOnFire     = "setOnFireOnFailure"

	defaultRecurring = 3 * time.Minute
)

func restarter() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.ServiceRestarter", Kind: gowanus.KindPolicy,
		Aliases:     []string{"brooklyn.policy.ha.ServiceRestarter", "service-restarter"},
		Description: "restarts the entity when it fails, and gives up when it soon fails again",
		Config: []gowanus.ConfigKey{
			{Name: keyFailureSensor, Type: "string", Default: sensorFailed, Description: "the sensor that tells of failures"},
			{Name: keyRecurring, Type: "duration", Default: "3m", Description: "a second failure within this time is not answered by a restart"},
			{Name: keySetOnFire, Type: "boolean", Default: true, Description: "whether the entity is marked as failed when the policy gives up"},
			suspendTarget(),
		},
		Sensors: []gowanus.Sensor{
			{Name: sensorRestartFailed, Type: "map", Description: "the policy gave up: entity, description and time"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: keyFailureSensor}},
		PolicyEvent: restart,
	}
}

// restarts is what the restarter remembers.
type restarts struct {
	LastFailure time.Time `json:"lastFailure"`
}

// restart reacts to a failure. A failure counts for the next one's window
// whether it was answered by a restart or not.
func restart(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	if c.Event == nil || c.Event.Value == nil || c.Event.Value == false { // a value taken away is no failure
		return gowanus.Decision{State: c.State}, nil
	}
	window, err := c.Config.Duration(keyRecurring, defaultRecurring)
	if err != nil {
		return gowanus.Decision{}, err
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	var last restarts
	if err := c.Recall(&last); err != nil {
		return gowanus.Decision{}, err
	}
	d := gowanus.Decision{State: gowanus.State(restarts{LastFailure: now})}
	since := now.Sub(last.LastFailure)
	if last.LastFailure.IsZero() || since > window {
		d.Steps = []gowanus.Step{{Step: "invoke-effector", Input: map[string]any{"effector": "restart"}}}
		return d, nil
	}
	reason := "failed again " + brief(since) + " after the failure before, within " + brief(window) + ": not restarted any more"
	d.Sensors = map[string]any{sensorRestartFailed: report(c, reason)}
	if onFire, set := c.Config[keySetOnFire].(bool); onFire || !set {
		d.Steps = []gowanus.Step{{Step: "set-on-fire", Input: map[string]any{"reason": reason}}}
	}
	return d, nil
}
