package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	keyMovePeriod = "minPeriodBetweenExecs"
	keyMove       = "move.effector"
	keyMostMoves  = "move.max"

	sensorMoved = "balancing.moved"
)

// mover is what a policy that moves items remembers.
type mover struct {
	Since time.Time `json:"since,omitzero"`  // when the moves began that are on their way; zero when none are
	Last  time.Time `json:"last,omitzero"`   // when it moved something last
	Plan  string    `json:"plan,omitempty"`  // what it moved last
	Tries int       `json:"tries,omitempty"` // how often that was tried again
	Told  string    `json:"told,omitempty"`  // "hot", "cold" or "": what was told of the pool last
}

// container is what holds items.
type container struct {
	gowanus.Ref
	items     []item
	load      float64 // of all items
	low, high float64
	place     string
}

// item is what can be moved.
type item struct {
	id     string
	rate   float64
	demand map[string]float64 // by place
}

// move is one item on its way.
type move struct{ item, to string }

// moverKeys are the config keys of policies that move items.
func moverKeys(items string, more ...gowanus.ConfigKey) []gowanus.ConfigKey {
	return append([]gowanus.ConfigKey{
		{Name: keyMovePeriod, Type: "duration", Default: "100ms", Description: "the least time between two rounds of moves"},
		{Name: keyMove, Type: "string", Default: "move", Description: "the effector of an item that moves it; its argument container is where to"},
		{Name: keyMostMoves, Type: "integer", Default: 10, Description: "items that are moved at once"},
		{Name: keyItems, Type: "string", Default: items, Description: "the sensor of a container with its items"},
	}, more...)
}

const keyItems = "items.sensor"

// moverEvents are what such policies listen to: the containers are the members
// of the entity if it is a group, else its children.
func moverEvents() []gowanus.EventSpec {
	return []gowanus.EventSpec{
		{SensorFrom: keyItems, Of: "members"}, {SensorFrom: keyItems, Of: "children"}, {Of: "members"}, {Of: "children"}, {Sensor: sensorMoved},
	}
}

// containers reads the containers with their items.
func containers(c *gowanus.PolicyCall, read func(gowanus.Values, *container)) []*container {
	of := "children"
	if c.Entity.Sensors.Has("group.members") {
		of = "members"
	}
	var out []*container
	for i := range c.Related {
		if r := &c.Related[i]; r.Of == of {
			one := &container{Ref: r.Ref}
			read(r.Config, one)
			one.items = itemsOf(r.Sensors[c.Config.String(keyItems)])
			for _, it := range one.items {
				one.load += it.rate
			}
			out = append(out, one)
		}
	}
	return out
}

// itemsOf reads items: a map of ids to a rate, or to rates by place.
func itemsOf(v any) []item {
	m, _ := v.(map[string]any)
	var out []item
	for id, value := range m {
		it := item{id: id}
		if rate, ok := number(value); ok {
			it.rate = rate
		}
		if places, ok := value.(map[string]any); ok {
			it.demand = map[string]float64{}
			for place, v := range places {
				rate, _ := number(v)
				it.demand[place] = rate
				it.rate += rate
			}
		}
		out = append(out, it)
	}
	slices.SortFunc(out, func(a, b item) int { return cmp.Or(-cmp.Compare(a.rate, b.rate), cmp.Compare(a.id, b.id)) })
	return out
}

// shift takes an item from one container to another.
func shift(from, to *container, i int) move {
	it := from.items[i]
	from.items = slices.Delete(from.items, i, i+1)
	to.items = append(to.items, it)
	from.load, to.load = from.load-it.rate, to.load+it.rate
	return move{it.id, to.ID}
}

// moving is one call of a policy that moves items: plan is asked for moves
// when none are on their way and enough time has passed.
func moving(c *gowanus.PolicyCall, plan func(m *mover, most int, d *gowanus.Decision) []move) (gowanus.Decision, error) {
	var m mover
	if err := c.Recall(&m); err != nil {
		return gowanus.Decision{}, err
	}
	now, err := c.Time()
	if err != nil {
		return gowanus.Decision{}, err
	}
	period, err := c.Config.Duration(keyMovePeriod, 100*time.Millisecond)
	if err != nil {
		return gowanus.Decision{}, err
	}
	if e := c.Event; e != nil && e.Sensor == sensorMoved && e.Source.ID == c.Entity.ID {
		if v, _ := e.Value.(map[string]any); v["began"] == m.Since.Format(time.RFC3339Nano) {
			m.Since = time.Time{}
		}
	}
	var d gowanus.Decision
	wait := m.Last.Add(period).Sub(now)
	switch lost := m.Since.Add(patience).Sub(now); {
	case !m.Since.IsZero() && lost > 0:
		d.WakeAfter = lost.String()
	case wait > 0:
		d.WakeAfter = wait.String()
	default:
		most := 10
		if c.Config.Has(keyMostMoves) {
			most = int(c.Config.Int(keyMostMoves))
		}
		m.Since = time.Time{}
		moves := plan(&m, most, &d)
		if rest := m.rest(moves, now); rest > 0 {
			d.WakeAfter = rest.String()
		} else if len(moves) > 0 {
			m.Since, m.Last = now, now
			d.Steps, d.WakeAfter = steps(c, moves, now), patience.String()
		}
	}
	d.State = gowanus.State(m)
	return d, nil
}

// rest tells how long moves are to wait that were tried before and did not
// help.
func (m *mover) rest(moves []move, now time.Time) time.Duration {
	var plan string
	for _, one := range moves {
		plan += one.item + " to " + one.to + "; "
	}
	if len(moves) == 0 || plan != m.Plan {
		m.Plan, m.Tries = plan, 0
		return 0
	}
	if left := m.Last.Add(min(firstBackoff<<min(m.Tries, 10), lastBackoff)).Sub(now); left > 0 {
		return left
	}
	m.Tries++
	return 0
}

// steps gives the steps of moves, one after the other. One that fails does not
// keep the others.
func steps(c *gowanus.PolicyCall, moves []move, now time.Time) []gowanus.Step {
	effector := c.Config.String(keyMove)
	if effector == "" {
		effector = "move"
	}
	var out []gowanus.Step
	for _, m := range moves {
		out = append(out, gowanus.Step{Step: "invoke-effector", Input: map[string]any{
			"entity": m.item, "effector": effector, "lenient": true,
			"args": map[string]any{"container": gowanus.EntityValue(m.to)},
		}})
	}
	return append(out, gowanus.Step{Step: "set-sensor", Input: map[string]any{
		"sensor": sensorMoved, "value": map[string]any{"items": len(moves), "began": now.Format(time.RFC3339Nano)},
	}})
}
