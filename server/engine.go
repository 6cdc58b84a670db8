package server

import (
	"context"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/module"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/engine/workflow"
)

// Catalog is what the server asks of the engine's catalog.
type Catalog interface {
	Types() []*catalog.Type
	Type(name, version string) (*catalog.Type, error)
	Shape(t *catalog.Type) *hook.Type
	Bundles() []*catalog.Bundle
	Bundle(name, version string) (*catalog.Bundle, error)
	BundleFile(b *catalog.Bundle, name string) ([]byte, error)
	BundleContent(b *catalog.Bundle) ([]byte, error)
	AddBundle(ctx context.Context, r engine.BundleRequest) (*engine.BundleResult, error)
	RemoveBundle(ctx context.Context, name, version string, force bool) (*engine.BundleResult, error)
	RemoveType(ctx context.Context, kind, name, version string) error
	MarkType(ctx context.Context, name, version string, deprecated, disabled *bool) error

	Modules() []*module.Module
	BundleOf(m *module.Module) *catalog.Bundle
	Module(name, version string) (*module.Module, error)
	GrantModule(ctx context.Context, name, version string, grants []hook.Capability, all bool) (*module.Module, error)
	ResumeModule(ctx context.Context, name, version string) (*module.Module, error)
	RollbackModule(ctx context.Context, name string) (*module.Module, error)
}

// Engine is what the server asks of the engine; *engine.Engine is one.
type Engine interface {
	Deploy(ctx context.Context, r engine.Request) (*entity.Entity, *task.Task, error)
	Check(ctx context.Context, r engine.Request) (*engine.Report, error)
	AddChildren(ctx context.Context, parent *entity.Entity, r engine.Request, start bool) ([]*entity.Entity, *task.Task, error)
	Delete(ctx context.Context, app *entity.Entity) (*task.Task, error)
	Expunge(ctx context.Context, ent *entity.Entity, release bool) (*task.Task, error)
	Invoke(ctx context.Context, ent *entity.Entity, effector string, args map[string]any) (*task.Task, error)

	RunWorkflow(ctx context.Context, ent *entity.Entity, r engine.Request) (*task.Task, error)
	Workflows(ent *entity.Entity) ([]*workflow.View, error)
	Workflow(ent *entity.Entity, id string) (*workflow.View, error)
	DeleteWorkflow(ctx context.Context, ent *entity.Entity, id string) error
	ReplayWorkflow(ctx context.Context, ent *entity.Entity, id, from, reason string, force bool) (*task.Task, error)

	Applications() []*entity.Entity
	Application(ref string) (*entity.Entity, error)
	Entity(application, ref string) (*entity.Entity, error)
	EntityByID(id string) (*entity.Entity, error)

	Config(ctx context.Context, ent *entity.Entity, key string) (any, error)
	Explain(ctx context.Context, ent *entity.Entity, key string) (*entity.Explanation, error)
	SetConfig(ctx context.Context, ent *entity.Entity, key string, value any) error
	SetSensor(ctx context.Context, ent *entity.Entity, name string, value any) error
	ClearSensor(ctx context.Context, ent *entity.Entity, name string) error

	Adjuncts(ent *entity.Entity) []adjunct.Info
	AddAdjunct(ctx context.Context, ent *entity.Entity, r engine.AdjunctRequest) (adjunct.Info, error)
	SetAdjunctConfig(ctx context.Context, ent *entity.Entity, id, key string, value any) error
	SuspendAdjunct(ctx context.Context, ent *entity.Entity, id string) error
	ResumeAdjunct(ctx context.Context, ent *entity.Entity, id string) error
	RemoveAdjunct(ctx context.Context, ent *entity.Entity, id string) error
	Tasks() *task.Manager
	Catalog
	Locations() []location.Definition
	Health() engine.Health
	Plane() string
}

var _ Engine = (*engine.Engine)(nil)
