package group

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// filter tells whether an entity belongs to a group. What it asks of the world
// goes through env.
type filter func(ctx context.Context, e *entity.Entity, env predicate.Env) (bool, error)

// compile reads a filter: a predicate, or an object of the types with which
// Brooklyn's blueprints write one.
func compile(n *yamlpos.Node) (filter, error) {
	if n.Kind == yamlpos.Map && len(n.Entries) == 1 && n.Entries[0].Key == expr.Prefix+"object" {
		return object(n.Entries[0].Value)
	}
	p, err := predicate.Compile(n, predicate.Limits{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, e *entity.Entity, env predicate.Env) (bool, error) {
		return p.Test(ctx, predicate.Subject{Value: e, Env: env})
	}, nil
}

// The classes that have such methods.
const (
	entityPredicates = "org.apache.brooklyn.core.entity.EntityPredicates"
	guavaPredicates  = "com.google.common.base.Predicates"
)

// method makes a filter of the arguments of a factory method.
type method struct {
	args int // how many; -1 is any number of filters
	make func(args []*yamlpos.Node) (filter, error)
}

// methodsOf gives the methods of a class, by name; nil when it is none of them.
func methodsOf(class string) map[string]method {
	switch class {
	case entityPredicates:
		return map[string]method{
			"idEqualTo":            {1, equal(func(e *entity.Entity) string { return string(e.ID()) })},
			"displayNameEqualTo":   {1, equal((*entity.Entity).Name)},
			"applicationIdEqualTo": {1, equal(func(e *entity.Entity) string { return string(e.Application()) })},
			"hasTag":               {1, keyed("", "tag")},
			"configEqualTo":        {2, keyed("config", "equals")},
			"attributeEqualTo":     {2, keyed("sensor", "equals")},
			"isServiceUp":          {0, fixed(map[string]any{"sensor": entity.ServiceUp, "equals": true})},
		}
	case guavaPredicates:
		return map[string]method{
			"and":         {-1, joined(false)},
			"or":          {-1, joined(true)},
			"not":         {1, negated},
			"instanceOf":  {1, keyed("", "java-instance-of")},
			"alwaysTrue":  {0, fixed(map[string]any{"when": "always"})},
			"alwaysFalse": {0, fixed(map[string]any{"when": "never"})},
		}
	}
	return nil
}

// object reads the object that a factory method of a class makes.
func object(n *yamlpos.Node) (filter, error) {
	typ := n.Get("type")
	if typ == nil {
		return nil, invalid(n, "an object that is a filter: expected the keys type and factoryMethod.name")
	}
	class := methodsOf(typ.Text)
	if class == nil {
		return nil, invalid(typ, "objects of type %q cannot be filters%s; expected %s, %s or a predicate",
			typ.Text, nearest.Hint(typ.Text, []string{entityPredicates, guavaPredicates}), entityPredicates, guavaPredicates)
	}
	name := n.Get("factoryMethod.name")
	if name == nil {
		return nil, invalid(n, "an object of type %s: expected the key factoryMethod.name", typ.Text)
	}
	m, known := class[name.Text]
	if !known {
		words := slices.Sorted(maps.Keys(class))
		return nil, invalid(name, "%s has no method %q that can be used here%s; expected one of %s",
			typ.Text, name.Text, nearest.Hint(name.Text, words), strings.Join(words, ", "))
	}
	var args []*yamlpos.Node
	if list := n.Get("factoryMethod.args"); list != nil {
		args = list.Items
	}
	if m.args >= 0 && len(args) != m.args {
		return nil, invalid(n, "method %s of %s: expected %d factoryMethod.args, not %d", name.Text, typ.Text, m.args, len(args))
	}
	return m.make(args)
}

func invalid(n *yamlpos.Node, format string, args ...any) error {
	var errs yamlpos.Errors
	errs.Add(n.Pos, format, args...)
	return errs.Err()
}

// equal compares something of the entity with the argument, as text.
func equal(of func(e *entity.Entity) string) func([]*yamlpos.Node) (filter, error) {
	return func(args []*yamlpos.Node) (filter, error) {
		raw := args[0].Any()
		return func(ctx context.Context, e *entity.Entity, env predicate.Env) (bool, error) {
			want, err := env.Evaluate(ctx, raw)
			if err != nil {
				return false, err
			}
			return of(e) == coerce.Text(want), nil
		}, nil
	}
}

// keyed makes a predicate of the arguments: "narrow" takes the first, if it is
// not empty, and "check" the last.
func keyed(narrow, check string) func([]*yamlpos.Node) (filter, error) {
	return func(args []*yamlpos.Node) (filter, error) {
		last := args[len(args)-1]
		n := &yamlpos.Node{Kind: yamlpos.Map, Pos: last.Pos}
		if narrow != "" {
			n.Entries = append(n.Entries, yamlpos.Entry{Key: narrow, KeyPos: last.Pos, Value: sensorName(args[0])})
		}
		n.Entries = append(n.Entries, yamlpos.Entry{Key: check, KeyPos: last.Pos, Value: last})
		return compile(n)
	}
}

// sensorName takes the name out of $brooklyn:sensor("name").
func sensorName(n *yamlpos.Node) *yamlpos.Node {
	inner, is := strings.CutPrefix(n.Text, expr.Prefix+"sensor(")
	if !is {
		return n
	}
	name := strings.Trim(strings.TrimSuffix(inner, ")"), ` "'`)
	return yamlpos.FromAny(name, n.Pos)
}

func fixed(raw map[string]any) func([]*yamlpos.Node) (filter, error) {
	return func([]*yamlpos.Node) (filter, error) { return compile(yamlpos.FromAny(raw, yamlpos.Pos{})) }
}

func negated(args []*yamlpos.Node) (filter, error) {
	f, err := compile(args[0])
	return func(ctx context.Context, e *entity.Entity, env predicate.Env) (bool, error) {
		ok, err := f(ctx, e, env)
		return !ok && err == nil, err
	}, err
}

// joined makes "or" of the arguments, for any, else "and".
func joined(isAny bool) func([]*yamlpos.Node) (filter, error) {
	return func(args []*yamlpos.Node) (filter, error) {
		var all []filter
		for _, arg := range args {
			f, err := compile(arg)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		return func(ctx context.Context, e *entity.Entity, env predicate.Env) (bool, error) {
			for _, f := range all {
				if ok, err := f(ctx, e, env); err != nil || ok == isAny {
					return ok, err
				}
			}
			return !isAny, nil
		}, nil
	}
}

// asking is what a filter is given to ask the world: it takes down what the
// answer follows from.
type asking struct {
	env     predicate.Env
	group   *entity.Entity
	config  bool                         // some config was asked for
	sensors map[source]*entity.Entity    // by what was asked for
	others  map[entity.ID]*entity.Entity // those asked for anything else
}

// source is a sensor of an entity.
type source struct {
	entity entity.ID
	sensor string
}

func newAsking(group *entity.Entity) *asking {
	return &asking{env: group.Env(), group: group, sensors: map[source]*entity.Entity{}, others: map[entity.ID]*entity.Entity{}}
}

// Evaluate is part of predicate.Env, as are Entity and Self.
func (a *asking) Evaluate(ctx context.Context, raw any) (any, error) {
	return a.env.Evaluate(a.noting(ctx), raw)
}

func (a *asking) noting(ctx context.Context) context.Context {
	return entity.Depending(ctx, func(on *entity.Entity, sensor string) {
		if sensor != "" {
			a.sensors[source{on.ID(), sensor}] = on
			return
		}
		a.config = true
		a.others[on.ID()] = on
	})
}

func (a *asking) Entity(v any) predicate.Entity { return a.noted(a.env.Entity(v)) }

func (a *asking) Self() predicate.Entity { return a.noted(a.env.Self()) }

func (a *asking) noted(e predicate.Entity) predicate.Entity {
	if e == nil {
		return nil
	}
	of, known := entity.Of(e)
	if !known {
		return e
	}
	return answering{e, of, a}
}

// answering is an entity whose answers are taken down.
type answering struct {
	predicate.Entity
	of *entity.Entity
	to *asking
}

func (r answering) Config(ctx context.Context, key string) (any, error) {
	r.to.config = true
	r.to.others[r.of.ID()] = r.of
	return r.Entity.Config(r.to.noting(ctx), key)
}

func (r answering) Sensor(name string) any {
	r.to.sensors[source{r.of.ID(), name}] = r.of
	return r.Entity.Sensor(name)
}

func (r answering) Tags() []any {
	r.to.others[r.of.ID()] = r.of
	return r.Entity.Tags()
}

func (r answering) Children() []any {
	r.to.others[r.of.ID()] = r.of
	return r.Entity.Children()
}

// waits tells whether an error only says that something is not there yet.
func waits(err error) bool { return fault.KindOf(err) == fault.Timeout }
