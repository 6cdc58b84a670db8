package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/version"
)

// Modules gives the modules, those that came with the server too, by name, the
// best version first.
func (e *Engine) Modules() []*module.Module {
	if e.cfg.Modules == nil {
		return nil
	}
	return slices.SortedStableFunc(slices.Values(e.cfg.Modules.Modules()), func(a, b *module.Module) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), version.Compare(b.Version(), a.Version()))
	})
}

// Module finds a module; "" and "latest" are the best version.
func (e *Engine) Module(name, wanted string) (*module.Module, error) {
	for _, m := range e.Modules() {
		if m.Name() == name && (wanted == "" || wanted == "latest" || version.Compare(m.Version(), wanted) == 0) {
			return m, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no module %s", strings.TrimSuffix(name+":"+wanted, ":"))
}

// change does something to an installed module and stores what became of it.
func (e *Engine) change(ctx context.Context, name, wanted string, do func(m *module.Module) error) (*module.Module, error) {
	e.installing.Lock()
	defer e.installing.Unlock()
	m, err := e.Module(name, wanted)
	if err != nil {
		return nil, err
	}
	if m.Shipped {
		return nil, fault.New(fault.Conflict, "module %s came with the server, which trusts it", m.Name())
	}
	before := m.Granted()
	if err := do(m); err != nil {
		return nil, err
	}
	var batch store.Batch
	for _, b := range e.Bundles() {
		if slices.Contains(modulesOf(b), m) {
			err = keep(&batch, e.types.Load(), b)
		}
	}
	if err == nil {
		err = e.store.Commit(ctx, &batch)
	}
	if err != nil {
		m.Grant(before)
	}
	return m, err
}

// GrantModule says what an installed module may do, instead of what it might
// before.
func (e *Engine) GrantModule(ctx context.Context, name, wanted string, grants []hook.Capability, all bool) (*module.Module, error) {
	return e.change(ctx, name, wanted, func(m *module.Module) error {
		if all {
			m.GrantAll()
			return nil
		}
		if err := unasked(m, grants); err != nil {
			return err
		}
		m.Grant(grants)
		return nil
	})
}

// ResumeModule lets a module be called again that was suspended.
func (e *Engine) ResumeModule(ctx context.Context, name, wanted string) (*module.Module, error) {
	m, err := e.Module(name, wanted)
	if err == nil && m.Shipped { // nothing of it is stored
		m.Resume()
		e.recovered(m)
		return m, nil
	}
	m, err = e.change(ctx, name, wanted, func(m *module.Module) error {
		m.Resume()
		return nil
	})
	if err == nil {
		e.recovered(m)
	}
	return m, err
}

// RollbackModule takes the best version of a module out of the catalog, so
// that what runs goes on with the one before.
func (e *Engine) RollbackModule(ctx context.Context, name string) (*module.Module, error) {
	now, err := e.Module(name, "")
	if err != nil {
		return nil, err
	}
	if now.Shipped {
		return nil, fault.New(fault.Conflict, "module %s %s came with the server, there is nothing to go back to", name, now.Version())
	}
	var before *module.Module
	for _, m := range e.Modules() {
		if m.Name() == name && m != now && before == nil {
			before = m
		}
	}
	if before == nil {
		return nil, fault.New(fault.Precondition, "module %s has no version before %s", name, now.Version())
	}
	for _, b := range e.Bundles() {
		if slices.Contains(modulesOf(b), now) {
			_, err = e.RemoveBundle(ctx, b.Name, b.Version, false)
		}
	}
	return before, err
}

// suspended is told of a module on the goroutine of the call that was one
// failure too many.
func (e *Engine) suspended(m *module.Module, reason string) {
	if err := e.tasks.Go("suspend module "+m.Name(), func(context.Context) { e.moduleSuspended(m, reason) }); err != nil {
		e.log.Warn("suspension of a module is not stored", "module", m.Name(), "err", err)
	}
}

// moduleSuspended marks what a suspended module was in charge of as failed.
func (e *Engine) moduleSuspended(m *module.Module, reason string) {
	e.log.Error("module suspended", "module", m.Name(), "version", m.Version(), "reason", reason)
	for _, ent := range e.tree.All() {
		if t, err := e.types.Load().Get(catalog.Entity, ent.Type()); err == nil && t.Module == m.Name() && t.Version == m.Version() {
			ent.Problem(moduleProblem, "module "+m.Name()+" is suspended: "+reason)
		}
	}
	if m.Shipped {
		return
	}
	_, err := e.change(context.Background(), m.Name(), m.Version(), func(*module.Module) error { return nil })
	if err != nil {
		e.log.Error("suspension of a module is not stored", "module", m.Name(), "err", err)
	}
}

// moduleProblem is the key of the problem that entities of a suspended module
// have.
const moduleProblem = "module-suspended"

// recovered takes the mark away again.
func (e *Engine) recovered(m *module.Module) {
	for _, ent := range e.tree.All() {
		if t, err := e.types.Load().Get(catalog.Entity, ent.Type()); err == nil && t.Module == m.Name() {
			ent.Problem(moduleProblem, "")
		}
	}
}
