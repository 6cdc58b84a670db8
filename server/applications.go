package server

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/event"
	"github.com/gowanus-project/gowanus/engine/task"
)

// settle is how long the answer to a deployment waits for the application to
// begin to start, so that a client that looks at once sees it.
const settle = 100 * time.Millisecond

func (s *Server) listApplications(c echo.Context) error {
	re, err := queryRegex(c, "typeRegex")
	if err != nil {
		return err
	}
	list := []applicationSummary{}
	for _, app := range s.engine.Applications() {
		if matches(re, app.Type()) {
			list = append(list, applicationOf(app))
		}
	}
	return ok(c, list)
}

func (s *Server) getApplication(c echo.Context, app *entity.Entity) error {
	return ok(c, applicationOf(app))
}

func (s *Server) createApplication(c echo.Context) error {
	r, err := s.readBlueprint(c)
	if err != nil {
		return err
	}
	if only, err := queryBool(c, "check", false); err != nil || only {
		return s.check(c, r, err)
	}
	return s.deploy(c, r)
}

// check answers whether a blueprint could be deployed, and does nothing else.
func (s *Server) check(c echo.Context, r engine.Request, err error) error {
	if err != nil {
		return err
	}
	report, err := s.engine.Check(c.Request().Context(), r)
	tell := warnings(c)
	for _, w := range report.Warnings {
		tell(w)
	}
	if err != nil {
		return blueprintError(err)
	}
	return noContent(c)
}

func (s *Server) putApplication(c echo.Context) error {
	r, err := s.readBlueprint(c)
	if err != nil {
		return err
	}
	r.ID = param(c, "application")
	return s.deploy(c, r)
}

func (s *Server) deploy(c echo.Context, r engine.Request) error {
	r.Warn = warnings(c)
	app, start, err := s.engine.Deploy(lasting(c), r)
	if err != nil {
		return blueprintError(err)
	}
	s.awaitStart(c, app, start)
	c.Response().Header().Set("Location", absolute(c.Request(), applicationPath(string(app.ID()))))
	return reply(c, http.StatusCreated, s.startOf(app, start))
}

// startOf gives the summary of a start. An application that has no life cycle
// has none: then the summary says that it is there.
func (s *Server) startOf(app *entity.Entity, start *task.Task) taskSummary {
	if start != nil {
		return s.summary(start.Info(), false)
	}
	now := time.Now()
	return s.summary(task.Info{
		Spec:   task.Spec{Name: "create", Entity: string(app.ID()), EntityName: app.Name()},
		Status: task.Completed, Submitted: now, Started: now, Ended: now,
	}, false)
}

// awaitStart waits a moment for the application to leave the state created.
func (s *Server) awaitStart(c echo.Context, app *entity.Entity, start *task.Task) {
	if start == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), settle)
	defer cancel()
	left := make(chan struct{}, 1)
	sub := app.Subscribe(entity.ServiceState, func(event.Event) {
		select {
		case left <- struct{}{}:
		default:
		}
	})
	defer sub.Cancel()
	if app.State() != entity.Created {
		return
	}
	select {
	case <-left:
	case <-start.Done():
	case <-ctx.Done():
	}
}

func (s *Server) deleteApplication(c echo.Context, app *entity.Entity) error {
	t, err := s.engine.Delete(lasting(c), app)
	if err != nil {
		return err
	}
	return reply(c, http.StatusAccepted, s.summary(t.Info(), false))
}

// fetch gives all applications as whole trees.
func (s *Server) fetch(c echo.Context) error {
	return s.replyDetails(c, detailQuery{all: true, depth: -1})
}

// details gives applications and further entities, a few levels deep.
func (s *Server) details(c echo.Context) error {
	all, err := queryBool(c, "includeAllApps", true)
	if err != nil {
		return err
	}
	depth, err := queryInt(c, "depth", 1)
	if err != nil {
		return err
	}
	return s.replyDetails(c, detailQuery{all: all, depth: depth})
}

// absolute makes a path of this server a URL that the client can use.
func absolute(r *http.Request, path string) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String() + path
}
