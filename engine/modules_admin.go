package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/nearest"
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
	var names []string
	for _, m := range e.Modules() {
		names = append(names, m.Name())
		best := (wanted == "" || wanted == "latest") && !m.Withdrawn()
		if m.Name() == name && (best || version.Compare(m.Version(), wanted) == 0) {
			return m, nil
		}
	}
	if wanted == "" || wanted == "latest" {
		return nil, fault.New(fault.NotFound, "there is no module %s%s", name, nearest.Hint(name, names))
	}
	return nil, fault.New(fault.NotFound, "there is no module %s:%s%s", name, wanted, nearest.Hint(name, names))
}

// BundleOf gives the bundle that a module came in, or nil for one that is not
// listed any more.
func (e *Engine) BundleOf(m *module.Module) *catalog.Bundle {
	return bundleOfModule(e.types.Load(), m)
}

// CheckModule tells why a module that describes itself so would not be
// installed, as far as that can be known without its code.
func (e *Engine) CheckModule(description []byte) error {
	if e.cfg.Modules == nil {
		return fault.New(fault.Unavailable, "modules cannot be installed here")
	}
	m, err := e.cfg.Modules.Open("", description, nil)
	if err == nil {
		err = e.usable(m)
	}
	if err == nil {
		err = e.rivals(m)
	}
	return err
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

// grantMore adds the grants of a request to those that the modules of an
// installed bundle have, and tells whether that changed any.
func (e *Engine) grantMore(ctx context.Context, b *catalog.Bundle, r BundleRequest) (changed bool, err error) {
	modules := modulesOf(b)
	before := make([][]hook.Capability, len(modules))
	for i, m := range modules {
		if err := unasked(m, r.Grants); err != nil {
			return false, err
		}
		before[i] = m.Granted()
	}
	for i, m := range modules {
		if r.GrantAll {
			m.GrantAll()
		} else if len(r.Grants) > 0 {
			m.Grant(slices.Concat(before[i], r.Grants))
		}
		changed = changed || len(m.Granted()) != len(before[i])
	}
	if !changed {
		return false, nil
	}
	var batch store.Batch
	if err = keep(&batch, e.types.Load(), b); err == nil {
		err = e.store.Commit(ctx, &batch)
	}
	if err != nil {
		for i, m := range modules {
			m.Grant(before[i])
		}
	}
	return err == nil, err
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

// RollbackModule puts the version of a module before the present one in charge
// again. What runs goes on with that, with the states that it left; what began
// with the present one ends with it.
func (e *Engine) RollbackModule(ctx context.Context, name string) (*module.Module, error) {
	e.installing.Lock()
	defer e.installing.Unlock()
	now, err := e.Module(name, "")
	if err != nil {
		return nil, err
	}
	if now.Shipped {
		return nil, fault.New(fault.Conflict, "module %s %s came with the server, there is nothing to go back to", name, now.Version())
	}
	for _, before := range e.Modules() {
		if before.Name() != name || before.Withdrawn() || version.Compare(before.Version(), now.Version()) >= 0 {
			continue
		}
		return before, e.withdraw(ctx, now, true)
	}
	return nil, fault.New(fault.Precondition, "module %s has no version before %s", name, now.Version())
}

// withdraw takes a module out of charge, or puts it back. The caller holds
// installing.
func (e *Engine) withdraw(ctx context.Context, m *module.Module, gone bool) error {
	types := e.types.Load()
	var marked []*catalog.Type
	var batch store.Batch
	b := bundleOfModule(types, m)
	for _, t := range live(types, b) {
		if t.Plan == nil && t.Module == m.Name() {
			other := *t
			other.Disabled = gone
			marked = append(marked, &other)
		}
	}
	next, err := types.Without(func(t *catalog.Type) bool { return t.Bundle == b && t.Plan == nil && t.Module == m.Name() }).With(marked...)
	if err != nil {
		return err
	}
	if err := e.rehearse(ctx, next, func(t *catalog.Type) bool { return t.Module == m.Name() }); err != nil {
		return err
	}
	if err := keep(&batch, next, b); err != nil {
		return err
	}
	if err := e.store.Commit(ctx, &batch); err != nil {
		return fault.Wrap(err, "change the version in charge of module", m.Name())
	}
	m.Withdraw(gone)
	e.exchange(next, b, []*catalog.Bundle{b})
	return nil
}

func bundleOfModule(types *catalog.Registry, m *module.Module) *catalog.Bundle {
	for _, b := range types.Bundles() {
		if slices.Contains(modulesOf(b), m) {
			return b
		}
	}
	return nil
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
