package enricher

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

func joiner() *catalog.Type {
	return required(stock("Joiner", "joiner", "writes a list or a map as text", join,
		producerKey, sourceKey, targetKey, dupesKey, tagKey,
		withDefault(key("enricher.joiner.separator", "separator", "string", "between items"), ","),
		withDefault(key("enricher.joiner.keyValueSeparator", "keyValueSeparator", "string", "between a key and its value"), "="),
		withDefault(key("enricher.joiner.joinMapEntries", "joinMapEntries", "boolean", "writes keys and values of a map, not only values"), false),
		withDefault(key("enricher.joiner.quote", "quote", "boolean", "puts items into double quotes"), true),
		withDefault(key("enricher.joiner.minimum", "minimum", "integer", "fewer items give no value"), int64(0)),
		key("enricher.joiner.maximum", "maximum", "integer", "more items are left out")), sourceKey.Name, targetKey.Name)
}

func join(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	producer, source := s.producer(), s.sensor("enricher.sourceSensor")
	publish := s.publisher(s.sensor("enricher.targetSensor"))
	separator, between := s.text("enricher.joiner.separator"), s.text("enricher.joiner.keyValueSeparator")
	quote, pairs := s.yes("enricher.joiner.quote"), s.yes("enricher.joiner.joinMapEntries")
	least, _ := s.value("enricher.joiner.minimum").(int64)
	most, limited := s.value("enricher.joiner.maximum").(int64)
	if s.err != nil {
		return s.err
	}
	compute := func(event.Event) {
		items, ok := itemsOf(read(producer, source), pairs, between)
		if !ok || int64(len(items)) < least {
			publish(nil)
			return
		}
		if limited && int64(len(items)) > most {
			items = items[:most]
		}
		if quote {
			for i, item := range items {
				items[i] = quoted(item)
			}
		}
		publish(strings.Join(items, separator))
	}
	h.Listen(producer, source, compute)
	if _, ok := producer.Sensor(source); ok {
		compute(event.Event{})
	}
	return nil
}

// itemsOf gives the items of a list, or of a map in the order of its keys, as
// text; null ones are left out. ok is false for anything else.
func itemsOf(v any, pairs bool, between string) (out []string, ok bool) {
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			if item != nil {
				out = append(out, text(item))
			}
		}
		return out, true
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			switch {
			case x[k] == nil:
			case pairs:
				out = append(out, k+between+text(x[k]))
			default:
				out = append(out, text(x[k]))
			}
		}
		return out, true
	}
	return nil, false
}

// quoted puts text into double quotes as a shell understands them.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func combiner() *catalog.Type {
	return required(stock("Combiner", "combiner", "makes one value of several sensors", combine,
		producerKey, sourcesKey, targetKey, dupesKey, tagKey,
		key("enricher.transformation", "transformation", "any", "sum, average, min, max, first or list; list when absent")), sourcesKey.Name, targetKey.Name)
}

func combine(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	f := s.combination()
	return s.overSources(f)
}

// overSources publishes what a function makes of the source sensors' values.
func (s *setup) overSources(f func(values []any) any) error {
	producer, sources := s.producer(), s.sensors("enricher.sourceSensors")
	publish := s.publisher(s.sensor("enricher.targetSensor"))
	if s.err == nil && len(sources) == 0 {
		s.fail("enricher.sourceSensors is required")
	}
	if s.err != nil {
		return s.err
	}
	compute := func(event.Event) {
		values := make([]any, len(sources))
		for i, sensor := range sources {
			values[i] = read(producer, sensor)
		}
		publish(f(values))
	}
	present := false
	for _, sensor := range sources {
		s.h.Listen(producer, sensor, compute)
		if _, ok := producer.Sensor(sensor); ok {
			present = true
		}
	}
	if present {
		compute(event.Event{})
	}
	return nil
}

func reducer() *catalog.Type {
	t := required(stock("reducer.Reducer", "reducer", "makes one text of several sensors", reduce,
		producerKey, sourcesKey, targetKey, dupesKey, tagKey,
		key("enricher.reducerFunction", "reducerFunction", "any", "a function of the values"),
		key("enricher.reducerFunction.transformation", "reducerFunction.transformation", "string", "joiner or formatString"),
		key("enricher.reducerFunction.parameters", "reducerFunction.parameters", "map", "separator for joiner, format for formatString")), sourcesKey.Name, targetKey.Name)
	t.Aliases = append(t.Aliases, "org.apache.brooklyn.enricher.stock.Reducer")
	return t
}

