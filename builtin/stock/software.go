package stock

import (
	"cmp"
	"context"
	"maps"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// software is VanillaSoftwareProcess: software that is installed, launched,
// checked and stopped by the commands of the blueprint.
func software() *catalog.Type {
	command := func(name, flag, what string) hook.ConfigKey {
		return hook.ConfigKey{Name: name, Flags: []string{flag}, Type: "string", Description: what, Inherit: entity.NotReinherited}
	}
	return &catalog.Type{
		Type: hook.Type{
			Name: "org.apache.brooklyn.entity.software.base.VanillaSoftwareProcess", Kind: catalog.Entity,
			Aliases: []string{
				"brooklyn.entity.basic.VanillaSoftwareProcess", "org.apache.brooklyn.entity.basic.VanillaSoftwareProcess",
				"vanilla-software-process",
			},
			Description: "software run by the blueprint's commands",
			Config: []hook.ConfigKey{
				command("install.command", "installCommand", "run first; must end with code 0"),
				command("customize.command", "customizeCommand", "run after install; must end with code 0"),
				command("launch.command", "launchCommand", "runs the software, in the foreground or leaving it behind"),
				command("checkRunning.command", "checkRunningCommand", "ends with code 0 when the software is ready; asked until it does"),
				command("stop.command", "stopCommand", "run before the processes are ended"),
				{Name: "shell.env", Flags: []string{"env"}, Type: "map", Inherit: entity.DeepMerge, InheritType: entity.DeepMerge, Description: "environment of all commands"},
				{Name: "start.timeout", Flags: []string{"startTimeout"}, Type: "string", Default: "2m", Description: "how long the software may take to be ready"},
				{Name: "stop.timeout", Flags: []string{"stopTimeout"}, Type: "string", Default: "10s", Description: "how long the processes are given to end"},
				{Name: "provisioning.properties", Flags: []string{"provisioningProperties"}, Type: "map", Inherit: entity.DeepMerge, InheritType: entity.DeepMerge, Description: "what is asked of the machine; heeded where machines are made for it"},
			},
			Sensors: append([]hook.Sensor{
				{Name: "host.address", Type: "string", Description: "address of the host it runs on"},
				{Name: "host.name", Type: "string", Description: "name of the host it runs on"},
				{Name: "run.dir", Type: "string", Description: "folder that the commands run in"},
				{Name: "pid", Type: "integer", Description: "process id of the launched command"},
			}, serviceSensors...),
			Effectors: lifecycle,
		},
		Version: version, Entity: commands{},
	}
}

// commands decides for software run by commands.
type commands struct{}

// Effector answers start, stop and restart.
func (commands) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	switch c.Effector {
	case "start":
		if text(c, "launch.command") == "" {
			return nil, fault.New(fault.Invalid, "%s has no launch.command", c.Entity.Name)
		}
		return &hook.Decision{Steps: startSteps(c)}, nil
	case "stop":
		return &hook.Decision{Steps: append(stopSteps(c), hook.Step{Step: "release-host"}), Sensors: map[string]any{"pid": nil}}, nil
	case "restart":
		return &hook.Decision{Steps: append(stopSteps(c), startSteps(c)...)}, nil
	}
	return nil, unknown(c)
}

func startSteps(c *hook.EffectorCall) []hook.Step {
	env := environment(c)
	steps := []hook.Step{{ID: "host", Step: "obtain-host"}}
	for _, name := range []string{"install", "customize"} {
		if cmd := text(c, name+".command"); cmd != "" {
			steps = append(steps, hook.Step{Step: "run-command", Input: map[string]any{"name": name, "command": cmd, "env": env}})
		}
	}
	steps = append(steps, hook.Step{ID: "process", Step: "start-process", Input: map[string]any{"command": text(c, "launch.command"), "env": env}})
	check := map[string]any{"env": env}
	if cmd := text(c, "checkRunning.command"); cmd != "" {
		check["command"] = cmd
	}
	return append(steps,
		hook.Step{Step: "repeat", Timeout: cmp.Or(text(c, "start.timeout"), "2m"), Input: map[string]any{"step": "check-process", "input": check}},
		hook.Step{Continue: "running"})
}

func stopSteps(c *hook.EffectorCall) []hook.Step {
	in := map[string]any{"env": environment(c), "timeout": cmp.Or(text(c, "stop.timeout"), "10s")}
	if cmd := text(c, "stop.command"); cmd != "" {
		in["command"] = cmd
	}
	// What never obtained a host has nothing to stop there.
	return []hook.Step{{Step: "if-placed", Input: map[string]any{"step": "stop-process", "input": in}}}
}

// Continue publishes where the started process is to be found.
func (commands) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	if c.Token != "running" {
		return nil, unknown(c)
	}
	sensors := map[string]any{}
	for _, o := range c.Outputs { // of a repeated id the last counts
		out, _ := o.Output.(map[string]any)
		switch o.ID {
		case "host":
			sensors["host.address"], sensors["host.name"] = out["address"], out["host"]
		case "process":
			sensors["pid"], sensors["run.dir"] = out["pid"], out["dir"]
		}
	}
	return &hook.Decision{Sensors: sensors}, nil
}

func text(c *hook.EffectorCall, key string) string {
	s, _ := c.Entity.Config[key].(string)
	return s
}

func environment(c *hook.EffectorCall) map[string]any {
	env, _ := c.Entity.Config["shell.env"].(map[string]any)
	if env == nil {
		return map[string]any{}
	}
	return maps.Clone(env)
}
