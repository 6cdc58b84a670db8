// Package removal chooses the members that leave a cluster when it becomes
// smaller.
package removal

import (
	"context"
	"math/rand/v2"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Strategy picks who of the contenders, the oldest first, leaves next; nil
// when it has no opinion.
type Strategy func(ctx context.Context, contenders []*entity.Entity) (*entity.Entity, error)

// words are the strategies that have a name.
var words = map[string]Strategy{"newest": newest, "oldest": oldest, "random": random}

// Words gives the names of the strategies that have one.
func Words() []string { return []string{"newest", "oldest", "random"} }

func newest(_ context.Context, c []*entity.Entity) (*entity.Entity, error) { return c[len(c)-1], nil }

func oldest(_ context.Context, c []*entity.Entity) (*entity.Entity, error) { return c[0], nil }

func random(_ context.Context, c []*entity.Entity) (*entity.Entity, error) {
	return c[rand.IntN(len(c))], nil
}

// The types that Brooklyn has for it, without their package.
const (
	firstFrom  = "FirstFromRemovalStrategy"
	bySensor   = "SensorMatchingRemovalStrategy"
	byTest     = "EntityPredicateRemovalStrategy"
	asDefault  = "DynamicClusterImpl$DefaultRemovalStrategy"
	pkg        = "org.apache.brooklyn.entity.group."
	strategies = "firstfrom.strategies"
)

// Read reads what a blueprint writes for a strategy: one of Words; a
// predicate, so that the members for which it holds leave first; a list of
// strategies, of which the first with an opinion counts; or an object of one of
// Brooklyn's types. Its expressions are computed for the cluster. Nil is
// "newest".
//
// Errors: Invalid.
func Read(ctx context.Context, cluster *entity.Entity, raw any) (Strategy, error) {
	switch x := raw.(type) {
	case nil:
		return newest, nil
	case expr.Object:
		spec, _ := x.Spec.(map[string]any)
		return object(ctx, cluster, spec)
	case string:
		if s := words[x]; s != nil {
			return s, nil
		}
		if strings.HasPrefix(x, pkg) {
			return object(ctx, cluster, map[string]any{"type": x})
		}
		return nil, fault.New(fault.Invalid, "unknown removal strategy %q%s; expected newest, oldest, random, a predicate or a list of these", x, nearest.Hint(x, Words()))
	case []any:
		return list(ctx, cluster, x)
	case map[string]any:
		if expr.IsExpr(x) {
			v, err := cluster.Evaluate(ctx, x)
			if err != nil {
				return nil, err
			}
			return Read(ctx, cluster, v)
		}
		if name, is := x["type"].(string); is && strings.HasPrefix(name, pkg) {
			return object(ctx, cluster, x)
		}
		return test(cluster, x)
	}
	return nil, fault.New(fault.Invalid, "removal strategy %v: expected newest, oldest, random, a predicate or a list of these", raw)
}

// Check tells the errors of a strategy as it is written, as far as they are
// known before its expressions are computed.
func Check(n *yamlpos.Node) error {
	var errs yamlpos.Errors
	check(&errs, n)
	return errs.Err()
}

func check(errs *yamlpos.Errors, n *yamlpos.Node) {
	v := n.Any()
	text, isText := v.(string)
	switch {
	case v == nil, expr.IsExpr(v), isText && strings.HasPrefix(text, pkg):
	case n.Kind == yamlpos.List:
		for _, item := range n.Items {
			check(errs, item)
		}
	case n.Kind == yamlpos.Map:
		if typ := n.Get("type"); typ != nil && strings.HasPrefix(typ.Text, pkg) {
			return
		}
		if _, err := predicate.Compile(n, predicate.Limits{}); err != nil {
			errs.Append(n.Pos, err)
		}
	default:
		if _, err := Read(context.Background(), nil, v); err != nil {
			errs.Append(n.Pos, err)
		}
	}
}

// list takes the first that has an opinion.
func list(ctx context.Context, cluster *entity.Entity, items []any) (Strategy, error) {
	var all []Strategy
	for _, item := range items {
		s, err := Read(ctx, cluster, item)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return func(ctx context.Context, c []*entity.Entity) (*entity.Entity, error) {
		for _, s := range all {
			if e, err := s(ctx, c); e != nil || err != nil {
				return e, err
			}
		}
		return nil, nil
	}, nil
}

// test takes the newest for which a predicate holds. One that cannot be
// computed for a member does not hold for it.
func test(cluster *entity.Entity, raw any) (Strategy, error) {
	p, err := predicate.CompileAny(raw, predicate.Limits{})
	if err != nil {
		return nil, fault.New(fault.Invalid, "removal strategy: %w", err)
	}
	return func(ctx context.Context, c []*entity.Entity) (*entity.Entity, error) {
		ctx = entity.Hurry(ctx)
		for i := len(c) - 1; i >= 0; i-- {
			if ok, err := p.Test(ctx, predicate.Subject{Value: c[i], Env: cluster.Env()}); ok && err == nil {
				return c[i], nil
			}
		}
		return nil, ctx.Err()
	}, nil
}

// object makes the strategy of one of Brooklyn's types.
func object(ctx context.Context, cluster *entity.Entity, spec map[string]any) (Strategy, error) {
	config := map[string]any{}
	for _, under := range []any{spec, spec["brooklyn.config"], spec["object.fields"]} {
		given, _ := under.(map[string]any)
		for k, v := range given {
			config[k] = v
		}
	}
	name, _ := spec["type"].(string)
	switch strings.TrimPrefix(name, pkg) {
	case asDefault:
		return newest, nil
	case firstFrom:
		items, _ := config[strategies].([]any)
		if len(items) == 0 {
			return nil, fault.New(fault.Invalid, "removal strategy %s: expected a list of strategies in %s", firstFrom, strategies)
		}
		return list(ctx, cluster, items)
	case bySensor:
		return sensor(ctx, cluster, config)
	case byTest:
		if config["predicate"] == nil {
			return test(cluster, map[string]any{"not": map[string]any{"sensor": entity.ServiceUp, "equals": true}})
		}
		return test(cluster, config["predicate"])
	}
	known := []string{pkg + firstFrom, pkg + bySensor, pkg + byTest}
	return nil, fault.New(fault.Invalid, "unknown removal strategy %q%s; expected one of %s", name, nearest.Hint(name, known), strings.Join(known, ", "))
}

// sensor takes the newest whose sensor has a value.
func sensor(ctx context.Context, cluster *entity.Entity, config map[string]any) (Strategy, error) {
	v, err := cluster.Evaluate(ctx, config["sensor.matching.sensor"])
	if err != nil {
		return nil, err
	}
	name, _ := v.(string)
	if s, is := v.(expr.Sensor); is {
		name = s.Name
	}
	if name == "" {
		return nil, fault.New(fault.Invalid, "removal strategy %s: expected the name of a sensor in sensor.matching.sensor", bySensor)
	}
	if config["sensor.matching.value"] == nil {
		return test(cluster, map[string]any{"sensor": name, "when": "absent_or_null"})
	}
	return test(cluster, map[string]any{"sensor": name, "equals": config["sensor.matching.value"]})
}
