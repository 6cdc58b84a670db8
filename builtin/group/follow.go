package group

import (
	"context"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// follower keeps the members of one group in line with its filter. Events only
// say what to look at again, and are dealt with on a goroutine that is there
// while there is something to do; what an event costs depends on what its
// entity has below it and on who asked about it, not on how many entities
// there are.
type follower struct {
	group *entity.Entity
	host  catalog.AttendHost
	tell  func(problem string) // logs, each problem once in a row

	mu      sync.Mutex
	pending []entity.Change
	queued  map[entity.Change]bool // of pending
	rescans []chan error           // who waits for everything to be looked at
	rescan  bool
	busy    bool
	over    bool
	rounds  int       // since
	since   time.Time // the beginning of a window

	work // of the goroutine alone
}

// work is what a follower knows of the entities.
type work struct {
	ok      filter         // nil without a filter
	under   *entity.Entity // whose descendants count
	ends    []func()       // of what it listens to there
	seen    map[entity.ID]*candidate
	asked   map[entity.ID]map[entity.ID]*candidate // by entity, who was judged by something of it
	configs bool                                   // the filter asks for config
	members map[entity.ID]bool
}

// candidate is an entity that may be a member.
type candidate struct {
	entity *entity.Entity
	subs   map[source]*event.Subscription
	asked  map[entity.ID]*entity.Entity
}

// sensed is the kind of change that a sensor brings about, beside those of
// entities.
const sensed entity.ChangeKind = -1

// attend begins to follow for a group.
func (g *Groups) attend(_ context.Context, h catalog.AttendHost) (end func()) {
	f := &follower{group: h.Entity(), host: h, queued: map[entity.Change]bool{}}
	last := ""
	f.tell = func(problem string) {
		if problem != "" && problem != last {
			g.log.Warn("group cannot judge", "group", f.group.Name(), "problem", problem)
		}
		last = problem
	}
	g.mu.Lock()
	g.all[f.group.ID()] = f
	g.mu.Unlock()
	stop := f.group.Observe(func(c entity.Change) {
		if c.Kind == entity.Configured && c.Entity == f.group {
			f.again(nil)
		}
	})
	f.again(nil)
	unwatch := watchUp(f.group)
	return func() {
		stop()
		unwatch()
		g.mu.Lock()
		delete(g.all, f.group.ID())
		g.mu.Unlock()
		f.end()
	}
}

// rescan lets the group of a step look at everything, and waits until it has.
func (g *Groups) rescan(ctx context.Context, c *action.Call) (any, error) {
	g.mu.Lock()
	f := g.all[entity.ID(c.Entity.ID)]
	g.mu.Unlock()
	if f == nil {
		return nil, fault.New(fault.Invalid, "%s is no group with a filter", c.Entity.Name)
	}
	done := make(chan error, 1)
	f.again(done)
	select {
	case err := <-done:
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// again has everything looked at; done, which may be nil, is told of the end.
func (f *follower) again(done chan error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if done != nil {
		f.rescans = append(f.rescans, done)
	}
	f.rescan = true
	f.begin()
}

// mark has what a change is about looked at.
func (f *follower) mark(c entity.Change) {
	c.Key = ""
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queued[c] {
		return
	}
	f.queued[c] = true
	f.pending = append(f.pending, c)
	f.begin()
}

// begin sees to it that there is somebody at work; the caller holds mu.
func (f *follower) begin() {
	if f.busy || f.over {
		return
	}
	f.busy = true
	f.host.Go(f.run)
}

func (f *follower) run(ctx context.Context) {
	for {
		f.mu.Lock()
		changes, all, waiting := f.pending, f.rescan, f.rescans
		f.pending, f.rescan, f.rescans = nil, false, nil
		clear(f.queued)
		if f.over || ctx.Err() != nil || len(changes) == 0 && !all {
			f.busy = false
			over := f.over
			f.mu.Unlock()
			if over {
				f.drop()
			}
			for _, w := range waiting {
				w <- context.Cause(ctx)
			}
			return
		}
		f.mu.Unlock()
		if !f.rest(ctx) {
			for _, w := range waiting {
				w <- context.Cause(ctx)
			}
			continue
		}
		var err error
		if all {
			err = f.all(ctx)
		} else {
			err = f.some(ctx, changes)
		}
		if err != nil && ctx.Err() == nil {
			f.tell(err.Error())
		}
		for _, w := range waiting {
			w <- err
		}
	}
}

// Groups whose filters ask about one another may never come to rest. They are
// kept from doing nothing else: after so many rounds in a window each further
// one waits, and takes what came meanwhile along.
const (
	burst  = 1000
	window = time.Second
	pause  = 10 * time.Millisecond
)

// rest waits if there were many rounds of late; it is false when the group is
// not followed any more.
func (f *follower) rest(ctx context.Context) bool {
	now := time.Now()
	if now.Sub(f.since) > window {
		f.since, f.rounds = now, 0
	}
	if f.rounds++; f.rounds <= burst {
		return true
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// end stops to follow.
func (f *follower) end() {
	f.mu.Lock()
	f.over = true
	idle := !f.busy
	f.mu.Unlock()
	if idle {
		f.drop()
	}
}

// drop lets go of everything that is listened to.
func (w *work) drop() {
	for _, end := range w.ends {
		end()
	}
	w.ends = nil
	for _, c := range w.seen {
		for _, s := range c.subs {
			s.Cancel()
		}
	}
	w.seen, w.asked = nil, nil
}

// all reads the filter and judges everything.
func (f *follower) all(ctx context.Context) error {
	err := f.setUp(ctx)
	f.members = map[entity.ID]bool{}
	before := f.group.Members()
	for _, m := range before {
		f.members[m.ID()] = true
	}
	if err != nil || f.ok == nil {
		f.members = map[entity.ID]bool{}
		f.group.ChangeMembers(before, nil)
		return err
	}
	look := append(before, f.under.Descendants()...) // those who are members now may be elsewhere
	return f.judge(ctx, look)
}

// setUp reads what the group is made of, and listens where its members are to
// be found.
func (f *follower) setUp(ctx context.Context) error {
	f.drop()
	f.ok, f.under, f.configs = nil, f.group.Root(), false
	f.seen, f.asked = map[entity.ID]*candidate{}, map[entity.ID]map[entity.ID]*candidate{}
	raw, _ := f.group.RawConfig(filterKey)
	if raw == nil {
		return nil
	}
	v, err := f.group.Config(entity.Hurry(ctx), ancestorKey)
	if err != nil {
		return err
	}
	if v != nil {
		under, is := v.(*entity.Entity)
		if !is {
			return fault.New(fault.Invalid, "%s of %s: expected an entity, not %v", ancestorKey, f.group.Name(), v)
		}
		f.under = under
	}
	ok, err := compile(yamlpos.FromAny(raw, yamlpos.Pos{}))
	if err != nil {
		return fault.New(fault.Invalid, "%s of %s: %w", filterKey, f.group.Name(), err)
	}
	f.ok = ok
	f.ends = append(f.ends, f.under.Observe(f.mark))
	return nil
}

// some judges those whom changes may have made, or unmade, members.
func (f *follower) some(ctx context.Context, changes []entity.Change) error {
	if f.ok == nil {
		return nil
	}
	var look []*entity.Entity
	for _, c := range changes {
		switch c.Kind {
		case sensed:
			look = append(look, c.Entity)
		case entity.Added, entity.Moved, entity.Removed:
			look = append(look, c.Entity.Descendants()...)
			look = append(look, f.whoAsked(c.Entity.Parent())...)
			look = append(look, f.whoAsked(c.From)...)
		case entity.Configured:
			if !f.configs {
				continue
			}
			for _, d := range c.Entity.Descendants() {
				look = append(append(look, d), f.whoAsked(d)...)
			}
		default:
			look = append(append(look, c.Entity), f.whoAsked(c.Entity)...)
		}
	}
	return f.judge(ctx, look)
}

// whoAsked gives those who were judged by something of an entity, which may be
// nil.
func (f *follower) whoAsked(about *entity.Entity) (out []*entity.Entity) {
	if about == nil {
		return nil
	}
	for _, c := range f.asked[about.ID()] {
		out = append(out, c.entity)
	}
	return out
}

// judge tells members from others, in one publication. The error is one of the
// filter's; those for whom it fails are no members.
func (f *follower) judge(ctx context.Context, look []*entity.Entity) (problem error) {
	var join, leave []*entity.Entity
	done := make(map[*entity.Entity]bool, len(look))
	for _, e := range look {
		if done[e] {
			continue
		}
		done[e] = true
		in := false
		if !f.eligible(e) {
			f.forget(e)
		} else {
			var err error
			if in, err = f.test(ctx, e); err != nil && !waits(err) {
				problem = err
			}
		}
		switch was := f.members[e.ID()]; {
		case in && !was:
			join = append(join, e)
			f.members[e.ID()] = true
		case was && !in:
			leave = append(leave, e)
			delete(f.members, e.ID())
		}
	}
	f.group.ChangeMembers(leave, join)
	return problem
}

// eligible tells whether an entity is where members are to be found.
func (f *follower) eligible(e *entity.Entity) bool {
	if e == f.group || e.Gone() {
		return false
	}
	for at := e.Parent(); at != nil; at = at.Parent() {
		if at == f.under {
			return true
		}
	}
	return false
}

// test asks the filter, and listens from now on to what its answer follows
// from.
func (f *follower) test(ctx context.Context, e *entity.Entity) (bool, error) {
	c := f.seen[e.ID()]
	if c == nil {
		c = &candidate{entity: e, subs: map[source]*event.Subscription{}}
		f.seen[e.ID()] = c
	}
	for {
		a := newAsking(f.group)
		in, err := f.ok(entity.Hurry(ctx), e, a)
		f.configs = f.configs || a.config
		if !f.listen(c, a) || ctx.Err() != nil {
			return in, err
		}
		// What was asked for the first time may have changed before it was listened to.
	}
}

// listen brings what is listened to for a candidate in line with what was
// asked for it; more tells whether something came in addition.
func (f *follower) listen(c *candidate, a *asking) (more bool) {
	for of, s := range c.subs {
		if a.sensors[of] == nil {
			s.Cancel()
			delete(c.subs, of)
		}
	}
	for of, on := range a.sensors {
		if c.subs[of] == nil {
			c.subs[of] = on.Subscribe(of.sensor, func(event.Event) { f.mark(entity.Change{Kind: sensed, Entity: c.entity}) })
			more = true
		}
	}
	for id := range c.asked {
		if a.others[id] == nil {
			f.unask(id, c)
		}
	}
	for id := range a.others {
		if f.asked[id] == nil {
			f.asked[id] = map[entity.ID]*candidate{}
		}
		f.asked[id][c.entity.ID()] = c
	}
	c.asked = a.others
	return more
}

func (f *follower) unask(id entity.ID, c *candidate) {
	delete(f.asked[id], c.entity.ID())
	if len(f.asked[id]) == 0 {
		delete(f.asked, id)
	}
}

// forget lets go of an entity that cannot be a member any more.
func (f *follower) forget(e *entity.Entity) {
	c := f.seen[e.ID()]
	if c == nil {
		return
	}
	delete(f.seen, e.ID())
	for _, s := range c.subs {
		s.Cancel()
	}
	for id := range c.asked {
		f.unask(id, c)
	}
}
