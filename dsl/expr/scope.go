package expr

import (
	"context"
	"time"
)

// Entity is an opaque handle that a Scope gives out. Expressions carry it
// around; only a Scope looks behind it.
type Entity interface {
	EntityID() string   // unique in the engine
	EntityName() string // for people
}

// Locator says in which direction Scope.Find looks from an entity.
type Locator uint8

const (
	Component   Locator = iota // anywhere in the application, the nearest first
	Child                      // among the children
	Sibling                    // among the parent's other children
	Descendant                 // below, through children only
	Member                     // below, through children and group members
	Ancestor                   // above
	Parent                     // the parent; the id is empty
	Root                       // the application; the id is empty
	ScopeRoot                  // the root of the blueprint that the text stands in; the id is empty
	Self                       // the entity itself; the id is empty
	Application                // among all applications
	locators                   // number of locators
)

// String gives the locator's word in blueprints.
func (l Locator) String() string {
	names := [locators]string{"component", "child", "sibling", "descendant", "member", "ancestor",
		"parent", "root", "scopeRoot", "self", "application"}
	if l < locators {
		return names[l]
	}
	return "unknown"
}

// Scope answers the questions of an expression. Every method may block and
// ends with ctx. Its errors are faults whose kind survives the evaluation.
//
// Values are plain: nil, bool, int64, float64, string, []any, map[string]any,
// and Entity for what stands for an entity, also inside lists and maps. Other
// values pass through an evaluation untouched. Expressions never change a
// value that they were given.
type Scope interface {
	// Self gives the entity that the expression belongs to; nil when it
	// belongs to none, so that only what needs no entity can be evaluated.
	Self() Entity
	// Find looks for an entity from another one by its plan id, else by its
	// entity id. Parent of an application is nil without an error. An entity
	// that is not there is fault.NotFound, "No entity matching id 'X'".
	Find(ctx context.Context, from Entity, how Locator, id string) (Entity, error)
	// Config gives a config value of an entity with its expressions resolved;
	// nil when it is not set.
	Config(ctx context.Context, of Entity, key string) (any, error)
	// AttributeWhenReady waits for a sensor's value.
	AttributeWhenReady(ctx context.Context, of Entity, sensor string, o WaitOptions) (any, error)
	// Location gives the i-th location of an entity, or of the nearest one
	// above it that has any; fault.NotFound when there are fewer.
	Location(ctx context.Context, of Entity, i int) (any, error)
	// External gives a value that a provider outside has.
	External(ctx context.Context, provider, key string) (any, error)
}

// WaitOptions are the conditions of attributeWhenReady.
type WaitOptions struct {
	Timeout         *time.Duration // longest wait; nil is for ever, 0 does not wait
	TimeoutIfDown   *time.Duration // longest wait while the entity is neither up nor starting; nil is Timeout
	TimeoutIfOnFire *time.Duration // longest wait while the entity is on fire; nil is Timeout
	AbortIfOnFire   bool           // fail as soon as the entity is on fire
	WaitForTruthy   bool           // wait until the value is neither nil, false, 0 nor empty; else until it is published
}

// DefaultWait gives the conditions of attributeWhenReady without options.
func DefaultWait() WaitOptions {
	minute := time.Minute
	return WaitOptions{TimeoutIfDown: &minute, AbortIfOnFire: true, WaitForTruthy: true}
}
