package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
)

// forever is longer than anything lasts.
const forever = time.Duration(math.MaxInt64)

// unit gives the length of a unit, 0 when there is none of that name.
func unit(name string) time.Duration {
	switch name {
	case "ns":
		return time.Nanosecond
	case "us":
		return time.Microsecond
	case "ms":
		return time.Millisecond
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return 24 * time.Hour
	}
	return 0
}

// duration reads a config value as the engine writes durations: "1m 30s",
// "0ms", "forever". A plain number counts milliseconds. An absent key is def.
func duration(config gowanus.Values, key string, def time.Duration) (time.Duration, error) {
	wrong := func() (time.Duration, error) {
		return 0, &gowanus.Error{Kind: "invalid", At: key, Message: fmt.Sprintf(`%s: expected a duration such as "30s" or "1m 30s", got %v`, key, config[key])}
	}
	text, ok := config[key].(string)
	switch v := config[key].(type) {
	case nil:
		return def, nil
	case float64:
		text, ok = strconv.FormatFloat(v, 'f', -1, 64)+"ms", true
	}
	text = strings.ReplaceAll(text, " ", "")
	if text == "forever" || text == "never" {
		return forever, nil
	}
	if !ok || text == "" {
		return wrong()
	}
	var sum float64
	for text != "" {
		number := leading(text, "0123456789.")
		name := leading(text[len(number):], "numshd")
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || unit(name) == 0 {
			return wrong()
		}
		sum += n * float64(unit(name))
		text = text[len(number)+len(name):]
	}
	if sum >= math.MaxInt64 {
		return forever, nil
	}
	return time.Duration(sum), nil
}

// leading gives the longest beginning of s that has only the given characters.
func leading(s, of string) string {
	return s[:len(s)-len(strings.TrimLeft(s, of))]
}

// clock reads the time of a call.
func clock(c *gowanus.PolicyCall) (time.Time, error) {
	now, err := time.Parse(time.RFC3339Nano, c.Now)
	if err != nil {
		return now, gowanus.Errorf("invalid", "now: expected a time of RFC 3339, got %q", c.Now)
	}
	return now, nil
}

// brief writes a duration for users.
func brief(d time.Duration) string {
	if d >= time.Second {
		d = d.Round(time.Second)
	}
	return d.String()
}
