package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/removal"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// The sensors and the config of clusters, in Brooklyn's names.
const (
	nextMember       = "cluster.next.member.id"
	memberID         = "cluster.member.id"
	isMember         = "cluster.member"
	clusterOf        = "cluster.entity"
	memberSpec       = "dynamiccluster.memberspec"
	firstSpec        = "dynamiccluster.firstmemberspec"
	removalStrategy  = "dynamiccluster.removalstrategy"
	quarantineFilter = "dynamiccluster.quarantineFilter"
	quarantineGroup  = "dynamiccluster.quarantineGroup"
	quarantined      = "dynamiccluster.entityQuarantined"
	quarantineType   = "org.apache.brooklyn.entity.group.QuarantineGroup"
)

// addMembers adds children from the spec in a config key, starts them at the
// same time, and makes those that start members; those that do not go to the
// quarantine of the cluster, or are removed. The output has the ids of the
// members that were added, and the failures of those that were not.
func (e *Engine) addMembers(ctx context.Context, c *action.Call) (any, error) {
	cluster, err := e.self(c)
	if err != nil {
		return nil, err
	}
	n, err := amount(c.Input, "count")
	if err != nil {
		return nil, err
	}
	if n > e.cfg.Limits.Entities {
		return nil, fault.New(fault.Limit, "%d members at once are more than Limits.Entities allows (%d)", n, e.cfg.Limits.Entities)
	}
	made, err := e.makeMembers(ctx, c, cluster, n)
	if err != nil {
		return nil, err
	}
	errs, err := e.startMembers(ctx, c, made)
	if err != nil {
		if !stopping(ctx) { // given up: whoever stops the cluster has to find them
			cluster.ChangeMembers(nil, made)
		}
		return nil, err
	}
	var joined []*entity.Entity
	ids, failures := []any{}, []any{}
	for i, m := range made {
		e.zones.note(cluster, m, errs[i] != nil)
		if errs[i] == nil {
			joined = append(joined, m)
			ids = append(ids, string(m.ID()))
			continue
		}
		failures = append(failures, fmt.Sprintf("%s: %s", m.Name(), errs[i]))
		if err := e.setAside(ctx, c, cluster, m, errs[i]); err != nil {
			return nil, err
		}
	}
	e.zones.publish(cluster)
	for _, m := range joined {
		m.Update(map[string]any{isMember: true, clusterOf: cluster})
	}
	cluster.ChangeMembers(nil, joined)
	return map[string]any{"members": ids, "failures": failures}, nil
}

// amount reads a whole number that is not negative.
func amount(in map[string]any, key string) (int, error) {
	v, err := coerce.To("integer", in[key])
	n, _ := v.(int64)
	switch {
	case err != nil:
		return 0, fault.New(fault.Invalid, "step input %s: %w", key, err)
	case n < 0:
		return 0, fault.New(fault.Invalid, "step input %s: expected 0 or more, not %d", key, n)
	}
	return int(n), nil
}

// parallel gives how many commands a step may give to children at once.
func (e *Engine) parallel(in map[string]any) (int, error) {
	n, err := amount(in, "parallel")
	if n == 0 || n > e.cfg.Limits.Parallel {
		n = e.cfg.Limits.Parallel
	}
	return n, err
}

// makeMembers adds the children, or finds those that the step added before.
func (e *Engine) makeMembers(ctx context.Context, c *action.Call, cluster *entity.Entity, n int) ([]*entity.Entity, error) {
	zones, err := e.zonesFor(ctx, cluster, n)
	if err != nil {
		return nil, err
	}
	number := nextNumber(cluster)
	cluster.Set(nextMember, number+int64(n)) // also when some are there already: the numbers need not be without gaps
	made := make([]*entity.Entity, 0, n)
	for i := range n {
		id := entity.ID(madeBy(c, i))
		if there, err := e.tree.Get(id); err == nil {
			made = append(made, there)
			continue
		}
		key := memberSpec
		if first, _ := c.Input["first"].(bool); first && i == 0 {
			key = firstSpec
		}
		w := offspring{id: id, config: map[string]any{memberID: number + int64(i)}}
		if zones[i] != "" {
			w.config[memberZone] = zones[i]
		}
		m, err := e.addFrom(ctx, cluster, key, w)
		if err != nil {
			return nil, errors.Join(err, e.unmanageAll(ctx, made))
		}
		made = append(made, m)
	}
	return made, nil
}

