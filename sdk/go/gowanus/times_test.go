package gowanus_test

import (
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		in   any
		want time.Duration
	}{
		{nil, 7}, {"30s", 30 * time.Second}, {"1m 30s", 90 * time.Second}, {"1m30s", 90 * time.Second}, {"1.5h", 90 * time.Minute},
		{"1d 1h 1ms", 25*time.Hour + time.Millisecond}, {"0ms", 0}, {1500.0, 1500 * time.Millisecond},
		{"forever", gowanus.Forever}, {"never", gowanus.Forever}, {"999999d 99999999h", gowanus.Forever},
	} {
		if got, err := (gowanus.Values{"k": c.in}).Duration("k", 7); err != nil || got != c.want {
			t.Errorf("%v: got %v, %v, want %v", c.in, got, err, c.want)
		}
	}
	for _, bad := range []any{"", "s", "3", "3x", "3ss", "-3s", "1.2.3s", true, []any{}} {
		if got, err := (gowanus.Values{"k": bad}).Duration("k", 7); err == nil {
			t.Errorf("%v was read as %v", bad, got)
		}
	}
}

func TestPolicyCall(t *testing.T) {
	c := gowanus.PolicyCall{Now: "noon", State: []byte(`[]`)}
	if _, err := c.Time(); err == nil || err.Error() != `now: expected a time of RFC 3339, got "noon"` {
		t.Errorf("got %v", err)
	}
	var n int
	if err := c.Recall(&n); err == nil || err.Error() != "state: byte 0: expected a whole number (int), got a list" {
		t.Errorf("got %v", err)
	}
	c.State = nil
	if n = 3; c.Recall(&n) != nil || n != 3 {
		t.Errorf("got %d", n)
	}
	c.Entity = gowanus.Entity{Ref: gowanus.Ref{ID: "x1"}, Sensors: gowanus.Values{"up": true}}
	c.Event = &gowanus.Event{Sensor: "up", Value: false, Source: gowanus.Ref{ID: "another"}}
	if c.Sensor("up") != true {
		t.Error("a sensor of another entity was taken for the entity's own")
	}
	c.Event.Source.ID = "x1"
	if c.Sensor("up") != false {
		t.Error("the event's value does not count")
	}
}
