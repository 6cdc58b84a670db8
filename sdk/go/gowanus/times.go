package gowanus

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

// Forever is longer than anything lasts.
const Forever = time.Duration(math.MaxInt64)

// units are the lengths of the units of durations.
var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// ParseDuration reads a duration as the engine writes them: "1m 30s", "0ms",
// "forever". ok is false when it is none.
func ParseDuration(text string) (d time.Duration, ok bool) {
	text = strings.Map(func(c rune) rune {
		if c == ' ' {
			return -1
		}
		return c
	}, text)
	if text == "forever" || text == "never" {
		return Forever, true
	}
	var sum float64
	for rest := text; rest != ""; {
		number := leading(rest, "0123456789.")
		name := leading(rest[len(number):], "numshd")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || units[name] == 0 {
			return 0, false
		}
		sum += n * float64(units[name])
		rest = rest[len(number)+len(name):]
	}
	if sum >= math.MaxInt64 {
		return Forever, true
	}
	return time.Duration(sum), text != ""
}

// Duration gives a duration as the engine writes it, or def for an absent key.
// A plain number counts milliseconds. What is none is an error of kind invalid.
func (v Values) Duration(key string, def time.Duration) (time.Duration, error) {
	text, isText := v[key].(string)
	switch x := v[key].(type) {
	case nil:
		return def, nil
	case float64:
		text, isText = strconv.FormatFloat(x, 'f', -1, 64)+"ms", true
	}
	if d, ok := ParseDuration(text); ok && isText {
		return d, nil
	}
	return 0, &Error{Kind: "invalid", At: key, Message: key + `: expected a duration such as "30s" or "1m 30s", got ` + show(v[key])}
}

// leading gives the longest beginning of s that has only the given characters.
func leading(s, of string) string {
	return s[:len(s)-len(strings.TrimLeft(s, of))]
}

// Time gives the time of a call. That is the only clock of a module.
func (c *EffectorCall) Time() (time.Time, error) { return timeOf(c.Now) }

// Time gives the time of a call. That is the only clock of a module.
func (c *PolicyCall) Time() (time.Time, error) { return timeOf(c.Now) }

func timeOf(now string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, now)
	if err != nil {
		return t, refuse("invalid", "now: expected a time of RFC 3339, got "+wire.Quote(now))
	}
	return t, nil
}

// Sensor gives the value of a sensor of the policy's own entity. For the one
// that the event is about it is the event's, so that none of a quick series is
// missed.
func (c *PolicyCall) Sensor(name string) any {
	if c.Event != nil && c.Event.Sensor == name && c.Event.Source.ID == c.Entity.ID {
		return c.Event.Value
	}
	return c.Entity.Sensors[name]
}
