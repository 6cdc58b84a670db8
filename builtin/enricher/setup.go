package enricher

import (
	"context"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// setup reads the config of an enricher; the first problem stays in err, and
// what is read after it is empty.
type setup struct {
	ctx context.Context
	h   catalog.EnricherHost
	err error
}

func begin(ctx context.Context, h catalog.EnricherHost) *setup { return &setup{ctx: ctx, h: h} }

func (s *setup) value(key string) any {
	if s.err != nil {
		return nil
	}
	v, err := s.h.Config(s.ctx, key)
	s.err = err
	return v
}

func (s *setup) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fault.New(fault.Invalid, format, args...)
	}
}

// entity reads a key that holds an entity; fallback is for none.
func (s *setup) entity(key string, fallback *entity.Entity) *entity.Entity {
	v := s.value(key)
	if v == nil {
		return fallback
	}
	e, ok := v.(*entity.Entity)
	if !ok {
		s.fail("%s: expected an entity, not %v", key, v)
	}
	return e
}

func (s *setup) producer() *entity.Entity { return s.entity("enricher.producer", s.h.Entity()) }

// sensorName gives the name of a sensor from what a blueprint may write for
// one: a name, sensor("name"), or a map with a name.
func sensorName(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, x != ""
	case expr.Sensor:
		return x.Name, true
	case map[string]any:
		name, ok := x["name"].(string)
		return name, ok
	}
	return "", false
}

// sensor reads a key that must hold a sensor.
func (s *setup) sensor(key string) string {
	v := s.value(key)
	name, ok := sensorName(v)
	switch {
	case v == nil:
		s.fail("%s is required", key)
	case !ok:
		s.fail("%s: expected the name of a sensor, not %v", key, v)
	}
	return name
}

// optional reads a key that may hold a sensor, "" for none.
func (s *setup) optional(key string) string {
	v := s.value(key)
	if v == nil {
		return ""
	}
	name, ok := sensorName(v)
	if !ok {
		s.fail("%s: expected the name of a sensor, not %v", key, v)
	}
	return name
}

// sensors reads a key that holds a list of sensors, or one.
func (s *setup) sensors(key string) []string {
	v := s.value(key)
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		name, ok := sensorName(item)
		if !ok {
			s.fail("%s: expected names of sensors, not %v", key, item)
		}
		out = append(out, name)
	}
	return out
}

func (s *setup) yes(key string) bool {
	b, _ := s.value(key).(bool)
	return b
}

func (s *setup) text(key string) string {
	v := s.value(key)
	if v == nil {
		return ""
	}
	out, err := coerce.To("string", v)
	if err != nil {
		s.fail("%s: %w", key, err)
	}
	text, _ := out.(string)
	return text
}

// publisher gives what publishes the target sensor.
func (s *setup) publisher(target string) func(v any) {
	if s.yes("enricher.suppressDuplicates") {
		return func(v any) { s.h.Publish(target, v) }
	}
	return func(v any) { s.h.Republish(target, v) }
}

// read gives a sensor's value, nil for none.
func read(e *entity.Entity, sensor string) any {
	v, _ := e.Sensor(sensor)
	return v
}
