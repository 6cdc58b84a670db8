package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/nearest"
)

// waitOptions reads the options of attributeWhenReady.
func waitOptions(v any) (WaitOptions, error) {
	o := DefaultWait()
	if v == nil {
		return o, nil
	}
	options, ok := entries(v)
	if !ok {
		return o, invalid("the options are a map, not %s", kindOf(v))
	}
	for _, key := range options.keys() {
		var err error
		switch v := options.get(key); key {
		case "timeout":
			o.Timeout, err = patience(v)
		case "timeout_if_down":
			o.TimeoutIfDown, err = patience(v)
		case "timeout_if_on_fire":
			o.TimeoutIfOnFire, err = patience(v)
		case "abort_if_on_fire":
			o.AbortIfOnFire, err = yes(v)
		case "wait_for_truthy":
			o.WaitForTruthy, err = yes(v)
		default:
			known := []string{"timeout", "timeout_if_down", "timeout_if_on_fire", "abort_if_on_fire", "wait_for_truthy"}
			if near := nearest.Word(key, known); near != "" {
				return o, invalid("unknown option %q; did you mean %s?", key, near)
			}
			return o, invalid("unknown option %q; expected one of %s", key, strings.Join(known, ", "))
		}
		if err != nil {
			return o, invalid("option %s: %w", key, err)
		}
	}
	return o, nil
}

// patience reads a duration as Brooklyn writes it: 10s, 1m 30s, a number of
// milliseconds, or forever, which is nil.
func patience(v any) (*time.Duration, error) {
	text := ""
	if n, ok := number(v); ok {
		text = scalarText(n)
	} else if s, ok := v.(string); ok {
		text = strings.TrimSpace(s)
	}
	switch strings.ToLower(text) {
	case "forever", "never", "practically_forever":
		return nil, nil
	}
	if ms, err := strconv.ParseFloat(text, 64); err == nil {
		return duration(ms, float64(time.Millisecond))
	}
	units := strings.NewReplacer(
		" ", "", "milliseconds", "ms", "millisecond", "ms", "millis", "ms", "seconds", "s", "second", "s", "secs", "s", "sec", "s",
		"minutes", "m", "minute", "m", "mins", "m", "min", "m", "hours", "h", "hour", "h", "hrs", "h", "hr", "h")
	text = units.Replace(strings.ToLower(text))
	if days, isDays := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "s"), "ay"), "d"); isDays {
		if n, err := strconv.ParseFloat(days, 64); err == nil {
			return duration(n, 24*float64(time.Hour))
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return nil, invalid("%s is not a duration; expected one such as 10s, 5m or forever", scalarText(v))
	}
	return &d, nil
}

func duration(n, unit float64) (*time.Duration, error) {
	if !(n >= 0 && n*unit <= float64(1<<62)) {
		return nil, invalid("%v is out of range for a duration", n)
	}
	d := time.Duration(n * unit)
	return &d, nil
}

func yes(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b, nil
		}
	}
	return false, invalid("expected true or false, not %s", scalarText(v))
}
