package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

const (
	textPlain = "text/plain; charset=UTF-8"
	textYAML  = "text/yaml; charset=UTF-8"
	jsonType  = "application/json"
)

// encode gives a value as JSON, as people would write it: < and > stay. What
// came from outside as a secret is hidden wherever it stands.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fault.New(fault.Internal, "the answer is not JSON: %w", err)
	}
	return []byte(secret.HideJSON(strings.TrimSuffix(b.String(), "\n"))), nil
}

// reply writes a value as JSON.
func reply(c echo.Context, status int, v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	return c.Blob(status, jsonType, text)
}

func ok(c echo.Context, v any) error { return reply(c, http.StatusOK, v) }

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

// done answers for a change that has no result.
func done(c echo.Context, err error) error {
	if err != nil {
		return err
	}
	return noContent(c)
}

// replyValue writes the value of a sensor or config key: quoted JSON, or bare
// text for those who prefer it, or 204 for none.
func replyValue(c echo.Context, v any) error {
	if v == nil {
		return noContent(c)
	}
	if !prefersText(c.Request().Header.Get("Accept")) {
		return ok(c, v)
	}
	return replyRaw(c, v)
}

// replyRaw writes a value as text: a string without quotes, anything else as
// JSON.
func replyRaw(c echo.Context, v any) error {
	switch x := v.(type) {
	case nil:
		return c.NoContent(http.StatusOK)
	case string:
		return c.Blob(http.StatusOK, textPlain, []byte(secret.Hide(x)))
	}
	text, err := encode(v)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, jsonType, text)
}

// prefersText tells whether an Accept header puts text/plain before JSON. JSON
// wins when both are as welcome, since clients parse what they get.
func prefersText(accept string) bool {
	if accept == "" {
		return false
	}
	return quality(accept, "text", "plain")*0.9 > quality(accept, "application", "json")
}

// quality gives the weight of a media type in an Accept header: that of the
// most specific range that covers it.
func quality(accept, major, minor string) float64 {
	best, weight := -1, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		parts := strings.Split(item, ";")
		var rank int
		switch strings.ToLower(strings.TrimSpace(parts[0])) {
		case major + "/" + minor:
			rank = 2
		case major + "/*":
			rank = 1
		case "*/*":
			rank = 0
		default:
			continue
		}
		if rank > best {
			best, weight = rank, weightOf(parts[1:])
		}
	}
	return weight
}

func weightOf(params []string) float64 {
	for _, p := range params {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(value, 64)
			if err != nil || q < 0 || q > 1 || q != q {
				return 0
			}
			return q
		}
	}
	return 1
}
