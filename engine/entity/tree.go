package entity

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

const (
	entityBucket store.Bucket = "entity"
	sensorBucket store.Bucket = "sensor"
)

// Tree holds all entities of a server.
type Tree struct {
	store   store.Store
	waits   waits
	outside Outside // may be nil

	memberships memberships

	mu       sync.RWMutex
	entities map[ID]*Entity
	roots    []*Entity
	sizes    map[ID]int // of applications, in entities
	seq      uint64
}

// New is an entity to be created, with all below it.
type New struct {
	Record
	Declaration *Declaration
	Children    []*New
}

// Later is a value that is computed once the entity lives.
type Later struct {
	Value any   `json:"value"` // as written
	Scope Scope `json:"scope,omitzero"`
}

// Renamer is an Outside that keeps names of entities.
type Renamer interface {
	// Renamed tells the present name of an entity that had another.
	Renamed(id ID, name string)
}

// Outside is what expressions may ask that is no entity.
type Outside interface {
	// External gives a value of a configured provider.
	External(ctx context.Context, provider, key string) (any, error)
	// LocationKind gives the kind of a location, "" when it is not known.
	LocationKind(name string) string
}

// SetOutside says whom expressions ask for what is no entity. It is called
// before the tree is used.
func (t *Tree) SetOutside(o Outside) { t.outside = o }

// NewTree gives an empty tree that keeps itself in the store.
func NewTree(s store.Store) *Tree {
	return &Tree{store: s, entities: map[ID]*Entity{}, sizes: map[ID]int{}}
}

// Load reads all entities from the store. declare gives the declaration for a
// type name; it must not fail, so that an entity whose type is gone is there
// and can be deleted.
func (t *Tree) Load(declare func(Record) *Declaration) error {
	var all []*Entity
	err := t.store.Scan(entityBucket, "", func(key string, value []byte) error {
		var r Record
		if err := coerce.Decode(value, &r); err != nil {
			return fault.New(fault.Internal, "entity %s in the store cannot be read: %w", key, err)
		}
		r.plain()
		e := t.build(r, declare(r))
		t.entities[r.ID] = e
		t.sizes[r.Application]++
		t.seq = max(t.seq, r.Seq)
		all = append(all, e)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *Entity) int { return cmp.Compare(a.rec.Seq, b.rec.Seq) })
	for _, e := range all {
		if e.rec.Parent == "" {
			t.roots = append(t.roots, e)
			continue
		}
		e.parent.Store(t.entities[e.rec.Parent])
		if e.Parent() == nil {
			return fault.New(fault.Internal, "entity %s in the store has no parent %s", e.rec.ID, e.rec.Parent)
		}
		e.Parent().children = append(e.Parent().children, e)
	}
	err = t.loadSensors(all)
	t.loadMemberships(all)
	return err
}

// plain makes what was decoded values that are worked with.
func (r *Record) plain() {
	plainMap(r.Config)
	for i := range r.Tags {
		r.Tags[i] = coerce.Plain(r.Tags[i])
	}
	for i := range r.Parameters {
		r.Parameters[i].Default = coerce.Plain(r.Parameters[i].Default)
		coerce.Plain(r.Parameters[i].Constraints)
	}
	for i := range r.Sensors {
		r.Sensors[i].Value = coerce.Plain(r.Sensors[i].Value)
	}
	for i := range r.Initializers {
		plainMap(r.Initializers[i].Config)
	}
	if r.NameLater != nil {
		r.NameLater.Value = coerce.Plain(r.NameLater.Value)
	}
}

func plainMap(m map[string]any) {
	for k := range m {
		m[k] = coerce.Plain(m[k])
	}
}

func (t *Tree) loadSensors(all []*Entity) error {
	err := t.store.Scan(sensorBucket, "", func(key string, value []byte) error {
		id, name, _ := strings.Cut(key, "/")
		var r Reading
		e := t.entities[ID(id)]
		if err := coerce.Decode(value, &r); err != nil || e == nil || r.Value == nil {
			return nil // left over from an entity removed in the same instant
		}
		r.Value = coerce.Plain(r.Value)
		if e.sensors == nil {
			e.sensors = map[string]Reading{}
		}
		e.sensors[name] = r
		if r.Time.After(e.last) {
			e.last = r.Time
		}
		return nil
	})
	for _, e := range all {
		if p := e.Parent(); p != nil && p.Declaration().Aggregates && e.Declaration().Startable() {
			state, _ := e.sensors[ServiceState].Value.(string)
			p.quorum.note(e, state)
		}
	}
	return err
}

