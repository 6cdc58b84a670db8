package docker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// host is one engine of a location, with the connection to it and what is
// known about it.
type host struct {
	location string
	config   hostConfig
	limits   Config
	log      *slog.Logger
	dial     func(hostConfig, int) (daemon, error)
	slots    chan struct{} // one token for each create or start under way
	looking  chan struct{} // held by who asks the engine for its info

	images   memo[string]   // reference → id
	networks memo[struct{}] // name

	mu     sync.Mutex
	conn   daemon
	closed bool
	seen   sighting
	engine string // the engine's own name, once it told

	asked     bool          // it was asked once
	described location.Host // the public form; Revision 0: not made yet
	changed   bool          // since then

	measuring chan struct{} // held by who asks what containers use
	sample    sample        // the last answer to that
	usage     *location.Usage
	measured  time.Time // when usage was computed
}

// sighting is the last that was heard of a host.
type sighting struct {
	at   time.Time // zero: never asked, or in doubt
	info info
	err  error // why it is not up
}

func newHost(location string, c hostConfig, limits Config, dial func(hostConfig, int) (daemon, error)) *host {
	h := &host{
		location: location, config: c, limits: limits, dial: dial,
		slots: make(chan struct{}, limits.Parallel), looking: make(chan struct{}, 1), measuring: make(chan struct{}, 1),
	}
	h.log = limits.Log.With("location", location, "host", h.id())
	return h
}

// id is the host's id within the location: as configured, else as the engine
// calls itself, else, before it answered, its URL.
func (h *host) id() string {
	if h.config.name != "" {
		return h.config.name
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ownID()
}

// ownID is id while the lock is held.
func (h *host) ownID() string {
	switch {
	case h.config.name != "":
		return h.config.name
	case h.engine != "":
		return h.engine
	}
	return h.config.url
}

// daemon gives the connection, which is made when it is first needed.
func (h *host) daemon() (daemon, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fault.New(fault.Unavailable, "location %q is closed", h.location)
	}
	if h.conn == nil {
		conn, err := h.dial(h.config, h.limits.Parallel+2)
		if err != nil {
			return nil, err
		}
		h.conn = conn
	}
	return h.conn, nil
}

func (h *host) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.conn == nil {
		return nil
	}
	return h.conn.Close()
}

// ask makes one call with a deadline of its own. what says in an error what
// was attempted.
func ask[T any](ctx context.Context, h *host, limit time.Duration, what string, do func(context.Context, daemon) (T, error)) (T, error) {
	var zero T
	d, err := h.daemon()
	if err == nil {
		var v T
		within, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		if v, err = do(within, d); err == nil {
			return v, nil
		}
		if within.Err() != nil && ctx.Err() == nil {
			err = fault.New(fault.Unavailable, "no answer within %v", limit)
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if fault.KindOf(err) == fault.Unavailable {
		h.doubt()
	}
	return zero, fault.Wrap(err, fmt.Sprintf("%s on host %q", what, h.id()), "")
}

// tell is ask for calls without a result.
func (h *host) tell(ctx context.Context, limit time.Duration, what string, do func(context.Context, daemon) error) error {
	_, err := ask(ctx, h, limit, what, func(ctx context.Context, d daemon) (struct{}, error) {
		return struct{}{}, do(ctx, d)
	})
	return err
}

// act is tell for calls that change something. Tests stop or fail the server
// at "docker.POINT.before" and "docker.POINT.after", the second of which is
// reached when the engine did what it was told.
func (h *host) act(ctx context.Context, point string, limit time.Duration, what string, do func(context.Context, daemon) error) error {
	if err := failpoint.Hit("docker." + point + ".before"); err != nil {
		return err
	}
	if err := h.tell(ctx, limit, what, do); err != nil {
		return err
	}
	return failpoint.Hit("docker." + point + ".after")
}

// inspect reads a container by id or name.
func (h *host) inspect(ctx context.Context, idOrName string) (container, error) {
	return ask(ctx, h, h.limits.Deadlines.Inspect, fmt.Sprintf("inspect container %q", idOrName), func(ctx context.Context, d daemon) (container, error) {
		return d.Inspect(ctx, idOrName)
	})
}

// slot waits until the host may be given one more create or start.
func (h *host) slot(ctx context.Context, c *action.Call) (release func(), err error) {
	release = func() { <-h.slots }
	select {
	case h.slots <- struct{}{}:
		return release, nil
	default:
	}
	done := block(c, fmt.Sprintf("waiting for host %q, which has %d containers to create or start", h.id(), cap(h.slots)))
	defer done()
	select {
	case h.slots <- struct{}{}:
		return release, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// block says what a step waits for, if anybody listens.
func block(c *action.Call, details string) (done func()) {
	if c.Block == nil {
		return func() {}
	}
	return c.Block(details)
}

// doubt makes the next look ask the engine.
func (h *host) doubt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen.at = time.Time{}
}

// fresh tells whether what is known is younger than age.
func (h *host) fresh(age time.Duration) bool {
	s := h.last()
	return !s.at.IsZero() && time.Since(s.at) < age
}

func (h *host) last() sighting {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen
}

// look gives what is known of the host, asking the engine when that is older
// than age. Callers that come at the same time share one question.
func (h *host) look(ctx context.Context, age time.Duration) sighting {
	if s := h.last(); !s.at.IsZero() && time.Since(s.at) < age {
		return s
	}
	asked := time.Now()
	select {
	case h.looking <- struct{}{}:
		defer func() { <-h.looking }()
	case <-ctx.Done():
		return sighting{err: ctx.Err()}
	}
	if s := h.last(); !s.at.Before(asked) {
		return s // somebody asked while this caller waited
	}
	i, err := ask(ctx, h, h.limits.Deadlines.Info, "ask for the state", func(ctx context.Context, d daemon) (info, error) {
		return d.Info(ctx)
	})
	if ctx.Err() != nil {
		return sighting{err: ctx.Err()}
	}
	return h.saw(i, err)
}

// saw records an answer, or its absence, and logs the turns.
func (h *host) saw(i info, err error) sighting {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.seen
	h.seen = sighting{at: time.Now(), info: i, err: err}
	h.asked, h.changed = true, true
	switch {
	case err == nil:
		h.engine = i.Name
		if before.err != nil {
			h.log.Info("docker host answers again")
		}
	default:
		h.seen.info = before.info // what it was like stays known
		h.images.forgetAll()      // it may come back without them
		h.networks.forgetAll()
		if before.err == nil {
			h.log.Warn("docker host does not answer", "error", err)
		}
	}
	return h.seen
}
