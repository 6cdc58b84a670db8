package engine

import (
	"slices"

	"github.com/gowanus-project/gowanus/dsl/camp"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// initial asks the module of a type what an entity of it starts from, and
// puts that under the layers as one more.
func (p *planner) initial(layers []layer, t *catalog.Type, n *entity.New) ([]layer, error) {
	call := &hook.InitCall{Type: t.Name, Entity: hook.InitEntity{Type: t.Name, Config: map[string]any{}}}
	d := p.engine.declaration(t)
	for _, l := range slices.Backward(layers) {
		for _, entries := range [][]yamlpos.Entry{l.spec.Config, l.spec.Flags, l.spec.Extra} {
			for _, entry := range entries {
				if k := d.Key(entry.Key); k != nil {
					call.Entity.Config[k.Name] = entry.Value.Any()
				}
			}
		}
	}
	for _, l := range layers {
		if call.Entity.PlanID == "" {
			call.Entity.PlanID = l.spec.ID
		}
		if call.Entity.Name == "" {
			call.Entity.Name = l.spec.Name
		}
	}
	answer, err := t.Init(p.ctx, call)
	if err != nil {
		return layers, err
	}
	for _, name := range sortedKeys(answer.Sensors) {
		n.Sensors = append(n.Sensors, entity.StaticSensor{Name: name, Type: "any", Value: coerce.Plain(answer.Sensors[name])})
	}
	at := layers[0].spec.TypePos
	spec, err := camp.ParseNode(yamlpos.FromAny(map[string]any{
		"type": t.Name, "brooklyn.config": orEmpty(answer.Config), "brooklyn.children": list(answer.Children),
		"brooklyn.policies": list(answer.Policies), "brooklyn.enrichers": list(answer.Enrichers), "brooklyn.tags": append([]any{}, answer.Tags...),
	}, at))
	if err != nil {
		return layers, err
	}
	return append(layers, layer{spec: spec, from: origin{n.ID, t.Bundle}}), nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func list(items []map[string]any) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}
