package engine

import (
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/constraint"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// inheriting gives the value that an entity will see from those above it.
type inheriting func(name string, key *hook.ConfigKey) (any, bool)

// constrain checks the constraints of all declared keys, as far as the values
// are known before anything runs. inherit may be nil.
func (p *planner) constrain(s *blueprint.Spec, d *entity.Declaration, config map[string]any, inherit inheriting) {
	values := func(name string) (any, constraint.State) {
		key := d.Key(name)
		if key != nil {
			name = key.Name
		}
		if raw, ok := config[name]; ok {
			return valueNow(p.ctx, key, raw)
		}
		if given(s, d, name) != nil {
			return nil, constraint.Deferred // it has an error, which is reported
		}
		if inherit != nil {
			if raw, ok := inherit(name, key); ok {
				return valueNow(p.ctx, key, raw)
			}
		}
		if key != nil && key.Default != nil {
			return valueNow(p.ctx, key, key.Default)
		}
		return nil, constraint.Unset
	}
	for i := range d.Config {
		k := &d.Config[i]
		if err := constraint.Check(p.ctx, k, values); err != nil {
			pos := s.Pos
			if n := given(s, d, k.Name); n != nil {
				pos = n.Pos
			}
			p.errs.Add(pos, "%s", asPlain(err))
		}
	}
}

// given finds the value that a blueprint gives to a key, under whatever name.
func given(s *blueprint.Spec, d *entity.Declaration, name string) *yamlpos.Node {
	for _, entry := range slices.Concat(s.Config, s.Flags, s.Extra) {
		if key := d.Key(entry.Key); entry.Key == name || key != nil && key.Name == name {
			return entry.Value
		}
	}
	return nil
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

// inherited looks for a value in what the entities above will have.
func (p *planner) inherited(name string, key *hook.ConfigKey) (any, bool) {
	for _, n := range slices.Backward(p.above) {
		if key == nil {
			key = n.Declaration.Key(name)
		}
		if key != nil && key.Inherit == "never" {
			return nil, false
		}
		if raw, ok := n.Config[name]; ok {
			return raw, true
		}
	}
	if p.parent == nil {
		return nil, false
	}
	if key == nil {
		key = p.parent.Declaration().Key(name)
	}
	if key != nil && key.Inherit == "never" {
		return nil, false
	}
	return p.parent.RawConfig(name)
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
