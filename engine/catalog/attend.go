package catalog

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/entity"
)

// AttendImpl is the part of an entity type that follows what happens to other
// entities: which of them are members of a group, for instance. It is called
// for each entity of the type when it comes to life and when the server
// starts, subscribes to what it needs and returns without waiting for
// anything. ctx ends with the entity and with the server; end, which may be
// nil, is called when the entity is removed.
type AttendImpl func(ctx context.Context, h AttendHost) (end func())

// AttendHost is what an AttendImpl is given. It may be kept.
type AttendHost interface {
	// Entity is the one that is attended to.
	Entity() *entity.Entity
	// Go runs work on a goroutine of its own, which the server waits for when
	// it stops. It is not run when that has begun.
	Go(work func(ctx context.Context))
}
