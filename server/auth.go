package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// guard checks passwords and slows down those who guess.
type guard struct {
	user, password [sha256.Size]byte // digests, so that comparing takes the same time for any length
	limits         Limits

	mu       sync.Mutex
	failures map[string]*tally
}

// tally counts the failures of one address since the window began.
type tally struct {
	since time.Time
	count int
}

func newGuard(user, password string, l Limits) *guard {
	return &guard{
		user: sha256.Sum256([]byte(user)), password: sha256.Sum256([]byte(password)),
		limits: l, failures: map[string]*tally{},
	}
}

// valid compares in constant time.
func (g *guard) valid(user, password string) bool {
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(u[:], g.user[:])&subtle.ConstantTimeCompare(p[:], g.password[:]) == 1
}

// wait tells how long an address must wait until it may try again.
func (g *guard) wait(address string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.failures[address]
	if t == nil || t.count < g.limits.AuthFailures {
		return 0
	}
	return max(0, t.since.Add(g.limits.AuthWindow).Sub(now))
}

// failed notes a failure.
func (g *guard) failed(address string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.failures[address]
	if t == nil || now.Sub(t.since) >= g.limits.AuthWindow {
		g.makeRoom(now)
		t = &tally{since: now}
		g.failures[address] = t
	}
	t.count++
}

// makeRoom forgets failures that are out of their window and, should that not
// suffice, any. The caller holds mu.
func (g *guard) makeRoom(now time.Time) {
	if len(g.failures) < g.limits.AuthAddresses {
		return
	}
	for address, t := range g.failures {
		if now.Sub(t.since) >= g.limits.AuthWindow {
			delete(g.failures, address)
		}
	}
	for address := range g.failures {
		if len(g.failures) < g.limits.AuthAddresses {
			return
		}
		delete(g.failures, address)
	}
}

// client gives what failures are counted by: the address, of IPv6 its network,
// since whoever has one address there has them all.
func client(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// authenticate lets nobody in without the password, and no web page of
// another origin that uses the password a browser remembers.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, now := c.Request(), time.Now()
		address := client(r.RemoteAddr)
		if wait := s.guard.wait(address, now); wait > 0 {
			seconds := int(math.Ceil(wait.Seconds()))
			c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
			err := fault.New(fault.Limit, "too many failed logins from this address: try again in %d s", seconds)
			return &failure{http.StatusTooManyRequests, err}
		}
		user, password, given := r.BasicAuth()
		// Browsers are sent away with logout:logout, so that they forget.
		if !given || user == "logout" && password == "logout" {
			return unauthorized(c)
		}
		if !s.guard.valid(user, password) {
			s.guard.failed(address, now)
			s.log.Warn("login failed", "address", address)
			return unauthorized(c)
		}
		if err := s.origins.Check(r); err != nil {
			return fault.New(fault.Forbidden, "refused, since it came from a web page of another origin: %w", err)
		}
		c.Set(userKey, user)
		return next(c)
	}
}

func unauthorized(c echo.Context) error {
	c.Response().Header().Set("WWW-Authenticate", fmt.Sprintf("BASIC realm=%q", "brooklyn"))
	return c.Blob(http.StatusUnauthorized, textPlain, []byte("Authentication failed"))
}
