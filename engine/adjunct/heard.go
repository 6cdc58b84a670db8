package adjunct

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/store"
)

// heardBucket has what policies have dealt with of others, each in a key of
// its own, so that what an event writes does not grow with the group:
//
//	POLICY/members/ENTITY       the entity's hook.Ref: the policy was told that it joined
//	POLICY/seen/ENTITY/SENSOR   the time of the last value dealt with
const heardBucket store.Bucket = "adjunct-heard"

// heard is what a policy has dealt with of members and children.
type heard struct {
	known map[string]map[string]hook.Ref  // by group (members, children) and id
	seen  map[string]map[string]time.Time // by id and sensor
}

func newHeard() heard {
	return heard{known: map[string]map[string]hook.Ref{}, seen: map[string]map[string]time.Time{}}
}

// loadHeard reads what a policy has dealt with in an earlier life.
func (m *Manager) loadHeard(id string) (heard, error) {
	h := newHeard()
	err := m.cfg.Store.Scan(heardBucket, id+"/", func(key string, value []byte) error {
		parts := strings.SplitN(key, "/", 4)
		if len(parts) == 4 {
			at, err := time.Parse(time.RFC3339Nano, string(value))
			if err != nil {
				return fault.New(fault.Internal, "%s in the store cannot be read: %w", key, err)
			}
			put(h.seen, parts[2], parts[3], at)
			return nil
		}
		var ref hook.Ref
		if err := json.Unmarshal(value, &ref); err != nil {
			return fault.New(fault.Internal, "%s in the store cannot be read: %w", key, err)
		}
		put(h.known, parts[1], parts[2], ref)
		return nil
	})
	return h, err
}

func put[V any](m map[string]map[string]V, a, b string, v V) {
	if m[a] == nil {
		m[a] = map[string]V{}
	}
	m[a][b] = v
}

// change notes who joined or left, and gives what is to be written of it; nil
// when the policy knows already.
func (h *heard) change(policy string, it *item) *store.Batch {
	var b store.Batch
	id := it.source.ID
	_, known := h.known[it.of][id]
	switch {
	case it.change == joined && !known:
		put(h.known, it.of, id, it.source)
		if !it.untold {
			text, err := json.Marshal(it.source)
			if err != nil {
				return nil
			}
			b.Put(heardBucket, policy+"/"+it.of+"/"+id, text)
		}
	case it.change == left && known:
		it.source = h.known[it.of][id] // it may be gone by now
		delete(h.known[it.of], id)
		b.Delete(heardBucket, policy+"/"+it.of+"/"+id)
		h.unsee(policy, id, &b)
	default:
		return nil
	}
	return &b
}

// unsee forgets the sensors of one who is in no group any more.
func (h *heard) unsee(policy, id string, b *store.Batch) {
	for _, group := range h.known {
		if _, still := group[id]; still {
			return
		}
	}
	for sensor := range h.seen[id] {
		b.Delete(heardBucket, policy+"/seen/"+id+"/"+sensor)
	}
	delete(h.seen, id)
}

// sensor notes a value of somebody in a group, and gives what is to be
// written of it; nil when it was dealt with before, or its entity has left.
func (h *heard) sensor(policy string, it *item) *store.Batch {
	if _, known := h.known[it.of][it.Source]; !known || !it.Time.After(h.seen[it.Source][it.Sensor]) {
		return nil
	}
	put(h.seen, it.Source, it.Sensor, it.Time)
	var b store.Batch
	b.Put(heardBucket, policy+"/seen/"+it.Source+"/"+it.Sensor, []byte(it.Time.Format(time.RFC3339Nano)))
	return &b
}

// write writes all of it.
func (h *heard) write(policy string, b *store.Batch) {
	for of, group := range h.known {
		for id, ref := range group {
			if text, err := json.Marshal(ref); err == nil {
				b.Put(heardBucket, policy+"/"+of+"/"+id, text)
			}
		}
	}
	for id, sensors := range h.seen {
		for sensor, at := range sensors {
			b.Put(heardBucket, policy+"/seen/"+id+"/"+sensor, []byte(at.Format(time.RFC3339Nano)))
		}
	}
}

// forget takes all of it out of the store.
func (h *heard) forget(policy string, b *store.Batch) {
	for of, group := range h.known {
		for id := range group {
			b.Delete(heardBucket, policy+"/"+of+"/"+id)
		}
	}
	for id, sensors := range h.seen {
		for sensor := range sensors {
			b.Delete(heardBucket, policy+"/seen/"+id+"/"+sensor)
		}
	}
}
