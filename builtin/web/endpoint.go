package web

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// checkTime is how long an endpoint may take to accept a connection, unless a
// step says something else.
const checkTime = 5 * time.Second

// ReadEndpoint gives host:port of what a blueprint writes: that, or a URL whose
// port may go without saying.
func ReadEndpoint(text string) (string, error) {
	address := strings.TrimSpace(text)
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil {
			return "", invalid("endpoint %q: %w", text, err)
		}
		if address = u.Host; u.Port() == "" {
			port := map[string]string{"http": "80", "https": "443", "ssh": "22", "ftp": "21"}[strings.ToLower(u.Scheme)]
			address = net.JoinHostPort(u.Hostname(), port)
		}
	}
	host, port, err := net.SplitHostPort(address)
	n, bad := strconv.Atoi(port)
	if err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
		return "", invalid("endpoint %q: expected host:port, or a URL", text)
	}
	return net.JoinHostPort(host, port), nil
}

// checkEndpoint tells whether something accepts connections at an address.
// That nothing does is an answer and no error. With the input while, a truth
// value, it looks again each period as long as the answer is that, at most for
// so long.
func checkEndpoint(ctx context.Context, call *action.Call) (any, error) {
	address, err := ReadEndpoint(coerce.Text(call.Input["endpoint"]))
	if err != nil {
		return nil, err
	}
	c := confined(call.Input["confine"])
	if err := c.permits(&url.URL{Host: address}); err != nil && !c.bare(address) {
		return nil, err
	}
	times := map[string]time.Duration{"timeout": checkTime, "period": time.Second, "for": time.Minute}
	for key := range times {
		if v := call.Input[key]; v != nil {
			if times[key], err = coerce.Duration(v); err != nil || times[key] <= 0 {
				return nil, invalid("step input %s: expected a duration above 0, got %v", key, v)
			}
		}
	}
	same, watching := call.Input["while"].(bool)
	if !watching {
		return tryEndpoint(ctx, c, address, times["timeout"])
	}
	defer call.Block("Watching " + address)()
	again := time.NewTimer(times["period"])
	defer again.Stop()
	for end := time.Now().Add(times["for"]); ; again.Reset(times["period"]) {
		out, err := tryEndpoint(ctx, c, address, times["timeout"])
		if err != nil || out["reachable"] != same || time.Now().Add(times["period"]).After(end) {
			return out, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func tryEndpoint(ctx context.Context, c *confinement, address string, limit time.Duration) (map[string]any, error) {
	within, cancel := context.WithTimeoutCause(ctx, limit, fault.New(fault.Timeout, "no connection within %s", coerce.FormatDuration(limit)))
	defer cancel()
	begun := time.Now()
	conn, err := c.dialer().DialContext(within, "tcp", address)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // the step was given up, which says nothing of the endpoint
	}
	out := map[string]any{
		"endpoint": address, "reachable": err == nil, "error": nil,
		"duration": coerce.FormatDuration(time.Since(begun).Round(time.Millisecond)),
	}
	switch {
	case fault.KindOf(err) == fault.Forbidden:
		return nil, err
	case err == nil:
		err = conn.Close()
	case context.Cause(within) != nil:
		out["error"] = context.Cause(within).Error()
		err = nil
	default:
		out["error"] = err.Error()
		err = nil
	}
	return out, err
}
