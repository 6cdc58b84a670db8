// Package adjunct gives policies and enrichers their life on an entity: events
// in order, one at a time; for policies a state that survives restarts, and
// timers that fire once.
package adjunct

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const bucket store.Bucket = "adjunct"

// Record is a policy or enricher on an entity as the store keeps it.
type Record struct {
	Kind      string                  `json:"kind,omitempty"` // catalog.Enricher; "" is a policy
	ID        string                  `json:"id"`
	Entity    string                  `json:"entity"`
	Type      string                  `json:"type"`
	Name      string                  `json:"name"`
	Tag       string                  `json:"tag,omitempty"` // unique on its entity; a later one of the same takes its place
	Config    map[string]any          `json:"config"`
	Scopes    map[string]entity.Scope `json:"scopes,omitempty"` // of config values, where it is not the application
	State     json.RawMessage         `json:"state,omitempty"`
	Version   string                  `json:"version,omitempty"` // of the type that handed State back; "" is unknown
	Prior     *Prior                  `json:"prior,omitempty"`   // State before it was brought to another version
	Seen      map[string]time.Time    `json:"seen,omitempty"`    // of each sensor, the time of the last value dealt with
	WakeAt    time.Time               `json:"wakeAt,omitzero"`
	Suspended string                  `json:"suspended,omitempty"` // why it does not run; "" while it does
}

// Prior is a state as another version of the type left it, for going back to
// that.
type Prior struct {
	Version string          `json:"version"`
	State   json.RawMessage `json:"state"`
}

// Info is a policy or enricher as users see it.
type Info struct {
	Record
	Running bool
}

// Host is what policies ask of the engine.
type Host interface {
	// Decide asks the policy's implementation.
	Decide(ctx context.Context, r *Record, c *hook.PolicyCall) (*hook.Decision, error)
	// Events gives the sensors that the policy listens to.
	Events(r *Record) ([]catalog.Trigger, error)
	// Enrich sets an enricher up; it returns once that is done.
	Enrich(ctx context.Context, r *Record, h catalog.EnricherHost) error
	// PartConfig resolves one config value of an adjunct of an entity.
	PartConfig(ctx context.Context, e *entity.Entity, r *Record, key string) (any, error)
	// Carry stores what b holds together with the decision's steps as a new
	// workflow, starts that, and publishes the decision's sensors.
	Carry(ctx context.Context, e *entity.Entity, r *Record, d *hook.Decision, b *store.Batch) error
}

// Limits bound the queue of one policy. Zero fields take the defaults.
type Limits struct {
	Queue    int // events that may wait; then the policy is suspended; default 10,000
	Failures int // failed decisions in a row until it is suspended; default 10
}

// Config makes a Manager.
type Config struct {
	Store  store.Store
	Tasks  *task.Manager
	Tree   *entity.Tree
	Host   Host
	Log    *slog.Logger
	Limits Limits
}

// Manager runs all policies.
type Manager struct {
	cfg Config

	mu       sync.Mutex
	byEntity map[string][]*policy
}

// policy is one running adjunct. Its goroutine alone touches rec while it
// runs; others see the copy in shown.
type policy struct {
	rec    Record
	entity *entity.Entity
	wake   chan struct{}
	stop   context.CancelFunc
	done   chan struct{} // closed when it is not running any more

	mu     sync.Mutex
	queue  []event.Event
	shown  Record
	failed int
}

// NewManager gives a Manager without policies.
func NewManager(cfg Config) *Manager {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits.Queue == 0 {
		cfg.Limits.Queue = 10_000
	}
	if cfg.Limits.Failures == 0 {
		cfg.Limits.Failures = 10
	}
	return &Manager{cfg: cfg, byEntity: map[string][]*policy{}}
}

// Stage writes a new policy into a batch; Attach it once that is stored.
func Stage(r *Record, b *store.Batch) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fault.New(fault.Invalid, "policy %s has config that is not JSON: %w", r.Name, err)
	}
	b.Put(bucket, r.ID, text)
	return nil
}

