package entity

import (
	"context"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// Tree gives the tree that the entity is in.
func (e *Entity) Tree() *Tree { return e.tree }

// Expressions answers the questions of expressions whose text stands in a
// scope and which are computed for the entity.
func (e *Entity) Expressions(in Scope) expr.Scope { return e.scope(in) }

// Nearest looks for an entity of the application by plan id, else by id: below
// this one first, then below each ancestor in turn. Nil when there is none.
func (e *Entity) Nearest(id string) *Entity { return e.nearest(id) }

// Reparent puts the entity, with all below it, below another one of its
// application, durably.
func (e *Entity) Reparent(ctx context.Context, to *Entity) error {
	old := e.Parent()
	switch {
	case old == nil:
		return fault.New(fault.Invalid, "%s is an application; it cannot be put below another entity", e.Name())
	case to.Application() != e.Application():
		return fault.New(fault.Invalid, "%s and %s are not of one application", e.Name(), to.Name())
	case old == to:
		return nil
	}
	for at := to; at != nil; at = at.Parent() {
		if at == e {
			return fault.New(fault.Invalid, "%s is below %s, which cannot be put below it", to.Name(), e.Name())
		}
	}
	err := e.tree.save(ctx, e, func(e *Entity) func() {
		before := e.rec.Parent
		e.rec.Parent = to.rec.ID
		return func() { e.rec.Parent = before }
	})
	if err != nil {
		return err
	}
	e.tree.unhang(e)
	e.parent.Store(to)
	to.mu.Lock()
	to.children = append(to.children, e)
	to.tell(ChildAdded, e)
	to.mu.Unlock()
	to.topic.Drain()
	c := change{stateful: true}
	e.mu.Lock()
	c.derive(e)
	e.mu.Unlock()
	c.deliver()
	old.changed(Change{Kind: Moved, Entity: e, From: old})
	to.changed(Change{Kind: Moved, Entity: e, From: old})
	return nil
}

// Extend adds an initializer, durably, and with it what the declaration is
// from now on.
func (e *Entity) Extend(ctx context.Context, i Initializer, d *Declaration) error {
	err := e.tree.save(ctx, e, func(e *Entity) func() {
		before := e.rec.Initializers
		e.rec.Initializers = append(before[:len(before):len(before)], i)
		return func() { e.rec.Initializers = before }
	})
	if err == nil {
		e.decl.Store(d)
	}
	return err
}

// Redeclare gives the entity the declaration of its type anew.
func (e *Entity) Redeclare(declare func(Record) *Declaration) {
	e.mu.Lock()
	r := e.record()
	e.mu.Unlock()
	e.decl.Store(declare(r))
}
