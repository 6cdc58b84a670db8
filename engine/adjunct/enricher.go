package adjunct

import (
	"context"
	"fmt"
	"sync"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// enriching is an enricher at work. What it listens to comes through one
// mailbox, so that it never runs twice at once and holds no lock while it
// publishes.
type enriching struct {
	manager *Manager
	policy  *policy // what is known of it; its queue and loop are not used
	mail    mailbox

	mu   sync.Mutex
	subs []*event.Subscription
	over bool
}

// enrich lets an enricher set itself up. That may wait for what its config
// refers to, so it has a task of its own until then.
func (m *Manager) enrich(ctx context.Context, p *policy) error {
	w := &enriching{manager: m, policy: p}
	context.AfterFunc(ctx, func() {
		w.end()
		close(p.done)
	})
	err := m.cfg.Tasks.Go("enricher "+p.rec.Name, func(taskCtx context.Context) {
		w.mail.do(func() {
			defer w.recovered()
			if err := m.cfg.Host.Enrich(ctx, &p.rec, w); err != nil && ctx.Err() == nil && taskCtx.Err() == nil {
				w.fail(err)
			}
		})
	})
	if err != nil {
		p.stop()
	}
	return err
}

// fail suspends the enricher for good, and says why.
func (w *enriching) fail(err error) {
	w.manager.cfg.Log.Warn("enricher failed", "enricher", w.policy.rec.Name, "entity", w.policy.entity.Name(), "err", err)
	w.policy.suspend(err.Error())
	w.policy.stop()
}

func (w *enriching) recovered() {
	if r := recover(); r != nil {
		w.fail(fault.New(fault.Internal, "panic: %s", fmt.Sprint(r)))
	}
}

func (w *enriching) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, s := range w.subs {
		s.Cancel()
	}
	w.subs = nil
}

// Entity is part of catalog.EnricherHost, as are the methods below.
func (w *enriching) Entity() *entity.Entity { return w.policy.entity }

func (w *enriching) Config(ctx context.Context, key string) (any, error) {
	return w.manager.cfg.Host.PartConfig(ctx, w.policy.entity, &w.policy.rec, key)
}

func (w *enriching) Now(ctx context.Context, key string) (any, bool, error) {
	v, err := w.manager.cfg.Host.PartConfig(entity.Hurry(ctx), w.policy.entity, &w.policy.rec, key)
	if fault.KindOf(err) == fault.Timeout {
		return nil, false, nil
	}
	return v, err == nil, err
}

func (w *enriching) Listen(source *entity.Entity, sensor string, deliver func(event.Event)) (cancel func()) {
	s := source.Subscribe(sensor, func(ev event.Event) { w.mail.deliver(w, deliver, ev) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		s.Cancel()
		return func() {}
	}
	w.subs = append(w.subs, s)
	return s.Cancel
}

func (w *enriching) Publish(sensor string, value any) { w.policy.entity.SetNew(sensor, value) }

func (w *enriching) Republish(sensor string, value any) { w.policy.entity.Set(sensor, value) }

// receive gives one event to the enricher.
func (w *enriching) receive(deliver func(event.Event), ev event.Event) {
	defer w.recovered()
	w.mu.Lock()
	over := w.over
	w.mu.Unlock()
	if !over {
		deliver(ev)
	}
}

// mailbox runs what it is given one after the other, on the goroutine of
// whoever comes first; those who come meanwhile leave theirs and go.
type mailbox struct {
	mu    sync.Mutex
	busy  bool
	queue []func()
}

func (b *mailbox) do(f func()) {
	if b.enter(f) {
		f()
		b.leave()
	}
}

func (b *mailbox) deliver(w *enriching, deliver func(event.Event), ev event.Event) {
	b.mu.Lock()
	if b.busy {
		b.queue = append(b.queue, func() { w.receive(deliver, ev) })
		b.mu.Unlock()
		return
	}
	b.busy = true
	b.mu.Unlock()
	w.receive(deliver, ev)
	b.leave()
}

// enter tells whether f is to be run at once; else it is queued.
func (b *mailbox) enter(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy {
		b.queue = append(b.queue, f)
		return false
	}
	b.busy = true
	return true
}

// leave runs what was left meanwhile.
func (b *mailbox) leave() {
	for {
		b.mu.Lock()
		if len(b.queue) == 0 {
			b.busy, b.queue = false, nil
			b.mu.Unlock()
			return
		}
		f := b.queue[0]
		b.queue = b.queue[1:]
		b.mu.Unlock()
		f()
	}
}

var _ catalog.EnricherHost = (*enriching)(nil)