func (e *Engine) unmanageAll(ctx context.Context, all []*entity.Entity) error {
	var errs []error
	for _, one := range all {
		errs = append(errs, e.unmanage(ctx, one))
	}
	return errors.Join(errs...)
}

// nextNumber gives a number that no member has had.
func nextNumber(cluster *entity.Entity) int64 {
	v, _ := cluster.Sensor(nextMember)
	next, _ := coerce.To("integer", v)
	n, _ := next.(int64)
	all := cluster.Children()
	if q := quarantineOf(cluster); q != nil {
		all = append(all, q.Children()...)
	}
	for _, child := range all {
		raw, _ := child.OwnConfig(memberID)
		if id, err := coerce.To("integer", raw); err == nil && id != nil {
			n = max(n, id.(int64)+1)
		}
	}
	return n
}

// startMembers starts members and gives the error of each; it fails as a whole
// only when the step itself has to end.
func (e *Engine) startMembers(ctx context.Context, c *action.Call, made []*entity.Entity) ([]error, error) {
	limit, err := e.parallel(c.Input)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(made))
	err = task.Parallel(ctx, len(made), limit, func(ctx context.Context, i int) error {
		err := e.startMember(ctx, made[i])
		if err != nil && (stopping(ctx) || ctx.Err() != nil) {
			return err
		}
		errs[i] = err
		return nil
	})
	return errs, err
}

func (e *Engine) startMember(ctx context.Context, m *entity.Entity) error {
	if !m.Declaration().Startable() {
		return nil
	}
	defer m.AwaitStart(ctx)()
	_, err := e.nested(ctx, m, "start", nil)
	return err
}

// setAside puts a member that did not start into quarantine, or removes it.
func (e *Engine) setAside(ctx context.Context, c *action.Call, cluster, m *entity.Entity, cause error) error {
	keep, err := e.worthKeeping(ctx, cluster, cause)
	if err != nil {
		return err
	}
	if discard, _ := c.Input["discard"].(bool); discard || !keep {
		return e.unmanage(ctx, m)
	}
	q, err := e.quarantine(ctx, cluster)
	if err != nil {
		return err
	}
	if err := m.Reparent(ctx, q); err != nil {
		return err
	}
	q.ChangeMembers(nil, []*entity.Entity{m})
	cluster.Set(quarantined, m)
	return nil
}

// worthKeeping asks the filter of the cluster whether one that failed so is to
// be kept. Without a filter, one that found no place to run on is not: there
// is nothing of it to look at.
func (e *Engine) worthKeeping(ctx context.Context, cluster *entity.Entity, cause error) (bool, error) {
	raw, _ := cluster.RawConfig(quarantineFilter)
	if raw == nil {
		return fault.KindOf(cause) != fault.Capacity, nil
	}
	p, err := predicate.CompileAny(raw, predicate.Limits{})
	if err != nil {
		return false, fault.Wrap(err, quarantineFilter+" of", cluster.Name())
	}
	return p.Test(ctx, predicate.Subject{Value: cause, Env: cluster.Env()})
}

// quarantineOf gives the quarantine of a cluster, nil while it has none.
func quarantineOf(cluster *entity.Entity) *entity.Entity {
	at := slices.IndexFunc(cluster.Children(), func(c *entity.Entity) bool { return c.Type() == quarantineType })
	if at < 0 {
		return nil
	}
	return cluster.Children()[at]
}

// quarantine gives the group of those that did not start, which is made for
// the first of them.
func (e *Engine) quarantine(ctx context.Context, cluster *entity.Entity) (*entity.Entity, error) {
	if q := quarantineOf(cluster); q != nil {
		return q, nil
	}
	q, err := e.addAnyhow(ctx, cluster, quarantineSpec(), "", origin{})
	if err != nil {
		return nil, err
	}
	q.ChangeMembers(nil, nil)
	cluster.Set(quarantineGroup, q)
	return q, nil
}

