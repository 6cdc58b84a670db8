package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// place is what a step that sets or clears a sensor or a config key is about.
type place struct {
	entity *entity.Entity
	path   step.Path
	typ    string
}

// place reads it: a name, or a map of name, type and entity.
func (e *Engine) place(c *action.Call, key string) (*place, error) {
	in := map[string]any{"name": c.Input["name"], "type": c.Input["type"], "entity": c.Input["entity"]}
	switch v := c.Input[key].(type) {
	case nil:
	case map[string]any:
		for k := range v {
			in[k] = v[k]
		}
	default:
		in["name"] = v
	}
	p := &place{}
	name, _ := in["name"].(string)
	if name == "" {
		return nil, fault.New(fault.Invalid, "step input %s: expected a name, got %v", key, in["name"])
	}
	var err error
	if p.path, err = step.ParsePath(name, false); err != nil {
		return nil, err
	}
	if in["type"] != nil {
		if p.typ = coerce.Text(in["type"]); !coerce.Known(p.typ) {
			return nil, fault.New(fault.Invalid, "%s %s: unknown type %q", key, name, p.typ)
		}
	}
	named := *c
	named.Input = map[string]any{"entity": in["entity"]}
	p.entity, err = e.subject(&named)
	return p, err
}

// value coerces what is set.
func (p *place) value(v any) (any, error) {
	if p.typ == "" {
		return v, nil
	}
	out, err := coerce.To(p.typ, v)
	if err != nil {
		return nil, fault.New(fault.Invalid, "cannot set %s of %s: %w", p.path, p.entity.Name(), err)
	}
	return entity.Document(out), nil
}

func (e *Engine) setSensorStep(_ context.Context, c *action.Call) (any, error) {
	p, err := e.place(c, "sensor")
	if err != nil {
		return nil, err
	}
	v, err := p.value(c.Input["value"])
	if err != nil {
		return nil, err
	}
	wanted, conditional := c.Input["require"]
	if err := e.keepable(p.entity, map[string]any{p.path.Root: v}); err != nil {
		return nil, err
	}
	if len(p.path.Keys) == 0 && !conditional {
		p.entity.Set(p.path.Root, v)
		return nil, nil
	}
	name := p.entity.Name() // not to be asked while the sensor is held
	var check *predicate.Predicate
	if conditional {
		if check, err = predicate.CompileAny(wanted, predicate.Limits{}); err != nil {
			return nil, fault.Wrap(err, "require", "")
		}
	}
	p.entity.Modify(p.path.Root, func(old any) any {
		if check != nil {
			if err = p.require(check, old, name); err != nil {
				return old
			}
		}
		var next any
		if next, err = p.path.Set(old, old != nil, v); err != nil {
			return old
		}
		return next
	})
	return nil, err
}

// require holds the present value of a sensor to a condition.
func (p *place) require(check *predicate.Predicate, old any, name string) error {
	if old == nil && !check.AboutAbsence() {
		return fault.New(fault.Precondition, "sensor %s of %s is absent, which does not satisfy the non-absent requirement", p.path.Root, name)
	}
	var v = old
	if old == nil {
		v = predicate.Missing{}
	}
	ok, err := check.Test(context.Background(), predicate.Subject{Value: v})
	if err == nil && !ok {
		err = fault.New(fault.Precondition, "sensor %s of %s is %v, which does not satisfy the requirement", p.path.Root, name, old)
	}
	return err
}

func (e *Engine) clearSensorStep(_ context.Context, c *action.Call) (any, error) {
	p, err := e.place(c, "sensor")
	if err != nil {
		return nil, err
	}
	if len(p.path.Keys) == 0 {
		p.entity.Set(p.path.Root, nil)
		return nil, nil
	}
	if _, has := p.entity.Sensor(p.path.Root); has {
		p.entity.Modify(p.path.Root, func(old any) any {
			out, _ := p.path.Clear(old)
			return out
		})
	}
	return nil, nil
}

func (e *Engine) setConfigStep(ctx context.Context, c *action.Call) (any, error) {
	p, err := e.place(c, "config")
	if err != nil {
		return nil, err
	}
	v, err := p.value(c.Input["value"])
	if err != nil {
		return nil, err
	}
	old, has := p.entity.OwnConfig(p.path.Root)
	if only, _ := c.Input["unlessSet"].(bool); only && has {
		return nil, nil
	}
	if len(p.path.Keys) > 0 {
		if v, err = p.path.Set(old, has, v); err != nil {
			return nil, err
		}
	}
	return nil, e.SetConfig(ctx, p.entity, p.path.Root, v)
}

func (e *Engine) clearConfigStep(ctx context.Context, c *action.Call) (any, error) {
	p, err := e.place(c, "config")
	if err != nil {
		return nil, err
	}
	if len(p.path.Keys) == 0 {
		return nil, p.entity.UnsetConfig(ctx, p.path.Root)
	}
	old, has := p.entity.OwnConfig(p.path.Root)
	if !has {
		return nil, nil
	}
	v, _ := p.path.Clear(old)
	return nil, e.SetConfig(ctx, p.entity, p.path.Root, v)
}

func (e *Engine) renameStep(ctx context.Context, c *action.Call) (any, error) {
	ent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(coerce.Text(c.Input["value"]))
	if name == "" {
		return nil, fault.New(fault.Invalid, "set-entity-name: expected a name")
	}
	return nil, ent.Rename(ctx, name)
}
