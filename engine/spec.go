package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// offspring says what an entity made from a spec has beside what the spec says.
type offspring struct {
	id        entity.ID
	name      string // "" leaves that of the spec
	config    map[string]any
	locations []string // nil leaves those of the spec
}

// addFrom adds a child from the spec in a config key.
func (e *Engine) addFrom(ctx context.Context, parent *entity.Entity, key string, w offspring) (*entity.Entity, error) {
	spec, at, err := e.specIn(ctx, parent, key)
	if err != nil {
		return nil, err
	}
	child := *spec
	for _, name := range slices.Sorted(maps.Keys(w.config)) {
		child.Config = child.Config.With(yamlpos.Entry{Key: name, Value: yamlpos.FromAny(w.config[name], yamlpos.Pos{})})
	}
	if w.name != "" {
		child.Name = w.name
	}
	if w.locations != nil {
		child.Locations = nil
		for _, l := range w.locations {
			child.Locations = append(child.Locations, blueprint.Location{Spec: l})
		}
	}
	return e.addChild(ctx, parent, &child, w.id, at)
}

// specIn reads the entity that a config key describes, and where its text
// stands. Expressions inside are left for the entity that it becomes.
func (e *Engine) specIn(ctx context.Context, of *entity.Entity, key string) (*blueprint.Spec, origin, error) {
	v, err := of.Config(ctx, key)
	if err != nil {
		return nil, origin{}, err
	}
	if o, ok := v.(expr.Object); ok {
		v = o.Spec
	}
	if v == nil {
		return nil, origin{}, fault.New(fault.Invalid, "%s of %s is not set", key, of.Name())
	}
	spec, err := camp.ParseNode(yamlpos.FromAny(v, yamlpos.Pos{}))
	if err != nil {
		return nil, origin{}, fault.New(fault.Invalid, "%s of %s: %w", key, of.Name(), err)
	}
	scope := of.ScopeOf(key)
	at := origin{root: scope.Root}
	for _, b := range e.types.Load().Bundles() {
		if scope.Bundle != "" && b.ID() == scope.Bundle {
			at.bundle = b
		}
	}
	return spec, at, nil
}

func quarantineSpec() *blueprint.Spec {
	return &blueprint.Spec{Type: quarantineType, Name: "quarantine"}
}

// addFromSpec adds children from the spec in the config key "spec", one for
// each item of "each" (maps of name, config and locations; one without
// anything when absent), and starts them, "parallel" at once. With "replace"
// the children that are there are removed before. The output has their ids and
// the failures of those that did not start, which "collect" makes no error.
func (e *Engine) addFromSpec(ctx context.Context, c *action.Call) (any, error) {
	parent, err := e.self(c)
	if err != nil {
		return nil, err
	}
	key, err := required(c, "spec")
	if err != nil {
		return nil, err
	}
	each, listed := c.Input["each"].([]any)
	if !listed {
		each = []any{nil}
	}
	if replace, _ := c.Input["replace"].(bool); replace {
		if err := e.clear(ctx, c, parent, len(each)); err != nil {
			return nil, err
		}
	}
	added := make([]*entity.Entity, len(each))
	ids := make([]any, len(each))
	for i, item := range each {
		id := entity.ID(madeBy(c, i))
		ids[i] = string(id)
		if added[i], err = e.tree.Get(id); err == nil {
			continue
		}
		if added[i], err = e.addFrom(ctx, parent, key, offspringIn(item, id)); err != nil {
			return nil, err
		}
	}
	failures, err := e.startAll(ctx, c, added)
	return map[string]any{"entities": ids, "failures": failures}, err
}

// clear removes the children of an entity, but for those that the step made
// before it was interrupted.
func (e *Engine) clear(ctx context.Context, c *action.Call, parent *entity.Entity, n int) error {
	mine := make(map[entity.ID]bool, n)
	for i := range n {
		mine[entity.ID(madeBy(c, i))] = true
	}
	for _, child := range parent.Children() {
		if mine[child.ID()] {
			continue
		}
		if err := e.unmanage(ctx, child); err != nil {
			return err
		}
	}
	return nil
}

func offspringIn(item any, id entity.ID) offspring {
	m, _ := item.(map[string]any)
	w := offspring{id: id}
	w.name, _ = m["name"].(string)
	w.config, _ = m["config"].(map[string]any)
	if list, is := m["locations"].([]any); is {
		for _, l := range list {
			w.locations = append(w.locations, coerce.Text(l))
		}
	}
	return w
}

// startAll starts entities, as the inputs parallel and collect say.
func (e *Engine) startAll(ctx context.Context, c *action.Call, all []*entity.Entity) ([]any, error) {
	limit, err := e.parallel(c.Input)
	if err != nil {
		return nil, err
	}
	collect, _ := c.Input["collect"].(bool)
	failures := errorsOf{list: []any{}}
	err = task.Parallel(ctx, len(all), limit, func(ctx context.Context, i int) error {
		err := e.startMember(ctx, all[i])
		if err == nil || !collect || stopping(ctx) || ctx.Err() != nil {
			return fault.Wrap(err, "start", all[i].Name())
		}
		failures.note(all[i], err)
		return nil
	})
	return failures.list, err
}
