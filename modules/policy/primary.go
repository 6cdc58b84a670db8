package main

import (
	"bytes"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyElector   = "primary.election.effector"
	keyPropagate = "propagate.primary.sensors"
)

// electors are those that are listened to, and what is read of them.
func electors() []gowanus.RelatedSpec {
	spec := gowanus.RelatedSpec{
		Sensors: []string{sensorUp, sensorState, defaultWeight, "config:" + keyWeight, "config:" + keyPropagate},
		Config:  []string{defaultWeight, "config:" + keyWeight},
	}
	members, children := spec, spec
	members.Of, children.Of = "members", "children"
	return []gowanus.RelatedSpec{members, children}
}

func electPolicy() gowanus.Type {
	// A step of an earlier decision may come late; and once the entity has started,
	// who has not will not.
	events := []gowanus.EventSpec{{Sensor: sensorProblems}, {Sensor: sensorState}}
	for _, of := range []string{"members", "children"} {
		events = append(events, gowanus.EventSpec{Of: of}, gowanus.EventSpec{Sensor: sensorUp, Of: of}, gowanus.EventSpec{Sensor: sensorState, Of: of},
			gowanus.EventSpec{SensorFrom: keyWeight, Of: of}, gowanus.EventSpec{SensorFrom: keyPropagate, Of: of})
	}
	return gowanus.Type{
		Name: "org.apache.brooklyn.policy.failover.ElectPrimaryPolicy", Kind: gowanus.KindPolicy,
		Aliases: append(names("ha", "ElectPrimaryPolicy", "elect-primary-policy"),
			"org.apache.brooklyn.policy.ha.ElectPrimaryPolicy", "brooklyn.policy.failover.ElectPrimaryPolicy"),
		Description: "elects one of several entities, promotes it and demotes the one before",
		Config: append(electionKeys(),
			gowanus.ConfigKey{Name: keyElector, Flags: []string{"primary.effector.name"}, Type: "string",
				Description: "an effector of this entity that elects, instead of what the policy does itself"},
			gowanus.ConfigKey{Name: keyPropagate, Type: "list", Description: "sensors of the primary that this entity publishes too"},
			suspendTarget()),
		Sensors: []gowanus.Sensor{{Name: "primary", Type: "entity", Description: "the one that is elected; config primary.sensor.name gives it another name"}},
		Events:  events, Related: electors(), PolicyEvent: elect,
	}
}

// open is what is remembered of an election that is not over.
type open struct {
	Since time.Time `json:"since,omitzero"`
	One   bool      `json:"one,omitempty"` // one child was made enough for the entity to be up
}

func elect(c *gowanus.PolicyCall) (gowanus.Decision, error) {
	if name := c.Config.String(keyElector); name != "" {
		args := map[string]any{}
		for _, k := range electionKeys() {
			if v := c.Config[k.Name]; v != nil {
				args[k.Name] = v
			}
		}
		return gowanus.Decision{Steps: []gowanus.Step{{Step: "invoke-effector", Input: map[string]any{"effector": name, "args": args}}}}, nil
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	var o open
	if err := c.Recall(&o); err != nil {
		return gowanus.Decision{}, err
	}
	e, err := newElection(c.Config, &c.Entity, c.Related)
	if err != nil {
		return gowanus.Decision{}, err
	}
	if o.Since.IsZero() {
		o.Since = now
	}
	winner, wait, err := e.hold(now.Sub(o.Since))
	var d gowanus.Decision
	switch {
	case err != nil: // strict mode: it stays as it was, and users see why
		problem := err.Error()
		if asMap(c.Entity.Sensors[sensorProblems])["primary"] != problem {
			d.Steps = []gowanus.Step{{Step: "set-sensor", Input: map[string]any{"sensor": sensorProblems + "['primary']", "value": problem}}}
		}
		winner = e.find(e.current)
		o.Since = time.Time{}
	case wait > 0:
		d.WakeAfter = wait.String()
		winner = e.find(e.current)
	default:
		e.result(c.Config, &c.Entity, winner, &d)
		o.Since = time.Time{}
	}
	if !o.One {
		o.One, d.Steps = true, append(oneIsEnough(), d.Steps...)
	}
	propagate(c, winner, &d)
	d.State = gowanus.State(o)
	return d, nil
}

// oneIsEnough lets the entity be up as long as one child is, unless its
// blueprint says otherwise: those that are not primary are there to fail.
func oneIsEnough() []gowanus.Step {
	var out []gowanus.Step
	for _, key := range []string{"quorum.up", "quorum.running"} {
		out = append(out, gowanus.Step{Step: "set-config", Input: map[string]any{"config": key, "value": "1", "unlessSet": true}})
	}
	return out
}

// propagate publishes sensors of the primary as the entity's own.
func propagate(c *gowanus.PolicyCall, primary *candidate, d *gowanus.Decision) {
	for _, name := range c.Config.Strings(keyPropagate) {
		var v any
		if primary != nil {
			v = primary.sensors[name]
		}
		if bytes.Equal(gowanus.State(v), gowanus.State(c.Entity.Sensors[name])) {
			continue
		}
		if d.Sensors == nil {
			d.Sensors = map[string]any{}
		}
		d.Sensors[name] = v
	}
}

func electStep() gowanus.Type {
	return gowanus.Type{
		Name: "elect-primary", Kind: gowanus.KindStep,
		Description: "elects one of several entities, promotes it and demotes the one before; the output has code, message and primary",
		Config:      electionKeys(), Related: electors(), Plan: electNow,
	}
}

// electNow is the election as a step: it waits by sleeping.
func electNow(c *gowanus.EffectorCall) (gowanus.Decision, error) {
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	o := open{Since: now}
	if c.Token != "" {
		if err := c.Recall(&o); err != nil {
			return gowanus.Decision{}, err
		}
	}
	if c.Token == "elected" {
		return gowanus.Decision{}, nil
	}
	e, err := newElection(c.Args, &c.Entity, c.Related)
	if err != nil {
		return gowanus.Decision{}, err
	}
	winner, wait, err := e.hold(now.Sub(o.Since))
	if err != nil {
		return gowanus.Decision{}, err
	}
	if wait > 0 {
		return gowanus.Decision{
			Steps: []gowanus.Step{{Step: "sleep", Input: map[string]any{"duration": min(wait, time.Second).String()}}, {Continue: "again"}},
			State: gowanus.State(o),
		}, nil
	}
	var d gowanus.Decision
	code := e.result(c.Args, &c.Entity, winner, &d)
	result := map[string]any{"code": code, "primary": nil, "message": map[string]string{
		"PRIMARY_UNCHANGED": "No change required", "NEW_PRIMARY_ELECTED": "New primary found", "NO_PRIMARY_AVAILABLE": "No primary available",
	}[code]}
	if winner != nil {
		result["primary"] = gowanus.EntityValue(winner.ID)
	}
	d.Result = result
	return d, nil
}
