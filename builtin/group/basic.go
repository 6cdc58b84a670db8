package group

import (
	"context"
	"slices"
	"sync"

	"github.com/gowanus-project/gowanus/builtin/members"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
)

// attendBasic keeps the children of a group its members, if they are to be.
func attendBasic(ctx context.Context, h catalog.AttendHost) (end func()) {
	g := h.Entity()
	g.ChangeMembers(nil, nil)
	unwatch := watchUp(g)
	if v, err := g.Config(entity.Hurry(ctx), childrenAsMembers); err != nil || v != true {
		return unwatch
	}
	match := alone(func() {
		children := g.Children()
		left := slices.DeleteFunc(g.Members(), func(m *entity.Entity) bool { return slices.Contains(children, m) })
		g.ChangeMembers(left, children)
	})
	subs := []*event.Subscription{
		g.Subscribe(entity.ChildAdded, func(event.Event) { match() }),
		g.Subscribe(entity.ChildRemoved, func(event.Event) { match() }),
	}
	match()
	return func() {
		unwatch()
		for _, s := range subs {
			s.Cancel()
		}
	}
}

// alone gives a func that does the work, never twice at once: who comes while
// it is done, also from within it, has it done once more.
func alone(work func()) func() {
	var mu sync.Mutex
	var busy, again bool
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if again = true; busy {
			return
		}
		busy = true
		for again {
			again = false
			mu.Unlock()
			work()
			mu.Lock()
		}
		busy = false
	}
}

// upQuorum is how many members must be up when nothing is said.
const upQuorum = "atLeastOneUnlessEmpty"

// watchUp publishes whether a group is up: when enough are of those members
// that can be.
func watchUp(g *entity.Entity) (end func()) {
	const can = 1 << 32 // the upper half of the sum counts who can be up, the lower one who is
	return members.Follow(g, entity.ServiceUp, "", func(m *entity.Entity) int64 {
		switch _, has := m.Sensor(entity.ServiceUp); {
		case !has:
			return 0
		case m.Up():
			return can + 1
		}
		return can
	}, func(sum, _ int64) {
		word, set := g.OwnConfig(entity.UpQuorum)
		if !set {
			word = upQuorum
		}
		if check, ok := entity.Quorum(word); ok {
			g.SetNew(entity.ServiceUp, check(int(sum%can), int(sum/can)))
		}
	})
}
