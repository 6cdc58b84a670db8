package engine

import (
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// asked is what a module was asked: about whom, and what of its document came
// from blueprints or the engine, so that the entities in it are no guess of its.
type asked struct {
	hook  hook.ID
	typ   *catalog.Type
	about *entity.Entity
	given []any
}

// within refuses a decision of a module that names entities of other
// applications which nobody gave it, before anything of it happens: an id alone
// is no right.
func (e *Engine) within(a *asked, d *hook.Decision) error {
	if a.typ.Module == "" || len(d.Steps) == 0 {
		return nil
	}
	m, err := e.Module(a.typ.Module, a.typ.Version)
	if err != nil || m.May(hook.CapStep, "deploy-application") { // what that deploys is another application
		return nil
	}
	var known map[string]bool
	for i := range d.Steps {
		var foreign *entity.Entity
		mentions(d.Steps[i].Input, func(id string) bool {
			ent, err := e.tree.Get(entity.ID(id))
			if err != nil || ent.Application() == a.about.Application() {
				return false
			}
			if known == nil {
				known = handed(a.given)
			}
			if !known[id] {
				foreign = ent
			}
			return foreign != nil
		})
		if foreign == nil {
			continue
		}
		err := fault.New(fault.Forbidden, "step %d, %s: entity %s belongs to another application", i+1, d.Steps[i].Step, foreign.ID())
		return m.NoteRefusal(a.hook, a.typ.Name, string(a.about.ID()), err)
	}
	return nil
}

// mentions gives each text in a value to found, until that says that it has
// found what it looks for. What is no id of an entity finds none.
func mentions(v any, found func(id string) bool) bool {
	switch x := v.(type) {
	case string:
		return found(x)
	case map[string]any:
		for _, item := range x {
			if mentions(item, found) {
				return true
			}
		}
	case []any:
		for _, item := range x {
			if mentions(item, found) {
				return true
			}
		}
	}
	return false
}

// handed gives the ids of the entities in parts of a document.
func handed(given []any) map[string]bool {
	out := map[string]bool{}
	var look func(v any)
	look = func(v any) {
		switch x := v.(type) {
		case hook.Ref:
			out[x.ID] = true
		case []hook.Related:
			for i := range x {
				out[x[i].ID] = true
				look(x[i].Config)
			}
		case map[string]any:
			if id, is := x["$entity"].(string); is {
				out[id] = true
			}
			for _, item := range x {
				look(item)
			}
		case []any:
			for _, item := range x {
				look(item)
			}
		}
	}
	for _, v := range given {
		look(v)
	}
	return out
}

// givenCall gives what of a call did not come from the module itself.
func givenCall(c *hook.EffectorCall) []any {
	return []any{c.Entity.Config, c.Args, c.Initializer, c.Related}
}
