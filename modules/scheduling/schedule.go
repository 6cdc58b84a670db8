package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyEffector = "effector"
	keyArgs     = "args"
	keyTime     = "time"
	keyWait     = "wait"
	keyStart    = "start.sensor"
	keyEnabled  = "enabled.sensor"
	keyPeriod   = "period"

	sensorNow = "scheduler.invoke.now"
	sensorAt  = "scheduler.invoke.at"
	sensorEnd = "scheduler.invoke.ended"

	// lost is how long a periodic call may take until it is taken for lost.
	lost = 24 * time.Hour

	// maxScheduled is how many calls may be outstanding.
	maxScheduled = 1000
)

func keys(more ...gowanus.ConfigKey) []gowanus.ConfigKey {
	return append([]gowanus.ConfigKey{
		{Name: keyEffector, Type: "string", Required: true, Description: "the effector"},
		{Name: keyArgs, Type: "map", Description: "its arguments"},
		{Name: keyTime, Type: "string", Description: "when it is called first: HH:mm:ss of the day in UTC, a time of RFC 3339, or now or immediately"},
		{Name: keyWait, Type: "duration", Description: "after which time it is called first, when there is no time"},
		{Name: keyStart, Type: "string", Default: "service.isUp", Description: "the sensor that must be true once; time and wait count from then"},
		{Name: keyEnabled, Type: "string", Description: "a sensor that must be true each time"},
	}, more...)
}

func scheduled() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.action.ScheduledEffectorPolicy", Kind: gowanus.KindPolicy,
		Aliases:     []string{"brooklyn.policy.action.ScheduledEffectorPolicy", "scheduled-effector"},
		Description: "calls an effector at a time, after a time, or when a sensor asks for it",
		Config:      keys(),
		Sensors: []gowanus.Sensor{
			{Name: sensorNow, Type: "boolean", Description: "each time this becomes true the effector is called"},
			{Name: sensorAt, Type: "string", Description: "a time, as for the config key time, at which the effector is called"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: keyStart}, {Sensor: sensorNow}, {Sensor: sensorAt}},
		PolicyEvent: func(c *gowanus.PolicyCall) (gowanus.Decision, error) { return schedule(c, false) },
	}
}

func periodic() gowanus.Type {
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.action.PeriodicEffectorPolicy", Kind: gowanus.KindPolicy,
		Aliases:     []string{"brooklyn.policy.action.PeriodicEffectorPolicy", "periodic-effector"},
		Description: "calls an effector again and again",
		Config:      keys(gowanus.ConfigKey{Name: keyPeriod, Type: "duration", Default: "1h", Description: "the time between two calls; also before the first, when neither time nor wait says another"}),
		Sensors: []gowanus.Sensor{
			{Name: sensorEnd, Type: "map", Description: "the last call has come to its end: when it began"},
		},
		Events:      []gowanus.EventSpec{{SensorFrom: keyStart}, {Sensor: sensorEnd}},
		PolicyEvent: func(c *gowanus.PolicyCall) (gowanus.Decision, error) { return schedule(c, true) },
	}
}

// plan is what these policies remember.
type plan struct {
	Running bool        `json:"running,omitempty"` // the start sensor has been true
	Due     []time.Time `json:"due,omitempty"`     // the calls that are outstanding, the soonest first
	Busy    time.Time   `json:"busy,omitzero"`     // when the periodic call began that is under way; zero when none is
}

