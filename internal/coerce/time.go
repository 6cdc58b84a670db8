package coerce

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Forever is the duration that "forever" and "never" stand for.
const Forever = time.Duration(math.MaxInt64)

var units = map[string]time.Duration{
	"ns": time.Nanosecond, "nano": time.Nanosecond, "nanosecond": time.Nanosecond,
	"us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "micro": time.Microsecond, "microsecond": time.Microsecond,
	"ms": time.Millisecond, "milli": time.Millisecond, "millisecond": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

var (
	durationPart = regexp.MustCompile(`^\s*(?:,|and\s)?\s*(\d+(?:\.\d*)?|\.\d+)\s*([\pL]+)`)
	iso8601      = regexp.MustCompile(`^(?i)P(?:\d+(?:\.\d+)?[WD])*(?:T(?:\d+(?:\.\d+)?[HMS])+)?$`)
	isoPart      = regexp.MustCompile(`([\d.]+)([WDHMSwdhms])`)
)

// Duration reads a time span: "1m", "1m 30s", "1.5 hours", "2 minutes and 5
// seconds", "PT1M", "forever" or "never"; a plain number counts milliseconds.
// It may be negative.
func Duration(v any) (time.Duration, error) {
	switch n := plain(v, 0).(type) {
	case time.Duration:
		return n, nil
	case int64:
		return milliseconds(v, new(big.Rat).SetInt64(n))
	case float64:
		if exact := new(big.Rat).SetFloat64(n); exact != nil {
			return milliseconds(v, exact)
		}
	case string:
		return parseDuration(n)
	}
	return 0, notDuration(v)
}

func notDuration(v any) error {
	return wrong(v, "duration", `expected one such as "10s", "1m 30s" or "forever"`)
}

func milliseconds(v any, amount *big.Rat) (time.Duration, error) {
	return nanoseconds(v, amount.Mul(amount, big.NewRat(int64(time.Millisecond), 1)))
}

func nanoseconds(v any, amount *big.Rat) (time.Duration, error) {
	ns := new(big.Int).Quo(amount.Num(), amount.Denom())
	if !ns.IsInt64() || ns.Int64() == math.MinInt64 {
		return 0, wrong(v, "duration", "it is longer than 292 years; write \"forever\"")
	}
	return time.Duration(ns.Int64()), nil
}

func parseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	switch strings.ToLower(rest) {
	case "forever", "never":
		return Forever, nil
	}
	if amount, ok := rational(rest); ok {
		return milliseconds(text, amount)
	}
	rest, negative := strings.CutPrefix(rest, "-")
	sum := new(big.Rat)
	add := func(amount string, unit time.Duration) bool {
		n, ok := rational(amount)
		if !ok || unit == 0 {
			return false
		}
		sum.Add(sum, n.Mul(n, big.NewRat(int64(unit), 1)))
		return true
	}
	if iso8601.MatchString(rest) && len(rest) > 2 {
		for _, part := range isoPart.FindAllStringSubmatch(rest, -1) {
			if !add(part[1], units[strings.ToLower(part[2])]) {
				return 0, notDuration(text)
			}
		}
		rest = ""
	} else if rest == "" || len(rest) > maxDigits {
		return 0, notDuration(text)
	}
	for rest != "" {
		part := durationPart.FindStringSubmatch(rest)
		if part == nil || !add(part[1], unit(part[2])) {
			return 0, notDuration(text)
		}
		rest = strings.TrimSpace(rest[len(part[0]):])
	}
	if negative {
		sum.Neg(sum)
	}
	return nanoseconds(text, sum)
}

// unit finds a unit by its name, in any letter case, singular or plural.
func unit(name string) time.Duration {
	name = strings.ToLower(name)
	if d, ok := units[name]; ok {
		return d
	}
	return units[strings.TrimSuffix(name, "s")]
}

// FormatDuration writes a time span as Brooklyn does, each unit that is not
// zero from days to nanoseconds: "1m 30s", "250ms", "forever"; zero is "0ms".
func FormatDuration(d time.Duration) string {
	switch d {
	case 0:
		return "0ms"
	case Forever:
		return "forever"
	}
	var b strings.Builder
	rest := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		rest = -rest
	}
	sep := ""
	for _, unit := range []struct {
		size time.Duration
		name string
	}{
		{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"},
		{time.Millisecond, "ms"}, {time.Microsecond, "us"}, {time.Nanosecond, "ns"},
	} {
		if n := rest / uint64(unit.size); n > 0 {
			b.WriteString(sep + strconv.FormatUint(n, 10) + unit.name)
			sep = " "
		}
		rest %= uint64(unit.size)
	}
	return b.String()
}

func durationText(v any) (any, error) {
	d, err := Duration(v)
	if err != nil {
		return nil, err
	}
	return FormatDuration(d), nil
}

var timeFormats = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	time.RFC1123Z, time.RFC1123,
}

// Timestamp reads a moment: RFC 3339, a date, a date and time in UTC, or a
// number of milliseconds since 1970. It gives UTC.
func Timestamp(v any) (time.Time, error) {
	v = plain(v, 0)
	if t, ok := v.(time.Time); ok {
		return t.UTC(), nil
	}
	if text, ok := v.(string); ok {
		for _, format := range timeFormats {
			if t, err := time.Parse(format, strings.TrimSpace(text)); err == nil {
				return t.UTC(), nil
			}
		}
	}
	const high = 253402300799999 // the end of the year 9999
	ms, err := whole(v, "timestamp", -high, high)
	if err != nil {
		return time.Time{}, wrong(v, "timestamp", `expected one such as "2026-12-31T23:59:00Z", or milliseconds`)
	}
	return time.UnixMilli(ms).UTC(), nil
}

func timestampText(v any) (any, error) {
	t, err := Timestamp(v)
	if err != nil {
		return nil, err
	}
	if t.Year() < 0 || t.Year() > 9999 {
		return nil, wrong(v, "timestamp", "the year is not between 0 and 9999")
	}
	return t.Format(time.RFC3339Nano), nil
}
