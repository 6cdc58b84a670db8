package engine

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Config keys of locations and entities that placement reads.
const (
	strategiesKey   = "docker.container.strategies" // the chain of strategies
	rulesKey        = "affinity.rules"              // what must hold of what else runs on a host
	provisioningKey = "provisioning.properties"     // what the entity needs of a machine: minRam, minCores
)

// rulesStrategy is the type that enforces affinity rules.
const rulesStrategy = "affinity-rules"

// chain is what one placement is decided by.
type chain struct {
	strategies []placement.Strategy
	needs      map[string]any // what the entity asks for
	memory     int64          // bytes to reserve
	cpus       float64        // processors to reserve
}

// ranker is one strategy as it was written.
type ranker struct {
	typ    *catalog.Type // implemented by code
	config map[string]any
}

// chain makes the chain for one placement: the location's strategies, then the
// entity's, then the step's.
func (p *places) chain(ctx context.Context, ent *entity.Entity, name string, input map[string]any) (*chain, error) {
	config := p.definitions[name].Config
	own, err := ent.Config(ctx, strategiesKey)
	if err != nil {
		return nil, err
	}
	rules, err := ent.Config(ctx, rulesKey)
	if err != nil {
		return nil, err
	}
	rules = slices.Concat(asList(entity.Document(rules)), asList(config[rulesKey]))
	all, err := p.read(ctx, ent, config["strategies"], config[strategiesKey], own, input["strategies"])
	if err != nil {
		return nil, err
	}
	if all, err = p.enforce(all, len(rules.([]any)) > 0); err != nil {
		return nil, err
	}
	out := &chain{}
	if out.strategies, err = p.confine(ctx, ent, name); err != nil {
		return nil, err
	}
	if err := out.require(ctx, ent, input); err != nil {
		return nil, err
	}
	for _, w := range all {
		overrule(w, config, rules.([]any))
		made, err := p.engine.strategies(w.typ, w.config)
		if err != nil {
			return nil, err
		}
		out.strategies = append(out.strategies, made...)
		if err := out.reserve(w.config); err != nil {
			return nil, fault.Wrap(err, "strategy", made[0].Name())
		}
	}
	return out, nil
}

// read takes lists of strategies apart.
func (p *places) read(ctx context.Context, ent *entity.Entity, lists ...any) ([]*ranker, error) {
	var all []*ranker
	for _, list := range lists {
		for _, item := range asList(list) {
			w, err := p.written(ctx, ent, item)
			if err != nil {
				return nil, err
			}
			all = append(all, w)
		}
	}
	return all, nil
}

// asList makes a list of one of anything else but nothing.
func asList(v any) []any {
	if list, ok := v.([]any); ok || v == nil {
		return list
	}
	return []any{v}
}

// written reads one strategy: its name, {type, brooklyn.config}, or a
// $brooklyn:object of these keys. Without an entity nothing may wait for one.
func (p *places) written(ctx context.Context, ent *entity.Entity, item any) (*ranker, error) {
	v, err := evaluate(ctx, ent, item)
	if err != nil {
		return nil, err
	}
	spec, _ := v.(map[string]any)
	name, _ := v.(string)
	for _, key := range []string{"type", "objectType"} {
		if name == "" {
			name, _ = spec[key].(string)
		}
	}
	if name == "" {
		return nil, fault.New(fault.Invalid, "placement strategy %v: expected a type name or a map with the key type", item)
	}
	w := &ranker{}
	pl := p.engine.planner(ctx, nil)
	pl.described = true // what is required may stand outside of the item
	var base map[string]any
	if w.typ, base, err = pl.strategyType(&blueprint.Adjunct{Type: name}, origin{}); err != nil {
		return nil, err
	}
	if err := pl.errs.Err(); err != nil {
		return nil, err
	}
	if w.config, err = documents(ctx, ent, base); err != nil {
		return nil, err
	}
	given, err := documents(ctx, ent, strategyConfig(spec))
	if err != nil {
		return nil, err
	}
	for key, v := range given {
		if k := keyOf(w.typ, key); k != nil {
			forget(w.config, k)
		}
		w.config[key] = v
	}
	return w, nil
}

// strategyType finds the strategy implemented by code that a name comes down
// to, and the config, unevaluated, of the catalog items on the way.
func (p *planner) strategyType(a *blueprint.Adjunct, at origin) (*catalog.Type, map[string]any, error) {
	found, err := p.part(catalog.Strategy, a, at, "")
	if err != nil {
		return nil, nil, err
	}
	if found.native.Unbuilt == "" && found.native.Strategy == nil {
		return nil, nil, fault.New(fault.Invalid, "type %s cannot rank hosts", found.native.Name)
	}
	if found.native.Unbuilt != "" && !p.lenient {
		return nil, nil, fault.New(fault.Invalid, "type %s is known but not built: %s", found.native.Name, found.native.Unbuilt)
	}
	if len(found.layers) == 1 {
		return found.native, nil, nil
	}
	return found.native, p.partConfig(found).config, nil
}

