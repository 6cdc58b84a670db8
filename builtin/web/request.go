// Package web makes HTTP requests: as a step, as an effector and as a source of
// sensor values. It also sees whether an address accepts connections.
package web

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Limits bound what a request may take. Zero fields take the defaults.
type Limits struct {
	Time      time.Duration // from the first byte sent to the last one read; default 30 s
	Body      int64         // bytes of the answer; default 4 MiB
	Redirects int           // default 5
}

func (l Limits) withDefaults() Limits {
	if l.Time == 0 {
		l.Time = 30 * time.Second
	}
	if l.Body == 0 {
		l.Body = 4 << 20
	}
	if l.Redirects == 0 {
		l.Redirects = 5
	}
	return l
}

// request is what blueprints say of a request.
type request struct {
	method, url        string
	query              map[string]any
	headers            map[string]any
	username, password string
	body               string
	confine            *confinement
}

// response is an answer as steps see it.
type response struct {
	status   int
	headers  map[string]any // each the first of its values, by lower-case name
	content  string
	parsed   any // of JSON; nil for anything else
	duration time.Duration
}

// document gives the answer as a step's output.
func (r *response) document() map[string]any {
	return map[string]any{
		"status_code": int64(r.status), "headers": r.headers, "content": r.content, "content_json": r.parsed,
		"duration": coerce.FormatDuration(r.duration.Round(time.Millisecond)),
	}
}

func invalid(format string, args ...any) error { return fault.New(fault.Invalid, format, args...) }

// address checks a URL and adds the query.
func (r *request) address() (string, error) {
	u, err := url.Parse(r.url)
	switch {
	case err != nil:
		return "", invalid("url %q: %w", r.url, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", invalid("url %q: expected http:// or https://", r.url)
	case u.Host == "":
		return "", invalid("url %q: it names no host", r.url)
	}
	if len(r.query) > 0 {
		q := u.Query()
		for name, v := range r.query {
			q.Set(name, coerce.Text(v))
		}
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// send makes the request. Answers of any status are no error. A redirect to
// another host does not take the credentials along.
func (r *request) send(ctx context.Context, l Limits) (*response, error) {
	l = l.withDefaults()
	address, err := r.address()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.Time, fault.New(fault.Timeout, "no answer from %s within %s (Limits.Time)", r.url, l.Time))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(r.method), address, strings.NewReader(r.body))
	if err != nil {
		return nil, invalid("%w", err)
	}
	for name, v := range r.headers {
		req.Header.Set(name, coerce.Text(v))
	}
	if r.username != "" {
		req.SetBasicAuth(r.username, r.password)
	}
	if err := r.confine.permits(req.URL); err != nil {
		return nil, err
	}
	client := r.confine.client()
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > l.Redirects:
			return fault.New(fault.Limit, "more than %d redirects (Limits.Redirects)", l.Redirects)
		case next.URL.Scheme != "http" && next.URL.Scheme != "https":
			return invalid("it redirects to %s", next.URL.Redacted())
		}
		return r.confine.permits(next.URL)
	}
	begun := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, failed(ctx, err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, l.Body+1))
	if err != nil {
		return nil, failed(ctx, err)
	}
	if int64(len(content)) > l.Body {
		return nil, fault.New(fault.Limit, "the answer of %s has more than %d bytes (Limits.Body)", r.url, l.Body)
	}
	return read(resp, content, time.Since(begun)), nil
}

func failed(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if kind := fault.KindOf(err); kind != fault.Internal {
		return fault.New(kind, "%w", err)
	}
	return fault.New(fault.Unavailable, "%w", err)
}

func read(resp *http.Response, content []byte, took time.Duration) *response {
	out := &response{status: resp.StatusCode, headers: map[string]any{}, content: string(content), duration: took}
	for name, values := range resp.Header {
		out.headers[strings.ToLower(name)] = values[0]
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSpace(out.content)
	if strings.HasSuffix(kind, "json") || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil {
			out.parsed = coerce.Plain(v)
		}
	}
	return out
}
