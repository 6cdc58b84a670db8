// Package flow has what a blueprint writes as a workflow: effectors, sensors,
// policies, initializers and whole entities. What the workflows mean is up to
// the engine; here is where they stand.
package flow

import (
	"context"
	"slices"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const version = "1.0.0"

// definition are the keys of a workflow.
func definition() []hook.ConfigKey {
	return []hook.ConfigKey{
		{Name: "steps", Type: "raw", Description: "the steps, one after the other"},
		{Name: "input", Type: "raw", Description: "variables that it begins with"},
		{Name: "output", Type: "raw", Description: "what it gives; that of the last step when absent"},
		{Name: "condition", Type: "raw", Description: "what must hold for it to run"},
		{Name: "lock", Type: "raw", Description: "a name that one run at a time holds"},
		{Name: "timeout", Type: "raw", Description: "how long it may take"},
		{Name: "on-error", Flags: []string{"on_error", "onError"}, Type: "raw", Description: "steps that handle an error"},
		{Name: "replayable", Type: "raw", Description: "where it can be gone back to"},
		{Name: "idempotent", Type: "raw", Description: "whether its steps may run twice"},
		{Name: "retention", Type: "raw", Description: "which ended runs are kept"},
	}
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

// Types gives all types of this package.
func Types() []*catalog.Type {
	text := func(name, doc string) hook.ConfigKey {
		return hook.ConfigKey{Name: name, Type: "raw", Description: doc}
	}
	return []*catalog.Type{
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowEffector", Kind: catalog.Initializer, Aliases: []string{"workflow-effector"},
				Description: "an effector that is a workflow",
				Config: slices.Concat([]hook.ConfigKey{
					text("name", "the effector"), text("description", "for people"),
					text("parameters", "of the effector: names with type, description, defaultValue and required"),
				}, definition()),
			},
			Version: version, Initializer: effector, Flow: &catalog.Flow{Own: []string{"description"}},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowPolicy", Kind: catalog.Policy, Aliases: []string{"workflow-policy"},
				Description: "a workflow that runs at events of sensors and in periods",
				Config: slices.Concat([]hook.ConfigKey{
					text("name", "for people"), text("triggers", "sensors whose events let it run: a name, {sensor, entity}, or a list of these"),
					text("period", "how often it runs"), text("skip_initial_run", "whether it waits for a trigger or the end of a period; true if there are triggers"),
				}, definition()),
				Events: []hook.EventSpec{{SensorFrom: "triggers"}},
			},
			Version: version, Initializer: checkPolicy, Policy: policy{},
			Flow: &catalog.Flow{Own: []string{"triggers", "period", "skip_initial_run"}},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowSensor", Kind: catalog.Initializer, Aliases: []string{"workflow-sensor"},
				Description: "a sensor whose value a workflow gives, computed at events and in periods",
				Config: slices.Concat([]hook.ConfigKey{
					{Name: "sensor", Flags: []string{"name"}, Type: "raw", Description: "the sensor: a name, or a map of name and type"},
					text("triggers", "sensors whose events make it compute: a name, {sensor, entity}, or a list of these"),
					text("period", "how often it computes; only at the start and for triggers when absent"),
					text("skip_initial_run", "whether it waits for a trigger or the end of a period"),
				}, definition()),
			},
			Version: version, Initializer: sensor, Flow: &catalog.Flow{Own: []string{"sensor", "triggers", "period", "skip_initial_run"}},
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.workflow.WorkflowInitializer", Kind: catalog.Initializer, Aliases: []string{"workflow-initializer"},
				Description: "a workflow that runs once, when its entity has been created",
				Config: slices.Concat([]hook.ConfigKey{
					text("name", "for people"), text("delay", "false or sync: the creation waits for its end; true or async: it does not; or how long until it begins"),
				}, definition()),
			},
			Version: version, Initializer: once, Flow: &catalog.Flow{Own: []string{"delay"}},
		},
		startable(), software(),
	}
}

