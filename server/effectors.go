package server

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/secret"
)

type effectorSummary struct {
	Name        string             `json:"name"`
	ReturnType  string             `json:"returnType"`
	Parameters  []parameterSummary `json:"parameters"`
	Description string             `json:"description,omitempty"`
	Links       *effectorLinks     `json:"links,omitempty"`
}

type parameterSummary struct {
	Name           string `json:"name"`
	Type           string `json:"type"`
	Description    string `json:"description,omitempty"`
	DefaultValue   any    `json:"defaultValue"`
	ShouldSanitize bool   `json:"shouldSanitize"`
}

type effectorLinks struct {
	Self        string `json:"self"`
	Entity      string `json:"entity"`
	Application string `json:"application"`
}

// effectorOf describes an effector of a type.
func effectorOf(e *hook.Effector) effectorSummary {
	out := effectorSummary{
		Name: e.Name, ReturnType: e.ReturnType, Description: e.Description, Parameters: make([]parameterSummary, len(e.Parameters)),
	}
	set(&out.ReturnType, "any")
	for i, p := range e.Parameters {
		out.Parameters[i] = parameterSummary{p.Name, p.Type, p.Description, p.Default, secret.Named(p.Name)}
		set(&out.Parameters[i].Type, "any")
	}
	return out
}

func (s *Server) listEffectors(c echo.Context, ent *entity.Entity) error {
	at, out := pathOf(ent), []effectorSummary{}
	for i := range ent.Declaration().Effectors {
		e := effectorOf(&ent.Declaration().Effectors[i])
		e.Links = &effectorLinks{at + "/effectors/" + url.PathEscape(e.Name), at, applicationPath(string(ent.Application()))}
		out = append(out, e)
	}
	return ok(c, out)
}

func (s *Server) invoke(c echo.Context, ent *entity.Entity) error {
	wait, err := parseWait(c.QueryParam("timeout"), forever)
	if err != nil {
		return err
	}
	args, err := s.readArguments(c)
	if err != nil {
		return err
	}
	t, err := s.engine.Invoke(lasting(c), ent, param(c, "effector"), args)
	if err != nil {
		return err
	}
	if wait == 0 { // the client wants the activity, not the result
		return reply(c, http.StatusAccepted, s.summary(t.Info(), false))
	}
	s.await(c, t, wait)
	return s.replyResult(c, t)
}

// replyResult gives the result of a task that has ended, as raw text, and the
// task itself while it runs.
func (s *Server) replyResult(c echo.Context, t *task.Task) error {
	info := t.Info()
	switch {
	case !info.Status.Ended() && s.stopping():
		return fault.New(fault.Unavailable, "the server is stopping; activity %s goes on when it is back", info.ID)
	case !info.Status.Ended():
		return reply(c, http.StatusAccepted, s.summary(info, false))
	case info.Status != task.Completed:
		return &failure{http.StatusInternalServerError, fault.New(fault.Internal, "%s", info.Error)}
	}
	return replyRaw(c, info.Result)
}
