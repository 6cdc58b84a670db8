package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

const (
	defaultServer = "http://127.0.0.1:8081"
	serverEnv     = "GOWANUS_SERVER"
	passwordEnv   = "GOWANUS_ADMIN_PASSWORD"

	// maxAnswer bounds what is read of one answer, in bytes.
	maxAnswer = 256 << 20
)

// remote says which server the commands talk to, as whom.
type remote struct {
	server, user, passwordFile string
}

func (r *remote) flags(f *pflag.FlagSet) {
	server := os.Getenv(serverEnv)
	if server == "" {
		server = defaultServer
	}
	f.StringVar(&r.server, "server", server, "URL of the server (environment: "+serverEnv+")")
	f.StringVar(&r.user, "user", "admin", "name to log in with")
	f.StringVar(&r.passwordFile, "password-file", "", "file with the password (environment: "+passwordEnv+" has the password itself)")
}

// client makes requests of one server.
type client struct {
	base           string // without a slash at the end
	user, password string
	origin         string // where the password is from, for messages
	http           http.Client
	warn           func(text string) // is told the warnings of answers
}

// client finds the server and the password.
func (c *cli) client() (*client, error) {
	u, err := url.Parse(c.remote.server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usageError("--server is %q; expected a URL like %s", c.remote.server, defaultServer)
	}
	cl := &client{base: strings.TrimRight(u.String(), "/"), user: c.remote.user}
	cl.warn = func(text string) { fmt.Fprintf(c.stderr, "gowanus: warning: %s\n", clean(text)) }
	if cl.password, cl.origin, err = c.remote.password(u.Hostname()); err != nil {
		return nil, err
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		fmt.Fprintf(c.stderr, "gowanus: warning: the password goes to %s unencrypted; use https\n", u.Host)
	}
	return cl, nil
}

// password gives the password and where it is from. The file of this machine's
// own server is only meant for that one.
func (r *remote) password(host string) (password, origin string, err error) {
	if r.passwordFile != "" {
		text, err := os.ReadFile(r.passwordFile)
		if err != nil {
			return "", "", usageError("--password-file: %w", err)
		}
		return strings.TrimSpace(string(text)), r.passwordFile, nil
	}
	if p := os.Getenv(passwordEnv); p != "" {
		return p, passwordEnv, nil
	}
	dir, err := defaultDataDir()
	if err != nil || !loopback(host) {
		return "", "", nil
	}
	file := passwordPath(dir)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", nil // the server will say that it wants one
	}
	return strings.TrimSpace(string(text)), file, nil
}

// loopback tells whether a host name stands for this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// body is what a request sends.
type body struct {
	text        []byte
	contentType string
	file        string // the name of the file it was read from
}

// call makes a request and reads the answer into v, unless that is nil.
func (c *client) call(ctx context.Context, method, path string, b *body, v any) error {
	_, text, err := c.do(ctx, method, path, b)
	if err != nil || v == nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fail(exitFailed, "%s%s answered what is not JSON of this API: %w", c.base, path, err)
	}
	return nil
}

func (c *client) get(ctx context.Context, path string, v any) error {
	return c.call(ctx, http.MethodGet, path, nil, v)
}

// do makes a request and gives the status and body of the answer. A status of
// 400 and more is an error.
func (c *client) do(ctx context.Context, method, path string, b *body) (int, []byte, error) {
	req, err := c.request(ctx, method, path, b)
	if err != nil {
		return 0, nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	for _, field := range resp.Header.Values("Warning") {
		if text, is := warningOf(field); is {
			c.warn(text)
		}
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, c.unreachable(ctx, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return resp.StatusCode, nil, c.refusal(resp.StatusCode, text)
	}
	return resp.StatusCode, text, nil
}

// warningOf reads a field Warning of the server's answer: 299 - "TEXT".
func warningOf(field string) (text string, ok bool) {
	text, ok = strings.CutPrefix(field, `299 - "`)
	if !ok || !strings.HasSuffix(text, `"`) {
		return "", false
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(strings.TrimSuffix(text, `"`)), true
}

func (c *client) request(ctx context.Context, method, path string, b *body) (*http.Request, error) {
	var text []byte
	if b != nil {
		text = b.text
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, usageError("%w", err)
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Accept", "application/json, text/plain;q=0.5, */*;q=0.1")
	if b != nil {
		req.Header.Set("Content-Type", b.contentType)
		if b.file != "" {
			req.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": b.file}))
		}
	}
	return req, nil
}

// unreachable explains why there was no answer.
func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the method and path
	}
	return fail(exitUnreachable, "no server answers at %s: %w\nStart one with \"gowanus serve\", or name another with --server or %s.", c.base, err, serverEnv)
}

// refusal turns an answer that reports an error into one.
func (c *client) refusal(status int, text []byte) error {
	var b struct {
		Message string `json:"message"`
		Data    struct {
			Problems []problem `json:"problems"`
		} `json:"data"`
	}
	message := strings.TrimSpace(string(text))
	if json.Unmarshal(text, &b) == nil && b.Message != "" {
		message = b.Message
	}
	switch status {
	case http.StatusUnauthorized:
		return fail(exitRefused, "%s refused the password of %s: %s", c.base, c.user, c.passwordHelp())
	case http.StatusForbidden, http.StatusTooManyRequests:
		return fail(exitRefused, "%s", message)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		if len(b.Data.Problems) > 0 {
			return usageError("%w", &wrongText{message, b.Data.Problems})
		}
		return usageError("%s", message)
	case http.StatusNotFound:
		return fail(exitNotFound, "%s", message)
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fail(exitConflict, "%s", message)
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return fail(exitUnreachable, "%s (%d from %s)", message, status, c.base)
	}
	return fail(exitFailed, "%s", message)
}

// wrongText is what the server says of a text that it does not take.
type wrongText struct {
	message  string
	problems []problem
}

func (w *wrongText) Error() string { return w.message }

func (c *client) passwordHelp() string {
	if c.origin == "" {
		return "none was given. Set " + passwordEnv + ", or name a file with --password-file;\na server that made its own password keeps it in DATA_DIR/" + passwordFile + "."
	}
	return "the one from " + c.origin + " is not right.\nGive another with --password-file or " + passwordEnv + "."
}

// stamp gives the time of an activity's milliseconds.
func stamp(ms int64) time.Time { return time.UnixMilli(ms) }
