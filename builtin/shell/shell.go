// Package shell runs commands on the server's own machine, as the server's
// user: the workflow step shell. It is off unless the operator allows it,
// because whoever may deploy a blueprint then may do there whatever the server
// may.
package shell

import (
	"context"

	"github.com/gowanus-project/gowanus/builtin/command"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Config makes the step of this package.
type Config struct {
	Allowed bool // the operator lets blueprints run commands here
}

// Actions gives the step shell.
func (c Config) Actions() []action.Action {
	return []action.Action{{Name: "shell", Doc: "runs a command on the server's machine, if the operator allows it; the output has stdout, stderr and exit_code", Run: c.run}}
}

func (c Config) run(ctx context.Context, call *action.Call) (any, error) {
	if !c.Allowed {
		return nil, fault.New(fault.Forbidden, "shell: commands on the server's machine are not allowed; the server option --allow-shell allows them")
	}
	keys, err := command.Read("shell", call.Input)
	if err != nil {
		return nil, err
	}
	text, err := keys.Required("command")
	if err != nil {
		return nil, err
	}
	streams := keys.Streams(call.Out, call.Err)
	code, err := keys.Local(ctx, text, streams)
	if err != nil {
		return nil, err
	}
	return keys.Result(ctx, streams, code)
}
