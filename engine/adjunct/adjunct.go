// Package adjunct gives policies and enrichers their life on an entity: events
// in order, one at a time; for policies, and enrichers of modules, a state that
// survives restarts, and timers that fire once.
package adjunct

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
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
	// Decide asks the implementation of a policy, or of an enricher that
	// Durable says it of. It keeps the version of the type in r, and may bring
	// the state to another one first.
	Decide(ctx context.Context, r *Record, c *hook.PolicyCall) (*hook.Decision, error)
	// Durable tells whether an enricher is given events like a policy, one at
	// a time and with a state, instead of being set up by Enrich.
	Durable(r *Record) bool
	// Events gives what the policy listens to. It may wait for what the
	// config refers to, unless ctx is one of entity.Hurry.
	Events(ctx context.Context, e *entity.Entity, r *Record) ([]Watch, error)
	// Enrich sets an enricher up; it returns once that is done.
	Enrich(ctx context.Context, r *Record, h catalog.EnricherHost) error
	// PartConfig resolves one config value of an adjunct of an entity.
	PartConfig(ctx context.Context, e *entity.Entity, r *Record, key string) (any, error)
	// Carry stores what b holds together with the decision's steps as a new
	// workflow, starts that, and publishes the decision's sensors.
	Carry(ctx context.Context, e *entity.Entity, r *Record, d *hook.Decision, b *store.Batch) error
}

// Limits bound what one policy may take. Zero fields take the defaults.
type Limits struct {
	Queue    int // events that may wait; then the policy is suspended; default 10,000
	Failures int // failed decisions in a row until it is suspended; default 10

	// Over time a policy makes Rate decisions a second, by default 5000; what it
	// does not use is saved up to Burst of them, by default 100,000. Further
	// events wait, so that policies which answer one another for ever leave the
	// processors to the rest.
	Rate, Burst int

	Wake time.Duration // the shortest time until a timer fires, whatever a decision says; default 100 ms
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

	switching sync.Mutex // held while one is added, suspended, resumed or given other config
}

// policy is one running adjunct. Its goroutine alone touches rec and heard
// while it runs; others see the copy in shown.
type policy struct {
	rec    Record
	heard  heard
	entity *entity.Entity
	wake   chan struct{}
	ctx    context.Context // ended by stop
	stop   context.CancelFunc
	done   chan struct{} // closed when it is not running any more
	failed int
	paced  time.Time // when the next decision is due at Limits.Rate

	mu    sync.Mutex
	queue []item
	shown Record
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
	if cfg.Limits.Rate == 0 {
		cfg.Limits.Rate = 5000
	}
	if cfg.Limits.Burst == 0 {
		cfg.Limits.Burst = 100_000
	}
	if cfg.Limits.Wake == 0 {
		cfg.Limits.Wake = 100 * time.Millisecond
	}
	return &Manager{cfg: cfg, byEntity: map[string][]*policy{}}
}

// Stage writes a new policy into a batch; Attach it once that is stored.
func Stage(r *Record, b *store.Batch) error {
	text, err := coerce.Encode(r)
	if err != nil {
		return fault.New(fault.KindOf(err), "policy %s cannot be stored: %w", r.Name, err)
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
		known, err := m.loadHeard(r.ID)
		if err == nil {
			err = m.begin(m.newPolicy(e, r, known), false)
		}
		if err != nil {
			m.cfg.Log.Warn("policy does not run", "policy", r.Name, "entity", e.Name(), "err", err)
		}
	}
	return nil
}

// Attach lets a stored policy listen. Values published before are given to it
// first, and those who are in its entity's group as if they joined.
func (m *Manager) Attach(e *entity.Entity, r *Record) error {
	return m.begin(m.newPolicy(e, r, newHeard()), false)
}

// newPolicy makes a policy that does not run yet, and shows it.
func (m *Manager) newPolicy(e *entity.Entity, r *Record, known heard) *policy {
	p := m.made(e, *r, known)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byEntity[r.Entity] = append(m.byEntity[r.Entity], p)
	return p
}

func (m *Manager) made(e *entity.Entity, r Record, known heard) *policy {
	r.Kind = cmp.Or(r.Kind, catalog.Policy)
	p := &policy{rec: r, shown: r, heard: known, entity: e, wake: make(chan struct{}, 1), done: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(m.cfg.Tasks.Context())
	return p
}

// begin lets a policy run. One that is resumed is not given what happened
// while it was suspended.
func (m *Manager) begin(p *policy, resumed bool) error {
	ctx, stop := p.ctx, p.stop
	if p.rec.Suspended != "" {
		stop()
		close(p.done)
		return nil
	}
	if p.rec.Kind == catalog.Enricher && !m.cfg.Host.Durable(&p.rec) {
		return m.enrich(ctx, p)
	}
	l := &listening{manager: m, policy: p, silent: resumed, groups: map[string]*group{}}
	late, err := m.listen(ctx, l)
	if err != nil {
		stop()
		close(p.done)
		p.suspend(err.Error())
		return err
	}
	err = m.cfg.Tasks.Go("policy "+p.rec.Name, func(context.Context) {
		defer close(p.done)
		defer l.end()
		if late != nil {
			if err := late(); err != nil {
				m.refuse(ctx, p, err)
				return
			}
		}
		m.loop(ctx, p)
	})
	if err != nil {
		close(p.done)
	}
	return err
}

// refuse suspends a policy that cannot listen to what its config names.
func (m *Manager) refuse(ctx context.Context, p *policy, err error) {
	if ctx.Err() == nil {
		m.cfg.Log.Warn("policy does not run", "policy", p.rec.Name, "entity", p.entity.Name(), "err", err)
		p.suspend(err.Error())
	}
}

func (p *policy) suspend(reason string) {
	p.mu.Lock()
	p.shown.Suspended = reason
	p.mu.Unlock()
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
		p.heard.forget(p.rec.ID, b)
	}
	return len(gone)
}
