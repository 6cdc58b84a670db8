package adjunct

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
)

// Add stores a new policy or enricher and lets it run, as Attach does. One of
// the entity that has the same tag goes, in the same write. What cannot listen
// to what its config names is not added.
//
// Errors: Conflict for an id that is in use, NotFound when the entity is being
// removed, those of the store and of Host.Events.
func (m *Manager) Add(ctx context.Context, e *entity.Entity, r *Record) error {
	m.switching.Lock()
	defer m.switching.Unlock()
	if _, err := m.cfg.Store.Get(bucket, r.ID); fault.KindOf(err) != fault.NotFound {
		if err != nil {
			return err
		}
		return fault.New(fault.Conflict, "there is a policy or enricher with the id %q already", r.ID)
	}
	var b store.Batch
	if err := Stage(r, &b); err != nil {
		return err
	}
	if r.Tag != "" {
		m.DetachSome(r.Entity, func(i Info) bool { return i.Tag == r.Tag }, &b)
	}
	if err := m.cfg.Store.Commit(ctx, &b); err != nil {
		return err
	}
	err := m.Attach(e, r)
	if _, gone := m.cfg.Tree.Get(e.ID()); err == nil {
		err = gone // it was removed meanwhile, and took along only what it had
	}
	if err == nil {
		return nil
	}
	var undo store.Batch
	m.DetachSome(r.Entity, func(i Info) bool { return i.ID == r.ID }, &undo)
	if failed := m.cfg.Store.Commit(context.WithoutCancel(ctx), &undo); failed != nil {
		m.cfg.Log.Warn("policy stays in the store", "policy", r.Name, "entity", e.Name(), "err", failed)
	}
	return err
}

// Reconfigure gives a policy or enricher other config, durably, and lets it go
// on with that: with its state and its timer, and with what it has dealt with,
// as after a restart of the server. change gets a copy of the record, of which
// it may replace Config, Scopes and WakeAt; its error leaves all as it is. One
// that is suspended stays so; one that could not begin tries again.
func (m *Manager) Reconfigure(ctx context.Context, entity, id string, change func(r *Record) error) error {
	m.switching.Lock()
	defer m.switching.Unlock()
	p, err := m.find(entity, id)
	if err != nil {
		return err
	}
	p.mu.Lock()
	wanted := p.shown
	p.mu.Unlock()
	timer := wanted.WakeAt
	if err := change(&wanted); err != nil {
		return err
	}
	p.stop()
	<-p.done
	old, known, err := m.settled(ctx, p)
	if err != nil {
		return m.goOn(p, p.rec, p.heard, err)
	}
	r := old
	r.Config, r.Scopes = wanted.Config, wanted.Scopes
	if !wanted.WakeAt.Equal(timer) {
		r.WakeAt = wanted.WakeAt
	}
	next := m.made(p.entity, r, known)
	if err := m.write(ctx, next); err != nil {
		next.stop()
		return m.goOn(p, old, known, err)
	}
	if !m.replace(p, next) {
		return m.abandon(next)
	}
	if err := m.begin(next, false); err != nil {
		return m.goOn(next, old, known, err)
	}
	return nil
}

// settled gives the record of one that came to rest, and what it has dealt
// with, as the store has them: what it was about to do when it was stopped is
// not among it.
func (m *Manager) settled(ctx context.Context, p *policy) (r Record, known heard, err error) {
	if err = m.cfg.Store.Flush(ctx); err != nil {
		return r, known, err
	}
	text, err := m.cfg.Store.Get(bucket, p.rec.ID)
	if err != nil {
		return r, known, err
	}
	if err = json.Unmarshal(text, &r); err != nil {
		return r, known, fault.New(fault.Internal, "policy %s in the store cannot be read: %w", p.rec.ID, err)
	}
	known, err = m.loadHeard(p.rec.ID)
	return r, known, err
}

// goOn lets one that was stopped for a change which failed run as it was, and
// gives the reason.
func (m *Manager) goOn(p *policy, r Record, known heard, reason error) error {
	next := m.made(p.entity, r, known)
	if !m.replace(p, next) {
		return m.abandon(next)
	}
	var b store.Batch
	if Stage(&r, &b) == nil {
		m.cfg.Store.Enqueue(&b)
	}
	if err := m.begin(next, false); err != nil {
		m.cfg.Log.Warn("policy does not run", "policy", r.Name, "entity", p.entity.Name(), "err", err)
	}
	return reason
}

// replace puts one in another's place; false when that was removed meanwhile.
func (m *Manager) replace(p, next *policy) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := slices.Clone(m.byEntity[p.rec.Entity])
	at := slices.Index(list, p)
	if at < 0 {
		return false
	}
	list[at] = next
	m.byEntity[p.rec.Entity] = list
	return true
}

// abandon ends one whose entity was removed, or that was, while it changed.
func (m *Manager) abandon(p *policy) error {
	p.stop()
	var b store.Batch
	b.Delete(bucket, p.rec.ID)
	m.cfg.Store.Enqueue(&b)
	return fault.New(fault.NotFound, "policy %s has been removed", p.rec.Name)
}
