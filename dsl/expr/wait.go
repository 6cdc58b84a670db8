package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/internal/coerce"
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

// patience reads a duration; forever is nil.
func patience(v any) (*time.Duration, error) {
	d, err := coerce.Duration(v)
	switch {
	case err != nil:
		return nil, err
	case d < 0:
		return nil, invalid("a wait cannot be negative")
	case d == coerce.Forever:
		return nil, nil
	}
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
