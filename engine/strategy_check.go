package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// checkStrategies checks a chain of strategies as far as it is known before
// anything runs.
func (p *planner) checkStrategies(n *yamlpos.Node, from origin) {
	switch n.Kind {
	case yamlpos.Null:
	case yamlpos.List:
		for _, item := range n.Items {
			p.checkStrategy(item, from)
		}
	default:
		p.checkStrategy(n, from)
	}
}

// checkStrategy checks one: that its type can rank hosts, its config keys, and
// what the type itself says of their values, at the places where they stand.
func (p *planner) checkStrategy(n *yamlpos.Node, from origin) {
	if len(n.Entries) == 1 && n.Entries[0].Key == expr.Prefix+"object" {
		n = n.Entries[0].Value
	}
	name := n
	if n.Kind == yamlpos.Map {
		if name = n.Get("type"); name == nil {
			name = n.Get("objectType")
		}
	}
	switch {
	case name == nil || name.Kind != yamlpos.Scalar || name.Text == "":
		if n.Kind != yamlpos.Map || !expr.IsExpr(n.Any()) {
			p.errs.Add(n.Pos, "placement strategy: expected a type name or a map with the key type")
		}
		return
	case expr.IsExpr(name.Text):
		return
	}
	a := &blueprint.Adjunct{Pos: n.Pos, Type: name.Text, TypePos: name.Pos}
	a.Type, a.Version = blueprint.SplitType(name.Text)
	t, base, err := p.strategyType(a, from)
	switch {
	case err != nil:
		p.errs.Append(name.Pos, asPlain(err))
		return
	case t.Unbuilt != "":
		p.unbuilt(name.Pos, t)
		return
	}
	c := &strategyCheck{planner: p, typ: t, config: map[string]any{}, at: map[string]*yamlpos.Node{}}
	for key, v := range base {
		c.base(key, v)
	}
	c.read(n)
	if !c.bad && !c.later {
		c.try(n.Pos)
	}
}

// strategyCheck is the config of one strategy on its way to its type.
type strategyCheck struct {
	*planner
	typ    *catalog.Type
	config map[string]any
	at     map[string]*yamlpos.Node // by full name
	bad    bool                     // something is wrong, and told
	later  bool                     // something is not known yet
}

// base takes a value of a catalog item over.
func (c *strategyCheck) base(key string, raw any) {
	compiled, err := expr.CompileAny(raw, expr.Limits{})
	if c.config[key] = raw; err != nil || !compiled.Constant() {
		c.later = true
	}
}

func (c *strategyCheck) read(n *yamlpos.Node) {
	for _, entry := range n.Entries {
		switch {
		case entry.Key == "type" || entry.Key == "objectType":
		case slices.Contains(configKeys, entry.Key) && entry.Value.Kind == yamlpos.Map:
			c.read(entry.Value)
		default:
			c.value(entry)
		}
	}
}

func (c *strategyCheck) value(entry yamlpos.Entry) {
	key := keyOf(c.typ, entry.Key)
	if key == nil {
		var names []string
		for i := range c.typ.Config {
			names = append(append(names, c.typ.Config[i].Name), c.typ.Config[i].Flags...)
		}
		c.errs.Add(entry.KeyPos, "%s has no config key %q%s", c.typ.Name, entry.Key, nearest.Hint(entry.Key, names))
		c.bad = true
		return
	}
	compiled, err := expr.Compile(entry.Value, expr.Limits{})
	if err != nil || !compiled.Constant() { // an error is told where the whole list is read
		c.later = true
		return
	}
	v := entry.Value.Any()
	if _, err := coerce.To(key.Type, v); err != nil {
		c.errs.Add(entry.Value.Pos, "%s of %s: %s", entry.Key, c.typ.Name, err)
		c.bad = true
		return
	}
	forget(c.config, key)
	c.config[key.Name], c.at[key.Name] = v, entry.Value
}

// try makes the strategy and lets it check itself.
func (c *strategyCheck) try(pos yamlpos.Pos) {
	if c.described { // whoever uses it may say what is missing
		return
	}
	made, err := c.engine.strategies(c.typ, c.config)
	for _, s := range made {
		if checker, ok := s.(placement.Checker); ok && err == nil {
			err = checker.Check(c.ctx)
		}
	}
	var at *placement.At
	if errors.As(err, &at) {
		pos, err = c.position(at.Path, pos), at.Err
	}
	if err != nil {
		c.errs.Append(pos, asPlain(err))
	}
}

// position finds the place of a config value, or of an item of its list.
func (c *strategyCheck) position(path string, otherwise yamlpos.Pos) yamlpos.Pos {
	name, index, _ := strings.Cut(path, "[")
	n := c.at[name]
	if n == nil {
		return otherwise
	}
	if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i < len(n.Items) {
		return n.Items[i].Pos
	}
	return n.Pos
}

// checkDefinitions refuses locations whose strategies do not exist or do not
// have such config. What the strategies themselves say of it, which may compile
// a module first, comes later, to the log.
func (p *places) checkDefinitions() error {
	var chains [][]placement.Strategy
	for _, name := range p.names() {
		all, err := p.chainOf(name)
		if err != nil {
			return err
		}
		chains = append(chains, all)
	}
	return p.engine.tasks.Go("check strategies", func(ctx context.Context) {
		for i, name := range p.names() {
			if err := checkAll(ctx, name, chains[i]); err != nil && ctx.Err() == nil {
				p.engine.log.Error("a location cannot be used", "location", name, "err", err)
			}
		}
	})
}

// CheckLocations finds out whether the strategies of all locations can be used
// with their config. It may compile modules.
func (e *Engine) CheckLocations(ctx context.Context) error {
	for _, name := range e.places.names() {
		all, err := e.places.chainOf(name)
		if err == nil {
			err = checkAll(ctx, name, all)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *places) names() []string { return slices.Sorted(maps.Keys(p.definitions)) }

// chainOf gives the strategies of a location that have config, which alone may
// be wrong.
func (p *places) chainOf(name string) (out []placement.Strategy, err error) {
	defer func() { err = fault.Wrap(err, "strategies of location", name) }()
	config := p.definitions[name].Config
	all, err := p.read(context.Background(), nil, config["strategies"], config[strategiesKey])
	if err != nil {
		return nil, err
	}
	rules := asList(config[rulesKey])
	if _, unknown := p.engine.types.Load().Get(catalog.Strategy, rulesStrategy); unknown == nil {
		if all, err = p.enforce(all, len(rules) > 0); err != nil {
			return nil, err
		}
	}
	for _, w := range all {
		overrule(w, config, rules)
		made, err := p.engine.strategies(w.typ, w.config)
		if err != nil {
			return nil, err
		}
		if len(w.config) > 0 {
			out = append(out, made...)
		}
	}
	return out, nil
}

func checkAll(ctx context.Context, location string, all []placement.Strategy) error {
	for _, s := range all {
		checker, ok := s.(placement.Checker)
		if !ok {
			continue
		}
		if err := checker.Check(ctx); err != nil {
			return fault.Wrap(err, "strategies of location", location)
		}
	}
	return nil
}

// checkRules checks a list of affinity rules.
func (p *planner) checkRules(n *yamlpos.Node) {
	if _, err := p.types.Find(catalog.Strategy, rulesStrategy, nil); err == nil {
		p.checkStrategy(&yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Map, Entries: []yamlpos.Entry{
			{Key: "type", KeyPos: n.Pos, Value: &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Scalar, Value: rulesStrategy, Text: rulesStrategy}},
			{Key: rulesKey, KeyPos: n.Pos, Value: n},
		}}, origin{})
	}
}
