package enricher

import (
	"slices"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// isGroup tells whether an entity has members beside its children.
func isGroup(e *entity.Entity) bool {
	if _, ok := e.Sensor(entity.Members); ok {
		return true
	}
	return slices.ContainsFunc(e.Declaration().Sensors, func(s hook.Sensor) bool { return s.Name == entity.Members })
}

// membersOf gives the members of a group, else the children.
func membersOf(e *entity.Entity) []*entity.Entity {
	if !isGroup(e) {
		return e.Children()
	}
	return e.Members()
}

// watchFamily calls changed when members, or children, come or go.
func watchFamily(h catalog.EnricherHost, members bool, changed func()) {
	deliver := func(event.Event) { changed() }
	if members {
		h.Listen(h.Entity(), entity.Members, deliver)
		return
	}
	h.Listen(h.Entity(), entity.ChildAdded, deliver)
	h.Listen(h.Entity(), entity.ChildRemoved, deliver)
}

// relatives keeps an enricher listening to the same sensor of a changing set
// of entities.
type relatives struct {
	h      catalog.EnricherHost
	sensor string
	of     func() []*entity.Entity
	event  func(event.Event)
	all    []*entity.Entity
	cancel map[*entity.Entity]func()
}

// refresh brings the set up to date.
func (r *relatives) refresh() {
	now := r.of()
	keep := make(map[*entity.Entity]func(), len(now))
	for _, e := range now {
		cancel := r.cancel[e]
		if cancel == nil {
			cancel = r.h.Listen(e, r.sensor, r.event)
		}
		keep[e] = cancel
	}
	for e, cancel := range r.cancel {
		if keep[e] == nil {
			cancel()
		}
	}
	r.all, r.cancel = now, keep
}
