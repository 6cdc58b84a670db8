package catalog

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// InitializerImpl says what an initializer adds to the entity it stands on.
// It is asked when a blueprint is checked, when the entity is created and each
// time the server starts, with the config as written (expressions not
// evaluated, keys under their full names), and must always answer the same.
// Effectors that it adds are decided by the type's EntityImpl; the call has the
// initializer's config, resolved, in Initializer. A policy's type may have one
// too, for the errors in its config; nothing is added then.
type InitializerImpl func(config map[string]any) (*Contribution, error)

// Contribution is what an initializer adds to an entity.
type Contribution struct {
	Sensors   []entity.StaticSensor
	Effectors []hook.Effector
	Feed      *Feed
	Run       *Run
}

// Run is a workflow, the initializer's config, that runs once when the entity
// has been created.
type Run struct {
	Async bool          // nothing waits for its end
	Delay time.Duration // until it begins
}

// Feed is a source of sensor values that is asked again and again.
type Feed struct {
	Name      string
	Sensors   []hook.Sensor // what it publishes
	Period    time.Duration // 0 asks only for triggers
	Triggers  []Trigger     // sensors whose events make it ask at once
	SkipFirst bool          // it does not ask as it begins
	OnlyIfUp  bool          // it rests while the entity is not up
	Workflow  bool          // the engine runs the workflow that the initializer's config is; Poll is nil
	// Poll gives the sensor values; a nil value clears the sensor. config is
	// the initializer's, resolved. An error leaves the sensors as they are.
	Poll func(ctx context.Context, of *entity.Entity, config map[string]any) (map[string]any, error)
}

// Trigger names a sensor; Entity, as written, is empty for the feed's own.
type Trigger struct {
	Entity any
	Sensor string
}