// evaluate resolves the expressions of a value, and opens a $brooklyn:object.
func evaluate(ctx context.Context, ent *entity.Entity, v any) (any, error) {
	for range 2 { // an expression may give an object
		if o, ok := v.(expr.Object); ok {
			v = o.Spec
		}
		var err error
		if v, err = resolved(ctx, ent, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func resolved(ctx context.Context, ent *entity.Entity, v any) (any, error) {
	if ent != nil {
		return ent.Evaluate(ctx, v)
	}
	compiled, err := expr.CompileAny(v, expr.Limits{})
	if err != nil {
		return nil, err
	}
	return entity.EvaluateAlone(ctx, compiled)
}

// documents resolves config to plain JSON values.
func documents(ctx context.Context, ent *entity.Entity, config map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(config))
	for key, raw := range config {
		v, err := resolved(ctx, ent, raw)
		if err != nil {
			return nil, err
		}
		out[key] = entity.Document(v)
	}
	return out, nil
}

// configKeys are where the config of a strategy may stand, beside flat keys.
var configKeys = []string{"brooklyn.config", "config", "object.fields"}

// strategyConfig takes a strategy's config from where a blueprint may put it:
// beside the type, or under one of configKeys.
func strategyConfig(spec map[string]any) map[string]any {
	config := map[string]any{}
	for key, v := range spec {
		given, isMap := v.(map[string]any)
		switch {
		case key == "type" || key == "objectType":
		case slices.Contains(configKeys, key) && isMap:
			maps.Copy(config, given)
		default:
			config[key] = v
		}
	}
	return config
}

// keyOf finds a declared key by name or flag, or nil.
func keyOf(t *catalog.Type, name string) *hook.ConfigKey {
	for i := range t.Config {
		if k := &t.Config[i]; k.Name == name || slices.Contains(k.Flags, name) {
			return k
		}
	}
	return nil
}

// forget takes the value of a key away, under whichever name it stands.
func forget(config map[string]any, k *hook.ConfigKey) {
	delete(config, k.Name)
	for _, flag := range k.Flags {
		delete(config, flag)
	}
}

// enforce adds the strategy that affinity rules need, where there are rules
// and it was not named.
func (p *places) enforce(all []*ranker, rules bool) ([]*ranker, error) {
	if !rules || slices.ContainsFunc(all, func(w *ranker) bool { return w.typ.Name == rulesStrategy }) {
		return all, nil
	}
	t, err := p.engine.types.Load().Get(catalog.Strategy, rulesStrategy)
	if err != nil {
		return nil, fault.Wrap(err, rulesKey, "")
	}
	return append(all, &ranker{typ: t, config: map[string]any{}}), nil
}

// overrule gives what a location says of a key, by its full name, precedence
// over what the strategy says itself; rules add up.
func overrule(w *ranker, location map[string]any, rules []any) {
	for i := range w.typ.Config {
		k := &w.typ.Config[i]
		if k.Name == rulesKey {
			if len(rules) > 0 {
				own := asList(valueOf(w.config, k))
				forget(w.config, k)
				w.config[k.Name] = slices.Concat(own, rules)
			}
			continue
		}
		if v, ok := location[k.Name]; ok && v != nil {
			forget(w.config, k)
			w.config[k.Name] = v
		}
	}
}

func valueOf(config map[string]any, k *hook.ConfigKey) any {
	if v, ok := config[k.Name]; ok {
		return v
	}
	for _, flag := range k.Flags {
		if v, ok := config[flag]; ok {
			return v
		}
	}
	return nil
}

// require finds what the entity needs: what its step asks for, or the
// properties of the machine that it wants, whichever is more.
func (c *chain) require(ctx context.Context, ent *entity.Entity, input map[string]any) error {
	demand, _ := input["demand"].(map[string]any)
	c.needs = maps.Clone(demand)
	if c.needs == nil {
		c.needs = map[string]any{}
	}
	if n, err := coerce.To("bytes", demand["memory"]); err == nil && n != nil {
		c.memory = n.(int64)
	}
	if n, err := coerce.To("double", demand["cpus"]); err == nil && n != nil {
		c.cpus = n.(float64)
	}
	v, err := ent.Config(ctx, provisioningKey)
	if err != nil {
		return err
	}
	properties, _ := entity.Document(v).(map[string]any)
	if err := c.reserve(properties); err != nil {
		return fault.Wrap(err, provisioningKey, "")
	}
	if c.memory > 0 {
		c.needs["memory"] = c.memory
	}
	if c.cpus > 0 {
		c.needs["cpus"] = c.cpus
	}
	return nil
}

// reserve makes the reservation large enough for minRam and minCores.
func (c *chain) reserve(config map[string]any) error {
	memory, err := megabytes(config["minRam"])
	if err != nil {
		return fault.New(fault.Invalid, "minRam: %w", err)
	}
	cpus, err := coerce.To("double", config["minCores"])
	if err != nil {
		return fault.New(fault.Invalid, "minCores: %w", err)
	}
	c.memory = max(c.memory, memory)
	if n, ok := cpus.(float64); ok {
		c.cpus = max(c.cpus, n)
	}
	return nil
}

// demand gives what a machine must have that is obtained for the entity alone:
// what the entity needs, and what its strategies would have looked for.
func (c *chain) demand() map[string]any {
	out := maps.Clone(c.needs)
	if c.memory > 0 {
		out["memory"] = c.memory
	}
	if c.cpus > 0 {
		out["cpus"] = c.cpus
	}
	return out
}

// megabytes reads an amount of memory in bytes: a number counts megabytes, as
// minRam always did, and text may have a unit.
func megabytes(v any) (int64, error) {
	number, err := coerce.To("double", v)
	if n, ok := number.(float64); ok && err == nil {
		if n < 0 || n > math.MaxInt64>>20 {
			return 0, fault.New(fault.Invalid, "expected megabytes, 0 or more, got %v", v)
		}
		return int64(n * (1 << 20)), nil
	}
	out, err := coerce.To("bytes", v)
	n, _ := out.(int64)
	return n, err
}
