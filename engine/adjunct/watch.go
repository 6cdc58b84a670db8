package adjunct

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// The groups of entities that a policy may listen to.
const (
	Members  = "members"  // of its entity, which is a group
	Children = "children" // of its entity
)

// What happens to who is in a group, as hook.Event.Change spells it.
const (
	joined = "joined"
	left   = "left"
)

// Watch is one thing that a policy listens to.
type Watch struct {
	Of     string         // Members or Children; "" for Entity
	Entity *entity.Entity // whose sensor it is
	Sensor string         // "" with Of tells who joins and who leaves
}

// listening is what a policy hears while it runs. Its subscriptions follow
// those who join and leave.
type listening struct {
	manager *Manager
	policy  *policy
	silent  bool // what is there as it begins counts as dealt with

	mu     sync.Mutex // held while subscriptions change, and the items of that are queued
	over   bool
	subs   []*event.Subscription
	groups map[string]*group
}

// group is who is listened to as members, or as children.
type group struct {
	of      string
	sensors []string
	tells   bool // the policy wants to know who joins and leaves
	there   map[string][]*event.Subscription
}

// listen lets a policy hear what its type says. late is not nil when that
// depends on something that is not there yet: it waits for that and listens
// then.
func (m *Manager) listen(ctx context.Context, l *listening) (late func() error, err error) {
	p := l.policy
	watches, err := m.cfg.Host.Events(entity.Hurry(ctx), p.entity, &p.rec)
	if fault.KindOf(err) == fault.Timeout {
		return func() error {
			watches, err := m.cfg.Host.Events(ctx, p.entity, &p.rec)
			if err == nil {
				l.begin(watches)
			}
			return err
		}, nil
	}
	if err == nil {
		l.begin(watches)
	}
	return nil, err
}

func (l *listening) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, s := range l.subs {
		s.Cancel()
	}
	for _, g := range l.groups {
		for _, subs := range g.there {
			for _, s := range subs {
				s.Cancel()
			}
		}
	}
	l.subs, l.groups = nil, nil
}

func (l *listening) begin(watches []Watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	for _, w := range watches {
		if w.Of == "" {
			l.subs = append(l.subs, l.subscribe(w.Entity, w.Sensor, ""))
			continue
		}
		g := l.groups[w.Of]
		if g == nil {
			g = &group{of: w.Of, there: map[string][]*event.Subscription{}}
			l.groups[w.Of] = g
		}
		if w.Sensor == "" {
			g.tells = true
		} else if !slices.Contains(g.sensors, w.Sensor) {
			g.sensors = append(g.sensors, w.Sensor)
		}
	}
	if g := l.groups[Members]; g != nil {
		l.follow(g, entity.Members, func(event.Event) { l.members(g) }, l.policy.entity.Members)
	}
	if g := l.groups[Children]; g != nil {
		own := l.policy.entity
		l.subs = append(l.subs, own.Subscribe(entity.ChildRemoved, func(ev event.Event) { l.child(g, ev) }))
		l.follow(g, entity.ChildAdded, func(ev event.Event) { l.child(g, ev) }, own.Children)
	}
	l.tidy()
	l.silent = false
}

// subscribe listens to a sensor and takes its present value. The caller holds
// mu; while silent, the policy does not run yet.
func (l *listening) subscribe(of *entity.Entity, sensor, as string) *event.Subscription {
	m, p := l.manager, l.policy
	s := of.Subscribe(sensor, func(ev event.Event) { m.take(p, item{Event: ev, of: as}, false) })
	v, has := of.Sensors()[sensor]
	if !has {
		return s
	}
	it := item{Event: event.Event{Source: string(of.ID()), Sensor: sensor, Value: v.Value, Time: v.Time}, of: as}
	switch {
	case !l.silent:
		m.take(p, it, true)
	case as == "":
		if p.rec.Seen == nil {
			p.rec.Seen = map[string]time.Time{}
		}
		p.rec.Seen[seenKey(p.rec.Entity, it.Source, sensor)] = v.Time
	default:
		put(p.heard.seen, it.Source, sensor, v.Time)
	}
	return s
}

