package engine

import (
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// origin is the text that a part of a blueprint stands in: it decides what
// scopeRoot() gives and where the names of types are looked for first.
type origin struct {
	root   entity.ID // "" is the application
	bundle *catalog.Bundle
}

// scope gives the origin as it is stored with values.
func (o origin) scope() entity.Scope {
	s := entity.Scope{Root: o.root}
	if o.bundle != nil && !o.bundle.Native {
		s.Bundle = o.bundle.ID()
	}
	return s
}

// layer is one description of an entity: what its blueprint says, or what one
// of the catalog items says that its type starts from.
type layer struct {
	spec *blueprint.Spec
	from origin
	item *catalog.Type // nil for the blueprint's own
}

// layers gives all descriptions of an entity, the most derived first, and the
// type implemented by code that they come down to.
func (p *planner) layers(s *blueprint.Spec, at origin, id entity.ID) ([]layer, *catalog.Type, error) {
	out := []layer{{spec: s, from: at}}
	for {
		last := out[len(out)-1]
		t, err := p.next(catalog.Entity, last.spec.TypeRef(), last.from.bundle, func(t *catalog.Type) bool {
			return uses(out, t)
		})
		if err != nil {
			return out, nil, err
		}
		if t.Plan == nil {
			return out, t, nil
		}
		if t.Plan.Err != nil {
			return out, nil, fault.New(fault.Invalid, "template %s cannot be used: %w", t.ID(), t.Plan.Err)
		}
		l := layer{spec: t.Plan.Spec, from: origin{id, t.Bundle}, item: t}
		if l.spec.Type == "" {
			l.spec = l.spec.Application(p.isApplication(t.Bundle), basicApplication)
			if wrapsOne(t.Plan.Spec, l.spec) {
				// Its parameters are the service's, and so is its scope.
				l.from.root = entity.ID(newID())
			}
		}
		out = append(out, l)
	}
}

// next finds the type that a reference in the text of a bundle stands for.
// One that leads back to where it comes from is refused, unless it means a
// type implemented by code that an item of the same name builds on.
func (p *planner) next(kind, ref string, from *catalog.Bundle, used func(*catalog.Type) bool) (*catalog.Type, error) {
	t, err := p.types.Find(kind, ref, from)
	if err != nil || !used(t) {
		return t, err
	}
	if code := p.types.Code(kind, ref); code != nil {
		return code, nil
	}
	return nil, fault.New(fault.Invalid, "the type %s is recursive: it starts from itself, by way of %q", t.ID(), ref)
}

func uses(layers []layer, t *catalog.Type) bool {
	for _, l := range layers {
		if l.item == t {
			return true
		}
	}
	return false
}

// wrapsOne tells whether a plan of one service became an application around
// that service.
func wrapsOne(plan, app *blueprint.Spec) bool {
	return len(plan.Children) == 1 && len(app.Children) == 1
}

// part is an adjunct's type implemented by code, with the descriptions that
// lead to it, the most derived first.
type part struct {
	native *catalog.Type
	item   *catalog.Type // the catalog item that was named, nil for native
	layers []partLayer
}

type partLayer struct {
	spec *blueprint.Adjunct
	from origin
}

// reference gives the name of the type by which it is found while the adjunct
// lives: with the version that was named, if its module may have others.
func (p *part) reference() string {
	if p.native.Module != "" && p.layers[len(p.layers)-1].spec.Version != "" {
		return p.native.ID()
	}
	return p.native.Name
}

// part resolves the type of an adjunct. root is the entity that it stands on.
func (p *planner) part(kind string, a *blueprint.Adjunct, at origin, root entity.ID) (*part, error) {
	out := &part{layers: []partLayer{{a, at}}}
	seen := map[*catalog.Type]bool{}
	for {
		last := out.layers[len(out.layers)-1]
		t, err := p.next(kind, last.spec.TypeRef(), last.from.bundle, func(t *catalog.Type) bool { return seen[t] })
		if err != nil {
			return nil, err
		}
		if t.Plan == nil {
			out.native = t
			return out, nil
		}
		if seen[t] = true; out.item == nil {
			out.item = t
		}
		out.layers = append(out.layers, partLayer{t.Plan.Part, origin{root, t.Bundle}})
	}
}

// isApplication gives the test of whether a type reference in the text of a
// bundle is an application.
func (p *planner) isApplication(from *catalog.Bundle) func(ref string) bool {
	return func(ref string) bool {
		for range maxChain {
			t, err := p.types.Find(catalog.Entity, ref, from)
			if err != nil {
				return false
			}
			if t.Plan == nil || t.Plan.Err != nil || t.Plan.Spec.Type == "" {
				return t.Application || t.Plan != nil && t.Plan.Err == nil && p.wraps(t)
			}
			ref, from = t.Plan.Spec.TypeRef(), t.Bundle
		}
		return false
	}
}

// wraps tells of a plan with services whether it makes an application.
func (p *planner) wraps(t *catalog.Type) bool {
	app := t.Plan.Spec.Application(p.isApplication(t.Bundle), basicApplication)
	return app.Type == basicApplication || p.isApplication(t.Bundle)(app.TypeRef())
}

// maxChain bounds a walk along types that is not checked for being recursive.
const maxChain = 100

func simpleName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
