package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/gowanus-project/gowanus/builtin"
	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/wasm"
)

// parts is a running engine with what it stands on.
type parts struct {
	engine  *engine.Engine
	runtime *wasm.Runtime
	modules *module.Keeper
	store   store.Store
}

// wiring is what the parts need to know of where they are.
type wiring struct {
	dir   string // for everything but the store
	cache string // for the compiled code of modules
	files string // for the modules that are installed; "" keeps them in memory
	plane string // name of the server
	shell bool   // whether workflows may run commands as the server's user
	log   *slog.Logger
}

// wire puts the engine together: what is native, what the shipped modules add,
// and the store in which it all is kept. It owns the store, also when it fails.
func wire(ctx context.Context, s store.Store, w wiring, set *settings) (p *parts, err error) {
	p = &parts{store: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close(context.WithoutCancel(ctx)))
		}
	}()
	if p.runtime, err = wasm.New(wasm.Config{
		CacheDir: w.cache, Log: w.log, Subject: guest.SubjectOf, OnSuspend: func(m *wasm.Module, reason string) { p.modules.Suspended(m, reason) },
	}); err != nil {
		return p, err
	}
	p.modules = module.New(module.Config{Runtime: p.runtime, Dir: w.files, Log: w.log})
	types, err := p.shipped(w.log)
	if err != nil {
		return p, err
	}
	native := builtin.All(builtin.Config{Plane: w.plane, Dir: filepath.Join(w.dir, processDir), Log: w.log, AllowShell: w.shell})
	if types, err = builtin.Catalog(append(native.Types, types...)); err != nil {
		return p, err
	}
	p.engine, err = engine.New(ctx, engine.Config{
		Store: s, Log: w.log, Plane: w.plane, Types: types, Modules: p.modules,
		Actions: native.Actions, Providers: native.Providers, Locations: set.locations, External: set.external,
	})
	return p, err
}

// close stops all activity and releases the store; the applications go on.
func (p *parts) close(ctx context.Context) error {
	var errs []error
	if p.engine != nil {
		errs = append(errs, p.engine.Close(ctx))
	}
	if p.runtime != nil {
		errs = append(errs, p.runtime.Close())
	}
	return errors.Join(append(errs, p.store.Close())...)
}
