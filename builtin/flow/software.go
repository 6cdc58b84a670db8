package flow

import (
	"cmp"
	"context"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// software is the type of software that workflows install, launch, check and
// stop.
func software() *catalog.Type {
	phase := func(name, doc string) hook.ConfigKey {
		return hook.ConfigKey{Name: name + ".workflow", Type: catalog.Workflow, Inherit: entity.NotReinherited, Description: doc}
	}
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.software.base.WorkflowSoftwareProcess", Kind: catalog.Entity,
			Aliases:     []string{"workflow-software-process"},
			Description: "software that workflows install, launch, check and stop",
			Config: []hook.ConfigKey{
				phase("install", "runs first"), phase("customize", "runs after install"), phase("launch", "brings the software up"),
				phase("checkRunning", "gives whether the software is ready; asked until it says so"), phase("stop", "brings the software down"),
				{Name: "start.timeout", Flags: []string{"startTimeout"}, Type: "string", Default: "2m", Description: "how long the software may take to be ready"},
				{Name: "usePidFile", Type: "any", Description: "of Brooklyn; the workflows see to their processes here"},
			},
			Sensors: []hook.Sensor{
				{Name: "host.address", Type: "string", Description: "address of the host it runs on"},
				{Name: "service.isUp", Type: "boolean"}, {Name: "service.state", Type: "string"},
			},
			Effectors: []hook.Effector{{Name: "start", Description: "start it"}, {Name: "stop", Description: "stop it"}, {Name: "restart", Description: "restart it"}},
		},
		Version: version, Entity: phases{},
	}
}

// phases decides for software that is workflows.
type phases struct{}

// Effector answers start, stop and restart.
func (phases) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	start := phase(c, "install", "customize", "launch")
	if check := c.Entity.Config["checkRunning.workflow"]; check != nil {
		start = append(start, hook.Step{Step: "workflow", Input: map[string]any{"name": "checkRunning", "definition": polled(check, c)}})
	}
	if c.Location != nil {
		start = append([]hook.Step{{ID: "host", Step: "obtain-host"}, {Continue: "placed"}}, start...)
	}
	stop := phase(c, "stop")
	switch c.Effector {
	case "start":
		if c.Entity.Config["launch.workflow"] == nil {
			return nil, fault.New(fault.Invalid, "%s has no launch.workflow", c.Entity.Name)
		}
		return &hook.Decision{Steps: start}, nil
	case "stop":
		return &hook.Decision{Steps: append(stop, hook.Step{Step: "release-host"})}, nil
	case "restart":
		return &hook.Decision{Steps: append(stop, start...)}, nil
	}
	return nil, fault.New(fault.Invalid, "type %s has no effector %s", c.Type, c.Effector)
}

// phase gives the steps of those phases that have a workflow.
func phase(c *hook.EffectorCall, names ...string) (out []hook.Step) {
	for _, name := range names {
		if w := c.Entity.Config[name+".workflow"]; w != nil {
			out = append(out, hook.Step{Step: "workflow", Input: map[string]any{"name": name, "definition": w}})
		}
	}
	return out
}

// polled wraps a check so that it is asked again until it gives something that
// counts as true.
func polled(check any, c *hook.EffectorCall) map[string]any {
	inner := map[string]any{"type": "workflow"}
	if m, ok := check.(map[string]any); ok {
		for k, v := range m {
			inner[k] = v
		}
	} else {
		inner["steps"] = check
	}
	return map[string]any{
		"replayable": "from start",
		"steps": []any{
			inner, "if ${output} then return true", "fail message it does not run",
		},
		"on-error": []any{map[string]any{
			"step":  "retry from start backoff 100ms increasing 2x up to 5s",
			"limit": cmp.Or(coerce.Text(c.Entity.Config["start.timeout"]), "2m"),
		}},
	}
}

// Continue publishes where the software runs.
func (phases) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	for _, o := range c.Outputs {
		if out, ok := o.Output.(map[string]any); ok && o.ID == "host" {
			return &hook.Decision{Sensors: map[string]any{"host.address": out["address"]}}, nil
		}
	}
	return nil, fault.New(fault.Invalid, "effector %s of type %s does not go on with %q", c.Effector, c.Type, c.Token)
}
