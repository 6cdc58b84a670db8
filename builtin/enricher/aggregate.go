package enricher

import (
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// relationKeys say whose sensors are aggregated.
func relationKeys() []hook.ConfigKey {
	return []hook.ConfigKey{
		producerKey, dupesKey, tagKey,
		key("enricher.aggregating.fromMembers", "fromMembers", "boolean", "of all members of the group"),
		key("enricher.aggregating.fromChildren", "fromChildren", "boolean", "of all children"),
		key("enricher.aggregating.fromHardcodedProducers", "fromHardcodedProducers", "any", "of these entities"),
		key("enricher.aggregating.entityFilter", "entityFilter", "raw", "a predicate that an entity must pass to count"),
		key("enricher.aggregating.valueFilter", "valueFilter", "raw", "a predicate that a value must pass to count"),
		withDefault(key("enricher.aggregator.excludeBlank", "excludeBlank", "boolean", "leaves out null and empty values"), false),
		key("enricher.defaultMemberValue", "defaultMemberValue", "any", "stands for the value of one that has none"),
	}
}

func aggregator() *catalog.Type {
	return required(stock("Aggregator", "aggregator", "makes one value of a sensor of all members or children", aggregate,
		slices.Concat(relationKeys(), []hook.ConfigKey{
			sourceKey, targetKey,
			key("enricher.transformation", "transformation", "any", "average, sum, min, max, isQuorate, list or first; list when absent"),
			key("enricher.transformation.untyped", "transformation.untyped", "any", "the same"),
			key("quorum.check.type", "", "string", "for isQuorate: all, allAndAtLeastOne, atLeastOne, atLeastOneUnlessEmpty, alwaysTrue"),
			key("quorum.total.size", "", "integer", "for isQuorate: how many there should be"),
		})...), sourceKey.Name, targetKey.Name)
}

func mapAggregator() *catalog.Type {
	return required(stock("MapAggregator", "map-aggregator", "makes a map from two sensors of all members or children: keys and values", aggregateMap,
		slices.Concat(relationKeys(), []hook.ConfigKey{
			targetKey, key("enricher.keySensor", "keySensor", "any", "the sensor with the key"), key("enricher.valueSensor", "valueSensor", "any", "the sensor with the value"),
		})...), targetKey.Name, "enricher.keySensor", "enricher.valueSensor")
}

// among gives whose sensors count, and what tells when that changes.
func (s *setup) among() (of func() []*entity.Entity, watch func(changed func())) {
	producer := s.producer()
	if list, ok := s.value("enricher.aggregating.fromHardcodedProducers").([]any); ok {
		var fixed []*entity.Entity
		for _, item := range list {
			e, ok := item.(*entity.Entity)
			if !ok {
				s.fail("enricher.aggregating.fromHardcodedProducers: expected entities, not %v", item)
				continue
			}
			fixed = append(fixed, e)
		}
		return func() []*entity.Entity { return fixed }, func(func()) {}
	}
	members := isGroup(producer)
	switch {
	case s.yes("enricher.aggregating.fromMembers"):
		members = true
	case s.yes("enricher.aggregating.fromChildren"):
		members = false
	}
	filter := s.filter("enricher.aggregating.entityFilter")
	of = func() []*entity.Entity {
		all := producer.Children()
		if members {
			all = producer.Members()
		}
		return slices.DeleteFunc(all, func(e *entity.Entity) bool { return !filter(s.ctx, e) })
	}
	watch = func(changed func()) {
		deliver := func(event.Event) { changed() }
		if members {
			s.h.Listen(producer, entity.Members, deliver)
			return
		}
		s.h.Listen(producer, entity.ChildAdded, deliver)
		s.h.Listen(producer, entity.ChildRemoved, deliver)
	}
	return of, watch
}

func aggregate(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	source, target := s.sensor("enricher.sourceSensor"), s.sensor("enricher.targetSensor")
	of, watch := s.among()
	valueFilter, absent := s.filter("enricher.aggregating.valueFilter"), s.value("enricher.defaultMemberValue")
	blank := s.yes("enricher.aggregator.excludeBlank")
	publish := s.publisher(target)
	combine := s.combination()
	if s.err != nil {
		return s.err
	}
	r := &relatives{h: h, sensor: source, of: of}
	compute := func() {
		values := make([]any, 0, len(r.all))
		for _, e := range r.all {
			v := read(e, source)
			if v == nil {
				v = absent
			}
			if blank && (v == nil || v == "") || !valueFilter(ctx, v) {
				continue
			}
			values = append(values, v)
		}
		publish(combine(values))
	}
	r.event = func(event.Event) { compute() }
	watch(func() { r.refresh(); compute() })
	r.refresh()
	compute()
	return nil
}

// combination gives the function that the config names.
func (s *setup) combination() func(values []any) any {
	for _, key := range []string{"enricher.transformation", "enricher.transformation.untyped"} {
		word, _ := s.value(key).(string)
		switch word {
		case "":
			continue
		case "isQuorate":
			return s.quorum()
		}
		if f := named(word); f != nil {
			return f
		}
		s.fail("%s: unknown transformation %q; expected one of %s", key, word, strings.Join(words, ", "))
	}
	return list
}

func aggregateMap(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	keys, values, target := s.sensor("enricher.keySensor"), s.sensor("enricher.valueSensor"), s.sensor("enricher.targetSensor")
	of, watch := s.among()
	publish := s.publisher(target)
	if s.err != nil {
		return s.err
	}
	compute := func() {
		out := map[string]any{}
		for _, e := range of() {
			k, v := text(read(e, keys)), read(e, values)
			if k != "" && v != nil {
				out[k] = v
			}
		}
		publish(out)
	}
	byKey := &relatives{h: h, sensor: keys, of: of, event: func(event.Event) { compute() }}
	byValue := &relatives{h: h, sensor: values, of: of, event: func(event.Event) { compute() }}
	refresh := func() {
		byKey.refresh()
		byValue.refresh()
		compute()
	}
	watch(refresh)
	refresh()
	return nil
}

// quorum gives the check of how many values are true.
func (s *setup) quorum() func(values []any) any {
	word := s.text("quorum.check.type")
	total, fixed := s.value("quorum.total.size").(int64)
	var typ any
	if word != "" {
		typ = word
	}
	check, ok := entity.Quorum(typ)
	if !ok {
		s.fail("quorum.check.type: unknown check %q; expected a number or one of %v", word, entity.Quorums())
		return list
	}
	return func(values []any) any {
		up, size := 0, len(values)
		for _, v := range values {
			if truthy(v) {
				up++
			}
		}
		if fixed {
			size = int(total)
		}
		return check(up, size)
	}
}
