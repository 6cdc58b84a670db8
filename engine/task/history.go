package task

import (
	"slices"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/store"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Get gives a task by id.
func (m *Manager) Get(id ID) (*Task, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.tasks[id]; t != nil {
		return t, nil
	}
	return nil, fault.New(fault.NotFound, "Cannot find task '%s'", id)
}

// OfEntity gives the tasks that acted on an entity, oldest first.
func (m *Manager) OfEntity(entity string) []*Task {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*Task, 0, len(m.byEntity[entity]))
	for _, id := range m.byEntity[entity] {
		if t := m.tasks[id]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// open gives the tasks that a former run of the server left unfinished and
// nobody has reopened yet.
func (m *Manager) open() []*Task {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*Task
	for _, t := range m.tasks {
		t.mu.Lock()
		if !t.info.Status.Ended() && t.cancel == nil {
			out = append(out, t)
		}
		t.mu.Unlock()
	}
	return out
}

// Settle ends, as failed, every task that a former run of the server left
// unfinished and that keep does not claim.
func (m *Manager) Settle(keep func(Info) bool) {
	for _, t := range m.open() {
		if keep(t.Info()) {
			continue
		}
		t.finish(nil, fault.New(fault.Unavailable, "interrupted: the server stopped while this was running"), false)
	}
}

func (m *Manager) index(t *Task) {
	m.tasks[t.info.ID] = t
	if e := t.info.Entity; e != "" {
		m.byEntity[e] = append(m.byEntity[e], t.info.ID)
	}
}

func (m *Manager) load() error {
	var all []*Task
	err := m.cfg.Store.Scan(bucket, "", func(key string, value []byte) error {
		var r record
		if err := coerce.Decode(value, &r); err != nil {
			m.cfg.Log.Warn("task in the store cannot be read", "task", key, "err", err)
			return nil
		}
		r.Result = coerce.Plain(r.Result)
		for k := range r.Args {
			r.Args[k] = coerce.Plain(r.Args[k])
		}
		t := &Task{manager: m, done: make(chan struct{}), info: r.Info, children: r.Children}
		t.info.Children, t.info.Streams = nil, nil
		for name, buf := range r.Streams {
			if t.streams == nil {
				t.streams = map[string]*stream{}
			}
			t.streams[name] = &stream{buf: buf}
		}
		if r.Status.Ended() {
			t.cancel = func(error) {}
			if r.Error != "" {
				kind := fault.Internal
				if r.Status == Cancelled {
					kind = fault.Cancelled
				}
				t.err = fault.New(kind, "%s", r.Error)
			}
			close(t.done)
		}
		all = append(all, t)
		return nil
	})
	if err != nil {
		return fault.Wrap(err, "load tasks", "")
	}
	slices.SortStableFunc(all, func(a, b *Task) int { return a.info.Submitted.Compare(b.info.Submitted) })
	for _, t := range all {
		m.index(t)
		if t.info.Parent == "" && t.info.Status.Ended() {
			m.roots = append(m.roots, t.info.ID)
		}
	}
	for _, t := range all {
		t.parent = m.tasks[t.info.Parent]
	}
	return nil
}

// ended lets the oldest ended root tasks go, with all below them, when there
// are more tasks than are kept.
func (m *Manager) ended(t *Task) {
	if t.info.Parent != "" {
		return
	}
	var b store.Batch
	m.mu.Lock()
	m.roots = append(m.roots, t.info.ID)
	for len(m.tasks) > m.cfg.MaxTasks && len(m.roots) > 1 {
		m.forget(m.roots[0], &b)
		m.roots = m.roots[1:]
	}
	m.mu.Unlock()
	if b.Len() > 0 {
		m.cfg.Store.Enqueue(&b)
	}
}

func (m *Manager) forget(id ID, b *store.Batch) {
	t := m.tasks[id]
	if t == nil {
		return
	}
	delete(m.tasks, id)
	if !t.info.Transient {
		b.Delete(bucket, string(id))
	}
	if e := t.info.Entity; e != "" {
		if list := m.byEntity[e]; len(list) > 0 && list[0] == id { // as the oldest goes first
			m.byEntity[e] = list[1:]
		} else {
			m.byEntity[e] = slices.DeleteFunc(list, func(other ID) bool { return other == id })
		}
		if len(m.byEntity[e]) == 0 {
			delete(m.byEntity, e)
		}
	}
	t.mu.Lock()
	children := slices.Clone(t.children)
	t.mu.Unlock()
	for _, c := range children {
		m.forget(c, b)
	}
}
