package engine

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Applications gives the applications in the order of creation.
func (e *Engine) Applications() []*entity.Entity { return e.tree.Applications() }

// Application finds an application by id, else by display name in any case.
func (e *Engine) Application(ref string) (*entity.Entity, error) {
	if ent, err := e.tree.Get(entity.ID(ref)); err == nil && ent.Parent() == nil {
		return ent, nil
	}
	for _, app := range e.tree.Applications() {
		if strings.EqualFold(app.Name(), ref) {
			return app, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Application '%s' not found", ref)
}

// Entity finds an entity of an application by id, else by the exact display
// name, else by its id in the blueprint, depth first. The id of another application's entity is
// fault.Precondition.
func (e *Engine) Entity(application, ref string) (*entity.Entity, error) {
	app, err := e.Application(application)
	if err != nil {
		return nil, err
	}
	if ent, err := e.tree.Get(entity.ID(ref)); err == nil {
		if ent.Application() != app.ID() {
			return nil, fault.New(fault.Precondition, "Application '%s' does not have an entity '%s', which belongs to another one", application, ref)
		}
		return ent, nil
	}
	for _, same := range []func(*entity.Entity) bool{
		func(e *entity.Entity) bool { return e.Name() == ref },
		func(e *entity.Entity) bool { return e.PlanID() == ref },
	} {
		if ent := first(app, same); ent != nil {
			return ent, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Cannot find entity '%s' in application '%s'", ref, application)
}

// EntityByID finds an entity of any application.
func (e *Engine) EntityByID(id string) (*entity.Entity, error) { return e.tree.Get(entity.ID(id)) }

// first gives the first entity in the tree, depth first, that is wanted.
func first(at *entity.Entity, wanted func(*entity.Entity) bool) *entity.Entity {
	if wanted(at) {
		return at
	}
	for _, c := range at.Children() {
		if found := first(c, wanted); found != nil {
			return found
		}
	}
	return nil
}

// Config gives a config value as a document, resolved; it may wait until ctx
// ends. A key that is neither declared nor set is NotFound; one that is
// declared but has no value is nil.
func (e *Engine) Config(ctx context.Context, ent *entity.Entity, key string) (any, error) {
	if _, set := ent.RawConfig(key); !set && ent.Key(key) == nil {
		return nil, fault.New(fault.NotFound, "Config '%s' not known", key)
	}
	v, err := ent.Config(ctx, key)
	return entity.Document(v), err
}

// Explain tells where a config value comes from and what it waits for, at once.
// A key that nobody declares or sets is NotFound.
func (e *Engine) Explain(ctx context.Context, ent *entity.Entity, key string) (*entity.Explanation, error) {
	if _, set := ent.RawConfig(key); !set && ent.Key(key) == nil {
		return nil, fault.New(fault.NotFound, "Config '%s' not known", key)
	}
	return ent.Explain(ctx, key), nil
}

// SetConfig writes a config value, durably. It may hold expressions; a constant
// must be what its key allows.
func (e *Engine) SetConfig(ctx context.Context, ent *entity.Entity, key string, value any) error {
	if err := checkChange(ctx, ent, key, value); err != nil {
		return err
	}
	return ent.SetConfig(ctx, key, value)
}

// SetSensor publishes a sensor value from outside.
func (e *Engine) SetSensor(_ context.Context, ent *entity.Entity, name string, value any) error {
	if name == "" || strings.ContainsAny(name, "/\x00") || len(name) > 256 {
		return fault.New(fault.Invalid, "sensor name %q: expected 1 to 256 characters without '/'", name)
	}
	return e.publish(ent, map[string]any{name: value})
}

// publish sets sensors, unless they are too many or too deep to be kept.
func (e *Engine) publish(ent *entity.Entity, sensors map[string]any) error {
	if err := e.keepable(ent, sensors); err != nil {
		return err
	}
	ent.Update(sensors)
	return nil
}

func (e *Engine) keepable(ent *entity.Entity, sensors map[string]any) error {
	fresh := 0
	for name, value := range sensors {
		if value == nil {
			continue
		}
		if _, there := ent.Sensor(name); !there {
			fresh++
		}
		if coerce.Deep(value) {
			return fault.New(fault.Limit, "sensor %s of %s: its value is nested deeper than the limit MaxDepth allows (%d)", name, ent.Name(), coerce.MaxDepth)
		}
	}
	if fresh == 0 {
		return nil
	}
	if n := ent.SensorCount(); n+fresh > e.cfg.Limits.Sensors {
		return fault.New(fault.Limit, "%s has %d sensors and would have %d more, Limits.Sensors allows %d", ent.Name(), n, fresh, e.cfg.Limits.Sensors)
	}
	return nil
}

// ClearSensor takes a sensor value away.
func (e *Engine) ClearSensor(_ context.Context, ent *entity.Entity, name string) error {
	if _, ok := ent.Sensor(name); !ok {
		return fault.New(fault.NotFound, "Sensor '%s' not known", name)
	}
	ent.Set(name, nil)
	return nil
}

// settle publishes the static sensors of an entity that have no value yet, and
// gives it the name that its blueprint computes, as soon as these can be
// resolved.
func (e *Engine) settle(ent *entity.Entity) {
	if later := ent.NameLater(); later != nil {
		err := e.tasks.Go("name "+ent.Name(), func(ctx context.Context) {
			if err := ent.NameNow(ctx, *later); err != nil && !stopping(ctx) && !ent.Gone() {
				e.log.Warn("display name cannot be computed", "entity", ent.Name(), "err", err)
			}
		})
		if err != nil {
			return
		}
	}
	for _, s := range ent.StaticSensors() {
		if _, there := ent.Sensor(s.Name); there {
			continue
		}
		err := e.tasks.Go("sensor "+s.Name, func(ctx context.Context) {
			if err := ent.PublishStatic(ctx, s); err != nil && !stopping(ctx) && !ent.Gone() {
				e.log.Warn("sensor cannot be published", "entity", ent.Name(), "sensor", s.Name, "err", err)
			}
		})
		if err != nil {
			return
		}
	}
}
