package engine

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// reading is what modules may see of the running entities.
type reading struct{ *Engine }

func (r reading) of(asking, id string) (*entity.Entity, error) {
	ent, err := r.tree.Get(entity.ID(id))
	if err != nil {
		return nil, err
	}
	self, err := r.tree.Get(entity.ID(asking))
	if err != nil {
		return nil, err
	}
	if self.Application() != ent.Application() {
		return nil, fault.New(fault.NotFound, "application %s has no entity %s", self.Application(), id)
	}
	return ent, nil
}

// Sensor is part of module.Reader.
func (r reading) Sensor(asking, id, name string) (any, error) {
	ent, err := r.of(asking, id)
	if err != nil {
		return nil, err
	}
	v, _ := ent.Sensor(name)
	return entity.Document(v), nil
}

// Config is part of module.Reader.
func (r reading) Config(ctx context.Context, asking, id, key string) (any, error) {
	ent, err := r.of(asking, id)
	if err != nil {
		return nil, err
	}
	v, err := ent.Config(entity.Hurry(ctx), key)
	if fault.KindOf(err) == fault.Timeout {
		return nil, nil
	}
	return entity.Document(v), err
}
