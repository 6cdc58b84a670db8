package flow

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// sensor makes the feed of a workflow-sensor. Its steps compute and do nothing
// else, so that asking again costs nothing.
func sensor(config map[string]any) (*catalog.Contribution, error) {
	if _, err := check(config); err != nil {
		return nil, err
	}
	steps, err := readSteps(config["steps"])
	if err != nil {
		return nil, err
	}
	for i, s := range steps {
		if s.name != "return" && s.name != "no-op" {
			return nil, invalid("step %d: %s is not built for sensors; there are return and no-op", i+1, s.name)
		}
	}
	name, typ := coerce.Text(config["sensor"]), ""
	if m, ok := config["sensor"].(map[string]any); ok {
		name, typ = coerce.Text(m["name"]), coerce.Text(m["type"])
	}
	if name == "" {
		return nil, invalid("sensor: expected a name, or a map with a name")
	}
	if typ != "" && !coerce.Known(typ) {
		return nil, invalid("sensor %s: unknown type %q", name, typ)
	}
	f, err := catalog.ReadFeed(map[string]any{"period": config["period"], "triggers": config["triggers"]})
	if err != nil {
		return nil, err
	}
	if config["period"] == nil {
		f.Period = 0
	}
	skip, err := coerce.To("boolean", config["skip_initial_run"])
	if err != nil {
		return nil, invalid("skip_initial_run: %w", err)
	}
	f.Name, f.Sensors, f.SkipFirst = name, []hook.Sensor{{Name: name, Type: typ}}, skip == true
	f.Poll = func(ctx context.Context, of *entity.Entity, _ map[string]any) (map[string]any, error) {
		v, err := result(ctx, of, steps)
		if err == nil && typ != "" && v != nil {
			v, err = coerce.To(typ, v)
		}
		if err != nil {
			return nil, err
		}
		return map[string]any{name: entity.Document(v)}, nil
	}
	return &catalog.Contribution{Feed: f}, nil
}

// result computes what the first return of some steps gives.
func result(ctx context.Context, of *entity.Entity, steps []step) (any, error) {
	for _, s := range steps {
		if s.name != "return" {
			continue
		}
		filled, err := s.fill(values{})
		if err != nil {
			return nil, err
		}
		return of.Evaluate(ctx, filled.Input["value"])
	}
	return nil, nil
}
