package entity

import (
	"cmp"
	"context"
	"reflect"
	"time"

	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Reading is a sensor's value and when it was published. No two publications
// of one entity have the same time, and later ones have later times.
type Reading struct {
	Value any       `json:"value"` // a JSON value, never nil
	Time  time.Time `json:"time"`
}

// Sensor gives the value of a sensor, and whether it has one.
func (e *Entity) Sensor(name string) (any, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.sensors[name]
	return r.Value, ok
}

// Cleared tells whether a sensor had a value since the server started, and has
// none now.
func (e *Entity) Cleared(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, was := e.cleared[name]
	_, is := e.sensors[name]
	return was && !is
}

// Set publishes a sensor value, also when it is the same as before; nil
// clears the sensor. The value is kept as a document (see Document) and must
// not be changed afterwards.
func (e *Entity) Set(name string, value any) { e.Update(map[string]any{name: value}) }

// SetNew publishes a sensor value unless it is the present one; nil clears the
// sensor.
func (e *Entity) SetNew(name string, value any) {
	value = Document(value)
	var c change
	e.mu.Lock()
	if !e.gone && c.setIfNew(e, name, value) {
		c.derive(e)
	}
	e.mu.Unlock()
	c.deliver()
}

// Update publishes several sensor values as one change: none is seen before
// all are there, and the service state is derived once.
func (e *Entity) Update(values map[string]any) {
	if len(values) == 0 {
		return
	}
	var c change
	e.mu.Lock()
	if !e.gone {
		for name, value := range values {
			c.set(e, name, Document(value))
		}
		c.derive(e)
	}
	e.mu.Unlock()
	c.deliver()
}

// Modify replaces a sensor's value by what fn makes of the present one (nil
// when there is none), with no other change in between.
func (e *Entity) Modify(name string, fn func(old any) any) {
	var c change
	e.mu.Lock()
	if !e.gone {
		c.set(e, name, Document(fn(e.sensors[name].Value)))
		c.derive(e)
	}
	e.mu.Unlock()
	c.deliver()
}

// ModifyNew is Modify that publishes only what differs from the present value.
func (e *Entity) ModifyNew(name string, fn func(old any) any) {
	var c change
	e.mu.Lock()
	if !e.gone && c.setIfNew(e, name, Document(fn(e.sensors[name].Value))) {
		c.derive(e)
	}
	e.mu.Unlock()
	c.deliver()
}

// Subscribe delivers every later event of a sensor, or of all sensors when
// the name is empty; see package event for what can be relied on.
func (e *Entity) Subscribe(sensor string, deliver func(event.Event)) *event.Subscription {
	return e.topic.Subscribe(sensor, deliver)
}

// change collects what one publication writes and whom it concerns. Its steps
// run under the entity's lock, and its parents' where the state goes up.
type change struct {
	stateful bool // a sensor that the service state follows from was set
	touched  []*Entity
	at       time.Time
}

// set records a value; the caller holds e.mu.
func (c *change) set(e *Entity, name string, value any) {
	if c.at.IsZero() {
		c.at = time.Now().UTC()
	}
	at := c.at
	if !at.After(e.last) { // also when the clock was set back
		at = e.last.Add(1)
	}
	e.last = at
	key := string(e.rec.ID) + "/" + name
	var b store.Batch
	if value == nil {
		if _, had := e.sensors[name]; !had {
			return
		}
		delete(e.sensors, name)
		if e.cleared == nil {
			e.cleared = map[string]struct{}{}
		}
		e.cleared[name] = struct{}{}
		b.Delete(sensorBucket, key)
	} else {
		if e.sensors == nil {
			e.sensors = map[string]Reading{}
		}
		r := Reading{Value: value, Time: at}
		e.sensors[name] = r
		if text, err := coerce.Encode(r); err == nil {
			b.Put(sensorBucket, key, text)
		} else {
			b.Delete(sensorBucket, key) // it lasts until the server stops
		}
	}
	switch name {
	case ServiceUp, ServiceExpected, ServiceProblems:
		c.stateful = true
	}
	if len(c.touched) == 0 || c.touched[len(c.touched)-1] != e {
		c.touched = append(c.touched, e)
	}
	e.topic.Enqueue(event.Event{Source: string(e.rec.ID), Sensor: name, Value: value, Time: at})
	// Under the lock, so that the store sees changes in the order of events.
	e.tree.store.Enqueue(&b)
	if m, ok := value.(map[string]any); ok && name == NotUpIndicators {
		c.setIfNew(e, ServiceUp, len(m) == 0)
	}
}

// setIfNew records a derived value when it differs from the present one.
func (c *change) setIfNew(e *Entity, name string, value any) bool {
	if old, had := e.sensors[name]; had && reflect.DeepEqual(old.Value, value) || !had && value == nil {
		return false
	}
	c.set(e, name, value)
	return true
}

// deliver lets the events out, with no lock held.
func (c *change) deliver() {
	for _, e := range c.touched {
		e.topic.Drain()
	}
}

// PublishStatic resolves a static sensor, which may wait until ctx ends, and
// publishes it.
func (e *Entity) PublishStatic(ctx context.Context, s StaticSensor) error {
	v, err := e.EvaluateIn(ctx, s.Value, s.Scope)
	typ := s.Type
	switch v.(type) {
	case bool, int64, float64:
		typ = cmp.Or(typ, "string") // text when nothing is said, as in Brooklyn
	}
	if err == nil && typ != "" {
		v, err = coerce.To(typ, v)
	}
	if err != nil {
		return fault.Wrap(err, "publish sensor "+s.Name+" of", e.Name())
	}
	e.Set(s.Name, v)
	return nil
}