// schedule goes on from what is remembered.
func schedule(c *gowanus.PolicyCall, again bool) (gowanus.Decision, error) {
	var p plan
	if err := c.Recall(&p); err != nil {
		return gowanus.Decision{}, err
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	period, err := c.Config.Duration(keyPeriod, time.Hour)
	if err == nil && again && period <= 0 {
		err = &gowanus.Error{Kind: "invalid", At: keyPeriod, Message: "period: expected a duration above 0, got " + period.String()}
	}
	if err == nil {
		err = p.hear(c, now, again, period)
	}
	if err != nil {
		return gowanus.Decision{}, err
	}
	var d gowanus.Decision
	called := 0
	for len(p.Due) > 0 && !p.Due[0].After(now) {
		at := p.Due[0]
		p.Due = p.Due[1:]
		called++
		if again { // those that were missed are not made up for
			missed := now.Sub(at) / period
			p.add(at.Add((missed + 1) * period))
		}
	}
	enabled := c.Config.String(keyEnabled)
	switch {
	case called == 0 || enabled != "" && c.Sensor(enabled) != true:
	case !again:
		for range called {
			d.Steps = append(d.Steps, call(c))
		}
	case p.Busy.IsZero() || now.Sub(p.Busy) > lost: // else the one before is not over
		p.Busy = now
		step := call(c)
		step.Input["lenient"] = true // so that its end is told in any case
		d.Steps = []gowanus.Step{step, {Step: "set-sensor", Input: map[string]any{
			"sensor": sensorEnd, "value": map[string]any{"began": now.Format(time.RFC3339Nano)},
		}}}
	}
	if len(p.Due) > 0 {
		d.WakeAfter = p.Due[0].Sub(now).String()
	}
	d.State = gowanus.State(p)
	return d, nil
}

// hear notes what an event asks for. Before the start sensor has been true
// nothing counts.
func (p *plan) hear(c *gowanus.PolicyCall, now time.Time, again bool, period time.Duration) error {
	e := c.Event
	if e == nil || e.Source.ID != c.Entity.ID {
		return nil
	}
	start := c.Config.String(keyStart)
	if start == "" {
		start = "service.isUp"
	}
	if e.Sensor == start && e.Value == true && !p.Running {
		p.Running = true
		first, wanted, err := first(c, now, again, period)
		if wanted && err == nil {
			p.add(first)
		}
		return err
	}
	if e.Sensor == sensorEnd {
		if v, _ := e.Value.(map[string]any); v["began"] == p.Busy.Format(time.RFC3339Nano) {
			p.Busy = time.Time{}
		}
	}
	if again || !p.Running {
		return nil
	}
	switch e.Sensor {
	case sensorNow:
		if e.Value == true {
			p.add(now)
		}
	case sensorAt:
		text, _ := e.Value.(string)
		if text == "" {
			return nil
		}
		at, err := when(text, now, sensorAt)
		if err == nil {
			p.add(at)
		}
		return err
	}
	return nil
}

// first gives when the effector is called first, if config says so.
func first(c *gowanus.PolicyCall, now time.Time, again bool, period time.Duration) (at time.Time, wanted bool, err error) {
	if text := c.Config.String(keyTime); text != "" {
		at, err = when(text, now, keyTime)
		return at, true, err
	}
	if c.Config.Has(keyWait) {
		wait, err := c.Config.Duration(keyWait, 0)
		return now.Add(wait), true, err
	}
	return now.Add(period), again, nil
}

// add puts a call in its place.
func (p *plan) add(at time.Time) {
	i, _ := slices.BinarySearchFunc(p.Due, at, func(a, b time.Time) int {
		if a.After(b) {
			return 1
		}
		return -1 // of equal ones the later asked for comes last
	})
	if len(p.Due) < maxScheduled {
		p.Due = slices.Insert(p.Due, i, at)
	}
}

func call(c *gowanus.PolicyCall) gowanus.Step {
	in := map[string]any{"effector": c.Config.String(keyEffector)}
	if args := c.Config.Map(keyArgs); args != nil {
		in["args"] = map[string]any(args)
	}
	return gowanus.Step{Step: "invoke-effector", Input: in}
}

// when reads a time: HH:mm:ss is that of today, or of tomorrow if it has
// passed; a number counts seconds since 1970.
func when(text string, now time.Time, key string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "now") || strings.EqualFold(text, "immediately") {
		return now, nil
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			y, m, d := now.UTC().Date()
			at := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
			if at.Before(now) {
				at = at.AddDate(0, 0, 1)
			}
			return at, nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 && n < 1<<40 {
		return time.Unix(n, 0).UTC(), nil
	}
	return now, &gowanus.Error{Kind: "invalid", At: key, Message: key + `: expected a time such as "18:00:00", "2026-11-20T18:00:00Z" or "now", got "` + text + `"`}
}
