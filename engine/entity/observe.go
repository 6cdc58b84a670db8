package entity

import (
	"slices"
	"sync"
)

// ChangeKind says what happened to an entity, beside its sensors.
type ChangeKind int

// The kinds of changes. What is told of an entity with others below it is told
// once, of the one at the top.
const (
	Added      ChangeKind = iota // it came to be, with all below it
	Removed                      // it was removed, with all below it
	Moved                        // it was put below another entity, or given other locations
	Tagged                       // its tags changed
	Renamed                      // its display name did
	Configured                   // a config key of its own changed: Key
)

// Change is something that happened to an entity.
type Change struct {
	Kind   ChangeKind
	Entity *Entity
	Key    string  // of Configured
	From   *Entity // of Moved: where it was
}

// observers are those who are told of changes of an entity and of those below
// it. Entities that nobody observes have none.
type observers struct {
	mu   sync.Mutex
	list []*observer // replaced, never changed in place
}

type observer struct{ deliver func(Change) }

// Observe calls deliver for each later change of the entity or of one below
// it, until stop is called; one call may then still be running. deliver runs
// on the goroutine of whoever made the change, without any lock, and must not
// block. An event costs the depth of its entity and those who observe there,
// however many entities there are.
func (e *Entity) Observe(deliver func(Change)) (stop func()) {
	e.mu.Lock()
	if e.watched == nil {
		e.watched = &observers{}
	}
	o := e.watched
	e.mu.Unlock()
	mine := &observer{deliver}
	o.mu.Lock()
	o.list = append(slices.Clip(o.list), mine)
	o.mu.Unlock()
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.list = slices.DeleteFunc(slices.Clone(o.list), func(other *observer) bool { return other == mine })
	}
}

// changed tells the observers of e and of those above it. The caller holds no
// lock.
func (e *Entity) changed(c Change) {
	for at := e; at != nil; at = at.Parent() {
		at.mu.Lock()
		o := at.watched
		at.mu.Unlock()
		if o == nil {
			continue
		}
		o.mu.Lock()
		list := o.list
		o.mu.Unlock()
		for _, one := range list {
			one.deliver(c)
		}
	}
}
