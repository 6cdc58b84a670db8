package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// fromConfig begins what a description leaves to a config key.
const fromConfig = "config:"

// Events gives what a policy listens to: the sensors that its type names, or
// that its config does.
func (e policing) Events(ctx context.Context, ent *entity.Entity, r *adjunct.Record) ([]adjunct.Watch, error) {
	t, err := e.adjunctType(r)
	if err != nil {
		return nil, err
	}
	var out []adjunct.Watch
	for _, ev := range t.Events {
		triggers := []catalog.Trigger{{Sensor: ev.Sensor}}
		if ev.SensorFrom != "" {
			v, err := adjunctValue(ctx, ent, t, r, ev.SensorFrom)
			if err != nil {
				return nil, err
			}
			if triggers, err = catalog.ReadTriggers(v); err != nil {
				return nil, fault.New(fault.Invalid, "%s of policy %s: %w", ev.SensorFrom, r.Name, err)
			}
		}
		watches, err := e.watches(ctx, ent, t, r, ev.Of, triggers)
		if err != nil {
			return nil, err
		}
		out = append(out, watches...)
	}
	return out, nil
}

// watches gives the sensors of those that an event is of.
func (e policing) watches(ctx context.Context, ent *entity.Entity, t *catalog.Type, r *adjunct.Record, of string, triggers []catalog.Trigger) (out []adjunct.Watch, err error) {
	sources := []*entity.Entity{ent}
	key, other := strings.CutPrefix(of, fromConfig)
	if other {
		v, err := adjunctValue(ctx, ent, t, r, key)
		if err != nil {
			return nil, err
		}
		sources = e.entities(v)
	}
	for _, trigger := range triggers {
		switch {
		case of != "" && !other:
			out = append(out, adjunct.Watch{Of: of, Sensor: trigger.Sensor})
			continue
		case trigger.Entity != nil:
			v, err := ent.EvaluateIn(ctx, trigger.Entity, r.Scopes["triggers"])
			if fault.KindOf(err) == fault.Timeout {
				return nil, err
			}
			source, ok := e.tree.ByValue(v)
			if err != nil || !ok {
				e.log.Warn("policy has no such trigger", "policy", r.Name, "entity", ent.Name(), "sensor", trigger.Sensor, "of", v, "err", err)
				continue
			}
			out = append(out, adjunct.Watch{Entity: source, Sensor: trigger.Sensor})
			continue
		}
		for _, source := range sources {
			out = append(out, adjunct.Watch{Entity: source, Sensor: trigger.Sensor})
		}
	}
	return out, nil
}

// adjunctValue gives a config value of a policy. What the type takes as it is
// written stays so.
func adjunctValue(ctx context.Context, ent *entity.Entity, t *catalog.Type, r *adjunct.Record, key string) (any, error) {
	v, set := r.Config[key]
	for i := range t.Config {
		k := &t.Config[i]
		if k.Name != key {
			continue
		}
		if !set {
			v = k.Default
		}
		if k.Type == rawType {
			return v, nil
		}
	}
	v, err := ent.EvaluateIn(ctx, v, r.Scopes[key])
	return v, fault.Wrap(err, key+" of policy", r.Name)
}

// related reads what a type wants to know of other entities, by a config that
// is resolved. What is not there, or would have to be waited for, is left out.
func (e *Engine) related(ctx context.Context, ent *entity.Entity, specs []hook.RelatedSpec, config map[string]any) []hook.Related {
	if len(specs) == 0 {
		return nil
	}
	ctx = entity.Hurry(ctx)
	var out []hook.Related
	for i := range specs {
		spec := &specs[i]
		sensors, keys := namesOf(spec.Sensors, config), namesOf(spec.Config, config)
		for _, of := range e.relatives(ent, spec.Of, config) {
			r := hook.Related{Ref: of.Ref(), Of: spec.Of}
			for _, name := range sensors {
				if v, has := of.Sensor(name); has {
					note(&r.Sensors, name, v)
				}
			}
			for _, key := range keys {
				if v, err := of.Config(ctx, key); err == nil && v != nil {
					note(&r.Config, key, entity.Document(v))
				}
			}
			out = append(out, r)
		}
	}
	return out
}

func note(m *map[string]any, key string, v any) {
	if *m == nil {
		*m = map[string]any{}
	}
	(*m)[key] = v
}

// relatives gives the entities that a RelatedSpec is about.
func (e *Engine) relatives(ent *entity.Entity, of string, config map[string]any) []*entity.Entity {
	switch key, other := strings.CutPrefix(of, fromConfig); {
	case other:
		return e.entities(config[key])
	case of == adjunct.Members:
		return ent.Members()
	}
	return ent.Children()
}

// entities gives the entities that a value names: one, or a list of them.
func (e *Engine) entities(v any) (out []*entity.Entity) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		if one, ok := e.tree.ByValue(item); ok {
			out = append(out, one)
		}
	}
	return out
}

// namesOf gives the names of a list in which "config:KEY" stands for the name, or
// names, that a config key holds.
func namesOf(list []string, config map[string]any) (out []string) {
	for _, name := range list {
		key, from := strings.CutPrefix(name, fromConfig)
		if !from {
			out = append(out, name)
			continue
		}
		values, ok := config[key].([]any)
		if !ok {
			values = []any{config[key]}
		}
		for _, v := range values {
			if text, ok := sensorsByName(v).(string); ok && text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// sensorsByName gives a value in which sensors are replaced by their names.
func sensorsByName(v any) any {
	switch x := v.(type) {
	case expr.Sensor:
		return x.Name
	case []any:
		for i, item := range x {
			if s, ok := item.(expr.Sensor); ok {
				x = append([]any{}, x...)
				x[i], v = s.Name, x
			}
		}
	}
	return v
}
