package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// player plays events to a policy of entity x1 and keeps its state.
type player struct {
	t       *testing.T
	call    gowanus.PolicyCall
	sensors gowanus.Values
}

func newPlayer(t *testing.T, typ string, config gowanus.Values) *player {
	p := &player{t: t, sensors: gowanus.Values{}}
	p.call = gowanus.PolicyCall{Type: typ, Config: config}
	p.call.Entity = gowanus.Entity{Ref: gowanus.Ref{ID: "x1", Name: "web"}, Sensors: p.sensors}
	return p
}

// at gives the policy an event, or the timer for sensor "", so long after the
// start, and shows what it decides in a line.
func (p *player) at(after time.Duration, sensor string, value any) string {
	p.t.Helper()
	c := p.call
	c.Now = start.Add(after).Format(time.RFC3339Nano)
	c.Timer = sensor == ""
	if sensor != "" {
		p.sensors[sensor] = value
		c.Event = &gowanus.Event{Sensor: sensor, Value: value, Source: c.Entity.Ref}
	}
	d, err := gowanustest.Policy(c)
	if err != nil {
		return "error " + err.Error()
	}
	p.call.State = d.State
	var words []string
	for _, name := range []string{sensorFailed, sensorRecovered, sensorRestartFailed} {
		v, set := d.Sensors[name]
		switch m, _ := v.(map[string]any); {
		case m != nil:
			if m["time"] != c.Now || fmt.Sprint(m["entity"]) != "map[$entity:x1]" {
				p.t.Errorf("%s is %v", name, v)
			}
			words = append(words, fmt.Sprintf("%s: %v", name, m["description"]))
		case set:
			words = append(words, name+" cleared")
		}
	}
	for _, s := range d.Steps {
		words = append(words, fmt.Sprintf("%s %v", s.Step, s.Input))
	}
	if d.WakeAfter != "" {
		words = append(words, "wake after "+d.WakeAfter)
	}
	return strings.Join(words, "; ")
}

const restartStep = "invoke-effector map[effector:restart]"

func TestRestarter(t *testing.T) {
	const again = "failed again 2m59s after the failure before, within 3m0s: not restarted any more"
	p := newPlayer(t, "org.apache.brooklyn.policy.ha.ServiceRestarter", nil)
	for _, c := range []struct {
		after time.Duration
		value any
		want  string
	}{
		{0, "down", restartStep},
		{time.Minute, nil, ""},   // the failure is over
		{time.Minute, false, ""}, // so is this
		{179 * time.Second, "down", "ha.entityFailed.restart: " + again + "; set-on-fire map[reason:" + again + "]"},
		// The failure that was not answered counts as well.
		{358 * time.Second, "down", "ha.entityFailed.restart: " + again + "; set-on-fire map[reason:" + again + "]"},
		{539 * time.Second, "down", restartStep},
	} {
		if got := p.at(c.after, sensorFailed, c.value); got != c.want {
			t.Errorf("%v: got %q, want %q", c.after, got, c.want)
		}
	}
}

func TestRestarterConfig(t *testing.T) {
	p := newPlayer(t, "brooklyn.policy.ha.ServiceRestarter", gowanus.Values{keyRecurring: "10s", keySetOnFire: false})
	if got := p.at(0, "my.failure", true); got != restartStep {
		t.Errorf("got %q", got)
	}
	want := "ha.entityFailed.restart: failed again 10s after the failure before, within 10s: not restarted any more"
	if got := p.at(10*time.Second, "my.failure", true); got != want {
		t.Errorf("got %q", got)
	}
	if got := p.at(21*time.Second, "my.failure", true); got != restartStep {
		t.Errorf("got %q", got)
	}
	if got := p.at(22*time.Second, "", nil); got != "" { // a timer that nobody asked for
		t.Errorf("got %q", got)
	}

	p = newPlayer(t, "service-restarter", gowanus.Values{keyRecurring: "soon"})
	if got := p.at(0, "f", true); got != `error failOnRecurringFailuresInThisDuration: expected a duration such as "30s" or "1m 30s", got soon` {
		t.Errorf("got %q", got)
	}
	p = newPlayer(t, "service-restarter", nil)
	p.call.State = []byte(`[]`)
	if got := p.at(0, "f", true); !strings.HasPrefix(got, "error state: ") {
		t.Errorf("got %q", got)
	}
}

func TestNow(t *testing.T) {
	_, err := gowanustest.Policy(gowanus.PolicyCall{Type: "service-restarter", Now: "noon", Event: &gowanus.Event{Sensor: "f", Value: 1}})
	var e *gowanus.Error
	if !errors.As(err, &e) || e.Kind != "invalid" || e.Message != `now: expected a time of RFC 3339, got "noon"` {
		t.Errorf("got %v", err)
	}
}
