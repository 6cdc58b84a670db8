package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

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

// The sensors and the config of clusters, in Brooklyn's names.
const (
	membersCount = "group.members.count"
	firstMember  = "cluster.first.entity"
	nextMember   = "cluster.next.member.id"
	memberID     = "cluster.member.id"
)

// addMembers adds children from the spec in a config key, starts them at the
// same time, and makes those that start members. The output has the ids of the
// members that were added, and the failures of those that were not.
func (e *Engine) addMembers(ctx context.Context, c *action.Call) (any, error) {
	cluster, err := e.self(c)
	if err != nil {
		return nil, err
	}
	count, err := coerce.To("integer", c.Input["count"])
	if err != nil {
		return nil, fault.New(fault.Invalid, "step input count: %w", err)
	}
	n, _ := count.(int64)
	if n > int64(e.cfg.Limits.Entities) {
		return nil, fault.New(fault.Limit, "%d members at once are more than Limits.Entities allows (%d)", n, e.cfg.Limits.Entities)
	}
	var made []*entity.Entity
	for i := range int(n) {
		key := "dynamiccluster.memberspec"
		if first, _ := c.Input["first"].(bool); first && i == 0 {
			key = "dynamiccluster.firstmemberspec"
		}
		m, err := e.addMember(ctx, c, cluster, key, i)
		if err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	var mu sync.Mutex
	failures := []any{}
	err = task.Parallel(ctx, len(made), e.cfg.Limits.Parallel, func(ctx context.Context, i int) error {
		err := e.startMember(ctx, made[i])
		if err == nil || stopping(ctx) || ctx.Err() != nil {
			return err
		}
		failed := made[i]
		mu.Lock()
		failures = append(failures, fmt.Sprintf("%s: %s", failed.Name(), err))
		mu.Unlock()
		made[i] = nil
		if discard, _ := c.Input["discard"].(bool); discard {
			return e.unmanage(ctx, failed)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ids := []any{}
	for _, m := range made {
		if m != nil {
			ids = append(ids, string(m.ID()))
		}
	}
	changeMembers(cluster, func(members []any) []any {
		for _, m := range made {
			if m != nil && !lists(members, m) {
				members = append(members, entity.Document(m))
			}
		}
		return members
	})
	return map[string]any{"members": ids, "failures": failures}, nil
}

func (e *Engine) startMember(ctx context.Context, m *entity.Entity) error {
	if !m.Declaration().Startable() {
		return nil
	}
	defer m.AwaitStart(ctx)()
	_, err := e.nested(ctx, m, "start", nil)
	return err
}

// addMember adds one child, or finds the one that the step added before.
func (e *Engine) addMember(ctx context.Context, c *action.Call, cluster *entity.Entity, key string, i int) (*entity.Entity, error) {
	id := entity.ID(madeBy(c, i))
	if there, err := e.tree.Get(id); err == nil {
		return there, nil
	}
	spec, at, err := e.specIn(ctx, cluster, key)
	if err != nil {
		return nil, err
	}
	member := *spec
	number := e.memberNumber(cluster)
	member.Config = member.Config.With(yamlpos.Entry{Key: memberID, Value: yamlpos.FromAny(number, yamlpos.Pos{})})
	cluster.Set(nextMember, number+1)
	return e.addChild(ctx, cluster, &member, id, at)
}

// memberNumber gives a number that no member has had.
func (e *Engine) memberNumber(cluster *entity.Entity) int64 {
	v, _ := cluster.Sensor(nextMember)
	next, _ := coerce.To("integer", v)
	n, _ := next.(int64)
	for _, child := range cluster.Children() {
		raw, _ := child.OwnConfig(memberID)
		if id, err := coerce.To("integer", raw); err == nil && id != nil {
			n = max(n, id.(int64)+1)
		}
	}
	return n
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

// removeMembers stops members and removes them: those that are named, else so
// many of the newest. The output is the list of their ids.
func (e *Engine) removeMembers(ctx context.Context, c *action.Call) (any, error) {
	cluster, err := e.self(c)
	if err != nil {
		return nil, err
	}
	leaving, err := leavers(cluster, c.Input)
	if err != nil {
		return nil, err
	}
	changeMembers(cluster, func(members []any) []any {
		return slices.DeleteFunc(members, func(m any) bool {
			return slices.ContainsFunc(leaving, func(l *entity.Entity) bool { return lists([]any{m}, l) })
		})
	})
	ids := make([]any, len(leaving))
	err = task.Parallel(ctx, len(leaving), e.cfg.Limits.Parallel, func(ctx context.Context, i int) error {
		ids[i] = string(leaving[i].ID())
		if leaving[i].Declaration().Effector("stop") != nil {
			if _, err := e.nested(ctx, leaving[i], "stop", nil); err != nil {
				return fault.Wrap(err, "stop", leaving[i].Name())
			}
		}
		return e.unmanage(ctx, leaving[i])
	})
	return ids, err
}

func leavers(cluster *entity.Entity, in map[string]any) ([]*entity.Entity, error) {
	members := cluster.Members()
	if names, ok := in["members"].([]any); ok {
		var out []*entity.Entity
		for _, name := range names {
			i := slices.IndexFunc(members, func(m *entity.Entity) bool { return string(m.ID()) == coerce.Text(name) })
			if i < 0 {
				return nil, fault.New(fault.NotFound, "%s has no member %v: entity %v cannot be resolved", cluster.Name(), name, name)
			}
			out = append(out, members[i])
		}
		return out, nil
	}
	count, err := coerce.To("integer", in["count"])
	if err != nil {
		return nil, fault.New(fault.Invalid, "step input count: %w", err)
	}
	n, _ := count.(int64)
	out := slices.Clone(members[max(0, len(members)-int(n)):])
	slices.Reverse(out)
	return out, nil
}

// changeMembers changes the members of a group, with what follows from them.
func changeMembers(group *entity.Entity, change func(members []any) []any) {
	group.Modify(entity.Members, func(old any) any {
		list, _ := old.([]any)
		return change(append([]any{}, list...))
	})
	members := group.Members()
	values := map[string]any{membersCount: int64(len(members)), firstMember: nil}
	if len(members) > 0 {
		values[firstMember] = members[0]
	}
	group.Update(values)
}

// lists tells whether a list of entity documents has one for an entity.
func lists(members []any, e *entity.Entity) bool {
	return slices.ContainsFunc(members, func(m any) bool {
		doc, _ := m.(map[string]any)
		return doc["$entity"] == string(e.ID())
	})
}

func (e *Engine) changeMembersStep(_ context.Context, c *action.Call) (any, error) {
	group, err := e.self(c)
	if err != nil {
		return nil, err
	}
	changeMembers(group, func(members []any) []any { return members })
	return nil, nil
}
