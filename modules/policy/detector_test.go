package main

import (
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

const (
	s = time.Second

	failed    = "ha.entityFailed: down since 2026-11-20T12:00:"
	although  = "Z although it is expected to run"
	recovered = "ha.entityFailed cleared; ha.entityRecovered: up since 2026-11-20T12:00:"
)

// moment is an event or timer and what the detector makes of it.
type moment struct {
	after  time.Duration
	sensor string
	value  any
	want   string
}

func play(t *testing.T, config gowanus.Values, moments ...moment) {
	t.Helper()
	p := newPlayer(t, "org.apache.brooklyn.policy.ha.ServiceFailureDetector", config)
	for i, m := range moments {
		if got := p.at(m.after, m.sensor, m.value); got != m.want {
			t.Errorf("%d, %s is %v after %v: got %q, want %q", i, m.sensor, m.value, m.after, got, m.want)
		}
	}
}

func TestDetector(t *testing.T) {
	play(t, nil,
		moment{0, sensorExpected, "starting", ""},
		moment{1 * s, sensorUp, false, ""},
		moment{2 * s, sensorUp, true, ""},
		moment{3 * s, sensorExpected, "running", ""},
		moment{10 * s, sensorUp, false, failed + "10" + although},
		moment{11 * s, sensorUp, false, ""}, // told already
		moment{12 * s, sensorUp, true, recovered + "12Z"},
		moment{13 * s, sensorUp, true, ""},
		moment{20 * s, sensorUp, false, failed + "20" + although},
		// A restart: while it starts and stops nothing is told, and then the recovery.
		moment{21 * s, sensorExpected, "starting", ""},
		moment{22 * s, sensorUp, false, ""},
		moment{23 * s, sensorUp, true, recovered + "23Z"},
		moment{24 * s, sensorExpected, "running @ 1479643200000", ""},
		moment{30 * s, sensorUp, false, failed + "30" + although},
		// The restart did not help.
		moment{31 * s, sensorExpected, "starting", ""},
		moment{32 * s, sensorExpected, "running", failed + "32" + although},
		// The user stops it.
		moment{40 * s, sensorExpected, "stopping", ""},
		moment{41 * s, sensorExpected, "stopped", ""})
}

func TestDetectorStop(t *testing.T) {
	play(t, nil,
		moment{0, sensorUp, true, ""},
		moment{1 * s, sensorExpected, "running", ""},
		moment{2 * s, sensorExpected, "stopping", ""},
		moment{3 * s, sensorUp, false, ""},
		moment{4 * s, sensorExpected, "stopped", ""})
}

func TestDetectorNeverUp(t *testing.T) {
	moments := []moment{{0, sensorExpected, "running", ""}, {1 * s, sensorUp, false, ""}}
	play(t, nil, moments...)
	moments[0].want = failed + "00" + although
	play(t, gowanus.Values{keyOnlyIfUp: false}, moments...)
}

func TestDetectorDelays(t *testing.T) {
	config := gowanus.Values{keyFailedDelay: "5s", keyRecoveredDelay: "3s"}
	up := []moment{{0, sensorUp, true, ""}, {0, sensorExpected, "running", ""}}
	play(t, config, append(up,
		// Down for less than the delay is no failure.
		moment{10 * s, sensorUp, false, "wake after 5s"},
		moment{12 * s, sensorUp, true, ""},
		moment{15 * s, "", nil, ""}, // the timer that was asked for
		moment{20 * s, sensorUp, false, "wake after 5s"},
		moment{22 * s, sensorUp, false, "wake after 3s"},
		moment{24 * s, "", nil, "wake after 1s"}, // too early
		moment{25 * s, "", nil, failed + "20" + although},
		// Up for less than the delay is no recovery.
		moment{26 * s, sensorUp, true, "wake after 3s"},
		moment{28 * s, sensorUp, false, "wake after 5s"},
		moment{33 * s, "", nil, failed + "28" + although},
		moment{35 * s, sensorUp, true, "wake after 3s"},
		moment{38 * s, "", nil, recovered + "35Z"})...)
}

func TestDetectorRepublishes(t *testing.T) {
	play(t, gowanus.Values{keyRepublish: "10s"},
		moment{0, sensorUp, true, ""},
		moment{0, sensorExpected, "running", ""},
		moment{1 * s, sensorUp, false, failed + "01" + although + "; wake after 10s"},
		moment{5 * s, sensorUp, false, "wake after 6s"},
		moment{11 * s, "", nil, failed + "01" + although + "; wake after 10s"},
		moment{12 * s, sensorUp, true, recovered + "12Z"},
		moment{21 * s, "", nil, ""})
}

func TestDetectorConfig(t *testing.T) {
	for _, key := range []string{keyFailedDelay, keyRecoveredDelay, keyRepublish} {
		want := "error " + key + `: expected a duration such as "30s" or "1m 30s", got x`
		play(t, gowanus.Values{key: "x"}, moment{0, sensorUp, true, want})
	}
	p := newPlayer(t, "service-failure-detector", nil)
	p.call.State = []byte(`1`)
	if got := p.at(0, sensorUp, true); got != "error state: byte 0: expected an object, got 1" {
		t.Errorf("got %q", got)
	}
}
