package entity

import (
	"context"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// scope answers the questions of expressions written on an entity. root is
// the top of the text that they stand in; nil is the application.
type scope struct{ self, root *Entity }

// scope gives the scope of a value written on the entity.
func (e *Entity) scope(in Scope) scope {
	s := scope{self: e}
	if in.Root != "" {
		s.root, _ = e.tree.Get(in.Root)
	}
	return s
}

// scopeRoot gives the top of the text for one who asks from an entity: that
// of another text is not known, and is the application.
func (s scope) scopeRoot(from *Entity) *Entity {
	for at := from; at != nil && s.root != nil; at = at.Parent() {
		if at == s.root {
			return s.root
		}
	}
	return from.Root()
}

func (s scope) Self() expr.Entity { return s.self }

func (s scope) Config(ctx context.Context, of expr.Entity, key string) (any, error) {
	e, err := s.own(of)
	if err != nil {
		return nil, err
	}
	depends(ctx, e, "")
	v, err := e.Config(ctx, key)
	note(ctx, "config", e, key, v, err)
	return v, err
}

func (s scope) AttributeWhenReady(ctx context.Context, of expr.Entity, sensor string, o expr.WaitOptions) (any, error) {
	e, err := s.own(of)
	if err != nil {
		return nil, err
	}
	depends(ctx, e, sensor)
	v, err := e.WhenReady(ctx, sensor, o)
	note(ctx, "sensor", e, sensor, v, err)
	return e.tree.Resolve(v), err
}

func (s scope) Find(ctx context.Context, from expr.Entity, how expr.Locator, id string) (found expr.Entity, err error) {
	defer func() { note(ctx, "entity", from, strings.TrimSpace(how.String()+" "+id), found, err) }()
	return s.locate(from, how, id)
}

func (s scope) locate(from expr.Entity, how expr.Locator, id string) (expr.Entity, error) {
	e, err := s.own(from)
	if err != nil {
		return nil, err
	}
	if how == expr.Parent && e.Parent() == nil {
		return nil, nil
	}
	if how == expr.ScopeRoot {
		return s.scopeRoot(e), nil
	}
	found := e.find(how, id)
	if found == nil {
		return nil, fault.New(fault.NotFound, "No entity matching id '%s' (%s of %s)", id, how, e.Name())
	}
	return found, nil
}

func (s scope) Location(_ context.Context, of expr.Entity, i int) (any, error) {
	e, err := s.own(of)
	if err != nil {
		return nil, err
	}
	names := e.Locations()
	if i >= len(names) {
		return nil, fault.New(fault.NotFound, "%s has %d locations, so none has the number %d", e.Name(), len(names), i)
	}
	out := map[string]any{"name": names[i], "displayName": names[i], "spec": names[i]}
	if known := e.tree.outside; known != nil {
		if kind := known.LocationKind(names[i]); kind != "" {
			out["kind"] = kind
		}
	}
	return out, nil
}

func (s scope) External(ctx context.Context, provider, key string) (any, error) {
	if s.self.tree.outside == nil {
		return nil, fault.New(fault.NotFound, "unknown external provider %q: this server has none", provider)
	}
	v, err := s.self.tree.outside.External(ctx, provider, key)
	note(ctx, "external", nil, provider+" "+key, nil, err)
	return v, err
}

func (s scope) own(h expr.Entity) (*Entity, error) {
	if e, ok := h.(*Entity); ok && e != nil {
		return e, nil
	}
	return nil, fault.New(fault.Invalid, "%T is not an entity of this server", h)
}

// EvaluateAlone computes a value that belongs to no entity. What refers to
// one fails.
func EvaluateAlone(ctx context.Context, v *expr.Value) (any, error) { return v.Eval(ctx, nowhere{}) }

// nowhere is the scope of values that belong to no entity.
type nowhere struct{}

var errNowhere = fault.New(fault.Invalid, "there is no entity here that an expression could refer to")

func (nowhere) Self() expr.Entity { return nil }
func (nowhere) Config(context.Context, expr.Entity, string) (any, error) {
	return nil, errNowhere
}
func (nowhere) AttributeWhenReady(context.Context, expr.Entity, string, expr.WaitOptions) (any, error) {
	return nil, errNowhere
}
func (nowhere) Location(context.Context, expr.Entity, int) (any, error) { return nil, errNowhere }
func (nowhere) External(context.Context, string, string) (any, error)   { return nil, errNowhere }
func (nowhere) Find(context.Context, expr.Entity, expr.Locator, string) (expr.Entity, error) {
	return nil, errNowhere
}

// find looks for an entity as the locator says; nil when there is none.
func (e *Entity) find(how expr.Locator, id string) *Entity {
	switch how {
	case expr.Self:
		return e
	case expr.Parent:
		return e.Parent()
	case expr.Root:
		return e.Root()
	case expr.Child:
		return pick(e.Children(), id)
	case expr.Sibling:
		if e.Parent() == nil {
			return nil
		}
		others := slices.DeleteFunc(e.Parent().Children(), func(c *Entity) bool { return c == e })
		return pick(others, id)
	case expr.Descendant, expr.Member:
		return pick(e.Descendants()[1:], id)
	case expr.Ancestor:
		for p := e.Parent(); p != nil; p = p.Parent() {
			if p.matches(id) {
				return p
			}
		}
		return nil
	case expr.Application:
		return pick(e.tree.Applications(), id)
	}
	return e.nearest(id)
}

// nearest looks in the whole application: below the entity first, then below
// each ancestor in turn.
func (e *Entity) nearest(id string) *Entity {
	for at := e; at != nil; at = at.Parent() {
		if found := pick(at.Descendants(), id); found != nil {
			return found
		}
	}
	return nil
}

// pick gives the first entity with that plan id, else the one with that id.
func pick(list []*Entity, id string) *Entity {
	for _, e := range list {
		if e.rec.PlanID == id && id != "" {
			return e
		}
	}
	for _, e := range list {
		if string(e.rec.ID) == id {
			return e
		}
	}
	return nil
}

func (e *Entity) matches(id string) bool {
	return id != "" && (e.rec.PlanID == id || string(e.rec.ID) == id)
}
