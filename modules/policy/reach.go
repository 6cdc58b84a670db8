package main

import (
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyEndpoint    = "connectionFailureDetector.endpoint"
	keyPoll        = "failureDetector.pollPeriod"
	keyLostDelay   = "failureDetector.serviceFailedStabilizationDelay"
	keyFoundDelay  = "failureDetector.serviceRecoveredStabilizationDelay"
	keyLimit       = "failureDetector.timeout"
	sensorAnswered = "connectionFailureDetector.checked"

	// watchFor is how long one step watches an endpoint that stays as it is.
	watchFor = 5 * time.Minute
	// overdue is how long an answer is waited for, beyond the time of a step.
	overdue = time.Minute
)

// reachKeys are the config keys of both detectors.
func reachKeys(more ...gowanus.ConfigKey) []gowanus.ConfigKey {
	return append([]gowanus.ConfigKey{
		{Name: keyPoll, Flags: []string{"pollPeriod"}, Type: "duration", Description: "how often it is tried; 1s, and 30s for SSH, when absent"},
		{Name: keyLostDelay, Flags: []string{"serviceFailedStabilizationDelay", "connectionFailed.stabilizationDelay", "connectionFailedStabilizationDelay"},
			Type: "duration", Default: "0ms", Description: "how long it must fail"},
		{Name: keyFoundDelay, Flags: []string{"serviceRecoveredStabilizationDelay", "connectionRecovered.stabilizationDelay", "connectionRecoveredStabilizationDelay"},
			Type: "duration", Default: "0ms", Description: "how long it must be well again"},
		{Name: keyLimit, Flags: []string{"timeout"}, Type: "duration", Default: "5s", Description: "how long one attempt may take"},
	}, more...)
}

func reachSensors() []gowanus.Sensor {
	return []gowanus.Sensor{
		{Name: sensorUnreachable, Type: "map", Description: "it cannot be reached: entity, description and time"},
		{Name: sensorReachable, Type: "map", Description: "it can be reached again: entity, description and time"},
		{Name: sensorAnswered, Type: "map", Description: "the last attempt"},
	}
}

func connectionDetector() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.ConnectionFailureDetector", Kind: gowanus.KindPolicy,
		Aliases:     names("ha", "ConnectionFailureDetector", "connection-failure-detector"),
		Description: "tells when an address does not accept connections, and when it does again",
		Config: reachKeys(gowanus.ConfigKey{Name: keyEndpoint, Flags: []string{"endpoint"}, Type: "string", Required: true,
			Description: "the address, host:port or a URL"}),
		Sensors: reachSensors(), Events: []gowanus.EventSpec{{Sensor: sensorAnswered}}, WakeAfter: "0s",
		PolicyEvent: func(c *gowanus.PolicyCall) (gowanus.Decision, error) {
			return detectReach(c, c.Config.String(keyEndpoint), time.Second, func(r *reach, poll, limit time.Duration) gowanus.Step {
				in := map[string]any{"endpoint": c.Config.String(keyEndpoint), "timeout": limit.String()}
				if r.Known { // one step watches, so that there is not one for each attempt
					in["while"], in["period"], in["for"] = !r.Down, poll.String(), watchFor.String()
				}
				return gowanus.Step{Step: "check-endpoint", Input: in}
			})
		},
	}
}

func sshDetector() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.ha.SshMachineFailureDetector", Kind: gowanus.KindPolicy,
		Aliases:     names("ha", "SshMachineFailureDetector", "ssh-machine-failure-detector"),
		Description: "tells when one cannot log in to the machine of the entity by SSH, and when one can again",
		Config:      reachKeys(),
		Sensors:     reachSensors(), Events: []gowanus.EventSpec{{Sensor: sensorAnswered}}, WakeAfter: "0s",
		PolicyEvent: func(c *gowanus.PolicyCall) (gowanus.Decision, error) {
			return detectReach(c, "SSH", 30*time.Second, func(*reach, time.Duration, time.Duration) gowanus.Step {
				return gowanus.Step{Step: "ssh", Input: map[string]any{"command": "exit 0"}}
			})
		},
	}
}

// reach is what these detectors remember.
type reach struct {
	watch
	Asked time.Time `json:"asked,omitzero"`  // when the attempt began that is on its way; zero when none is
	Next  time.Time `json:"next,omitzero"`   // when the next one begins
	Known bool      `json:"known,omitempty"` // one has ended
	Down  bool      `json:"down,omitempty"`  // and how
	Why   string    `json:"why,omitempty"`
}

