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

// Scope says where the text of a value stands: Root is the entity that
// scopeRoot() gives, the application when empty, and Bundle, "name:version",
// is where the names of types are looked for first.
type Scope struct {
	Root   ID     `json:"root,omitempty"`
	Bundle string `json:"bundle,omitempty"`
}

// level makes an entity one of Look.
type level struct{ *Entity }

func (l level) Above() (level, bool)                 { return level{l.Parent()}, l.Parent() != nil }
func (l level) Declares(name string) *hook.ConfigKey { return l.Declaration().declared(name) }

func (l level) Writes(name string) (any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.config[name]
	if s == nil {
		return nil, false
	}
	return s.raw, true
}

// look finds what the entity sees of a key, and the key's full name.
func (e *Entity) look(name string) (Sight[level], string) {
	if key := e.Declaration().Key(name); key != nil {
		name = key.Name
	}
	return Look(level{e}, name), name
}

// RawConfig gives a config value as written, expressions unevaluated, and
// whether it is set here or inherited.
func (e *Entity) RawConfig(name string) (any, bool) {
	s, name := e.look(name)
	if len(s.Values) == 0 {
		return nil, false
	}
	raw, _ := s.Values[0].Writes(name)
	for _, at := range s.Values[1:] {
		under, _ := at.Writes(name)
		over, ok := raw.(map[string]any)
		below, isMap := under.(map[string]any)
		if ok && isMap {
			raw = Merge(over, below)
		}
	}
	return raw, true
}

// OwnConfig gives a config value that the entity itself sets, as written, by
// its full name.
func (e *Entity) OwnConfig(name string) (any, bool) { return level{e}.Writes(name) }

// Key gives the declaration of a config key that counts for the entity, its
// own or one that it inherits; nil when nobody declares it.
func (e *Entity) Key(name string) *hook.ConfigKey {
	s, _ := e.look(name)
	return s.Key
}

// ScopeOf gives the scope of a config value that the entity itself sets.
func (e *Entity) ScopeOf(name string) Scope {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.config[name]; s != nil {
		return s.scope
	}
	return Scope{}
}

// ConfigKeys gives the names of all keys that have a value here, own or
// inherited, sorted.
func (e *Entity) ConfigKeys() []string {
	seen := map[string]bool{}
	for at := e; at != nil; at = at.Parent() {
		at.mu.Lock()
		for name := range at.config {
			seen[name] = true
		}
		at.mu.Unlock()
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		if s, _ := e.look(name); len(s.Values) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// workflowType is that of config keys whose value is a workflow.
const workflowType = "workflow"

// Config gives a config value, its expressions resolved for the entity on
// which they were written, coerced to the declared type. It may wait for
// sensors until ctx ends. A key that is neither set nor has a default is nil.
func (e *Entity) Config(ctx context.Context, name string) (any, error) {
	s, name := e.look(name)
	if s.Key != nil && s.Key.Type == workflowType {
		raw, _ := e.RawConfig(name)
		return raw, nil // whoever runs it computes what is in it
	}
	value, err := resolve(ctx, s, name)
	if err != nil || s.Key == nil || value == nil || s.Key.Type == "any" {
		return value, err
	}
	doc, entities := document(value)
	out, err := coerce.To(s.Key.Type, doc)
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
	out := make(map[string]any, len(e.Declaration().Config))
	for i := range e.Declaration().Config {
		name := e.Declaration().Config[i].Name
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
	if key := e.Declaration().Key(name); key != nil {
		name = key.Name
	}
	return e.tree.edit(ctx, e, Change{Kind: Configured, Key: name}, func(e *Entity) func() {
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

// UnsetConfig takes a config value of the entity's own away, durably.
func (e *Entity) UnsetConfig(ctx context.Context, name string) error {
	if key := e.Declaration().Key(name); key != nil {
		name = key.Name
	}
	return e.tree.edit(ctx, e, Change{Kind: Configured, Key: name}, func(e *Entity) func() {
		old, had := e.config[name]
		delete(e.config, name)
		return func() {
			if had {
				e.config[name] = old
			}
		}
	})
}

// resolve computes what a reader sees: the values merged, or the default.
func resolve(ctx context.Context, s Sight[level], name string) (any, error) {
	if len(s.Values) == 0 {
		if !s.HasDefault {
			return nil, nil
		}
		return s.Default.evaluate(ctx, name, &setting{raw: s.Default.Declares(name).Default})
	}
	var out any
	for i, at := range s.Values {
		at.mu.Lock()
		set := at.config[name]
		at.mu.Unlock()
		if set == nil {
			continue // it was taken away meanwhile
		}
		v, err := at.evaluate(ctx, name, set)
		if err != nil {
			return nil, err
		}
		over, ok := out.(map[string]any)
		under, isMap := v.(map[string]any)
		switch {
		case i == 0:
			out = v
		case ok && isMap:
			out = Merge(over, under)
		}
	}
	return out, nil
}

// evaluate computes a value that is written on the entity.
func (e *Entity) evaluate(ctx context.Context, name string, set *setting) (any, error) {
	if plain(set.raw) {
		return set.raw, nil
	}
	ctx, err := enter(ctx, e, name)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	value := set.value
	e.mu.Unlock()
	if value == nil {
		if value, err = expr.CompileAny(set.raw, expr.Limits{}); err != nil {
			return nil, fault.Wrap(err, "config "+name+" of", e.Name())
		}
		e.mu.Lock()
		set.value = value
		e.mu.Unlock()
	}
	return value.Eval(ctx, e.scope(set.scope))
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

// plainExpression tells whether a map as written is an expression as a whole.
func plainExpression(raw any) bool { return expr.IsExpr(raw) }

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
	return e.EvaluateIn(ctx, raw, Scope{})
}

// EvaluateIn is Evaluate for a value whose text stands in a scope of its own.
func (e *Entity) EvaluateIn(ctx context.Context, raw any, in Scope) (any, error) {
	if plain(raw) {
		return raw, nil
	}
	value, err := expr.CompileAny(raw, expr.Limits{})
	if err != nil {
		return nil, err
	}
	return value.Eval(ctx, e.scope(in))
}

// ReadyConfig resolves the keys that the entity's type declares as far as
// that needs no waiting. What is not ready, or fails, is left out.
func (e *Entity) ReadyConfig(ctx context.Context) map[string]any {
	ctx = Hurry(ctx)
	out := make(map[string]any, len(e.Declaration().Config))
	for i := range e.Declaration().Config {
		name := e.Declaration().Config[i].Name
		if v, err := e.Config(ctx, name); err == nil && v != nil {
			out[name] = Document(v)
		}
	}
	return out
}

// Hurry gives a context in which evaluations do not wait: what is not there
// yet fails with fault.Timeout.
func Hurry(ctx context.Context) context.Context { return context.WithValue(ctx, hurryKey{}, true) }

// hurryKey marks contexts in which no sensor is waited for.
type hurryKey struct{}
