package server

import (
	"encoding/json"
	"math"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// maxPattern bounds typeRegex and one glob, in bytes.
const maxPattern = 1000

// param gives a part of the path, decoded.
func param(c echo.Context, name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return v // the router saw the decoded path
	}
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}

// queryBool reads a boolean of the query: absent is fallback, present without
// a value is true.
func queryBool(c echo.Context, name string, fallback bool) (bool, error) {
	values, present := c.QueryParams()[name]
	if !present {
		return fallback, nil
	}
	return parseBool(name, values[0])
}

func parseBool(name, text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "query parameter %s: %q is neither true nor false", name, text)
}

// queryInt reads an integer of the query; an absent or empty one is fallback.
func queryInt(c echo.Context, name string, fallback int) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault.New(fault.Invalid, "query parameter %s: %q is not an integer", name, text)
	}
	return n, nil
}

// forever is a wait without an end.
const forever = time.Duration(math.MaxInt64)

// parseWait reads a timeout as Brooklyn does: a duration, a number of
// milliseconds, "never" for waiting to the end, "always" for not waiting.
func parseWait(text string, fallback time.Duration) (time.Duration, error) {
	switch text = strings.TrimSpace(text); strings.ToLower(text) {
	case "":
		return fallback, nil
	case "never":
		return forever, nil
	case "always":
		return 0, nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
			return 0, badWait(text)
		}
		return time.Duration(ms) * time.Millisecond, nil
	}
	d, err := coerce.Duration(text)
	if err != nil || d < 0 {
		return 0, badWait(text)
	}
	return d, nil
}

func badWait(text string) error {
	return fault.New(fault.Invalid, "timeout %q: expected a duration like 200ms, 1s or 5m, milliseconds, never or always", text)
}

// parseList reads a list of names: JSON, or separated by commas.
func parseList(text string) ([]string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		var list []string
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fault.New(fault.Invalid, "%q is neither a JSON list of strings nor separated by commas", text)
		}
		return list, nil
	}
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.Trim(strings.TrimSpace(item), `"`); item != "" {
			list = append(list, item)
		}
	}
	return list, nil
}

// globs are patterns with * and ?, which also match dots and slashes.
type globs []*regexp.Regexp

func parseGlobs(text string) (globs, error) {
	list, err := parseList(text)
	if err != nil {
		return nil, err
	}
	var out globs
	for _, item := range list {
		if len(item) > maxPattern {
			return nil, fault.New(fault.Limit, "a pattern has more than %d bytes", maxPattern)
		}
		pattern := regexp.QuoteMeta(item)
		pattern = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(pattern)
		re, err := regexp.Compile("(?s)^" + pattern + "$")
		if err != nil {
			return nil, fault.New(fault.Invalid, "pattern %q: %w", item, err)
		}
		out = append(out, re)
	}
	return out, nil
}

func (g globs) match(name string) bool {
	for _, re := range g {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}

// queryRegex reads a regular expression that must match a whole name. Absent
// or ".*" gives nil, which stands for any name.
func queryRegex(c echo.Context, name string) (*regexp.Regexp, error) {
	text := c.QueryParam(name)
	if text == "" || text == ".*" {
		return nil, nil
	}
	if len(text) > maxPattern {
		return nil, fault.New(fault.Limit, "query parameter %s has more than %d bytes", name, maxPattern)
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return nil, fault.New(fault.Invalid, "query parameter %s: %w", name, err)
	}
	return re, nil
}

func matches(re *regexp.Regexp, name string) bool { return re == nil || re.MatchString(name) }

// fileName makes a name that a client gave for its file fit for messages.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, name)
	if name = path.Clean("/" + name)[1:]; len(name) > 200 {
		name = name[len(name)-200:]
	}
	return strings.ToValidUTF8(name, "")
}
