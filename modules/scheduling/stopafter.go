package main

import (
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyLifetime = "lifetime"
	keyState    = "state"
	keyPoll     = "pollPeriod"

	sensorState = "service.state"
)

func stopAfter() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.action.StopAfterDurationPolicy", Kind: gowanus.KindPolicy,
		Aliases:     []string{"brooklyn.policy.action.StopAfterDurationPolicy", "stop-after-duration"},
		Description: "stops the entity some time after it came to run",
		Config: []gowanus.ConfigKey{
			{Name: keyLifetime, Type: "duration", Required: true, Description: "after which time"},
			{Name: keyState, Type: "string", Default: "running", Description: "from which state on it counts"},
			{Name: keyPoll, Type: "duration", Default: "30s", Description: "how often the sensor with the time since then is published"},
			{Name: "hasFiredStopAfterDuration", Type: "boolean", Description: "not used: the policy remembers that itself"},
			{Name: "firedStopSensor", Type: "string", Description: "a sensor that becomes true when the entity is stopped"},
		},
		Sensors: []gowanus.Sensor{
			{Name: "duration.since.first-running", Type: "duration", Description: "the time since the entity came to run; the end of the name is the state"},
		},
		Events:      []gowanus.EventSpec{{Sensor: sensorState}},
		PolicyEvent: age,
	}
}

// life is what the policy remembers.
type life struct {
	Since time.Time `json:"since,omitzero"` // when the entity first had the state
	Done  bool      `json:"done,omitempty"`
}

func age(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	var l life
	if err := c.Recall(&l); err != nil {
		return gowanus.Decision{}, err
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	lifetime, err := c.Config.Duration(keyLifetime, gowanus.Forever)
	if err != nil {
		return gowanus.Decision{}, err
	}
	poll, err := c.Config.Duration(keyPoll, 30*time.Second)
	if err != nil {
		return gowanus.Decision{}, err
	}
	state := strings.ToLower(c.Config.String(keyState))
	if state == "" {
		state = "running"
	}
	if now, _ := c.Sensor(sensorState).(string); l.Since.IsZero() && !strings.EqualFold(now, state) {
		return gowanus.Decision{State: c.State}, nil
	}
	if l.Done {
		return gowanus.Decision{State: c.State}, nil
	}
	if l.Since.IsZero() {
		l.Since = now
	}
	d := gowanus.Decision{Sensors: map[string]any{"duration.since.first-" + state: now.Sub(l.Since).Round(time.Millisecond).String()}}
	left := lifetime - now.Sub(l.Since)
	switch {
	case left <= 0:
		l.Done = true
		d.Steps = []gowanus.Step{{Step: "invoke-effector", Input: map[string]any{"effector": "stop"}}}
		if sensor := c.Config.String("firedStopSensor"); sensor != "" {
			d.Sensors[sensor] = true
		}
	case poll > 0 && poll < left:
		d.WakeAfter = poll.String()
	default:
		d.WakeAfter = left.String()
	}
	d.State = gowanus.State(l)
	return d, nil
}
