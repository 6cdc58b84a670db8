// Package entity is the live tree of applications and their entities: config
// and its inheritance, sensors, service state, and waiting for one another.
//
// Lock order: an entity's lock, then its parent's, up to the root; the tree's
// lock is never held while an entity's is taken.
package entity

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// ID names an entity; it is unique within a store and usable in container
// names.
type ID string

// Declaration is what the entity's type declares; it is shared by all
// entities of the type and never changes.
type Declaration struct {
	hook.Type
	Version string // of the registered type; "" for an anonymous one
	// Aggregates makes the service state follow that of the children, as
	// applications do.
	Aggregates bool
	// Turns are the effectors that take turns with start, stop and restart: one of
	// them runs on an entity at a time.
	Turns []string
	// OneHost keeps all that is below the entity on one host of a location.
	OneHost bool
	// Added tells which of the entity's initializers an effector comes from,
	// by index; those of the type are not there.
	Added map[string]int
}

// Startable tells whether entities of the type have a life cycle.
func (d *Declaration) Startable() bool {
	return slices.ContainsFunc(d.Effectors, func(e hook.Effector) bool { return e.Name == "start" })
}

// Key finds a declared config key by name or flag, or nil. A name counts
// before a flag.
func (d *Declaration) Key(name string) *hook.ConfigKey {
	if k := d.declared(name); k != nil {
		return k
	}
	for i := range d.Config {
		if k := &d.Config[i]; slices.Contains(k.Flags, name) {
			return k
		}
	}
	return nil
}

// declared finds a declared config key by its full name, or nil.
func (d *Declaration) declared(name string) *hook.ConfigKey {
	for i := range d.Config {
		if k := &d.Config[i]; k.Name == name {
			return k
		}
	}
	return nil
}

// Effector finds a declared effector, or nil.
func (d *Declaration) Effector(name string) *hook.Effector {
	for i := range d.Effectors {
		if d.Effectors[i].Name == name {
			return &d.Effectors[i]
		}
	}
	return nil
}

// Entity is one managed thing. Its identity never changes; everything else is
// read and changed through methods, at any time and from anywhere.
type Entity struct {
	tree   *Tree
	rec    Record // identity fields never change; Name, Config, Tags, Locations are guarded by mu
	decl   atomic.Pointer[Declaration]
	parent atomic.Pointer[Entity]
	topic  event.Topic

	mu       sync.Mutex
	gone     bool
	children []*Entity
	config   map[string]*setting
	sensors  map[string]Reading
	cleared  map[string]struct{} // sensors that had a value
	last     time.Time           // of the last publication
	quorum   quorum
	watched  *observers // nil while nobody observes
}

// Record is an entity as the store keeps it.
type Record struct {
	ID           ID               `json:"id"`
	Application  ID               `json:"application"`
	Parent       ID               `json:"parent,omitempty"`
	Seq          uint64           `json:"seq"` // rises with creation; orders siblings
	Type         string           `json:"type"`
	Item         string           `json:"item,omitempty"` // id:version of the catalog item it was made from
	Name         string           `json:"name"`
	NameLater    *Later           `json:"nameLater,omitempty"` // an expression for the name, until it is computed
	PlanID       string           `json:"planId,omitempty"`
	IconURL      string           `json:"iconUrl,omitempty"`
	Locations    []string         `json:"locations,omitempty"`
	Config       map[string]any   `json:"config,omitempty"` // as written, expressions unevaluated
	Scopes       map[string]Scope `json:"scopes,omitempty"` // of config values, where it is not the application
	Tags         []any            `json:"tags,omitempty"`
	Parameters   []hook.ConfigKey `json:"parameters,omitempty"` // declared by the blueprint
	Sensors      []StaticSensor   `json:"staticSensors,omitempty"`
	Initializers []Initializer    `json:"initializers,omitempty"`
	Source       string           `json:"source,omitempty"` // of a root: the blueprint as submitted
	Created      time.Time        `json:"created"`
}

