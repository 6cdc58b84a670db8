package entity

import (
	"maps"
	"reflect"
	"time"

	"github.com/gowanus-project/gowanus/engine/event"
)

// The sensors of the service state, in Brooklyn's names.
const (
	ServiceUp         = "service.isUp"
	ServiceState      = "service.state"
	ServiceExpected   = "service.state.expected"
	NotUpIndicators   = "service.notUp.indicators"
	ServiceProblems   = "service.problems"
	notStarted        = "service.lifecycle.not-started"
	childrenIndicator = "service.lifecycle.children"
)

// Events of a parent about its children. They are no sensors: the value, the
// child as a document, is delivered and not kept.
const (
	ChildAdded   = "entity.children.added"
	ChildRemoved = "entity.children.removed"
)

// The values of service.state.
const (
	Created   = "created"
	Starting  = "starting"
	Running   = "running"
	Stopping  = "stopping"
	Stopped   = "stopped"
	OnFire    = "on-fire"
	Destroyed = "destroyed"
)

// State gives the value of service.state, "" when the entity has no life cycle.
func (e *Entity) State() string {
	v, _ := e.Sensor(ServiceState)
	s, _ := v.(string)
	return s
}

// Up tells whether service.isUp is true.
func (e *Entity) Up() bool {
	v, _ := e.Sensor(ServiceUp)
	return v == true
}

// Expect says where the entity's life cycle shall be. Running takes away the
// indicator that keeps it down until it was started; stopping puts it back.
func (e *Entity) Expect(state string) {
	var c change
	e.mu.Lock()
	if !e.gone {
		switch state {
		case Running:
			c.set(e, NotUpIndicators, with(e.sensors[NotUpIndicators].Value, notStarted, nil))
		case Starting:
			c.set(e, ServiceProblems, with(e.sensors[ServiceProblems].Value, "start", nil))
		case Stopping, Stopped:
			c.set(e, NotUpIndicators, with(e.sensors[NotUpIndicators].Value, notStarted, "not started"))
			c.set(e, ServiceProblems, map[string]any{})
		}
		c.set(e, ServiceExpected, state)
		c.derive(e)
	}
	e.mu.Unlock()
	c.deliver()
}

// Indicate puts an entry into service.notUp.indicators, or takes it out when
// reason is "". While there is any entry the service is not up.
func (e *Entity) Indicate(key, reason string) { e.entry(NotUpIndicators, key, reason) }

// Problem puts an entry into service.problems, or takes it out when reason is
// "". A running service with a problem is on fire.
func (e *Entity) Problem(key, reason string) { e.entry(ServiceProblems, key, reason) }

func (e *Entity) entry(sensor, key, reason string) {
	var value any
	if reason != "" {
		value = reason
	}
	var c change
	e.mu.Lock()
	if old := e.sensors[sensor].Value; !e.gone {
		if next := with(old, key, value); !reflect.DeepEqual(old, any(next)) {
			c.set(e, sensor, next)
			c.derive(e)
		}
	}
	e.mu.Unlock()
	c.deliver()
}

// with gives a copy of a map value with one key set, or removed for nil.
func with(old any, key string, value any) map[string]any {
	m, _ := old.(map[string]any)
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	if value == nil {
		delete(m, key)
	} else {
		m[key] = value
	}
	return m
}

// derive brings service.isUp and service.state in line with what they follow
// from, here and in the ancestors that aggregate. The caller holds e.mu.
//
// The rule is Brooklyn's: expected running and up is running; expected running
// and not up, or with problems, is on-fire; otherwise the state is the
// expected one.
func (c *change) derive(e *Entity) {
	if !c.stateful || !e.Declaration().Startable() {
		return
	}
	expected, _ := e.sensors[ServiceExpected].Value.(string)
	state := expected
	problems, _ := e.sensors[ServiceProblems].Value.(map[string]any)
	switch up := e.sensors[ServiceUp].Value == true; {
	case expected == "":
		state = Created
	case expected == Running && (!up || len(problems) > 0):
		state = OnFire
	}
	c.setIfNew(e, ServiceState, state)
	if p := e.Parent(); p != nil && p.Declaration().Aggregates {
		p.mu.Lock()
		if !p.gone && p.quorum.note(e, state) {
			c.quorate(p)
		}
		p.mu.Unlock()
	}
}

// quorate publishes how the children of an aggregating entity fare. The caller
// holds p.mu.
func (c *change) quorate(p *Entity) {
	c.set(p, NotUpIndicators, with(p.sensors[NotUpIndicators].Value, childrenIndicator, p.quorum.missing(p.check(UpQuorum))))
	c.set(p, ServiceProblems, with(p.sensors[ServiceProblems].Value, childrenIndicator, p.quorum.burning(p.check(RunningQuorum))))
	c.derive(p)
}

// destroyed tells those who still listen that the entity is no more.
func (e *Entity) destroyed() {
	e.topic.Enqueue(event.Event{Source: string(e.rec.ID), Sensor: ServiceState, Value: Destroyed, Time: time.Now().UTC()})
	e.topic.Drain()
}
