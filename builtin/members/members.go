// Package members keeps a sum over the members of a group up to date, by their
// events.
package members

import (
	"sync"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
)

// total follows a number of each member of a group. An event of a member costs
// the same however many there are.
type total struct {
	group  *entity.Entity
	sensor string // of members, that the number follows from
	of     func(*entity.Entity) int64
	tell   func(sum, size int64)

	mu      sync.Mutex
	over    bool
	subs    map[entity.ID]*event.Subscription
	numbers map[entity.ID]int64
	sum     int64
	telling bool // somebody is; again says that there is news for it
	again   bool
}

// Follow calls tell with the sum of a number over all members, and how many
// they are: at once, and when it, the members, or a sensor of the group itself
// change; never twice at the same time. It ends when the func that it returns
// is called.
func Follow(group *entity.Entity, sensor, own string, of func(*entity.Entity) int64, tell func(sum, size int64)) (end func()) {
	t := &total{
		group: group, sensor: sensor, of: of, tell: tell,
		subs: map[entity.ID]*event.Subscription{}, numbers: map[entity.ID]int64{},
	}
	mine := []*event.Subscription{group.Subscribe(entity.Members, func(event.Event) { t.members() })}
	if own != "" {
		mine = append(mine, group.Subscribe(own, func(event.Event) { t.news() }))
	}
	t.members()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.over = true
		for _, s := range t.subs {
			s.Cancel()
		}
		for _, s := range mine {
			s.Cancel()
		}
	}
}

// members brings the subscriptions in line with who is a member.
func (t *total) members() {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return
	}
	now := t.group.Members() // with the lock, so that nobody works with older ones later
	still := make(map[entity.ID]bool, len(now))
	for _, m := range now {
		still[m.ID()] = true
		if t.subs[m.ID()] == nil {
			t.subs[m.ID()] = m.Subscribe(t.sensor, func(event.Event) { t.member(m) })
			t.note(m.ID(), t.of(m))
		}
	}
	for id, s := range t.subs {
		if !still[id] {
			s.Cancel()
			delete(t.subs, id)
			t.note(id, 0)
			delete(t.numbers, id)
		}
	}
	t.mu.Unlock()
	t.news()
}

// note takes down the number of a member; the caller holds mu.
func (t *total) note(id entity.ID, n int64) {
	t.sum += n - t.numbers[id]
	t.numbers[id] = n
}

func (t *total) member(m *entity.Entity) {
	t.mu.Lock()
	if t.subs[m.ID()] != nil {
		t.note(m.ID(), t.of(m))
	}
	t.mu.Unlock()
	t.news()
}

// news tells what there is now. Since telling publishes, and so may bring more
// news, it is done without the lock, by one at a time.
func (t *total) news() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.again = true; t.telling {
		return
	}
	t.telling = true
	for t.again && !t.over {
		t.again = false
		sum, size := t.sum, int64(len(t.subs))
		t.mu.Unlock()
		t.tell(sum, size)
		t.mu.Lock()
	}
	t.telling = false
}
