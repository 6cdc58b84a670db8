package engine

import (
	"context"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/location"
)

// placeIndicator is the entry in service.notUp.indicators that says what
// became of the thing that the entity runs as.
const placeIndicator = "service.place"

// watch lets every location report what happens to our things.
func (p *places) watch() error {
	for name, l := range p.open {
		err := p.engine.tasks.Go("watch "+name, func(ctx context.Context) {
			if err := l.Watch(ctx, p); err != nil && ctx.Err() == nil {
				p.engine.log.Error("location is not watched any more", "location", name, "err", err)
			}
		})
		if err != nil {
			return err
		}
		held := p.on(name) // as the last run left it: what starts from now on is none of it
		if err := p.engine.tasks.Go("adopt "+name, func(ctx context.Context) { p.adopt(ctx, name, l, held) }); err != nil {
			return err
		}
	}
	return nil
}

// presence is what a location offers that can say which of our things exist,
// by entity.
type presence interface {
	Present(ctx context.Context) (map[string]string, error)
}

// adopt finds out which things vanished while the server was down. A location
// that cannot be asked yet is asked again.
func (p *places) adopt(ctx context.Context, name string, l location.Location, held []*location.Lease) {
	who, ok := l.(presence)
	if !ok || len(held) == 0 {
		return
	}
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		there, err := who.Present(ctx)
		if err == nil {
			for _, lease := range held {
				if _, exists := there[lease.Entity]; !exists && lease.Resource != "" {
					p.Observe(location.Observation{Entity: lease.Entity, Resource: lease.Resource, Reason: "it is gone"})
				}
			}
			return
		}
		p.engine.log.Warn("location cannot be asked what is there", "location", name, "err", err, "again in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// Observe takes a location's word for how an entity's thing fares. News of a
// thing that the entity no longer stands for is dropped, and so is the end of
// one that it does not stand for yet: the step that starts it checks that.
func (p *places) Observe(o location.Observation) {
	p.news.RLock() // the lease stays what it is until its news is told
	defer p.news.RUnlock()
	l := p.lease(o.Entity)
	if l == nil || o.Resource != "" && l.Resource != o.Resource && (l.Resource != "" || !o.Up) {
		return
	}
	ent, err := p.engine.tree.Get(entity.ID(o.Entity))
	if err != nil {
		return
	}
	ent.Update(o.Sensors)
	reason := ""
	if !o.Up {
		if reason = o.Reason; reason == "" {
			reason = "it does not run"
		}
	}
	ent.Indicate(placeIndicator, reason)
}