// detectReach goes on with trying, and tells what it finds.
func detectReach(c *gowanus.PolicyCall, what string, often time.Duration, try func(r *reach, poll, limit time.Duration) gowanus.Step) (gowanus.Decision, error) {
	var times [4]time.Duration
	for i, k := range []string{keyPoll, keyLostDelay, keyFoundDelay, keyLimit} {
		var err error
		if times[i], err = c.Config.Duration(k, []time.Duration{often, 0, 0, 5 * time.Second}[i]); err != nil {
			return gowanus.Decision{}, err
		}
	}
	poll, limit := max(times[0], 10*time.Millisecond), max(times[3], time.Millisecond)
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	var r reach
	if err := c.Recall(&r); err != nil {
		return gowanus.Decision{}, err
	}
	r.hear(c, now, poll)
	d, due := r.tell(c, what, times[1], times[2], now)
	if !r.Asked.IsZero() && now.Sub(r.Asked) >= watchFor+limit+overdue {
		r.Asked, r.Next = time.Time{}, now // it was lost
	}
	if r.Asked.IsZero() && !r.Next.After(now) {
		r.Asked, r.Next = now, now.Add(poll)
		inner := try(&r, poll, limit)
		d.Steps = []gowanus.Step{{Step: "publish-output", Timeout: (watchFor + limit + overdue/2).String(), Input: map[string]any{
			"sensor": sensorAnswered, "step": inner.Step, "input": inner.Input, "lenient": true,
		}}}
	}
	wake := r.Next
	if !r.Asked.IsZero() {
		wake = r.Asked.Add(watchFor + limit + overdue)
	}
	if !due.IsZero() && due.Before(wake) {
		wake = due
	}
	d.WakeAfter = max(wake.Sub(now), time.Millisecond).String()
	d.State = gowanus.State(r)
	return d, nil
}

// hear notes how an attempt ended.
func (r *reach) hear(c *gowanus.PolicyCall, now time.Time, poll time.Duration) {
	if c.Event == nil || c.Event.Sensor != sensorAnswered || r.Asked.IsZero() {
		return
	}
	v := gowanus.Values(asMap(c.Event.Value))
	r.Why = v.String("error")
	r.Known = true
	r.Down = r.Why != "" || v["reachable"] == false
	r.Next = r.Asked.Add(poll)
	if r.Next.Before(now) {
		r.Next = now
	}
	r.Asked = time.Time{}
	if !r.Down {
		r.WasUp, r.DownSince = true, time.Time{}
	} else {
		r.UpSince = time.Time{}
		if r.DownSince.IsZero() {
			r.DownSince = now
		}
	}
}

// tell publishes what has lasted long enough; due is when it will have.
//
// That something cannot be reached that is still to be started is no failure.
func (r *reach) tell(c *gowanus.PolicyCall, what string, failed, recovered time.Duration, now time.Time) (d gowanus.Decision, due time.Time) {
	switch {
	case r.Down && r.Told.IsZero() && (r.WasUp || meantToRun(c)):
		if due = r.DownSince.Add(failed); due.After(now) {
			return d, due
		}
		r.Told = now
		d.Sensors = map[string]any{sensorUnreachable: report(c, strings.TrimSuffix(what+" cannot be reached since "+r.DownSince.Format(time.RFC3339)+": "+r.Why, ": "))}
	case !r.Down && !r.Told.IsZero():
		if r.UpSince.IsZero() {
			r.UpSince = now
		}
		if due = r.UpSince.Add(recovered); due.After(now) {
			return d, due
		}
		d.Sensors = map[string]any{
			sensorUnreachable: nil, sensorReachable: report(c, what+" can be reached since "+r.UpSince.Format(time.RFC3339)),
		}
		r.Told, r.UpSince = time.Time{}, time.Time{}
	}
	return d, time.Time{}
}

// meantToRun tells whether the entity is expected to run; one without a life
// cycle is.
func meantToRun(c *gowanus.PolicyCall) bool {
	expected, has := c.Entity.Sensors[sensorExpected]
	_, state := c.Entity.Sensors["service.state"]
	return running(expected) || !has && !state
}