func (t *Tree) build(r Record, d *Declaration) *Entity {
	e := &Entity{tree: t, rec: r}
	e.decl.Store(d)
	if len(r.Config) > 0 {
		e.config = make(map[string]*setting, len(r.Config))
		for key, raw := range r.Config {
			e.config[key] = &setting{raw: raw, scope: r.Scopes[key]}
		}
	}
	e.rec.Config, e.rec.Scopes = nil, nil
	return e
}

// Add creates an entity with all below it, under parent or, for nil, as an
// application, in one durable transaction that also holds extra. IDs,
// positions and times are filled in; sensors of the service state start out
// as created.
func (t *Tree) Add(ctx context.Context, parent *Entity, n *New, extra *store.Batch) (*Entity, error) {
	var made []*Entity
	top := t.plant(parent, n, &made)
	var b store.Batch
	for _, e := range made {
		r := e.record()
		text, err := coerce.Encode(r)
		if err != nil {
			return nil, fault.New(fault.KindOf(err), "entity %s has config that cannot be stored: %w", r.Name, err)
		}
		b.Put(entityBucket, string(r.ID), text)
	}
	if extra != nil {
		b.Append(extra)
	}
	if err := t.store.Commit(ctx, &b); err != nil {
		return nil, fault.Wrap(err, "create", n.Name)
	}
	t.mu.Lock()
	for _, e := range made {
		t.entities[e.rec.ID] = e
	}
	t.sizes[top.rec.Application] += len(made)
	if parent == nil {
		t.roots = append(t.roots, top)
	}
	t.mu.Unlock()
	if parent != nil {
		parent.mu.Lock()
		parent.children = append(parent.children, top)
		parent.tell(ChildAdded, top)
		parent.mu.Unlock()
		parent.topic.Drain()
	}
	for _, e := range slices.Backward(made) { // children first: their state goes up
		if e.Declaration().Startable() {
			e.Update(map[string]any{NotUpIndicators: map[string]any{notStarted: "not started"}, ServiceProblems: map[string]any{}})
		}
	}
	top.changed(Change{Kind: Added, Entity: top})
	return top, nil
}

func (t *Tree) plant(parent *Entity, n *New, made *[]*Entity) *Entity {
	r := n.Record
	if r.Created.IsZero() {
		r.Created = time.Now().UTC().Truncate(time.Millisecond)
	}
	r.Application = r.ID
	if parent != nil {
		r.Parent, r.Application = parent.rec.ID, parent.rec.Application
	}
	t.mu.Lock()
	t.seq++
	r.Seq = t.seq
	t.mu.Unlock()
	e := t.build(r, n.Declaration)
	e.parent.Store(parent)
	*made = append(*made, e)
	for _, c := range n.Children {
		e.children = append(e.children, t.plant(e, c, made))
	}
	return e
}

// Get gives an entity by id.
func (t *Tree) Get(id ID) (*Entity, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if e := t.entities[id]; e != nil {
		return e, nil
	}
	return nil, fault.New(fault.NotFound, "no entity has the id '%s'", id)
}

// Size gives how many entities an application has, itself included.
func (t *Tree) Size(application ID) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sizes[application]
}

// Applications gives the entities at the top, in the order of creation.
func (t *Tree) Applications() []*Entity {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.roots)
}

// All gives every entity, in no order.
func (t *Tree) All() []*Entity {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Values(t.entities))
}

// Remove takes an entity and all below it out of the tree and the store,
// durably and together with extra. Those who wait for it are told.
func (t *Tree) Remove(ctx context.Context, e *Entity, extra *store.Batch) error {
	all := e.Descendants()
	var b store.Batch
	for _, d := range all {
		d.mu.Lock()
		b.Delete(entityBucket, string(d.rec.ID))
		for name := range d.sensors {
			b.Delete(sensorBucket, string(d.rec.ID)+"/"+name)
		}
		d.gone = true // from here on no sensor of it is written any more
		d.mu.Unlock()
	}
	if extra != nil {
		b.Append(extra)
	}
	if err := t.store.Commit(ctx, &b); err != nil {
		for _, d := range all {
			d.mu.Lock()
			d.gone = false
			d.mu.Unlock()
		}
		return fault.Wrap(err, "remove", e.Name())
	}
	t.mu.Lock()
	for _, d := range all {
		delete(t.entities, d.rec.ID)
	}
	if t.sizes[e.rec.Application] -= len(all); t.sizes[e.rec.Application] <= 0 {
		delete(t.sizes, e.rec.Application)
	}
	t.roots = slices.DeleteFunc(t.roots, func(r *Entity) bool { return r == e })
	t.mu.Unlock()
	t.disband(all)
	t.unhang(e)
	t.leaveGroups(all)
	for _, d := range slices.Backward(all) {
		d.destroyed()
	}
	e.changed(Change{Kind: Removed, Entity: e})
	return nil
}

