package server

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// statuses maps each kind of failure to the HTTP status that reports it.
func statuses() map[fault.Kind]int {
	return map[fault.Kind]int{
		fault.Internal:     http.StatusInternalServerError,
		fault.Invalid:      http.StatusBadRequest,
		fault.NotFound:     http.StatusNotFound,
		fault.Conflict:     http.StatusConflict,
		fault.Unauthorized: http.StatusUnauthorized,
		fault.Forbidden:    http.StatusForbidden,
		fault.Timeout:      http.StatusGatewayTimeout,
		fault.Cancelled:    http.StatusConflict,
		fault.Unavailable:  http.StatusServiceUnavailable,
		fault.Limit:        http.StatusRequestEntityTooLarge,
		fault.Capacity:     http.StatusServiceUnavailable,
		fault.OnFire:       http.StatusFailedDependency,
		fault.ReadOnly:     http.StatusServiceUnavailable,
		fault.Precondition: http.StatusPreconditionFailed,
	}
}

// failure is an error whose status is not that of its kind.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// errorBody is the body of every answer that reports a failure. Clients rely
// on the message being a string.
type errorBody struct {
	Message string    `json:"message"`
	Error   int       `json:"error"`
	Data    *problems `json:"data,omitempty"` // nil unless a text is wrong
}

// problems are what is wrong with a text, for programs.
type problems struct {
	Problems []problem `json:"problems"`
}

type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// problemsOf gives the problems that an error consists of, each with its
// place.
func problemsOf(err error) (out []problem) {
	for _, e := range yamlpos.Problems(err) {
		out = append(out, problem{e.Pos.File, e.Pos.Line, e.Pos.Col, e.Msg})
	}
	return out
}

// statusOf gives the status that reports an error.
func (s *Server) statusOf(err error) int {
	var f *failure
	var h *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f.status
	case errors.As(err, &h):
		return h.Code
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return cmp.Or(s.statuses[fault.KindOf(err)], http.StatusInternalServerError)
}

// handleError writes an error as the answer, unless one has been begun.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, message := s.statusOf(err), err.Error()
	var h *echo.HTTPError
	if errors.As(err, &h) {
		message = "there is no " + c.Request().Method + " " + c.Request().URL.Path
	}
	c.Set(errorKey, message)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status)
		return
	}
	body := errorBody{Message: message, Error: status}
	if found := problemsOf(err); found != nil && status == http.StatusBadRequest {
		body.Data = &problems{found}
	}
	if err := reply(c, status, body); err != nil {
		s.log.Debug("error not delivered", "err", err)
	}
}

// blueprintError says that a blueprint was refused, each problem at its place.
func blueprintError(err error) error {
	kind := fault.KindOf(err)
	if kind == fault.NotFound || problemsOf(err) != nil {
		kind = fault.Invalid // what is not found is a name in the text
	}
	if kind != fault.Invalid || strings.HasPrefix(err.Error(), "Error in blueprint: ") {
		return err
	}
	return fault.New(fault.Invalid, "Error in blueprint: %w", err)
}

// unsupported answers for a resource of Brooklyn's that this server does not
// have, saying what to do instead.
func unsupported(instead string) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := fault.New(fault.Invalid, "%s %s is not supported: %s", c.Request().Method, c.Request().URL.Path, instead)
		return &failure{http.StatusNotImplemented, err}
	}
}
