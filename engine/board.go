package engine

import (
	"sync"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/engine/placement"
)

// board is what placement knows of one location. It is held from looking at
// the hosts to the reservation, so that no two count the same free place.
type board struct {
	mu    sync.Mutex
	table *placement.Table
}

func newBoard() *board { return &board{table: placement.NewTable()} }

func (b *board) seat(r placement.Resident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.table.Seat(r)
}

func (b *board) leave(entity string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.table.Leave(entity)
}

// renamed tells the entity's present name to the strategies that look at it.
func (p *places) renamed(id, name string) {
	l := p.lease(id)
	if l == nil {
		return
	}
	if b := p.boards[l.Location]; b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.table.Rename(id, name)
	}
}

// resident describes who holds a lease. Of an entity that is not there any
// more only the lease is known.
func (p *places) resident(l *location.Lease) placement.Resident {
	r := placement.Resident{Host: l.Host, Memory: l.Memory, CPUs: l.CPUs}
	r.ID, r.Application = l.Entity, l.Application
	if ent, err := p.engine.tree.Get(entity.ID(l.Entity)); err == nil {
		r.Ref, r.Parent = ent.Ref(), parentOf(ent)
	}
	return r
}

func parentOf(ent *entity.Entity) string {
	if up := ent.Parent(); up != nil {
		return string(up.ID())
	}
	return ""
}
