package gowanustest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// Enricher gives the registered module an event or a timer of an enricher.
func Enricher(c gowanus.PolicyCall) (gowanus.Decision, error) {
	return decide(gowanus.HookEnricherEvent, c)
}

// Player plays events to a policy or enricher of the registered module as an
// engine would: it keeps the state and the timer, applies the sensors, and
// time passes only when it is told to.
type Player struct {
	// Call is what each call begins with: Type, Config, Entity, Related.
	Call gowanus.PolicyCall
	// Now is the time of the next call.
	Now time.Time
	// Ask is Policy or Enricher; nil is Policy.
	Ask func(gowanus.PolicyCall) (gowanus.Decision, error)

	wakeAt time.Time
	said   []string
}

// NewPlayer makes a player of a type on an entity with the id x1.
func NewPlayer(typ string, config gowanus.Values) *Player {
	p := &Player{Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	p.Call = gowanus.PolicyCall{Type: typ, Config: config}
	p.Call.Entity = gowanus.Entity{Ref: gowanus.Ref{ID: "x1", Application: "a1", Name: "web", Type: "t"}, Sensors: gowanus.Values{}}
	return p
}

// Set gives the entity a sensor without an event.
func (p *Player) Set(sensor string, value any) { p.Call.Entity.Sensors[sensor] = value }

// Event publishes a sensor of the entity and tells the policy.
func (p *Player) Event(sensor string, value any) {
	p.Set(sensor, value)
	p.tell(&gowanus.Event{Sensor: sensor, Value: value, Source: p.Call.Entity.Ref})
}

// Of tells the policy of an event of another entity. If that is in Related,
// its sensor changes.
func (p *Player) Of(id, sensor string, value any) {
	for i := range p.Call.Related {
		if r := &p.Call.Related[i]; r.ID == id {
			r.Sensors = maps.Clone(r.Sensors)
			if r.Sensors == nil {
				r.Sensors = gowanus.Values{}
			}
			r.Sensors[sensor] = value
		}
	}
	p.tell(&gowanus.Event{Sensor: sensor, Value: value, Source: gowanus.Ref{ID: id}})
}

// Change tells the policy who joined or left.
func (p *Player) Change(id, change string) {
	p.tell(&gowanus.Event{Source: gowanus.Ref{ID: id}, Change: change})
}

// Pass lets time pass; the timer fires when it is due.
func (p *Player) Pass(d time.Duration) {
	end := p.Now.Add(d)
	for !p.wakeAt.IsZero() && !p.wakeAt.After(end) {
		p.Now, p.wakeAt = p.wakeAt, time.Time{}
		p.tell(nil)
	}
	p.Now = end
}

// Asleep tells whether no timer is set.
func (p *Player) Asleep() bool { return p.wakeAt.IsZero() }

// Wakes tells in how long the timer fires.
func (p *Player) Wakes() time.Duration { return p.wakeAt.Sub(p.Now) }

// Said gives what was decided since the last Said, a word for each sensor and
// step: "name=value", "step key=value …", or the error.
func (p *Player) Said() string {
	out := strings.Join(p.said, "; ")
	p.said = nil
	return out
}

func (p *Player) tell(e *gowanus.Event) {
	c := p.Call
	c.Now, c.Event, c.Timer = p.Now.Format(time.RFC3339Nano), e, e == nil
	ask := p.Ask
	if ask == nil {
		ask = Policy
	}
	d, err := ask(c)
	if err != nil {
		p.said = append(p.said, "error "+err.Error())
		return
	}
	if len(d.State) > 0 {
		p.Call.State = d.State
	}
	if d.WakeAfter != "" {
		after, ok := gowanus.ParseDuration(d.WakeAfter)
		if !ok || after <= 0 {
			p.said = append(p.said, "error wakeAfter "+d.WakeAfter)
			return
		}
		p.wakeAt = p.Now.Add(after)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Sensors)) {
		if p.Set(name, d.Sensors[name]); d.Sensors[name] == nil {
			delete(p.Call.Entity.Sensors, name)
		}
		p.said = append(p.said, fmt.Sprintf("%s=%v", name, d.Sensors[name]))
	}
	for _, s := range d.Steps {
		words := []string{s.Step}
		for _, key := range slices.Sorted(maps.Keys(s.Input)) {
			words = append(words, fmt.Sprintf("%s=%v", key, s.Input[key]))
		}
		p.said = append(p.said, strings.Join(words, " "))
	}
}
