package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Keys of what a request carries from one middleware to another.
const (
	userKey  = "user"
	errorKey = "error"
)

const requestIDHeader = "X-Request-Id"

// observe wraps every request: it gets an id and its deadlines, a panic in it
// becomes an error, and it is logged. Neither query nor body are, since they
// may hold secrets.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, w, start := c.Request(), c.Response(), time.Now()
		id := requestID(r.Header.Get(requestIDHeader))
		h := w.Header()
		h.Set(requestIDHeader, id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		s.deadlines(w)
		err := s.guarded(next, c, id)
		if err != nil {
			s.handleError(err, c)
		}
		// For what net/http reads of a body that the handler left alone.
		_ = http.NewResponseController(w.Writer).SetReadDeadline(time.Now().Add(s.limits.BodyTimeout))
		s.logAccess(c, id, time.Since(start), err)
		return nil
	}
}

// deadlines gives the client a limited time to take the answer, from the
// moment it is ready: how long the handler may wait is another matter.
func (s *Server) deadlines(w *echo.Response) {
	rc := http.NewResponseController(w.Writer)
	_ = rc.SetWriteDeadline(time.Time{})
	w.Before(func() { _ = rc.SetWriteDeadline(time.Now().Add(s.limits.WriteTimeout)) })
}

// guarded turns a panic into an error that does not show its innards.
func (s *Server) guarded(next echo.HandlerFunc, c echo.Context, id string) (err error) {
	defer func() {
		p := recover()
		switch e, _ := p.(error); {
		case p == nil:
		case errors.Is(e, http.ErrAbortHandler):
			panic(p) // net/http's own way to break the connection off
		default:
			s.log.Error("request panicked", "request", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "internal error; the server's log tells more under request %s", id)
		}
	}()
	return next(c)
}

func (s *Server) logAccess(c echo.Context, id string, took time.Duration, err error) {
	r, w := c.Request(), c.Response()
	user, _ := c.Get(userKey).(string)
	level := slog.LevelInfo
	args := []any{
		"request", id, "method", r.Method, "path", r.URL.Path, "status", w.Status, "bytes", w.Size,
		"took", took.Round(time.Microsecond), "from", r.RemoteAddr, "user", user,
	}
	var expected *failure
	if w.Status >= 500 && !errors.As(err, &expected) { // an effector's failure is in its activity
		level = slog.LevelWarn
		args = append(args, "err", c.Get(errorKey))
	}
	s.log.Log(r.Context(), level, "request", args...)
}

// requestID takes the id that a proxy in front gave, if it is fit for logs.
func requestID(given string) string {
	fit := len(given) > 0 && len(given) <= 64 && strings.IndexFunc(given, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}) < 0
	if fit {
		return given
	}
	return strings.ToLower(rand.Text()[:12])
}

// trimSlash lets a path with a slash at its end mean the one without: clients
// would lose their body in a redirect.
func trimSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if len(u.Path) > 1 && strings.HasSuffix(u.Path, "/") && (u.RawPath == "" || strings.HasSuffix(u.RawPath, "/")) {
			u.Path = strings.TrimSuffix(u.Path, "/")
			u.RawPath = strings.TrimSuffix(u.RawPath, "/")
		}
		return next(c)
	}
}