func (t *Tree) unhang(e *Entity) {
	p := e.Parent()
	if p == nil {
		return
	}
	var c change
	p.mu.Lock()
	p.children = slices.DeleteFunc(p.children, func(other *Entity) bool { return other == e })
	p.tell(ChildRemoved, e)
	if p.quorum.drop(e.rec.ID) && p.Declaration().Aggregates && !p.gone {
		c.quorate(p)
	}
	p.mu.Unlock()
	p.topic.Drain()
	c.deliver()
}

// tell enqueues an event about a child; the caller holds e.mu.
func (e *Entity) tell(what string, child *Entity) {
	e.topic.Enqueue(event.Event{Source: string(e.rec.ID), Sensor: what, Value: map[string]any{entityKey: string(child.rec.ID)}, Time: time.Now().UTC()})
}

// edit saves the entity's record with a change, and tells of it.
func (t *Tree) edit(ctx context.Context, e *Entity, what Change, change func(e *Entity) (undo func())) error {
	if err := t.save(ctx, e, change); err != nil {
		return err
	}
	what.Entity = e
	e.changed(what)
	return nil
}

// save writes the entity's record, durably.
func (t *Tree) save(ctx context.Context, e *Entity, change func(e *Entity) (undo func())) error {
	e.mu.Lock()
	if e.gone {
		e.mu.Unlock()
		return fault.New(fault.NotFound, "entity %s has been removed", e.rec.Name)
	}
	undo := change(e)
	text, err := coerce.Encode(e.record())
	e.mu.Unlock()
	if err == nil {
		var b store.Batch
		b.Put(entityBucket, string(e.rec.ID), text)
		err = t.store.Commit(ctx, &b)
	}
	if err != nil {
		e.mu.Lock()
		undo()
		e.mu.Unlock()
	}
	return fault.Wrap(err, "change", e.Name())
}

// Rename gives the entity another display name, durably.
func (e *Entity) Rename(ctx context.Context, name string) error {
	return e.renamed(e.tree.edit(ctx, e, Change{Kind: Renamed}, func(e *Entity) func() {
		old := e.rec.Name
		e.rec.Name = name
		return func() { e.rec.Name = old }
	}))
}

// renamed tells whoever keeps names, if the change was saved.
func (e *Entity) renamed(err error) error {
	if r, ok := e.tree.outside.(Renamer); ok && err == nil {
		r.Renamed(e.ID(), e.Name())
	}
	return err
}

// NameLater gives the expression for the display name while it is not
// computed yet, or nil.
func (e *Entity) NameLater() *Later {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rec.NameLater
}

// NameNow computes the display name, which may wait until ctx ends, and gives
// it to the entity, durably.
func (e *Entity) NameNow(ctx context.Context, l Later) error {
	v, err := e.EvaluateIn(ctx, l.Value, l.Scope)
	if err != nil {
		return err
	}
	name, err := coerce.To("string", Document(v))
	if err != nil {
		return err
	}
	text, _ := name.(string)
	if text == "" {
		return fault.New(fault.Invalid, "the display name of %s is empty", e.rec.ID)
	}
	return e.renamed(e.tree.edit(ctx, e, Change{Kind: Renamed}, func(e *Entity) func() {
		old := e.rec
		e.rec.Name, e.rec.NameLater = text, nil
		return func() { e.rec.Name, e.rec.NameLater = old.Name, old.NameLater }
	}))
}

// SetTags replaces the tags by what fn makes of them, durably.
func (e *Entity) SetTags(ctx context.Context, fn func([]any) []any) error {
	return e.tree.edit(ctx, e, Change{Kind: Tagged}, func(e *Entity) func() {
		old := e.rec.Tags
		e.rec.Tags = fn(slices.Clone(old))
		return func() { e.rec.Tags = old }
	})
}

// SetLocations gives the entity locations of its own, durably.
func (e *Entity) SetLocations(ctx context.Context, names []string) error {
	return e.tree.edit(ctx, e, Change{Kind: Moved, From: e.Parent()}, func(e *Entity) func() {
		old := e.rec.Locations
		e.rec.Locations = slices.Clone(names)
		return func() { e.rec.Locations = old }
	})
}
