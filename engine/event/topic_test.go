package event_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gowanus-project/gowanus/engine/event"
)

func publish(t *event.Topic, sensor string, v any) {
	t.Enqueue(event.Event{Sensor: sensor, Value: v})
	t.Drain()
}

func TestOrderAndSelection(t *testing.T) {
	var topic event.Topic
	var got []string
	note := func(who string) func(event.Event) {
		return func(e event.Event) { got = append(got, fmt.Sprintf("%s:%s=%v#%d", who, e.Sensor, e.Value, e.Seq)) }
	}
	a := topic.Subscribe("a", note("a"))
	topic.Subscribe("", note("all"))
	publish(&topic, "a", 1)
	publish(&topic, "b", 2)
	a.Cancel()
	a.Cancel()
	publish(&topic, "a", 3)
	want := []string{"a:a=1#1", "all:a=1#1", "all:b=2#2", "all:a=3#3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPublishingFromADeliveryIsNotRecursive(t *testing.T) {
	var topic event.Topic
	var got []any
	depth := 0
	topic.Subscribe("n", func(e event.Event) {
		depth++
		if depth > 1 {
			t.Error("delivered within a delivery")
		}
		got = append(got, e.Value)
		if n := e.Value.(int); n < 3 {
			publish(&topic, "n", n+1)
		}
		depth--
	})
	publish(&topic, "n", 1)
	if !slices.Equal(got, []any{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestNoSubscriberNoQueue(t *testing.T) {
	var topic event.Topic
	publish(&topic, "x", 1)
	topic.Subscribe("x", func(e event.Event) { t.Errorf("got %v, published before", e.Value) })
	topic.Drain()
}

// Many publishers, one subscriber: the numbers arrive in order, none twice.
func TestHammer(t *testing.T) {
	var topic event.Topic
	const publishers, each = 8, 500
	var mu sync.Mutex
	var last uint64
	seen := 0
	topic.Subscribe("", func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Seq != last+1 {
			t.Errorf("number %d after %d", e.Seq, last)
		}
		last = e.Seq
		seen++
	})
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				publish(&topic, "x", nil)
			}
		})
	}
	wg.Wait()
	topic.Drain()
	if mu.Lock(); seen != publishers*each {
		t.Errorf("%d events seen, want %d", seen, publishers*each)
	}
}

func BenchmarkPublishTo10(b *testing.B) {
	var topic event.Topic
	n := 0
	for range 10 {
		topic.Subscribe("x", func(event.Event) { n++ })
	}
	b.ReportAllocs()
	for b.Loop() {
		publish(&topic, "x", nil)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "delivered/s")
}