// follow begins to listen to a group: to the sensor that tells of changes, and
// to those who are there. The caller holds mu.
func (l *listening) follow(g *group, sensor string, changed func(event.Event), who func() []*entity.Entity) {
	l.subs = append(l.subs, l.policy.entity.Subscribe(sensor, changed))
	present := who()
	there := make(map[string]bool, len(present))
	for _, e := range present {
		there[string(e.ID())] = true
	}
	for id, ref := range l.policy.heard.known[g.of] { // those who left while nobody listened
		it := item{Event: event.Event{Source: id}, of: g.of, change: left, source: ref, untold: !g.tells}
		switch {
		case there[id]:
		case l.silent:
			l.manager.cfg.Store.Enqueue(l.policy.heard.change(l.policy.rec.ID, &it))
		default:
			l.manager.take(l.policy, it, true)
		}
	}
	for _, e := range present {
		l.join(g, e)
	}
}

// members brings the subscriptions in line with who is in the group now.
func (l *listening) members(g *group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	present := l.policy.entity.Members()
	there := make(map[string]bool, len(present))
	for _, e := range present {
		there[string(e.ID())] = true
		l.join(g, e)
	}
	for id := range g.there {
		if !there[id] {
			l.gone(g, id)
		}
	}
}

// child lets one child join or leave. The events come in the order in which
// that happened.
func (l *listening) child(g *group, ev event.Event) {
	doc, _ := ev.Value.(map[string]any)
	id, _ := doc["$entity"].(string)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	e, err := l.manager.cfg.Tree.Get(entity.ID(id))
	if err == nil && ev.Sensor == entity.ChildAdded {
		l.join(g, e)
	} else {
		l.gone(g, id)
	}
}

// join listens to one who is in the group. The caller holds mu.
func (l *listening) join(g *group, e *entity.Entity) {
	id := string(e.ID())
	if _, is := g.there[id]; is {
		return
	}
	if l.silent {
		put(l.policy.heard.known, g.of, id, e.Ref())
	} else {
		l.manager.take(l.policy, item{Event: event.Event{Source: id}, of: g.of, change: joined, source: e.Ref(), untold: !g.tells}, true)
	}
	subs := make([]*event.Subscription, len(g.sensors))
	for i, sensor := range g.sensors {
		subs[i] = l.subscribe(e, sensor, g.of)
	}
	g.there[id] = subs
}

// gone ends listening to one who left. The caller holds mu.
func (l *listening) gone(g *group, id string) {
	subs, was := g.there[id]
	if !was {
		return
	}
	for _, s := range subs {
		s.Cancel()
	}
	delete(g.there, id)
	l.manager.take(l.policy, item{Event: event.Event{Source: id}, of: g.of, change: left, source: hook.Ref{ID: id}, untold: !g.tells}, true)
}

// tidy forgets the sensors of those who left while nobody listened, and writes
// what counts as dealt with. The caller holds mu, and the policy does not run
// yet.
func (l *listening) tidy() {
	var b store.Batch
	h := &l.policy.heard
	for id, sensors := range h.seen {
		present := slices.ContainsFunc([]string{Members, Children}, func(of string) bool {
			g := l.groups[of]
			_, is := h.known[of][id]
			return is || g != nil && g.there[id] != nil
		})
		if present {
			continue
		}
		for sensor := range sensors {
			b.Delete(heardBucket, l.policy.rec.ID+"/seen/"+id+"/"+sensor)
		}
		delete(h.seen, id)
	}
	if l.silent {
		h.write(l.policy.rec.ID, &b)
		if err := Stage(&l.policy.rec, &b); err != nil {
			return
		}
	}
	if b.Len() > 0 {
		l.manager.cfg.Store.Enqueue(&b)
	}
}
