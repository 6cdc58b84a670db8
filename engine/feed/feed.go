// Package feed asks for sensor values again and again: each feed of an entity
// at its period and at the events that trigger it, one question at a time.
package feed

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
)

// Limits bound what feeds take. Zero fields take the defaults.
type Limits struct {
	Parallel int           // questions at once, of all feeds; default 32
	Poll     time.Duration // longest time of one question; default 1 min
}

// Config makes a Manager.
type Config struct {
	Tasks  *task.Manager
	Tree   *entity.Tree
	Log    *slog.Logger
	Limits Limits
}

// Manager runs all feeds.
type Manager struct {
	cfg  Config
	slot chan struct{}

	mu       sync.Mutex
	byEntity map[entity.ID][]*feed
}

// NewManager gives a Manager without feeds.
func NewManager(cfg Config) *Manager {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits.Parallel == 0 {
		cfg.Limits.Parallel = 32
	}
	if cfg.Limits.Poll == 0 {
		cfg.Limits.Poll = time.Minute
	}
	return &Manager{cfg: cfg, slot: make(chan struct{}, cfg.Limits.Parallel), byEntity: map[entity.ID][]*feed{}}
}

// Resolve gives the config of a feed's initializer, its expressions computed.
// It may wait until ctx ends.
type Resolve func(ctx context.Context) (map[string]any, error)

// feed is one feed at work. While it is idle it is a timer and nothing else.
type feed struct {
	manager *Manager
	entity  *entity.Entity
	spec    *catalog.Feed
	resolve Resolve
	ctx     context.Context
	stop    context.CancelFunc

	mu    sync.Mutex
	timer *time.Timer
	subs  []*event.Subscription
	busy  bool
	again bool // something triggered it while it was busy
	done  *sync.Cond
	last  string // the last error, so that each is logged once
}

// Attach begins a feed: it asks at once, unless it is to skip that.
func (m *Manager) Attach(ent *entity.Entity, spec *catalog.Feed, resolve Resolve) {
	ctx, stop := context.WithCancel(m.cfg.Tasks.Context())
	f := &feed{manager: m, entity: ent, spec: spec, resolve: resolve, ctx: ctx, stop: stop}
	f.done = sync.NewCond(&f.mu)
	m.mu.Lock()
	m.byEntity[ent.ID()] = append(m.byEntity[ent.ID()], f)
	m.mu.Unlock()
	f.listen()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !spec.SkipFirst:
		f.timer = time.AfterFunc(0, f.ask)
	case spec.Period > 0:
		f.timer = time.AfterFunc(spec.Period, f.ask)
	}
}

// listen subscribes to the triggers; an entity that is named must be there.
func (f *feed) listen() {
	for _, trigger := range f.spec.Triggers {
		source := f.entity
		if trigger.Entity != nil {
			v, err := f.entity.Evaluate(entity.Hurry(f.ctx), trigger.Entity)
			other, ok := f.manager.cfg.Tree.ByValue(v)
			if err != nil || !ok {
				f.manager.cfg.Log.Warn("feed has no such trigger", "feed", f.spec.Name, "entity", f.entity.Name(), "err", err)
				continue
			}
			source = other
		}
		f.subs = append(f.subs, source.Subscribe(trigger.Sensor, func(event.Event) { f.trigger() }))
	}
	if f.spec.OnlyIfUp {
		f.subs = append(f.subs, f.entity.Subscribe(entity.ServiceUp, func(ev event.Event) {
			if ev.Value == true {
				f.trigger()
			}
		}))
	}
}

// trigger lets the feed ask now, or once more when it is at it.
func (f *feed) trigger() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		return
	}
	if f.busy {
		f.again = true
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	f.timer = time.AfterFunc(0, f.ask)
}

// ask polls, and sets the timer for the next time.
func (f *feed) ask() {
	f.mu.Lock()
	if f.busy || f.ctx.Err() != nil {
		f.again = f.busy
		f.mu.Unlock()
		return
	}
	f.busy = true
	f.mu.Unlock()
	begun := time.Now()
	f.poll()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	f.done.Broadcast()
	switch {
	case f.ctx.Err() != nil:
	case f.again:
		f.again = false
		f.timer = time.AfterFunc(0, f.ask)
	case f.spec.Period > 0:
		f.timer = time.AfterFunc(max(0, f.spec.Period-time.Since(begun)), f.ask)
	}
}

func (f *feed) poll() {
	if f.spec.OnlyIfUp && !f.entity.Up() || f.entity.Gone() {
		return
	}
	ctx := f.ctx
	if !f.spec.Workflow { // which may wait for things, and bounds itself
		select {
		case f.manager.slot <- struct{}{}:
			defer func() { <-f.manager.slot }()
		case <-f.ctx.Done():
			return
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(f.ctx, f.manager.cfg.Limits.Poll,
			fault.New(fault.Timeout, "no answer within %s (Limits.Poll)", f.manager.cfg.Limits.Poll))
		defer cancel()
	}
	values, err := f.values(ctx)
	if err == nil {
		for name, v := range values {
			f.entity.SetNew(name, v)
		}
	}
	f.note(err)
}

func (f *feed) values(ctx context.Context) (values map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.New(fault.Internal, "panic: %v", r)
		}
	}()
	config, err := f.resolve(ctx)
	if err != nil {
		return nil, err
	}
	return f.spec.Poll(ctx, f.entity, config)
}

// note logs an error when it is another one than the last.
func (f *feed) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	f.mu.Lock()
	changed := text != f.last
	f.last = text
	f.mu.Unlock()
	if changed && err != nil && f.ctx.Err() == nil {
		f.manager.cfg.Log.Warn("feed has no value", "feed", f.spec.Name, "entity", f.entity.Name(), "err", err)
	}
}

// Detach ends the feeds of an entity and waits until none is at work.
func (m *Manager) Detach(id entity.ID) {
	m.mu.Lock()
	feeds := m.byEntity[id]
	delete(m.byEntity, id)
	m.mu.Unlock()
	for _, f := range feeds {
		f.stop()
		for _, s := range f.subs {
			s.Cancel()
		}
		f.mu.Lock()
		if f.timer != nil {
			f.timer.Stop()
		}
		for f.busy {
			f.done.Wait()
		}
		f.mu.Unlock()
	}
}
