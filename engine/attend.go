package engine

import (
	"context"
	"sync"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
)

// attended are the entities whose types follow what happens to others.
type attended struct {
	mu   sync.Mutex
	ends map[entity.ID]func()
}

// attend lets the type of an entity follow what it wants to.
func (e *Engine) attend(ent *entity.Entity) {
	t, err := e.types.Load().Get(catalog.Entity, ent.Type())
	if err != nil || t.Attend == nil {
		return
	}
	ctx, cancel := context.WithCancel(e.tasks.Context())
	end := t.Attend(ctx, attending{e, ent, ctx})
	e.attended.begin(ent.ID(), func() {
		cancel()
		if end != nil {
			end()
		}
	})
	if ent.Gone() { // meanwhile; whoever removed it may have found nothing to end
		e.attended.end(ent.ID())
	}
}

func (a *attended) begin(id entity.ID, end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ends == nil {
		a.ends = map[entity.ID]func(){}
	}
	a.ends[id] = end
}

// end lets go of an entity that is removed.
func (a *attended) end(id entity.ID) {
	a.mu.Lock()
	end := a.ends[id]
	delete(a.ends, id)
	a.mu.Unlock()
	if end != nil {
		end()
	}
}

// attending is one entity that is attended to.
type attending struct {
	engine *Engine
	entity *entity.Entity
	ctx    context.Context
}

// Entity is part of catalog.AttendHost, as is Go.
func (a attending) Entity() *entity.Entity { return a.entity }

func (a attending) Go(work func(ctx context.Context)) {
	if err := a.engine.tasks.Go("follow for "+a.entity.Name(), func(context.Context) { work(a.ctx) }); err != nil {
		return // the server stops
	}
}
