package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
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
		kept, err := p.modules.Ship(m.Digest, m.Description, m.Wasm)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		types = append(types, kept.Types()...)
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
		for _, m := range p.modules.Modules() {
			if err := m.Prepare(ctx); err != nil && ctx.Err() == nil {
				log.Error("a module cannot be used", "module", m.Name(), "err", err)
			}
		}
		debug.FreeOSMemory() // a compiler leaves a hundred megabytes that the runtime would keep for minutes
	})
}
