package adjunct

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// item is one thing that a policy is to deal with: an event of a sensor, or
// that somebody joined or left.
type item struct {
	event.Event
	of     string   // the group that the source was listened to as part of; "" for other sources
	change string   // joined or left; "" for a sensor
	source hook.Ref // of a change
	untold bool     // the policy does not want to hear of the change itself
}

// take queues an item. What there was before the policy came is taken however
// much it is.
func (m *Manager) take(p *policy, it item, before bool) {
	p.mu.Lock()
	full := len(p.queue) >= m.cfg.Limits.Queue && !before
	if !full {
		p.queue = append(p.queue, it)
	}
	p.mu.Unlock()
	if full {
		p.suspend("more events wait than Limits.Queue allows")
		p.stop()
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *policy) next() (item, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		return item{}, false
	}
	it := p.queue[0]
	p.queue = p.queue[1:]
	return it, true
}

// loop deals with events and the timer, one at a time, until ctx ends.
func (m *Manager) loop(ctx context.Context, p *policy) {
	defer func() {
		if r := recover(); r != nil {
			p.suspend(fmt.Sprint("panic: ", r))
			panic(r) // for whoever logs it
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if !p.rec.WakeAt.IsZero() {
			timer.Reset(time.Until(p.rec.WakeAt))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			for it, ok := p.next(); ok && ctx.Err() == nil; it, ok = p.next() {
				m.dealWith(ctx, p, &it)
			}
		case <-due:
			p.rec.WakeAt = time.Time{}
			m.decide(ctx, p, nil, nil)
		}
		p.mu.Lock()
		stop := p.shown.Suspended != ""
		p.mu.Unlock()
		if stop {
			return
		}
	}
}

// dealWith leaves out what the policy has dealt with before: an event that was
// given twice, once when the policy was attached, once as it came, and one of
// somebody who has left since.
func (m *Manager) dealWith(ctx context.Context, p *policy, it *item) {
	switch {
	case it.change != "":
		notes := p.heard.change(p.rec.ID, it)
		switch {
		case notes != nil && !it.untold:
			m.decide(ctx, p, it, notes)
		case notes != nil && notes.Len() > 0:
			m.cfg.Store.Enqueue(notes)
		}
	case it.of != "":
		if notes := p.heard.sensor(p.rec.ID, it); notes != nil {
			m.decide(ctx, p, it, notes)
		}
	default:
		key := seenKey(p.rec.Entity, it.Source, it.Sensor)
		if !it.Time.After(p.rec.Seen[key]) {
			return
		}
		seen := maps.Clone(p.rec.Seen) // the one before is shown to others
		if seen == nil {
			seen = map[string]time.Time{}
		}
		seen[key] = it.Time
		p.rec.Seen = seen
		m.decide(ctx, p, it, nil)
	}
}

// seenKey names a sensor among those that a policy has seen: those of other
// entities with their id.
func seenKey(own, source, sensor string) string {
	if own == source {
		return sensor
	}
	return source + "/" + sensor
}

// decide asks the implementation about an item, nil for the timer, and carries
// its decision out. State, that the item has been dealt with, and the steps
// are stored as one.
func (m *Manager) decide(ctx context.Context, p *policy, it *item, notes *store.Batch) {
	m.pace(ctx, p)
	now := time.Now().UTC()
	call := &hook.PolicyCall{Type: p.rec.Type, Config: p.rec.Config, State: p.rec.State, Now: now.Format(time.RFC3339Nano), Timer: it == nil}
	if it != nil {
		call.Event = &hook.Event{Sensor: it.Sensor, Value: it.Value, Change: it.change, Source: m.sourceOf(p, it)}
	}
	call.Entity = hook.Entity{Ref: p.entity.Ref(), Config: map[string]any{}, Sensors: map[string]any{}}
	for name, r := range p.entity.Sensors() {
		call.Entity.Sensors[name] = r.Value
	}
	before := p.rec // Decide may bring the state to another version of the type
	d, err := m.cfg.Host.Decide(ctx, &p.rec, call)
	if err == nil && p.rec.Kind == catalog.Enricher && len(d.Steps) > 0 {
		err = fault.New(fault.Internal, "enricher %s answered with steps, which an enricher cannot have", p.rec.Name)
	}
	if err == nil {
		err = m.carry(ctx, p, d, now, notes)
	}
	if err != nil {
		p.rec.State, p.rec.Version, p.rec.Prior = before.State, before.Version, before.Prior
	}
	if err != nil && it == nil && p.rec.WakeAt.IsZero() {
		p.rec.WakeAt = now.Add(timerRetry << min(p.failed, 6)) // else it would never be woken again
	}
	m.settle(ctx, p, err)
}

// pace holds a policy to Limits.Rate.
func (m *Manager) pace(ctx context.Context, p *policy) {
	l, now := &m.cfg.Limits, time.Now()
	each := time.Second / time.Duration(l.Rate)
	if saved := now.Add(-each * time.Duration(l.Burst)); p.paced.Before(saved) {
		p.paced = saved
	}
	p.paced = p.paced.Add(each)
	ahead := p.paced.Sub(now)
	if ahead < pause {
		return
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// pause is the shortest time that a policy is held up for.
const pause = 5 * time.Millisecond

// timerRetry is the time after which a timer that failed fires again; it
// doubles with each failure.
const timerRetry = time.Second

// sourceOf names the entity that an item comes from.
func (m *Manager) sourceOf(p *policy, it *item) hook.Ref {
	if of, err := m.cfg.Tree.Get(entity.ID(it.Source)); err == nil {
		return of.Ref()
	}
	switch {
	case it.change != "":
		return it.source
	case it.Source == p.rec.Entity:
		return p.entity.Ref()
	}
	return hook.Ref{ID: it.Source}
}

// carry makes a decision's state and timer the policy's, together with its
// steps: when these cannot be stored, it stays as it was.
func (m *Manager) carry(ctx context.Context, p *policy, d *hook.Decision, now time.Time, notes *store.Batch) error {
	next := p.rec
	if d.State != nil {
		next.State = d.State
	}
	if d.WakeAfter != "" {
		after, err := coerce.Duration(d.WakeAfter)
		if err != nil {
			return fault.New(fault.Invalid, "policy %s answered with wakeAfter: %w", next.Name, err)
		}
		next.WakeAt = now.Add(max(after, m.cfg.Limits.Wake))
	}
	var b store.Batch
	if err := Stage(&next, &b); err != nil {
		return err
	}
	if notes != nil {
		b.Append(notes)
	}
	if err := m.cfg.Host.Carry(ctx, p.entity, &next, d, &b); err != nil {
		return err
	}
	p.rec = next
	return nil
}

// settle counts failures and suspends a policy that only fails.
func (m *Manager) settle(ctx context.Context, p *policy, err error) {
	if err != nil && ctx.Err() == nil {
		p.failed++
		m.cfg.Log.Warn("policy failed", "policy", p.rec.Name, "entity", p.entity.Name(), "err", err)
		if p.failed >= m.cfg.Limits.Failures {
			p.rec.Suspended = "failed too often: " + err.Error()
		}
	} else {
		p.failed = 0
	}
	p.mu.Lock()
	if reason := p.shown.Suspended; reason != "" {
		p.rec.Suspended = reason
	}
	p.shown = p.rec
	p.mu.Unlock()
	if p.rec.Suspended != "" { // it stays so after a restart
		var b store.Batch
		if Stage(&p.rec, &b) == nil {
			m.cfg.Store.Enqueue(&b)
		}
	}
}
