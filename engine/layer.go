package engine

import (
	"encoding/json"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/constraint"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// settings are the config values of one thing as its layers write them, under
// full names.
type settings struct {
	config map[string]any
	scopes map[string]entity.Scope
	at     map[string]yamlpos.Pos // of the values
	bad    map[string]bool        // keys with an error that is told already
}

func newSettings() *settings {
	return &settings{config: map[string]any{}, scopes: map[string]entity.Scope{}, at: map[string]yamlpos.Pos{}, bad: map[string]bool{}}
}

// config merges the layers' config: what is more derived overrides, or is
// merged where the key says so. Flags and other keys of an entity count only
// if the type declares them.
func (p *planner) config(layers []layer, d *entity.Declaration) *settings {
	out := newSettings()
	for _, l := range slices.Backward(layers) {
		for _, entry := range l.spec.Config {
			p.setting(out, d, entry, l.from)
		}
		for _, entry := range l.spec.Flags {
			p.setting(out, d, entry, l.from)
		}
		for _, entry := range l.spec.Extra {
			if d.Key(entry.Key) != nil {
				p.setting(out, d, entry, l.from)
			}
		}
	}
	return out
}

// checkValues lets the type look at the config values that it can tell the
// errors of.
func (p *planner) checkValues(t *catalog.Type, layers []layer, d *entity.Declaration) {
	if len(t.Checks) == 0 {
		return
	}
	for _, l := range layers {
		for _, entry := range slices.Concat(l.spec.Config, l.spec.Flags, l.spec.Extra) {
			if key := d.Key(entry.Key); key != nil && t.Checks[key.Name] != nil {
				p.errs.Append(entry.Value.Pos, t.Checks[key.Name](entry.Value))
			}
		}
	}
}

func (p *planner) setting(out *settings, d *entity.Declaration, entry yamlpos.Entry, from origin) {
	name, key := entry.Key, d.Key(entry.Key)
	if key != nil {
		name = key.Name
	}
	out.at[name] = entry.Value.Pos
	if key != nil && key.Type == catalog.Workflow {
		p.checkWorkflow(entry.Value, from)
		out.put(name, entry.Value.Any(), nil, from.scope())
		return
	}
	if key != nil && key.Type == rawType {
		p.rehearseParts(name, entry.Value, from)
		out.put(name, entry.Value.Any(), key, from.scope())
		return
	}
	value, err := expr.Compile(entry.Value, expr.Limits{})
	if err != nil {
		p.errs.Append(entry.KeyPos, err)
		out.bad[name] = true
		return
	}
	switch name {
	case strategiesKey:
		p.checkStrategies(entry.Value, from)
	case rulesKey:
		p.checkRules(entry.Value)
	}
	raw := entry.Value.Any()
	if n := entry.Value; key != nil && key.Type == "string" && n.Kind == yamlpos.Scalar {
		raw = n.Text // "3.10" is not the number 3.1
	}
	described := p.specs(entry.Value, from)
	if value.Constant() && !described {
		out.put(name, raw, key, entity.Scope{})
		if v, err := entity.EvaluateAlone(p.ctx, value); key != nil && err == nil && isLiteral(v) {
			if err := entity.CheckConfig(key, v); err != nil {
				p.errs.Add(entry.Value.Pos, "%s", err)
				out.bad[name] = true
			}
		}
		return
	}
	out.put(name, raw, key, from.scope())
	if key != nil {
		p.compiled = append(p.compiled, compiled{value, entry.Value.Pos})
	}
}

// isLiteral tells whether a value is one that could have been written as it
// is: no sensor, object or function.
func isLiteral(v any) bool {
	switch x := v.(type) {
	case nil, string, bool, int, int64, float64, json.Number:
		return true
	case []any:
		return !slices.ContainsFunc(x, func(item any) bool { return !isLiteral(item) })
	case map[string]any:
		for _, item := range x {
			if !isLiteral(item) {
				return false
			}
		}
		return true
	}
	return false
}

// rawType is that of config keys whose values whoever uses them evaluates.
const rawType = "raw"

// put writes a value over, or into, that of the layers before.
func (s *settings) put(name string, raw any, key *hook.ConfigKey, scope entity.Scope) {
	if key != nil && key.InheritType == entity.DeepMerge {
		over, ok := raw.(map[string]any)
		under, isMap := s.config[name].(map[string]any)
		if ok && isMap && !expr.IsExpr(over) && !expr.IsExpr(under) {
			raw = entity.Merge(over, under)
			if scope == (entity.Scope{}) {
				scope = s.scopes[name]
			}
		}
	}
	s.config[name] = raw
	if delete(s.scopes, name); scope != (entity.Scope{}) {
		s.scopes[name] = scope
	}
}

// specs checks the entities that a config value describes for later, and tells
// whether there are any.
func (p *planner) specs(n *yamlpos.Node, from origin) (found bool) {
	for _, item := range n.Items {
		found = p.specs(item, from) || found
	}
	for _, entry := range n.Entries {
		if entry.Key != expr.Prefix+"entitySpec" {
			found = p.specs(entry.Value, from) || found
			continue
		}
		found = true
		spec, err := entitySpec(entry.Value)
		if err != nil {
			p.errs.Append(entry.KeyPos, err)
			continue
		}
		p.rehearse(spec, from)
	}
	return found
}

// parameters merges what the layers declare into the keys of the type.
func (p *planner) parameters(layers []layer, d *entity.Declaration) []hook.ConfigKey {
	var out []hook.ConfigKey
	for _, l := range slices.Backward(layers) {
		for _, q := range l.spec.Parameters {
			at := slices.IndexFunc(out, func(k hook.ConfigKey) bool { return k.Name == q.Name })
			if at < 0 {
				base := hook.ConfigKey{Name: q.Name, Type: "string"}
				if k := d.Key(q.Name); k != nil {
					base = *k
				}
				out = append(out, base)
				at = len(out) - 1
			}
			p.refine(&out[at], q)
		}
	}
	return out
}

// refine changes a key as a parameter says; what that does not say stays.
func (p *planner) refine(k *hook.ConfigKey, q *blueprint.Parameter) {
	if q.TypePos != (yamlpos.Pos{}) {
		k.Type = p.valueType(q)
	}
	if q.Label != q.Name {
		k.Label = q.Label
	}
	if q.Description != q.Name {
		k.Description = q.Description
	}
	k.Unpinned = k.Unpinned || !q.Pinned
	k.Inherit = p.mode(q, q.Inheritance.Runtime, k.Inherit)
	k.InheritType = p.mode(q, q.Inheritance.Type, k.InheritType)
	if len(q.Constraints) > 0 {
		var err error
		k.Required, k.Constraints, err = constraint.Read(q.Constraints)
		p.errs.Append(q.Pos, err)
		if err != nil {
			k.Constraints = nil
		}
	}
	if q.Default == nil {
		return
	}
	k.Default = q.Default.Any()
	value, err := expr.Compile(q.Default, expr.Limits{})
	switch {
	case err != nil:
		p.errs.Append(q.Default.Pos, err)
	case value.Constant() && k.Default != nil:
		if _, err := coerce.To(k.Type, k.Default); err != nil {
			p.errs.Add(q.Default.Pos, "default of parameter %s: %s", q.Name, err)
		}
	}
}

// valueType checks the type of a parameter. Values of a registered type are
// taken as they are.
func (p *planner) valueType(q *blueprint.Parameter) string {
	if coerce.Known(q.Type) {
		return q.Type
	}
	if _, err := p.types.Find(catalog.Bean, q.Type, nil); err != nil {
		p.errs.Add(q.TypePos, "parameter %s: unknown type %q", q.Name, q.Type)
	}
	return "any"
}

func (p *planner) mode(q *blueprint.Parameter, word, old string) string {
	if word == "" {
		return old
	}
	mode, ok := entity.Mode(word)
	if !ok {
		hint := nearest.Hint(word, entity.Modes)
		p.errs.Add(q.Pos, "parameter %s: unknown inheritance %q%s", q.Name, word, hint)
		return old
	}
	if mode == entity.Overwrite {
		return ""
	}
	return mode
}
