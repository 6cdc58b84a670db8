// Package catalog holds the registered types: what a name in a blueprint
// stands for, whichever way it is implemented.
package catalog

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// The kinds of types, as hook.Type.Kind spells them.
const (
	Entity      = "entity"
	Policy      = "policy"
	Enricher    = "enricher"
	Strategy    = "strategy"
	Initializer = "initializer"
	Location    = "location"
	Bean        = "bean"
	Step        = "step"
	Network     = "network" // of what modules describe; Instance is what is registered
	Format      = "format"
)

// Kinds are all kinds, in the order in which a plan that does not say its own
// is tried.
var Kinds = []string{Entity, Policy, Enricher, Initializer, Strategy, Location, Step, Bean, Format}

// Workflow is the type of config keys whose value is a workflow.
const Workflow = "workflow"

// Waker is a PolicyImpl that is also asked some time after it was added.
type Waker interface {
	// Wake gives that time; ok is false for never.
	Wake(config map[string]any) (after time.Duration, ok bool)
}

// Rescheduler is a Waker whose timer depends on config that may change while it
// runs.
type Rescheduler interface {
	Waker
	// Rewake gives when, after a change, it is to be asked at the latest; ok is
	// false for never.
	Rewake(config map[string]any) (after time.Duration, ok bool)
}

// EntityImpl decides what the effectors of an entity do.
type EntityImpl interface {
	Effector(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error)
	// Continue is called for a step that says so, with the outputs so far.
	Continue(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error)
}

// PolicyImpl decides what a policy does about an event.
type PolicyImpl interface {
	Event(ctx context.Context, c *hook.PolicyCall) (*hook.Decision, error)
}

// StepImpl decides what a step of a workflow does: the call has the step's
// input in Args.
type StepImpl func(ctx context.Context, c *hook.EffectorCall) (*hook.Decision, error)

// InitImpl says what an entity of a type starts from, in the words of a
// blueprint.
type InitImpl func(ctx context.Context, c *hook.InitCall) (*hook.Init, error)

// NetworkImpl plans for the networks of a type.
type NetworkImpl func(ctx context.Context, c *hook.NetworkCall) (*hook.Decision, error)

// MachinesImpl plans how the machines of a location type are obtained.
type MachinesImpl func(ctx context.Context, c *hook.LocationCall) (*hook.Decision, error)

// FormatImpl reads a text of the formats of a type.
type FormatImpl func(ctx context.Context, c *hook.ParseCall) (*hook.Parsed, error)

// MigrateImpl brings a state that another version of the type handed back to
// this one. fault.NotFound says that it is good as it is.
type MigrateImpl func(ctx context.Context, c *hook.MigrateCall) (json.RawMessage, error)

// Flow says that the config of an initializer, policy or sensor is a workflow.
type Flow struct {
	Own []string // keys that are not the workflow's
}

// StrategyImpl makes a placement strategy with the given config.
type StrategyImpl func(config map[string]any) (placement.Strategy, error)

// Checks tell what is wrong with config values as they are written, before
// anything is made of them, by full name of the key. The error may be a
// *yamlpos.Errors.
type Checks map[string]func(n *yamlpos.Node) error

// Type is a registered type. One that is implemented by code, native or of a
// module, has the implementation that its Kind says; one without can be used
// in a tree but has no effectors. One that a bundle describes has a Plan that
// names another type to start from.
type Type struct {
	hook.Type              // Name is the symbolic name
	Version     string     // "" counts as DefaultVersion
	Bundle      *Bundle    // it belongs to; never nil once registered
	Module      string     // the module it comes from; "" for a native type
	Application bool       // an entity type that can stand at the top by itself
	Aggregates  bool       // an entity type whose service state follows that of its children; applications do
	OneHost     bool       // an entity type that keeps all below it on one host
	Turns       []string   // effectors of an entity type that take turns with start, stop and restart
	Attend      AttendImpl // of an entity type that follows what happens to others; may be nil
	Checks      Checks     // of an entity type, policy, enricher or initializer
	Unbuilt     string     // of a type that is known but cannot run: what to use instead
	Entity      EntityImpl
	Policy      PolicyImpl
	Enricher    EnricherImpl
	Initializer InitializerImpl
	Strategy    StrategyImpl
	Step        StepImpl
	Init        InitImpl
	Networks    NetworkImpl
	Instance    *Type // of a network type: the type of the entities that are its networks
	Machines    MachinesImpl
	Hosts       bool // its effectors are told the hosts of the entity's location
	Format      FormatImpl
	Migrate     MigrateImpl
	Flow        *Flow // nil: config is config

	Title      string // display name; "" has none
	Tags       []any
	Deprecated bool
	Disabled   bool   // not offered to users; what names it still works
	Template   bool   // a whole application to start a blueprint from
	ItemType   string // as the bundle spells the kind; "" is Kind
	Plan       *Plan  // nil for a type that is implemented by code
}

// Plan is how a bundle describes a type. What Kind says decides which field
// is set.
type Plan struct {
	Format string          // "brooklyn-camp"
	Text   string          // as written
	Node   *yamlpos.Node   // as read
	Spec   *blueprint.Spec // of an entity
	Part   *blueprint.Adjunct
	Err    error // why it cannot be used; only templates may be in the catalog so
}

// ID gives "name:version".
func (t *Type) ID() string { return t.Name + ":" + t.Version }

// Super gives the reference to the type that a plan starts from, "" for a
// type that is implemented by code or described without one.
func (t *Type) Super() string {
	switch {
	case t.Plan == nil || t.Plan.Err != nil:
	case t.Plan.Spec != nil:
		return t.Plan.Spec.TypeRef()
	case t.Plan.Part != nil:
		return t.Plan.Part.TypeRef()
	}
	return ""
}
