// Package event delivers the sensor values of one entity to those who
// subscribed, in the order in which they were published.
//
// What a subscriber may rely on:
//
//  1. It gets every event published after Subscribe returned, once.
//  2. It gets them in the order of Publish.
//  3. Events that one goroutine publishes from within a delivery come after
//     the one being delivered; nothing is delivered recursively.
//  4. After Cancel returned, no delivery starts; one may still be running.
package event

import (
	"sync"
	"time"
)

// Event is one published value. Its numbers rise by one per topic.
type Event struct {
	Seq    uint64
	Source string // id of the entity that published it
	Sensor string
	Value  any // a JSON value; nil when the sensor was cleared
	Time   time.Time
}

// Topic is where one entity's events go through. Its zero value is ready.
type Topic struct {
	mu       sync.Mutex
	seq      uint64
	subs     map[string]*listeners // by sensor; "" listens to all
	queue    []Event
	draining bool
}

// listeners are the subscriptions to one sensor. The slice is only appended to
// or replaced, never changed in place, since a drain may be walking over it.
// Those that are gone leave in bulk, so that ending n of them costs O(n).
type listeners struct {
	list []*Subscription
	gone int
}

// Subscription is one listener's place in a topic.
type Subscription struct {
	topic   *Topic
	sensor  string
	deliver func(Event)
	gone    bool // guarded by topic.mu
}

// Subscribe calls deliver for each later event of the sensor; an empty name
// means all sensors. deliver runs on the publisher's goroutine and must not
// block; it may publish and subscribe.
func (t *Topic) Subscribe(sensor string, deliver func(Event)) *Subscription {
	s := &Subscription{topic: t, sensor: sensor, deliver: deliver}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subs == nil {
		t.subs = map[string]*listeners{}
	}
	l := t.subs[sensor]
	if l == nil {
		l = &listeners{}
		t.subs[sensor] = l
	}
	l.list = append(l.list, s)
	return s
}

// Cancel ends the subscription; calling it again does nothing.
func (s *Subscription) Cancel() {
	if s == nil {
		return
	}
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.gone {
		return
	}
	s.gone = true
	l := t.subs[s.sensor]
	l.gone++
	if 2*l.gone < len(l.list) {
		return
	}
	kept := make([]*Subscription, 0, len(l.list)-l.gone)
	for _, other := range l.list {
		if !other.gone {
			kept = append(kept, other)
		}
	}
	if len(kept) == 0 {
		delete(t.subs, s.sensor)
		return
	}
	l.list, l.gone = kept, 0
}

// Enqueue gives the event its number and its place in the order, but delivers
// nothing: the publisher calls it while it holds the lock under which the
// value changed, and Drain when it has let go of it.
func (t *Topic) Enqueue(e Event) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	e.Seq = t.seq
	if len(t.subs) > 0 {
		t.queue = append(t.queue, e)
	}
	return e.Seq
}

// Drain delivers what is queued, unless another goroutine is at it already.
func (t *Topic) Drain() {
	t.mu.Lock()
	if t.draining {
		t.mu.Unlock()
		return
	}
	t.draining = true
	for len(t.queue) > 0 {
		e := t.queue[0]
		t.queue = t.queue[1:]
		var named, all []*Subscription
		if l := t.subs[e.Sensor]; l != nil {
			named = l.list
		}
		if l := t.subs[""]; l != nil {
			all = l.list
		}
		t.mu.Unlock()
		t.deliver(named, e)
		t.deliver(all, e)
		t.mu.Lock()
	}
	t.queue = nil
	t.draining = false
	t.mu.Unlock()
}

func (t *Topic) deliver(subs []*Subscription, e Event) {
	for _, s := range subs {
		t.mu.Lock()
		gone := s.gone
		t.mu.Unlock()
		if !gone {
			s.deliver(e)
		}
	}
}
