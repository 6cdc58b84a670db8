package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// addChildrenStep adds what a blueprint describes below an entity; its output
// is the list of their ids. Repeated after a crash, it finds the children that
// it added before.
func (e *Engine) addChildrenStep(ctx context.Context, c *action.Call) (any, error) {
	parent, err := e.subject(c)
	if err != nil {
		return nil, err
	}
	specs, err := e.childSpecs(ctx, c.Input)
	if err != nil {
		return nil, err
	}
	start := parent.State() == entity.Running || parent.State() == entity.Starting
	if v := c.Input["start"]; v != nil {
		b, err := coerce.To("boolean", v)
		if err != nil {
			return nil, fault.New(fault.Invalid, "step input start: %w", err)
		}
		start = b == true
	}
	ids := make([]any, len(specs))
	var added []*entity.Entity
	for i, s := range specs {
		id := entity.ID(madeBy(c, i))
		ids[i] = string(id)
		child, err := e.tree.Get(id)
		if err != nil {
			if child, err = e.addChild(ctx, parent, s, id, origin{}); err != nil {
				return nil, err
			}
		}
		added = append(added, child)
	}
	if !start {
		return ids, nil
	}
	for _, child := range added {
		if child.Declaration().Startable() {
			if _, err := e.nested(ctx, child, "start", nil); err != nil {
				return nil, fault.Wrap(err, "start", child.Name())
			}
		}
	}
	return ids, nil
}

// addChild brings one entity to life below another one, without starting it.
func (e *Engine) addChild(ctx context.Context, parent *entity.Entity, s *blueprint.Spec, id entity.ID, at origin) (*entity.Entity, error) {
	if err := e.roomBelow(parent); err != nil {
		return nil, err
	}
	return e.addAnyhow(ctx, parent, s, id, at)
}

// addAnyhow is addChild that heeds no limit.
func (e *Engine) addAnyhow(ctx context.Context, parent *entity.Entity, s *blueprint.Spec, id entity.ID, at origin) (*entity.Entity, error) {
	p, err := e.planOf(ctx, s, string(id), parent, at)
	if err != nil {
		return nil, err
	}
	made, _, err := e.realise(ctx, parent, p, false)
	return made, err
}

// roomBelow refuses to add to what has grown beyond all measure, such as a
// cluster whose members are clusters of its own type.
func (e *Engine) roomBelow(parent *entity.Entity) error {
	depth := 0
	for up := parent; up.Parent() != nil; up = up.Parent() {
		depth++
	}
	if depth >= e.cfg.Limits.Depth {
		return fault.New(fault.Limit, "%s is %d levels below its application, and Limits.Depth allows no more", parent.Name(), depth)
	}
	if n := e.tree.Size(parent.Application()); n >= e.cfg.Limits.Application {
		return fault.New(fault.Limit, "the application of %s has %d entities, and Limits.Application allows no more", parent.Name(), n)
	}
	return nil
}

// childSpecs reads the blueprint of a step, as text or as a map, and sets
// config on each of its entities.
func (e *Engine) childSpecs(ctx context.Context, in map[string]any) ([]*blueprint.Spec, error) {
	text, ok := in["blueprint"].(string)
	if !ok {
		text = yamlpos.Format(yamlpos.FromAny(in["blueprint"], yamlpos.Pos{}))
	}
	spec, err := e.parse(ctx, Request{Text: []byte(text)})
	if err != nil {
		return nil, err
	}
	config, _ := in["config"].(map[string]any)
	specs := spec.Parts()
	for i, s := range specs {
		child := *s
		for _, name := range slices.Sorted(maps.Keys(config)) {
			child.Config = child.Config.With(yamlpos.Entry{Key: name, Value: yamlpos.FromAny(config[name], yamlpos.Pos{})})
		}
		specs[i] = &child
	}
	return specs, nil
}

// madeBy gives the id of the i-th thing that a step makes: the same whenever
// the step is repeated.
func madeBy(c *action.Call, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", c.Workflow, c.Step, i))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:12]
}