// chooseMembers gives the ids of so many members as are to leave, in the order
// of the cluster's removal strategy. It is a step of its own, so that it is on
// record who leaves before the first one has left.
func (e *Engine) chooseMembers(ctx context.Context, c *action.Call) (any, error) {
	cluster, err := e.self(c)
	if err != nil {
		return nil, err
	}
	n, err := amount(c.Input, "count")
	if err != nil {
		return nil, err
	}
	members := cluster.Members()
	chosen, err := e.choose(ctx, cluster, members, min(n, len(members)))
	ids := make([]any, len(chosen))
	for i, m := range chosen {
		ids[i] = string(m.ID())
	}
	return ids, err
}

// removeMembers stops the members whose ids it is given, unless "stop" is
// false, and removes them; those that are gone are none of its business. The
// output is the list of the ids.
func (e *Engine) removeMembers(ctx context.Context, c *action.Call) (any, error) {
	cluster, err := e.self(c)
	if err != nil {
		return nil, err
	}
	limit, err := e.parallel(c.Input)
	if err != nil {
		return nil, err
	}
	ids, _ := c.Input["members"].([]any)
	var leaving []*entity.Entity
	for _, id := range ids {
		m, err := e.tree.Get(entity.ID(coerce.Text(id)))
		if err != nil {
			continue
		}
		if m.Parent() != cluster && !cluster.HasMember(m) {
			return nil, fault.New(fault.NotFound, "%s has no member %v: entity %v cannot be resolved", cluster.Name(), id, id)
		}
		leaving = append(leaving, m)
	}
	cluster.ChangeMembers(leaving, nil)
	return ids, task.Parallel(ctx, len(leaving), limit, func(ctx context.Context, i int) error {
		leaving[i].Update(map[string]any{isMember: nil, clusterOf: nil})
		if c.Input["stop"] != false && leaving[i].Declaration().Effector("stop") != nil {
			if _, err := e.nested(ctx, leaving[i], "stop", nil); err != nil {
				return fault.Wrap(err, "stop", leaving[i].Name())
			}
		}
		return e.unmanage(ctx, leaving[i])
	})
}

// choose picks n members to leave, each among those that are left.
func (e *Engine) choose(ctx context.Context, cluster *entity.Entity, members []*entity.Entity, n int) ([]*entity.Entity, error) {
	raw, err := cluster.Config(ctx, removalStrategy)
	if err != nil {
		return nil, err
	}
	pick, err := removal.Read(ctx, cluster, raw)
	if err != nil {
		return nil, fault.Wrap(err, removalStrategy+" of", cluster.Name())
	}
	var out []*entity.Entity
	rest := slices.Clone(members)
	for range n {
		contenders := fullestZone(rest)
		chosen, err := pick(ctx, contenders)
		if err != nil {
			return nil, err
		}
		chosen = cmp.Or(chosen, contenders[len(contenders)-1]) // the newest, when there is no opinion
		out = append(out, chosen)
		rest = slices.DeleteFunc(rest, func(m *entity.Entity) bool { return m == chosen })
	}
	return out, nil
}

// changeMembersStep puts the entities in "join" into a group and takes those in
// "leave" out; without either it publishes the members for the first time.
func (e *Engine) changeMembersStep(_ context.Context, c *action.Call) (any, error) {
	group, err := e.self(c)
	if err != nil {
		return nil, err
	}
	var lists [2][]*entity.Entity
	for i, key := range []string{"join", "leave"} {
		named, _ := c.Input[key].([]any)
		for _, v := range named {
			m, err := e.named(c, v)
			if err != nil {
				return nil, err
			}
			lists[i] = append(lists[i], m)
		}
	}
	group.ChangeMembers(lists[1], lists[0])
	return nil, nil
}

// errorsOf collects what went wrong with several entities.
type errorsOf struct {
	mu   sync.Mutex
	list []any
}

func (f *errorsOf) note(of *entity.Entity, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fmt.Sprintf("%s: %s", of.Name(), err))
}