// Load attaches the policies that the store holds.
func (m *Manager) Load() error {
	var all []*Record
	err := m.cfg.Store.Scan(bucket, "", func(key string, value []byte) error {
		r := new(Record)
		if err := json.Unmarshal(value, r); err != nil {
			return fault.New(fault.Internal, "policy %s in the store cannot be read: %w", key, err)
		}
		all = append(all, r)
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range all {
		e, err := m.cfg.Tree.Get(entity.ID(r.Entity))
		if err != nil {
			continue
		}
		if err := m.Attach(e, r); err != nil {
			m.cfg.Log.Warn("policy does not run", "policy", r.Name, "entity", e.Name(), "err", err)
		}
	}
	return nil
}

// Attach lets a stored policy listen. Values published since it last ran, or
// before it existed but not dealt with, are given to it first.
func (m *Manager) Attach(e *entity.Entity, r *Record) error {
	ctx, stop := context.WithCancel(m.cfg.Tasks.Context())
	p := &policy{rec: *r, shown: *r, entity: e, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	p.rec.Kind = cmp.Or(r.Kind, catalog.Policy)
	p.shown.Kind = p.rec.Kind
	m.mu.Lock()
	m.byEntity[r.Entity] = append(m.byEntity[r.Entity], p)
	m.mu.Unlock()
	if r.Suspended != "" {
		stop()
		close(p.done)
		return nil
	}
	if r.Kind == catalog.Enricher {
		return m.enrich(ctx, p)
	}
	sensors, err := m.cfg.Host.Events(r)
	if err != nil {
		stop()
		close(p.done)
		p.suspend(err.Error())
		return err
	}
	var subs []*event.Subscription
	for _, t := range sensors {
		of, err := m.source(ctx, e, t)
		if err != nil {
			m.cfg.Log.Warn("policy has no such trigger", "policy", r.Name, "entity", e.Name(), "sensor", t.Sensor, "err", err)
			continue
		}
		subs = append(subs, of.Subscribe(t.Sensor, func(ev event.Event) { m.take(p, ev) }))
		if v, ok := of.Sensors()[t.Sensor]; ok && v.Time.After(p.rec.Seen[seenKey(r.Entity, string(of.ID()), t.Sensor)]) {
			m.take(p, event.Event{Source: string(of.ID()), Sensor: t.Sensor, Value: v.Value, Time: v.Time})
		}
	}
	err = m.cfg.Tasks.Go("policy "+r.Name, func(context.Context) {
		defer close(p.done)
		defer func() {
			for _, s := range subs {
				s.Cancel()
			}
		}()
		m.loop(ctx, p)
	})
	if err != nil {
		close(p.done)
	}
	return err
}

// source gives the entity whose sensor a trigger names.
func (m *Manager) source(ctx context.Context, e *entity.Entity, t catalog.Trigger) (*entity.Entity, error) {
	if t.Entity == nil {
		return e, nil
	}
	v, err := e.Evaluate(entity.Hurry(ctx), t.Entity)
	if err != nil {
		return nil, err
	}
	of, ok := m.cfg.Tree.ByValue(v)
	if !ok {
		return nil, fault.New(fault.NotFound, "No entity matching id '%v'", v)
	}
	return of, nil
}

// seenKey names a sensor among those that a policy has seen: those of other
// entities with their id.
func seenKey(own, source, sensor string) string {
	if own == source {
		return sensor
	}
	return source + "/" + sensor
}

func (p *policy) suspend(reason string) {
	p.mu.Lock()
	p.shown.Suspended = reason
	p.mu.Unlock()
}

func (m *Manager) take(p *policy, ev event.Event) {
	p.mu.Lock()
	full := len(p.queue) >= m.cfg.Limits.Queue
	if !full {
		p.queue = append(p.queue, ev)
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
			for ev, ok := p.next(); ok && ctx.Err() == nil; ev, ok = p.next() {
				if !ev.Time.After(p.rec.Seen[seenKey(p.rec.Entity, ev.Source, ev.Sensor)]) {
					continue // given twice: once when it was attached, once as it came
				}
				m.decide(ctx, p, &ev)
			}
		case <-due:
			p.rec.WakeAt = time.Time{}
			m.decide(ctx, p, nil)
		}
		p.mu.Lock()
		stop := p.shown.Suspended != ""
		p.mu.Unlock()
		if stop {
			return
		}
	}
}

func (p *policy) next() (event.Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.queue = nil
		return event.Event{}, false
	}
	ev := p.queue[0]
	p.queue = p.queue[1:]
	return ev, true
}

// decide asks the implementation and carries its decision out. State, the
// event's being dealt with and the steps are stored as one.
func (m *Manager) decide(ctx context.Context, p *policy, ev *event.Event) {
	now := time.Now().UTC()
	call := &hook.PolicyCall{Type: p.rec.Type, Config: p.rec.Config, State: p.rec.State, Now: now.Format(time.RFC3339Nano), Timer: ev == nil}
	if ev != nil {
		call.Event = &hook.Event{Sensor: ev.Sensor, Value: ev.Value, Source: p.entity.Ref()}
		if of, err := m.cfg.Tree.Get(entity.ID(ev.Source)); err == nil {
			call.Event.Source = of.Ref()
		}
		seen := maps.Clone(p.rec.Seen) // the one before is shown to others
		if seen == nil {
			seen = map[string]time.Time{}
		}
		seen[seenKey(p.rec.Entity, ev.Source, ev.Sensor)] = ev.Time
		p.rec.Seen = seen
	}
	call.Entity = hook.Entity{Ref: p.entity.Ref(), Config: map[string]any{}, Sensors: map[string]any{}}
	for name, r := range p.entity.Sensors() {
		call.Entity.Sensors[name] = r.Value
	}
	before := p.rec // Decide may bring the state to another version of the type
	d, err := m.cfg.Host.Decide(ctx, &p.rec, call)
	if err == nil {
		err = m.carry(ctx, p, d, now)
	}
	if err != nil {
		p.rec.State, p.rec.Version, p.rec.Prior = before.State, before.Version, before.Prior
	}
	m.settle(ctx, p, err)
}

// carry makes a decision's state and timer the policy's, together with its
// steps: when these cannot be stored, it stays as it was.
func (m *Manager) carry(ctx context.Context, p *policy, d *hook.Decision, now time.Time) error {
	next := p.rec
	if d.State != nil {
		next.State = d.State
	}
	if d.WakeAfter != "" {
		after, err := coerce.Duration(d.WakeAfter)
		if err != nil {
			return fault.New(fault.Invalid, "policy %s answered with wakeAfter: %w", next.Name, err)
		}
		next.WakeAt = now.Add(after)
	}
	var b store.Batch
	if err := Stage(&next, &b); err != nil {
		return err
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

// Of gives the policies of an entity.
func (m *Manager) Of(entity string) []Info {
	m.mu.Lock()
	list := slices.Clone(m.byEntity[entity])
	m.mu.Unlock()
	out := make([]Info, 0, len(list))
	for _, p := range list {
		p.mu.Lock()
		out = append(out, Info{Record: p.shown, Running: p.shown.Suspended == ""})
		p.mu.Unlock()
	}
	return out
}

// Detach ends the policies of an entity, waits until they have come to rest,
// and deletes them with the batch.
func (m *Manager) Detach(entity string, b *store.Batch) {
	m.DetachSome(entity, func(Info) bool { return true }, b)
}

// DetachSome is Detach for those that which holds of; it gives how many there
// were.
func (m *Manager) DetachSome(entity string, which func(Info) bool, b *store.Batch) int {
	var gone []*policy
	m.mu.Lock()
	m.byEntity[entity] = slices.DeleteFunc(slices.Clone(m.byEntity[entity]), func(p *policy) bool {
		p.mu.Lock()
		i := Info{Record: p.shown, Running: p.shown.Suspended == ""}
		p.mu.Unlock()
		if !which(i) {
			return false
		}
		gone = append(gone, p)
		return true
	})
	if len(m.byEntity[entity]) == 0 {
		delete(m.byEntity, entity)
	}
	m.mu.Unlock()
	for _, p := range gone {
		p.stop()
		<-p.done
		b.Delete(bucket, p.rec.ID)
	}
	return len(gone)
}
