// Package builtin is the explicit list of everything native that a server is
// made of: types, and locations with the steps that act on them.
package builtin

import (
	"log/slog"
	"slices"

	"github.com/gowanus-project/gowanus/builtin/cluster"
	"github.com/gowanus-project/gowanus/builtin/docker"
	"github.com/gowanus-project/gowanus/builtin/enricher"
	"github.com/gowanus-project/gowanus/builtin/flow"
	"github.com/gowanus-project/gowanus/builtin/group"
	"github.com/gowanus-project/gowanus/builtin/initializer"
	"github.com/gowanus-project/gowanus/builtin/placement"
	"github.com/gowanus-project/gowanus/builtin/process"
	"github.com/gowanus-project/gowanus/builtin/remote"
	"github.com/gowanus-project/gowanus/builtin/shell"
	"github.com/gowanus-project/gowanus/builtin/stock"
	"github.com/gowanus-project/gowanus/builtin/testing"
	"github.com/gowanus-project/gowanus/builtin/web"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/location"
)

// Config is what the native parts need to know.
type Config struct {
	Plane string       // name of this server on what it makes
	Dir   string       // folder for the logs and records of local processes
	Log   *slog.Logger // required

	AllowShell bool // blueprints may run commands as the server's user
}

// Set is what the native parts add to an engine.
type Set struct {
	Types     []*catalog.Type
	Providers []location.Provider
	Actions   []action.Action
}

// All gives everything native.
func All(c Config) Set {
	d := docker.New(docker.Config{Plane: c.Plane, Log: c.Log})
	g := group.New(group.Config{Log: c.Log})
	w := web.Config{Log: c.Log}
	p := process.New(process.Config{Plane: c.Plane, Dir: c.Dir, Log: c.Log})
	return Set{
		Types: slices.Concat(stock.Types(), enricher.Types(), cluster.Types(), g.Types(), flow.Types(), initializer.Types(), w.Types(),
			placement.Types(placement.Limits{}), testing.Types()),
		Providers: []location.Provider{d, p},
		Actions:   slices.Concat(d.Actions(), p.Actions(), w.Actions(), g.Actions(), testing.Actions(), remote.New(remote.Config{Log: c.Log}).Actions(), shell.Config{Allowed: c.AllowShell}.Actions()),
	}
}