func effector(config map[string]any) (*catalog.Contribution, error) {
	e, err := catalog.ReadEffector(config)
	if err != nil {
		return nil, err
	}
	return &catalog.Contribution{Effectors: []hook.Effector{*e}}, nil
}

// sensor makes the feed of a workflow-sensor.
func sensor(config map[string]any) (*catalog.Contribution, error) {
	name, typ := coerce.Text(config["sensor"]), ""
	if m, ok := config["sensor"].(map[string]any); ok {
		name, typ = coerce.Text(m["name"]), coerce.Text(m["type"])
	}
	if name == "" || config["sensor"] == nil {
		return nil, invalid("sensor: expected a name, or a map with a name")
	}
	if typ != "" && typ != "<nil>" && !coerce.Known(typ) {
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
	f.Name, f.Sensors, f.SkipFirst, f.Workflow = name, []hook.Sensor{{Name: name, Type: typ}}, skip == true, true
	return &catalog.Contribution{Feed: f}, nil
}

// once makes the run of a workflow-initializer.
func once(config map[string]any) (*catalog.Contribution, error) {
	r := &catalog.Run{}
	switch v := config["delay"].(type) {
	case nil:
	case bool:
		r.Async = v
	default:
		switch word := coerce.Text(v); word {
		case "sync", "false":
		case "async", "true":
			r.Async = true
		default:
			d, err := coerce.Duration(v)
			if err != nil {
				return nil, invalid("delay: expected sync, async or a duration, not %q", word)
			}
			r.Async, r.Delay = true, d
		}
	}
	return &catalog.Contribution{Run: r}, nil
}

func checkPolicy(config map[string]any) (*catalog.Contribution, error) {
	if _, err := catalog.ReadTriggers(config["triggers"]); err != nil {
		return nil, err
	}
	_, err := schedule(config)
	return &catalog.Contribution{}, err
}

// times say when a policy runs without an event.
type times struct {
	period time.Duration // 0: never
	first  bool          // at once
}

// schedule reads them. Where a policy has triggers, it waits for one unless
// told otherwise.
func schedule(config map[string]any) (t times, err error) {
	if v := config["period"]; v != nil {
		if t.period, err = coerce.Duration(v); err != nil || t.period < 10*time.Millisecond {
			return t, invalid("period: expected a duration of at least 10ms, not %v", v)
		}
	}
	if v := config["skip_initial_run"]; v != nil {
		skip, err := coerce.To("boolean", v)
		if err != nil {
			return t, invalid("skip_initial_run: %w", err)
		}
		t.first = skip == false
		return t, nil
	}
	t.first = config["triggers"] == nil
	return t, nil
}

// policy runs its workflow at each event and at each end of a period.
type policy struct{}

// Event answers with the workflow, which the engine has.
func (policy) Event(_ context.Context, c *hook.PolicyCall) (*hook.Decision, error) {
	t, err := schedule(c.Config)
	if err != nil {
		return nil, err
	}
	d := &hook.Decision{}
	if c.Timer && t.period > 0 {
		d.WakeAfter = t.period.String()
	}
	in := map[string]any{}
	if c.Event != nil {
		in["event"] = map[string]any{"sensor": c.Event.Sensor, "value": c.Event.Value}
	}
	d.Steps = []hook.Step{{Step: "workflow", Input: in}}
	return d, nil
}

// Wake gives when a new policy is first asked; ok is false for never.
func (policy) Wake(config map[string]any) (after time.Duration, ok bool) {
	t, err := schedule(config)
	switch {
	case err != nil:
	case t.first:
		return 0, true
	case t.period > 0:
		return t.period, true
	}
	return 0, false
}

// Rewake gives the end of a period that begins now.
func (policy) Rewake(config map[string]any) (after time.Duration, ok bool) {
	t, err := schedule(config)
	return t.period, err == nil && t.period > 0
}
