package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
)

// workflowWait is how long a new run is waited for unless the request says so.
const workflowWait = 20 * time.Millisecond

func (s *Server) listWorkflows(c echo.Context, ent *entity.Entity) error {
	suppress, err := queryBool(c, "suppressSecrets", false)
	if err != nil {
		return err
	}
	all, err := s.engine.Workflows(ent)
	if err != nil {
		return err
	}
	out := make([]workflowSummary, 0, len(all))
	for _, v := range all {
		out = append(out, workflowOf(v, ent, suppress))
	}
	return ok(c, out)
}

func (s *Server) getWorkflow(c echo.Context, ent *entity.Entity) error {
	suppress, err := queryBool(c, "suppressSecrets", false)
	if err != nil {
		return err
	}
	v, err := s.engine.Workflow(ent, param(c, "workflow"))
	if err != nil {
		return err
	}
	return ok(c, workflowOf(v, ent, suppress))
}

func (s *Server) deleteWorkflow(c echo.Context, ent *entity.Entity) error {
	v, err := s.engine.Workflow(ent, param(c, "workflow"))
	if err != nil {
		return err
	}
	if err := s.engine.DeleteWorkflow(lasting(c), ent, param(c, "workflow")); err != nil {
		return err
	}
	return ok(c, workflowOf(v, ent, true))
}

// runWorkflow runs a workflow that stands in the body: a definition, a list of
// steps, or one step.
func (s *Server) runWorkflow(c echo.Context, ent *entity.Entity) error {
	wait, err := parseWait(c.QueryParam("timeout"), workflowWait)
	if err != nil {
		return err
	}
	r, err := s.readBlueprint(c)
	if err != nil {
		return err
	}
	if r.File == "" || r.File == "blueprint" {
		r.File = "workflow"
	}
	t, err := s.engine.RunWorkflow(lasting(c), ent, r)
	if err != nil {
		return err
	}
	s.await(c, t, wait)
	return reply(c, http.StatusOK, s.summary(t.Info(), false))
}

// replayWorkflow runs an ended run again, from one of its steps.
func (s *Server) replayWorkflow(c echo.Context, ent *entity.Entity) error {
	wait, err := parseWait(c.QueryParam("timeout"), workflowWait)
	if err != nil {
		return err
	}
	force, err := queryBool(c, "force", false)
	if err != nil {
		return err
	}
	t, err := s.engine.ReplayWorkflow(lasting(c), ent, param(c, "workflow"), param(c, "step"), c.QueryParam("reason"), force)
	if err != nil {
		return err
	}
	s.await(c, t, wait)
	return reply(c, http.StatusOK, s.summary(t.Info(), false))
}
