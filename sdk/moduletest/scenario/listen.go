package scenario

import (
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// event changes what the event tells of, and gives it to the policy or
// enricher, if that listens to it.
func (p *play) event(ctx context.Context, e *event) (answer, error) {
	source := p.w.own
	if e.source != "" {
		var err error
		if source, err = p.w.find(e.source, e.pos); err != nil {
			return answer{}, err
		}
	}
	if e.change != "" {
		return p.change(ctx, e, source)
	}
	value, err := p.w.refer(e.value, e.pos)
	if err != nil {
		return answer{}, err
	}
	var heard []string
	for i, spec := range p.t.Events {
		sensors := p.sensors(spec)
		if !slices.Contains(p.w.of(spec.Of, p.config), source) {
			continue
		}
		if heard = append(heard, sensors...); slices.Contains(sensors, e.sensor) {
			p.m.cover(p.t.Name, p.hookOf(), eventBranch(spec, i))
			source.change(map[string]any{e.sensor: value}, nil)
			said := p.listen(ctx, &hook.Event{Sensor: e.sensor, Value: value, Source: source.ref()})
			return answer{what: "event " + e.sensor, said: said}, nil
		}
	}
	hint := nearest.Hint(e.sensor, heard)
	if hint == "" {
		hint = "; it listens to " + listOf(heard)
	}
	return answer{}, at(e.pos, "%s does not listen to sensor %s of entity %s%s", p.t.Name, e.sensor, source.id, hint)
}

// change lets an entity join or leave: the members or the children, by what the
// event says, what it is already, and what the type listens to.
func (p *play) change(ctx context.Context, e *event, source *being) (answer, error) {
	lists := map[string]*[]*being{"members": &p.w.own.members, "children": &p.w.own.children}
	i := -1
	for k, spec := range p.t.Events {
		list := lists[spec.Of]
		if spec.Sensor+spec.SensorFrom != "" || list == nil || e.of != "" && e.of != spec.Of {
			continue
		}
		if i < 0 || slices.Contains(*list, source) {
			i = k
		}
	}
	if i < 0 {
		return answer{}, at(e.pos, "%s does not listen to who joins and leaves%s", p.t.Name, map[string]string{"members": " the members", "children": " the children"}[e.of])
	}
	list := lists[p.t.Events[i].Of]
	*list = slices.DeleteFunc(slices.Clone(*list), func(b *being) bool { return b == source })
	if e.change == "joined" {
		*list = append(*list, source)
	}
	p.m.cover(p.t.Name, p.hookOf(), eventBranch(p.t.Events[i], i))
	return answer{what: source.id + " " + e.change, said: p.listen(ctx, &hook.Event{Change: e.change, Source: source.ref()})}, nil
}

// sensors gives the names of the sensors that an EventSpec names.
func (p *play) sensors(spec hook.EventSpec) []string {
	if spec.SensorFrom == "" {
		return []string{spec.Sensor}
	}
	triggers, err := catalog.ReadTriggers(p.config[spec.SensorFrom])
	if err != nil {
		return []string{coerce.Text(p.config[spec.SensorFrom])}
	}
	var names []string
	for _, t := range triggers {
		names = append(names, t.Sensor)
	}
	return names
}

// listen gives an event, or without one a timer, to the policy or enricher.
func (p *play) listen(ctx context.Context, e *hook.Event) map[string]any {
	c := &hook.PolicyCall{
		Type: p.t.Name, Config: p.config, Entity: p.entity(map[string]any{}), Related: p.w.related(p.t.Related, p.config),
		Event: e, Timer: e == nil, State: p.state, Now: p.time(), Seed: p.s.seed,
	}
	d, err := p.t.Policy.Event(ctx, c)
	if err == nil {
		p.apply(d)
	}
	return outcome(d, err)
}

// eventBranch names one of the things that a type listens to.
func eventBranch(spec hook.EventSpec, i int) string {
	parts := []string{spec.Sensor}
	switch {
	case spec.SensorFrom != "":
		parts = []string{"sensor in " + spec.SensorFrom}
	case spec.Sensor == "":
		parts = []string{"joined or left"}
	}
	if spec.Of != "" {
		parts = append(parts, "of "+spec.Of)
	}
	return strings.Join(parts, " ")
}
