package wasm

import (
	"testing"
	"time"
)

func TestLogMeter(t *testing.T) {
	l := &Limits{LogRate: 2, LogBurst: 3}
	var m logMeter
	now := time.Unix(1_000_000, 0)
	for n, c := range []struct {
		after   time.Duration
		ok      bool
		dropped int64
	}{
		{0, true, 0}, {0, true, 0}, {0, true, 0}, {0, false, 0}, {time.Millisecond, false, 0}, {499 * time.Millisecond, true, 2}, {0, false, 0},
		{-time.Hour, false, 0}, {time.Hour, true, 2}, {0, true, 0}, {0, true, 0}, {0, false, 0},
	} {
		now = now.Add(c.after)
		if ok, dropped := m.take(l, now); ok != c.ok || dropped != c.dropped {
			t.Errorf("line %d: %v, %d dropped", n, ok, dropped)
		}
	}
}
