package entity

import (
	"context"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
)

// Env gives what predicates that are written on the entity may ask: config and
// sensors mean its own, unless the value that is tested is an entity.
func (e *Entity) Env() predicate.Env { return env{e} }

type env struct{ self *Entity }

func (v env) Evaluate(ctx context.Context, raw any) (any, error) {
	return v.self.Evaluate(ctx, raw)
}

func (v env) Self() predicate.Entity { return asked{v.self} }

func (v env) Entity(value any) predicate.Entity {
	switch x := value.(type) {
	case *Entity:
		return asked{x}
	case map[string]any:
		if _, is := x[entityKey]; is {
			if e, ok := v.self.tree.ByValue(x); ok {
				return asked{e}
			}
		}
	}
	return nil
}

// Of gives the entity that predicates see as e; known is false when it is none
// of a tree.
func Of(e predicate.Entity) (of *Entity, known bool) {
	a, known := e.(asked)
	return a.Entity, known
}

// asked is an entity as predicates see it.
type asked struct{ *Entity }

func (a asked) Config(ctx context.Context, key string) (any, error) {
	v, err := a.Entity.Config(ctx, key)
	if v == nil && err == nil {
		return predicate.Missing{}, nil
	}
	return v, err
}

func (a asked) Sensor(name string) any {
	if v, ok := a.Entity.Sensor(name); ok {
		return v
	}
	return predicate.Missing{}
}

func (a asked) Children() []any {
	children := a.Entity.Children()
	out := make([]any, len(children))
	for i, c := range children {
		out[i] = c
	}
	return out
}

func (a asked) Locations() []any {
	names := a.Entity.Locations()
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// InstanceOf tells whether the entity's type has a name: its full name, its
// simple one or that of the catalog item.
func (a asked) InstanceOf(typ string) bool {
	d := a.Declaration()
	if a.rec.Type == typ || a.rec.Item == typ {
		return true
	}
	for _, alias := range d.Aliases {
		if alias == typ {
			return true
		}
	}
	item, _, _ := strings.Cut(a.rec.Item, ":")
	simple := a.rec.Type[strings.LastIndexByte(a.rec.Type, '.')+1:]
	return item == typ || simple == typ
}
