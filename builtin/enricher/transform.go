package enricher

import (
	"context"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

func transformer() *catalog.Type {
	return together(stock("Transformer", "transformer", "maps the value of a sensor, or computes an expression at each of its events",
		transform, producerKey, sourceKey, targetKey, triggersKey, dupesKey, tagKey,
		key("enricher.targetValue", "targetValue", "any", "an expression, computed anew at each event"),
		key("enricher.transformation", "transformation", "any", "a function of the value, such as function.regexReplacement"),
		key("enricher.transformation.fromevent", "transformationFromEvent", "any", "the same, of the event"),
		key("enricher.targetType", "targetType", "string", "what the value is coerced to"),
		key("allowCyclicPublishing", "", "boolean", "lets source and target be one sensor")),
		func(config map[string]any) string {
			switch {
			case config[sourceKey.Name] == nil && config[triggersKey.Name] == nil:
				return "enricher.sourceSensor or enricher.triggerSensors is required"
			case config[targetKey.Name] == nil && (config[sourceKey.Name] == nil || config[producerKey.Name] == nil):
				return "enricher.targetSensor is required, unless a sensor of another enricher.producer keeps its name"
			}
			return ""
		})
}

func transform(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	producer, target := s.producer(), s.optional("enricher.targetSensor")
	source, triggers := s.optional("enricher.sourceSensor"), s.sensors("enricher.triggerSensors")
	if target == "" && producer != h.Entity() {
		target = source
	}
	typ, publish := s.text("enricher.targetType"), s.publisher(target)
	cyclic := s.yes("allowCyclicPublishing")
	apply, err := s.mapping()
	switch {
	case s.err != nil:
		return s.err
	case err != nil:
		return err
	case target == "":
		return fault.New(fault.Invalid, "enricher.targetSensor is required")
	case source == "" && len(triggers) == 0:
		return fault.New(fault.Invalid, "enricher.sourceSensor or enricher.triggerSensors is required")
	case source == target && producer == h.Entity() && !cyclic:
		return fault.New(fault.Invalid, "the source and the target are both sensor %s; set allowCyclicPublishing if that is wanted", target)
	}
	compute := func(event.Event) {
		var in any
		if source != "" {
			in = read(producer, source)
		}
		v, ok, err := apply(in)
		if err == nil && ok && typ != "" && v != nil {
			v, err = coerce.To(typ, v)
		}
		if err != nil || !ok {
			return // there is no value for this one; the next may be better
		}
		publish(v)
	}
	if source != "" {
		triggers = append(triggers, source)
	}
	present := false
	for _, sensor := range triggers {
		h.Listen(producer, sensor, compute)
		if _, ok := producer.Sensor(sensor); ok {
			present = true
		}
	}
	if present {
		compute(event.Event{})
	}
	return nil
}

// mapping gives what makes the target's value of the source's; ok is false
// while something that it refers to is not there.
func (s *setup) mapping() (func(v any) (out any, ok bool, err error), error) {
	if s.has("enricher.targetValue") {
		return func(any) (any, bool, error) { return s.h.Now(context.Background(), "enricher.targetValue") }, nil
	}
	for _, key := range []string{"enricher.transformation", "enricher.transformation.fromevent"} {
		switch f := s.value(key).(type) {
		case nil:
		case expr.Replacement:
			return replacing(f), nil
		case string:
			if fn := named(f); fn != nil {
				return func(v any) (any, bool, error) { return fn([]any{v}), true, nil }, nil
			}
			return nil, fault.New(fault.Invalid, "%s: unknown transformation %q", key, f)
		default:
			return nil, fault.New(fault.Invalid, "%s: expected a function, not %v", key, f)
		}
	}
	return func(v any) (any, bool, error) { return v, true, nil }, nil
}

// has tells whether a key is set, without waiting for its value.
func (s *setup) has(key string) bool {
	v, ok, err := s.h.Now(s.ctx, key)
	return v != nil || !ok || err != nil
}

func replacing(f expr.Replacement) func(v any) (any, bool, error) {
	return func(v any) (any, bool, error) {
		if v == nil {
			return nil, true, nil
		}
		text, err := coerce.To("string", v)
		if err != nil {
			return nil, false, err
		}
		out, err := f.Apply(context.Background(), text.(string), expr.Limits{})
		return out, err == nil, err
	}
}

func propagator() *catalog.Type {
	return together(stock("Propagator", "propagator", "publishes the sensors of another entity as its own", propagate,
		producerKey, dupesKey, tagKey,
		key("enricher.propagating.sensorMapping", "sensorMapping", "any", "source sensors with the sensors that they are published as"),
		key("enricher.propagating.inclusions", "propagating", "any", "sensors that are published under their own names"),
		key("enricher.propagating.propagatingAll", "propagatingAll", "boolean", "all sensors are"),
		key("enricher.propagating.propagatingAllBut", "propagatingAllBut", "any", "all sensors are but these")),
		func(config map[string]any) string {
			for _, name := range []string{"sensorMapping", "inclusions", "propagatingAll", "propagatingAllBut"} {
				if config["enricher.propagating."+name] != nil {
					return ""
				}
			}
			return needsSensors
		})
}

const needsSensors = "a Propagator needs sensorMapping, inclusions, propagatingAll or propagatingAllBut"

func propagate(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	producer := s.producer()
	renamed := map[string]string{}
	mapping, _ := s.value("enricher.propagating.sensorMapping").(map[string]any)
	for from, to := range mapping {
		name, ok := sensorName(to)
		if !ok {
			s.fail("enricher.propagating.sensorMapping: expected the name of a sensor for %s, not %v", from, to)
		}
		renamed[from] = name
	}
	for _, name := range s.sensors("enricher.propagating.inclusions") {
		renamed[name] = name
	}
	but := s.sensors("enricher.propagating.propagatingAllBut")
	all := s.yes("enricher.propagating.propagatingAll") || but != nil
	publish := s.h.Publish
	if !s.yes("enricher.suppressDuplicates") {
		publish = s.h.Republish
	}
	switch {
	case s.err != nil:
		return s.err
	case len(renamed) == 0 && !all:
		return fault.New(fault.Invalid, needsSensors)
	case producer == h.Entity() && all:
		return fault.New(fault.Invalid, "enricher.producer must be another entity when all sensors are propagated")
	}
	for _, name := range but {
		renamed[name] = ""
	}
	copyOne := func(sensor string) {
		to, listed := renamed[sensor]
		switch {
		case listed && to == "" || !listed && (!all || lifecycleSensor[sensor]):
		case listed:
			publish(to, read(producer, sensor))
		default:
			publish(sensor, read(producer, sensor))
		}
	}
	deliver := func(ev event.Event) { copyOne(ev.Sensor) }
	if all {
		h.Listen(producer, "", deliver)
	} else {
		for from := range renamed {
			h.Listen(producer, from, deliver)
		}
	}
	for sensor := range producer.Sensors() {
		copyOne(sensor)
	}
	return nil
}

// lifecycleSensor are the sensors that an entity derives from its own life;
// another's would contradict it.
var lifecycleSensor = map[string]bool{
	"service.isUp": true, "service.state": true, "service.state.expected": true,
	"service.notUp.indicators": true, "service.problems": true,
	"entity.children.added": true, "entity.children.removed": true, "group.members": true, "group.members.count": true,
}

func propagateToMembers() *catalog.Type {
	return required(stock("PropagateToMembers", "propagate-to-members", "publishes sensors of a group on all of its members", toMembers,
		key("enricher.propagating.inclusions", "propagating", "any", "the sensors"), tagKey), "enricher.propagating.inclusions")
}

func toMembers(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	sensors := s.sensors("enricher.propagating.inclusions")
	if s.err == nil && len(sensors) == 0 {
		s.fail("enricher.propagating.inclusions is required")
	}
	if s.err != nil {
		return s.err
	}
	spread := func(event.Event) {
		for _, member := range membersOf(h.Entity()) {
			for _, sensor := range sensors {
				if v, ok := h.Entity().Sensor(sensor); ok {
					member.SetNew(sensor, v)
				}
			}
		}
	}
	for _, sensor := range sensors {
		h.Listen(h.Entity(), sensor, spread)
	}
	watchFamily(h, isGroup(h.Entity()), func() { spread(event.Event{}) })
	spread(event.Event{})
	return nil
}