// StaticSensor is a value published once, when it can be resolved.
type StaticSensor struct {
	Name  string `json:"name"`
	Type  string `json:"type,omitempty"`
	Value any    `json:"value"`
	Scope Scope  `json:"scope,omitzero"`
}

// Initializer is what the entity was given beside what its type says.
type Initializer struct {
	Type   string           `json:"type"`
	Name   string           `json:"name,omitempty"`
	Config map[string]any   `json:"config,omitempty"` // as written, under full names
	Scopes map[string]Scope `json:"scopes,omitempty"`
}

// setting is one config value of an entity with its compiled form.
type setting struct {
	raw   any
	scope Scope
	value *expr.Value
}

// EntityID and EntityName make an Entity a handle for expressions.
func (e *Entity) EntityID() string   { return string(e.rec.ID) }
func (e *Entity) EntityName() string { return e.Name() }

func (e *Entity) ID() ID                    { return e.rec.ID }
func (e *Entity) Application() ID           { return e.rec.Application }
func (e *Entity) Type() string              { return e.rec.Type }
func (e *Entity) Item() string              { return e.rec.Item }
func (e *Entity) PlanID() string            { return e.rec.PlanID }
func (e *Entity) IconURL() string           { return e.rec.IconURL }
func (e *Entity) Created() time.Time        { return e.rec.Created }
func (e *Entity) Source() string            { return e.rec.Source }
func (e *Entity) Declaration() *Declaration { return e.decl.Load() }

// StaticSensors gives the values that are to be published once; they are not
// to be changed.
func (e *Entity) StaticSensors() []StaticSensor { return e.rec.Sensors }

// Initializers gives what the entity was given beside its type; it is not to
// be changed.
func (e *Entity) Initializers() []Initializer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Initializers
}

// Parent gives the parent, or nil for an application at the top.
func (e *Entity) Parent() *Entity { return e.parent.Load() }

// Root gives the application at the top of the tree.
func (e *Entity) Root() *Entity {
	for e.Parent() != nil {
		e = e.Parent()
	}
	return e
}

// Name gives the display name.
func (e *Entity) Name() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.Name
}

// Gone tells whether the entity has been removed.
func (e *Entity) Gone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.gone
}

// Children gives the direct children in the order of creation.
func (e *Entity) Children() []*Entity {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.children)
}

// Descendants gives the entity and all below it, parents before children.
func (e *Entity) Descendants() []*Entity {
	out := []*Entity{e}
	for i := 0; i < len(out); i++ {
		out = append(out, out[i].Children()...)
	}
	return out
}

// Locations gives the names of the locations that the entity, or else its
// nearest ancestor that has any, is deployed to.
func (e *Entity) Locations() []string {
	for ; e != nil; e = e.Parent() {
		if own := e.OwnLocations(); len(own) > 0 {
			return own
		}
	}
	return nil
}

// OwnLocations gives the names of the locations that the entity itself is
// deployed to.
func (e *Entity) OwnLocations() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rec.Locations)
}

// Tags gives the tags, as JSON values.
func (e *Entity) Tags() []any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rec.Tags)
}

// Ref names the entity in documents.
func (e *Entity) Ref() hook.Ref {
	return hook.Ref{
		ID: string(e.rec.ID), Application: string(e.rec.Application), PlanID: e.rec.PlanID,
		Name: e.Name(), Type: e.rec.Type,
	}
}

// record gives the stored form; the caller holds mu.
func (e *Entity) record() Record {
	r := e.rec
	r.Config = make(map[string]any, len(e.config))
	r.Scopes = nil
	for key, s := range e.config {
		r.Config[key] = s.raw
		if s.scope != (Scope{}) {
			if r.Scopes == nil {
				r.Scopes = map[string]Scope{}
			}
			r.Scopes[key] = s.scope
		}
	}
	r.Tags = slices.Clone(r.Tags)
	return r
}

// Sensors gives all present readings by sensor name.
func (e *Entity) Sensors() map[string]Reading {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.sensors)
}

// SensorCount gives how many sensors have a value.
func (e *Entity) SensorCount() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sensors)
}
