package adjunct

import (
	"cmp"
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// Suspend ends a policy or enricher for the time being, durably. reason is
// shown to users. One that is suspended already stays so.
func (m *Manager) Suspend(ctx context.Context, entity, id, reason string) error {
	m.switching.Lock()
	defer m.switching.Unlock()
	p, err := m.find(entity, id)
	if err != nil || p.suspended() {
		return err
	}
	p.suspend(cmp.Or(reason, "suspended"))
	p.stop()
	<-p.done
	p.mu.Lock()
	p.rec.Suspended, p.queue = p.shown.Suspended, nil
	p.mu.Unlock()
	return m.write(ctx, p)
}

// Resume lets a suspended policy or enricher run again, durably. What was
// published while it was suspended, and who joined or left, is not given to
// it; a timer that is due fires. One that runs goes on.
func (m *Manager) Resume(ctx context.Context, entity, id string) error {
	m.switching.Lock()
	defer m.switching.Unlock()
	p, err := m.find(entity, id)
	if err != nil || !p.suspended() {
		return err
	}
	p.stop()
	<-p.done
	r := p.rec
	r.Suspended = ""
	next := m.made(p.entity, r, p.heard)
	if err := m.write(ctx, next); err != nil {
		next.stop()
		return err
	}
	if !m.replace(p, next) {
		return m.abandon(next)
	}
	return m.begin(next, true)
}

func (m *Manager) find(entity, id string) (*policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.byEntity[entity] {
		if p.rec.ID == id {
			return p, nil
		}
	}
	return nil, fault.New(fault.NotFound, "no policy has the id %q", id)
}

func (p *policy) suspended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown.Suspended != ""
}

func (m *Manager) write(ctx context.Context, p *policy) error {
	var b store.Batch
	if err := Stage(&p.rec, &b); err != nil {
		return err
	}
	return m.cfg.Store.Commit(ctx, &b)
}