func reduce(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	parameters, _ := s.value("enricher.reducerFunction.parameters").(map[string]any)
	switch word := s.text("enricher.reducerFunction.transformation"); word {
	case "joiner":
		separator := ", "
		if v, ok := parameters["separator"]; ok {
			separator = text(v)
		}
		return s.overSources(func(values []any) any {
			parts := make([]string, len(values))
			for i, v := range values {
				parts[i] = shown(v)
			}
			return strings.Join(parts, separator)
		})
	case "formatString":
		format, ok := parameters["format"].(string)
		if !ok {
			return fault.New(fault.Invalid, "enricher.reducerFunction.parameters needs a format")
		}
		return s.overSources(func(values []any) any {
			out, err := expr.Format(context.Background(), format, values...)
			if err != nil {
				return nil
			}
			return out
		})
	case "":
		return s.overSources(s.combination())
	default:
		return fault.New(fault.Invalid, "enricher.reducerFunction.transformation: unknown function %q; expected joiner or formatString", word)
	}
}

// shown writes a value as formatString does.
func shown(v any) string {
	if v == nil {
		return "null"
	}
	return text(v)
}

func updatingMap() *catalog.Type {
	return required(stock("UpdatingMap", "updating-map", "keeps one entry of a map sensor", update,
		producerKey, sourceKey, targetKey, dupesKey, tagKey,
		key("enricher.updatingMap.key", "key", "string", "the entry; the source sensor's name when absent"),
		key("enricher.updatingMap.computing", "computing", "any", "an expression, or a function of the source's value; its value when absent"),
		withDefault(key("enricher.updatingMap.removingIfResultIsNull", "removingIfResultIsNull", "boolean", "whether null takes the entry away"), true)), sourceKey.Name, targetKey.Name)
}

func update(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	producer, source, target := s.producer(), s.sensor("enricher.sourceSensor"), s.sensor("enricher.targetSensor")
	entry, removing := s.text("enricher.updatingMap.key"), s.yes("enricher.updatingMap.removingIfResultIsNull")
	if entry == "" {
		entry = source
	}
	replace, _ := s.value("enricher.updatingMap.computing").(expr.Replacement)
	computed := s.has("enricher.updatingMap.computing")
	if s.err != nil {
		return s.err
	}
	apply := replacing(replace)
	set := func(event.Event) {
		v, ok := read(producer, source), true
		var err error
		switch {
		case replace != (expr.Replacement{}):
			v, ok, err = apply(v)
		case computed:
			v, ok, err = h.Now(context.Background(), "enricher.updatingMap.computing")
		}
		if err != nil || !ok || v == nil && !removing {
			return
		}
		h.Entity().ModifyNew(target, func(old any) any {
			m, _ := old.(map[string]any)
			next := maps.Clone(m)
			if next == nil {
				next = map[string]any{}
			}
			if delete(next, entry); v != nil {
				next[entry] = v
			}
			return next
		})
	}
	h.Listen(producer, source, set)
	if _, ok := producer.Sensor(source); ok {
		set(event.Event{})
	}
	return nil
}

func percentage() *catalog.Type {
	t := required(stock("PercentageEnricher", "percentage", "publishes what share of a total there is, between 0 and 1", share,
		producerKey, dupesKey, tagKey,
		key("enricher.percentage.sourceCurrentSensor", "source.current.sensor", "any", "the part"),
		key("enricher.percentage.sourceTotalSensor", "source.total.sensor", "any", "the whole"),
		hook.ConfigKey{Name: "enricher.percentage.targetSensor", Flags: []string{"target.sensor"}, Type: "any", Description: "the share"}),
		"enricher.percentage.sourceCurrentSensor", "enricher.percentage.sourceTotalSensor", "enricher.percentage.targetSensor")
	for i, old := range []string{"enricher.sourceCurrentSensor", "enricher.sourceTotalSensor", "enricher.targetSensor"} {
		k := &t.Config[len(t.Config)-3+i]
		k.Flags = append(k.Flags, old)
	}
	return t
}

func share(ctx context.Context, h catalog.EnricherHost) error {
	s := begin(ctx, h)
	producer := s.producer()
	part, whole := s.sensor("enricher.percentage.sourceCurrentSensor"), s.sensor("enricher.percentage.sourceTotalSensor")
	publish := s.publisher(s.sensor("enricher.percentage.targetSensor"))
	if s.err != nil {
		return s.err
	}
	compute := func(event.Event) {
		current, ok := number(read(producer, part))
		total, ok2 := number(read(producer, whole))
		if ok && ok2 && total > 0 {
			publish(current / total)
		}
	}
	h.Listen(producer, part, compute)
	h.Listen(producer, whole, compute)
	compute(event.Event{})
	return nil
}
