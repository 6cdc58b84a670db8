package server

import (
	"context"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/task"
)

// Engine is what the server asks of the engine; *engine.Engine is one.
type Engine interface {
	Deploy(ctx context.Context, r engine.Request) (*entity.Entity, *task.Task, error)
	Check(ctx context.Context, r engine.Request) (*engine.Report, error)
	AddChildren(ctx context.Context, parent *entity.Entity, r engine.Request, start bool) ([]*entity.Entity, *task.Task, error)
	Delete(ctx context.Context, app *entity.Entity) (*task.Task, error)
	Expunge(ctx context.Context, ent *entity.Entity, release bool) (*task.Task, error)
	Invoke(ctx context.Context, ent *entity.Entity, effector string, args map[string]any) (*task.Task, error)

	Applications() []*entity.Entity
	Application(ref string) (*entity.Entity, error)
	Entity(application, ref string) (*entity.Entity, error)
	EntityByID(id string) (*entity.Entity, error)

	Config(ctx context.Context, ent *entity.Entity, key string) (any, error)
	SetConfig(ctx context.Context, ent *entity.Entity, key string, value any) error
	SetSensor(ctx context.Context, ent *entity.Entity, name string, value any) error
	ClearSensor(ctx context.Context, ent *entity.Entity, name string) error

	Adjuncts(ent *entity.Entity) []adjunct.Info
	Tasks() *task.Manager
	Types() []*catalog.Type
	Locations() []location.Definition
	Health() engine.Health
	Plane() string
}

var _ Engine = (*engine.Engine)(nil)
