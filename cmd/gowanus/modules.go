package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/guest"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm"
	"github.com/gowanus-project/gowanus/modules"
)

// shipped gives the types of the modules inside this binary. What they say of
// themselves was kept when they were built, so that nothing is loaded yet.
func (p *parts) shipped(log *slog.Logger) ([]*catalog.Type, error) {
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable {
		log.Warn("there are no modules", "err", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var types []*catalog.Type
	for _, m := range list {
		lazy := &lazyModule{runtime: p.runtime, module: m}
		g, err := guest.Load(m.Description, lazy, guest.Limits{})
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		g.GrantAll()
		p.modules = append(p.modules, lazy)
		types = append(types, g.Types()...)
	}
	return types, nil
}

// prepare compiles the modules in the background when there is no compiled
// code of a former start: the first application then does not wait a second
// for each. From the cache a module is there in a tenth of that, so it is
// taken when it is needed, and takes no memory before.
func (p *parts) prepare(cache string, log *slog.Logger) error {
	if entries, err := os.ReadDir(cache); err != nil || len(entries) > 0 {
		return err
	}
	return p.engine.Tasks().Go("prepare modules", func(ctx context.Context) {
		for _, m := range p.modules {
			loaded, err := m.load()
			if err == nil {
				err = loaded.Prepare(ctx)
			}
			if err != nil && ctx.Err() == nil {
				log.Error("a module cannot be used", "module", m.module.Name, "err", err)
			}
		}
		debug.FreeOSMemory() // a compiler leaves a hundred megabytes that the runtime would keep for minutes
	})
}

// lazyModule is a shipped module that is read and checked at its first call.
type lazyModule struct {
	runtime *wasm.Runtime
	module  modules.Module

	once   sync.Once
	loaded *wasm.Module
	err    error
}

func (m *lazyModule) load() (*wasm.Module, error) {
	m.once.Do(func() {
		bin, err := m.module.Wasm()
		if err == nil {
			m.loaded, err = m.runtime.Load(m.module.Name, bin, wasm.LoadOptions{})
		}
		m.err = err
	})
	return m.loaded, m.err
}

// CallInto implements guest.Caller.
func (m *lazyModule) CallInto(ctx context.Context, id hook.ID, size int, write func([]byte), read func([]byte) error) error {
	loaded, err := m.load()
	if err != nil {
		return err
	}
	return loaded.CallInto(ctx, id, size, write, read)
}
