package action

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// World is what a step may ask of the engine that runs it.
type World interface {
	// Entity gives the entity that a value names: a document of one, its id, or
	// its plan id, looked for from the step's own entity. NotFound when there is
	// none.
	Entity(v any) (Entity, error)
	// Appear is Entity that waits, until ctx ends, for one that is not there yet.
	Appear(ctx context.Context, v any) (Entity, error)
	// Invoke calls an effector as a part of the step and gives its result. When
	// the step is repeated, a call of the same attempt is not made again: its
	// outcome counts.
	Invoke(ctx context.Context, of Entity, effector string, args map[string]any, attempt int) (any, error)
	// Run runs a step of another type within the step.
	Run(ctx context.Context, step string, input map[string]any) (any, error)
}

// Entity is an entity as steps see it.
type Entity interface {
	Ref() hook.Ref
	// Sensor gives the value of a sensor, and whether it has one.
	Sensor(name string) (any, bool)
	// Subscribe delivers later events of a sensor; see package event.
	Subscribe(sensor string, deliver func(event.Event)) *event.Subscription
	// Gone tells whether the entity has been removed.
	Gone() bool
}
