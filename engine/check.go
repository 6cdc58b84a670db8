package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Report is what a check found beside errors.
type Report struct {
	Warnings []*yamlpos.Error // what may be wrong, or missing here but not elsewhere
}

// Check finds all problems of a blueprint that can be known before anything
// runs. It has no effect. The error is a *yamlpos.Errors.
//
// A map of config keys that types declare is no blueprint, but an excerpt of
// one; its values are checked.
func (e *Engine) Check(ctx context.Context, r Request) (*Report, error) {
	p := e.planner(ctx, nil)
	p.lenient = r.Lenient
	if config := e.excerpt(r); config != nil {
		p.checkExcerpt(config)
		return &Report{Warnings: p.warnings.List()}, p.errs.Err()
	}
	spec, err := e.parse(ctx, r)
	if err != nil {
		return &Report{}, err
	}
	_, err = p.run(spec.Application(p.isApplication(nil), basicApplication), r.ID, origin{})
	return &Report{Warnings: p.warnings.List()}, err
}

// excerpt gives the root of a text that is nothing but declared config keys,
// or nil.
func (e *Engine) excerpt(r Request) *yamlpos.Node {
	root, err := yamlpos.Parse(cmp.Or(r.File, "blueprint"), r.Text, e.cfg.Limits.Blueprint)
	if err != nil || root.Kind != yamlpos.Map || len(root.Entries) == 0 {
		return nil
	}
	for _, entry := range root.Entries {
		if e.keyNamed(entry.Key) == nil {
			return nil
		}
	}
	return root
}

// keyNamed finds the key of that full name which some type declares, or nil.
// Only names with a dot count: single words may be keys of a blueprint.
func (e *Engine) keyNamed(name string) *hook.ConfigKey {
	if !slices.Contains([]byte(name), '.') {
		return nil
	}
	for _, t := range e.types.Load().Types() {
		for i := range t.Config {
			if t.Config[i].Name == name {
				return &t.Config[i]
			}
		}
	}
	return nil
}

func (p *planner) checkExcerpt(root *yamlpos.Node) {
	d := &entity.Declaration{}
	for _, entry := range root.Entries {
		d.Config = append(d.Config, *p.engine.keyNamed(entry.Key))
	}
	spec := &blueprint.Spec{Pos: root.Pos, Config: root.Entries}
	p.constrain(root.Pos, d, p.config([]layer{{spec: spec}}, d), nil)
}
