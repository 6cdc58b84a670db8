package entity

import (
	"maps"
	"slices"

	"github.com/gowanus-project/gowanus/engine/hook"
)

// entityKey marks a document map that stands for an entity.
const entityKey = "$entity"

// Document turns a resolved value into plain JSON values: each entity in it
// becomes {"$entity": id, "planId": …, "name": …, …}. Parts without entities
// are not copied.
func Document(v any) any {
	d, _ := document(v)
	return d
}

// document also tells whether the value had to be changed.
func document(v any) (any, bool) {
	switch x := v.(type) {
	case *Entity:
		return refDocument(x.Ref()), true
	case hook.Ref:
		return refDocument(x), true
	case []any:
		var out []any
		for i, item := range x {
			if d, changed := document(item); changed {
				if out == nil {
					out = slices.Clone(x)
				}
				out[i] = d
			}
		}
		if out != nil {
			return out, true
		}
	case map[string]any:
		var out map[string]any
		for k, item := range x {
			if d, changed := document(item); changed {
				if out == nil {
					out = maps.Clone(x)
				}
				out[k] = d
			}
		}
		if out != nil {
			return out, true
		}
	}
	return v, false
}

func refDocument(r hook.Ref) map[string]any {
	return map[string]any{entityKey: r.ID, "application": r.Application, "planId": r.PlanID, "name": r.Name, "type": r.Type}
}

// Resolve is the inverse of Document for one tree: maps that stand for an
// entity of it become that entity. Others stay as they are.
func (t *Tree) Resolve(v any) any {
	switch x := v.(type) {
	case map[string]any:
		if id, ok := x[entityKey].(string); ok {
			if e, err := t.Get(ID(id)); err == nil {
				return e
			}
			return x
		}
		out := make(map[string]any, len(x))
		for k, item := range x {
			out[k] = t.Resolve(item)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			out[i] = t.Resolve(item)
		}
		return out
	}
	return v
}

// ByValue finds the entity that a document value names: {"$entity": id}, an
// entity, or an id as text.
func (t *Tree) ByValue(v any) (*Entity, bool) {
	switch x := v.(type) {
	case *Entity:
		return x, true
	case string:
		e, err := t.Get(ID(x))
		return e, err == nil
	case map[string]any:
		return t.ByValue(x[entityKey])
	}
	return nil, false
}
