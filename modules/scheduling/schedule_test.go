package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

const (
	s = time.Second
	h = time.Hour

	up      = "service.isUp"
	onTime  = "org.apache.brooklyn.policy.action.ScheduledEffectorPolicy"
	forever = "org.apache.brooklyn.policy.action.PeriodicEffectorPolicy"
	tick    = "invoke-effector effector=tick"
)

// moment is something that happens at a time after noon, and what follows.
type moment struct {
	after  time.Duration
	sensor string // "" only lets time pass
	value  any
	want   string
}

func play(t *testing.T, typ string, config gowanus.Values, moments ...moment) {
	t.Helper()
	p := gowanustest.NewPlayer(typ, config)
	begin := p.Now
	for i, m := range moments {
		p.Pass(begin.Add(m.after).Sub(p.Now))
		if m.sensor != "" {
			p.Event(m.sensor, m.value)
		}
		if got := p.Said(); got != m.want {
			t.Errorf("%d, %s is %v after %v: got %q, want %q", i, m.sensor, m.value, m.after, got, m.want)
		}
	}
}

func with(more gowanus.Values) gowanus.Values {
	more[keyEffector] = "tick"
	return more
}

func TestScheduled(t *testing.T) {
	for _, tt := range []struct {
		name    string
		config  gowanus.Values
		moments []moment
	}{
		{"at a time of today", gowanus.Values{keyTime: "13:00:00"},
			[]moment{{0, up, true, ""}, {h - s, "", nil, ""}, {h, "", nil, tick}, {48 * h, "", nil, ""}}},
		{"at a time of tomorrow", gowanus.Values{keyTime: "11:00:00"}, []moment{{0, up, true, ""}, {23*h - s, "", nil, ""}, {23 * h, "", nil, tick}}},
		{"at a time of any day", gowanus.Values{keyTime: "2026-11-21T12:00:01Z"}, []moment{{0, up, true, ""}, {24 * h, "", nil, ""}, {24*h + s, "", nil, tick}}},
		{"at a time that has passed", gowanus.Values{keyTime: "2020-01-01T00:00:00Z"}, []moment{{0, up, true, tick}}},
		{"now", gowanus.Values{keyTime: "now"}, []moment{{0, up, false, ""}, {s, up, true, tick}, {2 * s, up, true, ""}}},
		{"immediately", gowanus.Values{keyTime: "Immediately"}, []moment{{0, up, true, tick}}},
		{"after a time", gowanus.Values{keyWait: "10s"}, []moment{{5 * s, up, true, ""}, {14 * s, "", nil, ""}, {15 * s, "", nil, tick}}},
		{"a time counts more than waiting", gowanus.Values{keyTime: "now", keyWait: "10s"}, []moment{{0, up, true, tick}, {h, "", nil, ""}}},
		{"only when asked", nil, []moment{{0, up, true, ""}, {h, sensorNow, true, tick}, {h, sensorNow, false, ""}, {2 * h, sensorNow, true, tick}}},
		{"not before the start", nil, []moment{{0, sensorNow, true, ""}, {s, sensorAt, "now", ""}, {2 * s, up, true, ""}, {h, "", nil, ""}}},
		{"another start sensor", gowanus.Values{keyStart: "go", keyTime: "now"}, []moment{{0, up, true, ""}, {s, "go", true, tick}}},
		{"at several times", nil, []moment{
			{0, up, true, ""}, {0, sensorAt, "12:00:20", ""}, {0, sensorAt, "12:00:10", ""}, {0, sensorAt, "12:00:10", ""},
			{9 * s, sensorNow, true, tick}, {10 * s, "", nil, tick + "; " + tick}, {19 * s, "", nil, ""}, {20 * s, "", nil, tick}, {h, sensorAt, nil, ""}}},
		{"with arguments", gowanus.Values{keyTime: "now", keyArgs: map[string]any{"n": 1.0}}, []moment{{0, up, true, "invoke-effector args=map[n:1] effector=tick"}}},
		{"while enabled", gowanus.Values{keyEnabled: "on"}, []moment{
			{0, up, true, ""}, {1 * s, sensorNow, true, ""}, {2 * s, "on", true, ""}, {3 * s, sensorNow, true, tick}, {4 * s, "on", false, ""}, {5 * s, sensorNow, true, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.config == nil {
				tt.config = gowanus.Values{}
			}
			play(t, onTime, with(tt.config), tt.moments...)
		})
	}
}

// beat plays to a PeriodicEffectorPolicy whose calls take a while, and gives
// when they begin.
func beat(t *testing.T, config gowanus.Values, takes, until time.Duration) (began []string) {
	t.Helper()
	p := gowanustest.NewPlayer(forever, with(config))
	begin := p.Now
	p.Event(up, true)
	var ends time.Time
	since := ""
	for p.Now.Before(begin.Add(until)) {
		if said := p.Said(); said != "" {
			if !strings.HasPrefix(said, "invoke-effector effector=tick lenient=true; set-sensor sensor=scheduler.invoke.ended value=map[began:") || !ends.IsZero() {
				t.Errorf("said %q", said)
			}
			began = append(began, p.Now.Sub(begin).String())
			since, ends = p.Now.Format(time.RFC3339Nano), p.Now.Add(takes)
		}
		if !ends.IsZero() && !p.Now.Before(ends) {
			ends = time.Time{}
			p.Event(sensorEnd, map[string]any{"began": since})
			continue
		}
		p.Pass(s)
	}
	return began
}

func TestPeriodic(t *testing.T) {
	for _, tt := range []struct {
		name         string
		config       gowanus.Values
		takes, until time.Duration
		want         string
	}{
		{"again and again", gowanus.Values{keyPeriod: "10s"}, 0, 35 * s, "10s 20s 30s"},
		{"at a time of day", gowanus.Values{keyPeriod: "1d", keyTime: "12:00:30"}, 0, 25 * h, "30s 24h0m30s"},
		{"at once", gowanus.Values{keyWait: "0ms"}, 0, h + s, "0s 1h0m0s"},
		{"one at a time", gowanus.Values{keyPeriod: "10s"}, 25 * s, 65 * s, "10s 40s"},
	} {
		if got := strings.Join(beat(t, tt.config, tt.takes, tt.until), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A server that was down does not make up for what it missed, and keeps the
// beat.
func TestPeriodicAfterABreak(t *testing.T) {
	p := gowanustest.NewPlayer(forever, with(gowanus.Values{keyPeriod: "10s"}))
	p.Event(up, true)
	late := p.Call
	late.Now, late.Timer = p.Now.Add(47*s).Format(time.RFC3339Nano), true
	d, err := gowanustest.Policy(late)
	if err != nil || len(d.Steps) != 2 || d.WakeAfter != "3s" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestScheduleConfig(t *testing.T) {
	for _, tt := range []struct {
		typ    string
		config gowanus.Values
		want   string
	}{
		{onTime, gowanus.Values{keyTime: "noon"}, `time: expected a time such as "18:00:00", "2026-11-20T18:00:00Z" or "now", got "noon"`},
		{onTime, gowanus.Values{keyWait: "soon"}, `wait: expected a duration such as "30s" or "1m 30s", got soon`},
		{forever, gowanus.Values{keyPeriod: "0ms"}, "period: expected a duration above 0, got 0s"},
	} {
		play(t, tt.typ, with(tt.config), moment{0, up, true, "error " + tt.want})
	}
	play(t, onTime, with(gowanus.Values{}), moment{0, up, true, ""},
		moment{0, sensorAt, "25:00:00", `error scheduler.invoke.at: expected a time such as "18:00:00", "2026-11-20T18:00:00Z" or "now", got "25:00:00"`})
}

// A sensor that asks for more and more calls does not make the state grow
// without end.
func TestScheduleIsBounded(t *testing.T) {
	p := gowanustest.NewPlayer(onTime, with(gowanus.Values{}))
	p.Event(up, true)
	for range maxScheduled + 10 {
		p.Event(sensorAt, "13:00:00")
	}
	p.Said()
	p.Pass(h)
	if n := strings.Count(p.Said(), tick); n != maxScheduled {
		t.Errorf("called %d times", n)
	}
}

func TestStopAfter(t *testing.T) {
	const typ = "org.apache.brooklyn.policy.action.StopAfterDurationPolicy"
	const age = "duration.since.first-running="
	play(t, typ, gowanus.Values{keyLifetime: "65s"},
		moment{0, sensorState, "starting", ""},
		moment{10 * s, sensorState, "running", age + "0s"},
		moment{20 * s, sensorState, "on-fire", age + "10s"}, // it goes on
		moment{50 * s, "", nil, age + "40s"},
		moment{74 * s, "", nil, ""},
		moment{75 * s, "", nil, age + "1m5s; invoke-effector effector=stop"},
		moment{80 * s, sensorState, "stopped", ""},
		moment{90 * s, sensorState, "running", ""}, // once and for all
		moment{h, "", nil, ""})
	play(t, typ, gowanus.Values{keyLifetime: "5s", keyState: "STARTING", "firedStopSensor": "fired"},
		moment{0, sensorState, "starting", "duration.since.first-starting=0s"},
		moment{5 * s, "", nil, "duration.since.first-starting=5s; fired=true; invoke-effector effector=stop"})
	play(t, typ, gowanus.Values{keyLifetime: "soon"},
		moment{0, sensorState, "running", `error lifetime: expected a duration such as "30s" or "1m 30s", got soon`})
}
