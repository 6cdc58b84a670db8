package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Server answers HTTP requests for one engine.
type Server struct {
	engine   Engine
	cfg      Config
	limits   Limits
	log      *slog.Logger
	echo     *echo.Echo
	guard    *guard
	origins  *http.CrossOriginProtection
	statuses map[fault.Kind]int

	closing context.Context // ends when the server begins to stop
	close   context.CancelFunc
}

// New gives a Server that is ready to Serve. Config.Password is required.
func New(e Engine, cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	set(&cfg.User, "admin")
	s := &Server{
		engine: e, cfg: cfg, limits: cfg.Limits.withDefaults(), log: cfg.Log,
		origins: http.NewCrossOriginProtection(), statuses: statuses(),
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.guard = newGuard(cfg.User, cfg.Password, s.limits)
	s.echo = echo.New()
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Pre(s.observe, trimSlash)
	s.echo.Use(s.authenticate)
	s.routes()
	return s
}

// Handler gives the HTTP handler, to be served by other means than Serve.
func (s *Server) Handler() http.Handler { return s.echo }

// Serve answers requests until ctx ends. Then it lets those under way finish,
// ends the waits of those that wait for an activity, and closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: s.limits.HeaderTimeout,
		IdleTimeout:       s.limits.IdleTimeout,
		MaxHeaderBytes:    s.limits.Header,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	forget := context.AfterFunc(ctx, func() { stopped <- s.stop(context.WithoutCancel(ctx), h) })
	err := h.Serve(newLimitListener(l, s.limits.Connections))
	if forget() || !errors.Is(err, http.ErrServerClosed) { // not stopped by ctx
		s.close()
		return errors.Join(err, h.Close())
	}
	return <-stopped
}

func (s *Server) stop(ctx context.Context, h *http.Server) error {
	s.close()
	ctx, cancel := context.WithTimeout(ctx, s.limits.ShutdownPeriod)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		s.log.Warn("requests were still under way when the server stopped", "err", err)
		return h.Close()
	}
	return nil
}

// patience gives the context of a wait that a client asked for: it ends after
// d, with the request, and when the server stops.
func (s *Server) patience(c echo.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(c.Request().Context(), min(d, s.limits.Wait))
	if d == forever {
		cancel()
		ctx, cancel = context.WithCancel(c.Request().Context())
	}
	forget := context.AfterFunc(s.closing, cancel)
	return ctx, func() { forget(); cancel() }
}

// stopping tells whether the server has begun to stop.
func (s *Server) stopping() bool { return s.closing.Err() != nil }
