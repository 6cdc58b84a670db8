package server

import (
	"context"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

type adjunctSummary struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	AdjunctType string       `json:"adjunctType"`
	Description string       `json:"description,omitempty"`
	State       string       `json:"state"`
	Links       adjunctLinks `json:"links"`
}

type adjunctDetail struct {
	adjunctSummary
	Parameters []configSummary `json:"parameters,omitempty"`
	Config     map[string]any  `json:"config"`
}

type adjunctLinks struct {
	Self        string `json:"self"`
	Config      string `json:"config"`
	Entity      string `json:"entity"`
	Application string `json:"application"`
}

func adjunctOf(ent *entity.Entity, a adjunct.Info) adjunctSummary {
	at := pathOf(ent)
	self := at + "/adjuncts/" + url.PathEscape(a.ID)
	return adjunctSummary{
		ID: a.ID, Name: a.Name, AdjunctType: strings.ToUpper(a.Kind), Description: a.Suspended, State: adjunctState(a),
		Links: adjunctLinks{Self: self, Config: self + "/config", Entity: at, Application: applicationPath(string(ent.Application()))},
	}
}

func adjunctState(a adjunct.Info) string {
	if a.Running {
		return "RUNNING"
	}
	return "STOPPED"
}

// adjunct finds the adjunct that the path names, by id, else by name.
func (s *Server) adjunct(c echo.Context) (*entity.Entity, adjunct.Info, error) {
	ent, err := s.entity(c)
	if err != nil {
		return nil, adjunct.Info{}, err
	}
	ref, all := param(c, "adjunct"), s.engine.Adjuncts(ent)
	for _, a := range all {
		if a.ID == ref {
			return ent, a, nil
		}
	}
	for _, a := range all {
		if a.Name == ref {
			return ent, a, nil
		}
	}
	return nil, adjunct.Info{}, fault.New(fault.NotFound, "Adjunct '%s' not found on entity '%s'", ref, ent.Name())
}

func (s *Server) listAdjuncts(c echo.Context, ent *entity.Entity) error {
	kind := c.QueryParam("adjunctType")
	out := []adjunctSummary{}
	for _, a := range s.engine.Adjuncts(ent) {
		if kind == "" || strings.EqualFold(kind, a.Kind) {
			out = append(out, adjunctOf(ent, a))
		}
	}
	return ok(c, out)
}

func (s *Server) currentPolicies(c echo.Context, ent *entity.Entity) error {
	out := map[string]bool{}
	for _, a := range s.engine.Adjuncts(ent) {
		out[a.ID] = a.Running
	}
	return ok(c, out)
}

func (s *Server) getAdjunct(c echo.Context) error {
	ent, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	return ok(c, adjunctDetail{adjunctSummary: adjunctOf(ent, a), Parameters: s.adjunctKeys(a), Config: secret.Map(a.Config)})
}

// adjunctKeys gives the config keys that the adjunct's type declares.
func (s *Server) adjunctKeys(a adjunct.Info) []configSummary {
	for _, t := range s.engine.Types() {
		if t.Kind == a.Kind && t.Name == a.Type {
			return keysOf(t.Config)
		}
	}
	return []configSummary{}
}

func (s *Server) adjunctStatus(c echo.Context) error {
	_, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	return ok(c, adjunctState(a))
}

// startAdjunct lets a suspended policy or enricher run again.
func (s *Server) startAdjunct(c echo.Context) error {
	return s.changeAdjunct(c, s.engine.ResumeAdjunct)
}

// stopAdjunct suspends a policy or enricher.
func (s *Server) stopAdjunct(c echo.Context) error {
	return s.changeAdjunct(c, s.engine.SuspendAdjunct)
}

func (s *Server) removeAdjunct(c echo.Context) error {
	return s.changeAdjunct(c, s.engine.RemoveAdjunct)
}

func (s *Server) changeAdjunct(c echo.Context, change func(context.Context, *entity.Entity, string) error) error {
	ent, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	if err := change(lasting(c), ent, a.ID); err != nil {
		return err
	}
	return noContent(c)
}

func (s *Server) listAdjunctConfig(c echo.Context) error {
	_, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	return ok(c, s.adjunctKeys(a))
}

func (s *Server) currentAdjunctConfig(c echo.Context) error {
	_, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	values := secret.Map(a.Config)
	if values == nil {
		values = map[string]any{}
	}
	return ok(c, values)
}

// getAdjunctConfig gives one value raw, as clients print it.
func (s *Server) getAdjunctConfig(c echo.Context) error {
	_, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	name := param(c, "config")
	if v, written := a.Config[name]; written {
		return replyRaw(c, secret.Mask(name, v))
	}
	for _, k := range s.adjunctKeys(a) {
		if k.Name == name {
			return replyRaw(c, k.DefaultValue)
		}
	}
	return fault.New(fault.NotFound, "Config '%s' not known", name)
}

// adjunctIcon says that no adjunct has an icon.
func (s *Server) adjunctIcon(c echo.Context) error {
	_, _, err := s.adjunct(c)
	return done(c, err)
}
