package entity

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/event"
)

// The sensors of a group, in Brooklyn's names.
const (
	Members      = "group.members"       // a list of entities
	MembersCount = "group.members.count" // how many
	FirstMember  = "cluster.first.entity"
)

// Events of a group about its members. They are no sensors: the value, the
// member as a document, is delivered and not kept.
const (
	MemberAdded   = "group.members.added"
	MemberRemoved = "group.members.removed"
)

// memberships knows the groups that each entity is a member of, so that one
// that is removed leaves them without a look at every group.
type memberships struct {
	mu sync.Mutex
	of map[ID]map[ID]struct{}
}

func (m *memberships) join(member, group ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[ID]map[ID]struct{}{}
	}
	if m.of[member] == nil {
		m.of[member] = map[ID]struct{}{}
	}
	m.of[member][group] = struct{}{}
}

func (m *memberships) leave(member, group ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.of[member], group)
	if len(m.of[member]) == 0 {
		delete(m.of, member)
	}
}

func (m *memberships) groups(member ID) []ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.of[member]))
}

// Members gives the members of a group as its sensor group.members lists them,
// without those that are gone.
func (e *Entity) Members() []*Entity {
	v, _ := e.Sensor(Members)
	list, _ := v.([]any)
	out := make([]*Entity, 0, len(list))
	for _, item := range list {
		if m, ok := e.tree.ByValue(item); ok {
			out = append(out, m)
		}
	}
	return out
}

// Groups gives the groups that the entity is a member of.
func (e *Entity) Groups() []*Entity {
	var out []*Entity
	for _, id := range e.tree.memberships.groups(e.rec.ID) {
		if g, err := e.tree.Get(id); err == nil {
			out = append(out, g)
		}
	}
	return out
}

// ChangeMembers takes members out of a group and then puts others in, those
// that are not there yet, in one publication of its sensors. An entity that is
// gone does not become a member; members that are removed later leave by
// themselves.
func (e *Entity) ChangeMembers(leave, join []*Entity) {
	// The index comes first: who is removed from now on finds the group there.
	for _, m := range join {
		e.tree.memberships.join(m.rec.ID, e.rec.ID)
	}
	docs := make(map[ID]any, len(join))
	for _, m := range join {
		docs[m.rec.ID] = Document(m)
	}
	var c change
	e.mu.Lock()
	if !e.gone {
		list, had := e.sensors[Members].Value.([]any)
		now, left := without(list, leave)
		there := idsIn(now)
		var came []any
		for _, m := range join {
			if _, err := e.tree.Get(m.rec.ID); err == nil && !there[string(m.rec.ID)] {
				there[string(m.rec.ID)] = true
				now = append(now, docs[m.rec.ID])
				came = append(came, docs[m.rec.ID])
			}
		}
		if !had || len(left)+len(came) > 0 {
			c.members(e, now, left, came)
		}
	}
	e.mu.Unlock()
	c.deliver()
	for _, m := range leave {
		if docs[m.rec.ID] == nil {
			e.tree.memberships.leave(m.rec.ID, e.rec.ID)
		}
	}
}

// members publishes what follows from the members of a group. The caller holds
// e.mu.
func (c *change) members(e *Entity, now, left, came []any) {
	c.set(e, Members, now)
	c.setIfNew(e, MembersCount, int64(len(now)))
	var first any
	if len(now) > 0 {
		first = now[0]
	}
	c.setIfNew(e, FirstMember, first)
	for what, docs := range map[string][]any{MemberRemoved: left, MemberAdded: came} {
		for _, doc := range docs {
			e.topic.Enqueue(event.Event{Source: string(e.rec.ID), Sensor: what, Value: doc, Time: time.Now().UTC()})
		}
	}
}

// without gives a list of entity documents without some, and those that were
// in it.
func without(list []any, some []*Entity) (rest, out []any) {
	gone := make(map[string]bool, len(some))
	for _, m := range some {
		gone[string(m.rec.ID)] = true
	}
	rest = make([]any, 0, len(list))
	for _, doc := range list {
		if m, is := doc.(map[string]any); is && gone[text(m[entityKey])] {
			out = append(out, doc)
			continue
		}
		rest = append(rest, doc)
	}
	return rest, out
}

func text(v any) string { s, _ := v.(string); return s }

// idsIn gives the ids in a list of entity documents.
func idsIn(list []any) map[string]bool {
	ids := make(map[string]bool, len(list))
	for _, item := range list {
		if doc, is := item.(map[string]any); is {
			ids[text(doc[entityKey])] = true
		}
	}
	return ids
}

// HasMember tells whether an entity is a member of the group.
func (e *Entity) HasMember(m *Entity) bool {
	return slices.Contains(e.tree.memberships.groups(m.rec.ID), e.rec.ID)
}

// leaveGroups takes those that were removed out of the groups that they were
// members of.
func (t *Tree) leaveGroups(gone []*Entity) {
	leaving := map[ID][]*Entity{}
	for _, d := range gone {
		for _, g := range t.memberships.groups(d.rec.ID) {
			leaving[g] = append(leaving[g], d)
		}
	}
	for id, members := range leaving {
		g, err := t.Get(id)
		if err != nil {
			for _, m := range members {
				t.memberships.leave(m.rec.ID, id)
			}
			continue
		}
		g.ChangeMembers(members, nil)
	}
}

// disband forgets the memberships of groups that were removed.
func (t *Tree) disband(gone []*Entity) {
	for _, g := range gone {
		for _, m := range g.Members() {
			t.memberships.leave(m.rec.ID, g.rec.ID)
		}
	}
}

// loadMemberships learns from the sensors of groups who is a member of them.
// Those who were removed in the instant in which the server ended leave now.
func (t *Tree) loadMemberships(all []*Entity) {
	for _, g := range all {
		list, is := g.sensors[Members].Value.([]any)
		if !is {
			continue
		}
		var there, gone []any
		for _, doc := range list {
			m, _ := doc.(map[string]any)
			id := ID(text(m[entityKey]))
			if t.entities[id] == nil {
				gone = append(gone, doc)
				continue
			}
			there = append(there, doc)
			t.memberships.join(id, g.rec.ID)
		}
		if len(gone) > 0 {
			var c change
			g.mu.Lock()
			c.members(g, append([]any{}, there...), gone, nil)
			g.mu.Unlock()
			c.deliver()
		}
	}
}
