package catalog

import (
	"maps"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// defaultPeriod is how often feeds ask when nothing else is said; it is
// Brooklyn's.
const defaultPeriod = 5 * time.Minute

// FeedKeys gives the config keys that all feeds have; see ReadFeed.
func FeedKeys() []hook.ConfigKey {
	return []hook.ConfigKey{
		{Name: "period", Type: "duration", Default: "5m", Description: "how often it asks"},
		{Name: "triggers", Type: "raw", Description: "sensors whose events make it ask at once: a name, {sensor, entity}, or a list of these"},
		{Name: "onlyIfServiceUp", Type: "boolean", Default: false, Description: "whether it rests while the entity is not up"},
	}
}

// ReadFeed reads the keys of FeedKeys from an initializer's config as written.
func ReadFeed(config map[string]any) (*Feed, error) {
	f := &Feed{Period: defaultPeriod}
	if v, ok := config["period"]; ok && v != nil {
		d, err := coerce.Duration(v)
		switch {
		case err != nil:
			return nil, fault.New(fault.Invalid, "period: %w", err)
		case d < minPeriod:
			return nil, fault.New(fault.Invalid, "period: %s is less than %s, the shortest there is", coerce.FormatDuration(d), minPeriod)
		}
		f.Period = d
		if d == coerce.Forever {
			f.Period = 0
		}
	}
	var err error
	if f.Triggers, err = ReadTriggers(config["triggers"]); err != nil {
		return nil, err
	}
	only, err := coerce.To("boolean", config["onlyIfServiceUp"])
	if err != nil {
		return nil, fault.New(fault.Invalid, "onlyIfServiceUp: %w", err)
	}
	f.OnlyIfUp, _ = only.(bool)
	return f, nil
}

// minPeriod keeps a feed from doing nothing but asking.
const minPeriod = 10 * time.Millisecond

// ReadTriggers reads the sensors that something waits for: a name, a map of
// sensor and entity, or a list of these.
func ReadTriggers(v any) ([]Trigger, error) {
	var out []Trigger
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	for _, item := range list {
		switch x := item.(type) {
		case string:
			out = append(out, Trigger{Sensor: x})
		case expr.Sensor:
			out = append(out, Trigger{Sensor: x.Name})
		case map[string]any:
			name, _ := x["sensor"].(string)
			if name == "" {
				return nil, fault.New(fault.Invalid, "triggers: a map must have the key sensor")
			}
			out = append(out, Trigger{Entity: EntityNamed(x["entity"]), Sensor: name})
		default:
			return nil, fault.New(fault.Invalid, "triggers: expected names of sensors, not %v", item)
		}
	}
	return out, nil
}

// EntityNamed gives the expression for the entity that a blueprint names: by an
// expression already, or by its id as text.
func EntityNamed(v any) any {
	if id, ok := v.(string); ok && !expr.IsExpr(id) {
		return map[string]any{expr.Prefix + "entity": []any{id}}
	}
	return v
}

// ReadEffector reads what an initializer says of the effector that it adds:
// name, description and parameters (a map of name to type, description and
// defaultValue).
func ReadEffector(config map[string]any) (*hook.Effector, error) {
	e := &hook.Effector{Name: coerce.Text(config["name"]), Description: coerce.Text(config["description"])}
	if e.Name == "" {
		return nil, fault.New(fault.Invalid, "an effector must have a name")
	}
	parameters, ok := config["parameters"].(map[string]any)
	if !ok && config["parameters"] != nil {
		return nil, fault.New(fault.Invalid, "parameters of effector %s: expected a map of names", e.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		p := hook.Parameter{Name: name, Type: "any"}
		spec, _ := parameters[name].(map[string]any)
		if v, ok := spec["type"].(string); ok {
			if !coerce.Known(v) {
				return nil, fault.New(fault.Invalid, "parameter %s of effector %s: unknown type %q", name, e.Name, v)
			}
			p.Type = v
		}
		p.Description = coerce.Text(spec["description"])
		p.Default = spec["defaultValue"]
		if p.Default == nil {
			p.Default = spec["default"]
		}
		e.Parameters = append(e.Parameters, p)
	}
	return e, nil
}
