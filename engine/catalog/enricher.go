package catalog

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
)

// EnricherImpl makes the enricher of a type for one entity. It reads what it
// needs of its config and subscribes; it publishes its initial value itself.
// An error keeps it from running and is shown to users.
type EnricherImpl func(ctx context.Context, h EnricherHost) error

// EnricherHost is what an enricher is given. It may be kept.
type EnricherHost interface {
	// Entity is the one that the enricher stands on.
	Entity() *entity.Entity
	// Config resolves a config value, coerced to the declared type; nil when
	// it is not set and has no default. It may wait for sensors until ctx ends.
	Config(ctx context.Context, key string) (any, error)
	// Now resolves a config value as far as that needs no waiting; it is for
	// values that are computed anew at each event. ok is false when something
	// it refers to is not there yet.
	Now(ctx context.Context, key string) (v any, ok bool, err error)
	// Listen subscribes to a sensor of an entity, or to all for "". What it
	// delivers to is called synchronously and in order, never by two at once
	// for one entity, and must not block. The subscription ends with the
	// enricher.
	Listen(source *entity.Entity, sensor string, deliver func(event.Event)) (cancel func())
	// Publish sets a sensor of the entity; nil clears it. A value equal to the
	// present one is no event.
	Publish(sensor string, value any)
	// Republish sets a sensor of the entity, also to the value that it has.
	Republish(sensor string, value any)
}
