package entity

import (
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// never is the runtime inheritance mode of keys that only their own entity
// sees; every other mode lets descendants see the value.
const never = "never"

// neverInherited are keys that no descendant sees, whatever its type says.
var neverInherited = []string{"id", "camp.plan.id", "defaultDisplayName"}

// found is a config value and the entity on which it was written.
type found struct {
	raw    any
	holder *Entity
	set    *setting
	key    *hook.ConfigKey // the reader's declaration, or else the nearest ancestor's; may be nil
}

// lookup finds the value that the entity sees for a key: its own, else the
// nearest ancestor's unless the key is not inherited.
func (e *Entity) lookup(name string) (found, bool) {
	key := e.decl.Key(name)
	if key != nil {
		name = key.Name
	}
	for at := e; at != nil; at = at.parent {
		declared := at.decl.Key(name)
		if key == nil {
			key = declared
		}
		at.mu.Lock()
		s := at.config[name]
		at.mu.Unlock()
		if s == nil {
			continue
		}
		if at != e && (key != nil && key.Inherit == never || slices.Contains(neverInherited, name)) {
			continue
		}
		return found{s.raw, at, s, key}, true
	}
	return found{key: key}, false
}

// RawConfig gives a config value as written, expressions unevaluated, and
// whether it is set here or inherited.
func (e *Entity) RawConfig(name string) (any, bool) {
	f, ok := e.lookup(name)
	return f.raw, ok
}

// ConfigKeys gives the names of all keys that have a value here, own or
// inherited, sorted.
func (e *Entity) ConfigKeys() []string {
	seen := map[string]bool{}
	for at := e; at != nil; at = at.parent {
		at.mu.Lock()
		for name := range at.config {
			seen[name] = true
		}
		at.mu.Unlock()
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		if _, ok := e.lookup(name); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Config gives a config value, its expressions resolved for the entity on
// which they were written, coerced to the declared type. It may wait for
// sensors until ctx ends. A key that is neither set nor has a default is nil.
func (e *Entity) Config(ctx context.Context, name string) (any, error) {
	f, ok := e.lookup(name)
	if !ok {
		if f.key != nil && f.key.Default != nil {
			return f.key.Default, nil
		}
		return nil, nil
	}
	value, err := f.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	if f.key == nil || value == nil {
		return value, nil
	}
	doc, entities := document(value)
	out, err := coerce.To(f.key.Type, doc)
	if err != nil {
		return nil, fault.New(fault.Invalid, "Invalid value for %s on %s: %w", name, e.Name(), err)
	}
	if entities {
		out = e.tree.Resolve(out)
	}
	return out, nil
}

// DeclaredConfig resolves every key that the entity's type declares, for the
// documents that its implementation is given. Keys without a value are left
// out.
func (e *Entity) DeclaredConfig(ctx context.Context) (map[string]any, error) {
	out := make(map[string]any, len(e.decl.Config))
	for i := range e.decl.Config {
		name := e.decl.Config[i].Name
		v, err := e.Config(ctx, name)
		if err != nil {
			return nil, fault.Wrap(err, "resolve config "+name+" of", e.Name())
		}
		if v != nil {
			out[name] = Document(v)
		}
	}
	return out, nil
}

// SetConfig writes a config value, durably.
func (e *Entity) SetConfig(ctx context.Context, name string, raw any) error {
	if key := e.decl.Key(name); key != nil {
		name = key.Name
	}
	return e.tree.save(ctx, e, func(e *Entity) func() {
		old, had := e.config[name]
		if e.config == nil {
			e.config = map[string]*setting{}
		}
		e.config[name] = &setting{raw: raw}
		return func() {
			if delete(e.config, name); had {
				e.config[name] = old
			}
		}
	})
}

func (f found) resolve(ctx context.Context, name string) (any, error) {
	holder := f.holder
	if plain(f.raw) {
		return f.raw, nil
	}
	ctx, err := enter(ctx, holder, name)
	if err != nil {
		return nil, err
	}
	holder.mu.Lock()
	value := f.set.value
	holder.mu.Unlock()
	if value == nil {
		if value, err = expr.CompileAny(f.raw, expr.Limits{}); err != nil {
			return nil, fault.Wrap(err, "config "+name+" of", holder.Name())
		}
		holder.mu.Lock()
		f.set.value = value
		holder.mu.Unlock()
	}
	return value.Eval(ctx, scope{holder})
}

// plain tells whether a value needs no evaluation, for the common case.
func plain(raw any) bool {
	switch x := raw.(type) {
	case string:
		return !strings.HasPrefix(x, "$brooklyn:")
	case []any, map[string]any:
		return false
	}
	return true
}

// frame is one config value being resolved, in the chain of those that wait
// for it.
type frame struct {
	holder *Entity
	name   string
	up     *frame
}

type frameKey struct{}

// enter notes that a config value is being resolved and refuses one that is
// being resolved further up already.
func enter(ctx context.Context, holder *Entity, name string) (context.Context, error) {
	up, _ := ctx.Value(frameKey{}).(*frame)
	for f := up; f != nil; f = f.up {
		if f.holder == holder && f.name == name {
			path := name
			for g := up; g != f; g = g.up {
				path = g.name + " → " + path
			}
			return nil, fault.New(fault.Invalid, "Recursive reference to config %s of %s: %s → %s", name, holder.Name(), name, path)
		}
	}
	return context.WithValue(ctx, frameKey{}, &frame{holder, name, up}), nil
}

// CheckConfig tells whether a constant can be the value of a declared key. The
// error is the one that reading it would give.
func CheckConfig(key *hook.ConfigKey, raw any) error {
	if raw == nil {
		return nil
	}
	if _, err := coerce.To(key.Type, raw); err != nil {
		return fault.New(fault.Invalid, "Invalid value for %s: %w", key.Name, err)
	}
	return nil
}

// Evaluate computes a value that was written on the entity but is not config:
// expressions in it are resolved and may wait.
func (e *Entity) Evaluate(ctx context.Context, raw any) (any, error) {
	if plain(raw) {
		return raw, nil
	}
	value, err := expr.CompileAny(raw, expr.Limits{})
	if err != nil {
		return nil, err
	}
	return value.Eval(ctx, scope{e})
}

// ReadyConfig resolves the keys that the entity's type declares as far as
// that needs no waiting. What is not ready, or fails, is left out.
func (e *Entity) ReadyConfig(ctx context.Context) map[string]any {
	ctx = context.WithValue(ctx, hurryKey{}, true)
	out := make(map[string]any, len(e.decl.Config))
	for i := range e.decl.Config {
		name := e.decl.Config[i].Name
		if v, err := e.Config(ctx, name); err == nil && v != nil {
			out[name] = Document(v)
		}
	}
	return out
}

// hurryKey marks contexts in which no sensor is waited for.
type hurryKey struct{}
