package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/constraint"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// inheriting gives the value that an entity will see for a key which it does
// not set itself.
type inheriting func(name string) (any, bool)

// constrain checks the constraints of all declared keys, as far as the values
// are known before anything runs. pos is where the whole thing stands; inherit
// may be nil.
func (p *planner) constrain(pos yamlpos.Pos, d *entity.Declaration, written *settings, inherit inheriting) {
	values := func(name string) (any, constraint.State) {
		key := d.Key(name)
		if key != nil {
			name = key.Name
		}
		if written.bad[name] {
			return nil, constraint.Deferred
		}
		if raw, ok := written.config[name]; ok {
			return valueNow(p.ctx, key, raw)
		}
		if inherit != nil {
			if raw, ok := inherit(name); ok {
				return valueNow(p.ctx, key, raw)
			}
		}
		if key != nil && key.Default != nil {
			return valueNow(p.ctx, key, key.Default)
		}
		return nil, constraint.Unset
	}
	if p.described { // whoever uses it may set what is missing
		return
	}
	for i := range d.Config {
		k := &d.Config[i]
		if err := constraint.Check(p.ctx, k, values); err != nil {
			at, ok := written.at[k.Name]
			if !ok {
				at = pos
			}
			p.errs.Add(at, "%s", asPlain(err))
		}
	}
}

// valueNow gives a config value if it needs nothing that runs.
func valueNow(ctx context.Context, key *hook.ConfigKey, raw any) (any, constraint.State) {
	compiled, err := expr.CompileAny(raw, expr.Limits{})
	if err != nil || !compiled.Constant() {
		return nil, constraint.Deferred
	}
	v, err := entity.EvaluateAlone(ctx, compiled)
	if err == nil && key != nil {
		v, err = coerce.To(key.Type, v)
	}
	if err != nil {
		return nil, constraint.Deferred // reading it fails with a better error
	}
	return v, constraint.Known
}

// planned is an entity of a plan, or one above the plan, as entity.Look wants
// them.
type planned struct {
	n     *entity.New
	above []*entity.New
	live  *entity.Entity // once n is nil
}

func (v planned) Above() (planned, bool) {
	if len(v.above) > 0 {
		last := len(v.above) - 1
		return planned{v.above[last], v.above[:last], v.live}, true
	}
	if v.n != nil {
		return planned{live: v.live}, v.live != nil
	}
	up := v.live.Parent()
	return planned{live: up}, up != nil
}

func (v planned) Declares(name string) *hook.ConfigKey {
	if v.n != nil {
		return v.n.Declaration.Key(name)
	}
	return v.live.Declaration().Key(name)
}

func (v planned) Writes(name string) (any, bool) {
	if v.n != nil {
		raw, ok := v.n.Config[name]
		return raw, ok
	}
	return v.live.OwnConfig(name)
}

// seen gives what an entity of the plan will see of a key that it does not set
// itself.
func (p *planner) seen(n *entity.New) inheriting {
	return func(name string) (any, bool) {
		s := entity.Look(planned{n, p.above, p.parent}, name)
		switch {
		case len(s.Values) > 0:
			return s.Values[0].Writes(name)
		case s.HasDefault:
			return s.Default.Declares(name).Default, true
		}
		return nil, false
	}
}

// checkChange checks a new value of a config key: that it is an expression that
// can be compiled or a constant of the key's type, and that the constraints of
// all keys hold with it, as far as values are constants.
func checkChange(ctx context.Context, ent *entity.Entity, name string, raw any) error {
	if _, err := expr.CompileAny(raw, expr.Limits{}); err != nil {
		return fault.New(fault.Invalid, "Invalid value for %s: %w", name, err)
	}
	d := ent.Declaration()
	changed := d.Key(name)
	if changed == nil {
		return nil
	}
	if v, state := valueNow(ctx, nil, raw); state == constraint.Known {
		if err := entity.CheckConfig(changed, v); err != nil {
			return err
		}
	}
	values := func(name string) (any, constraint.State) {
		key := d.Key(name)
		if key == changed {
			return valueNow(ctx, key, raw)
		}
		if now, ok := ent.RawConfig(name); ok {
			return valueNow(ctx, key, now)
		}
		if key != nil && key.Default != nil {
			return valueNow(ctx, key, key.Default)
		}
		return nil, constraint.Unset
	}
	for i := range d.Config {
		if err := constraint.Check(ctx, &d.Config[i], values); err != nil {
			return err
		}
	}
	return nil
}

// checkStart checks the constraints of an entity that starts, whose declared
// config is resolved. Other config counts if it needs no waiting.
func checkStart(ctx context.Context, ent *entity.Entity, config map[string]any) error {
	d := ent.Declaration()
	values := func(name string) (any, constraint.State) {
		if key := d.Key(name); key != nil {
			if v, ok := config[key.Name]; ok {
				return v, constraint.Known
			}
			return nil, constraint.Unset
		}
		if raw, ok := ent.RawConfig(name); ok {
			return valueNow(ctx, nil, raw)
		}
		return nil, constraint.Unset
	}
	for i := range d.Config {
		if err := constraint.Check(ctx, &d.Config[i], values); err != nil {
			return fault.Wrap(err, "check config of", ent.Name())
		}
	}
	return nil
}
