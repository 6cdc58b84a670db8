package server

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/adjunct"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/task"
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
	return ok(c, s.adjunctInFull(ent, a))
}

func (s *Server) adjunctInFull(ent *entity.Entity, a adjunct.Info) adjunctDetail {
	return adjunctDetail{adjunctSummary: adjunctOf(ent, a), Parameters: keysOf(s.adjunctKeys(a)), Config: secret.Map(a.Config)}
}

// adjunctKeys gives the config keys that the adjunct's type declares.
func (s *Server) adjunctKeys(a adjunct.Info) []hook.ConfigKey {
	for _, t := range s.engine.Types() {
		if t.Kind == a.Kind && (t.Name == a.Type || t.ID() == a.Type) {
			return t.Config
		}
	}
	return nil
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
	return ok(c, keysOf(s.adjunctKeys(a)))
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
	var known *hook.ConfigKey
	for _, k := range s.adjunctKeys(a) {
		if k.Name == name || slices.Contains(k.Flags, name) {
			known = &k
			name = k.Name
			break
		}
	}
	if v, written := a.Config[name]; written {
		return replyRaw(c, secret.Mask(name, v))
	}
	if known == nil {
		return fault.New(fault.NotFound, "Config '%s' not known", name)
	}
	return replyRaw(c, known.Default)
}

// addPolicy adds a policy to an entity that lives, and answers with its
// summary.
func (s *Server) addPolicy(c echo.Context, ent *entity.Entity) error {
	a, err := s.newAdjunct(c, ent, catalog.Policy)
	if err != nil {
		return err
	}
	return ok(c, adjunctOf(ent, a))
}

// addAdjunct adds a policy or enricher, and answers with all of it.
func (s *Server) addAdjunct(c echo.Context, ent *entity.Entity) error {
	a, err := s.newAdjunct(c, ent, c.QueryParam("adjunctType"))
	if err != nil {
		return err
	}
	return ok(c, s.adjunctInFull(ent, a))
}

// newAdjunct adds what a request asks for: its type, and if wanted a name and an
// id, stand in the query, its config is the body. Older clients send a form with
// the type in policyType.
func (s *Server) newAdjunct(c echo.Context, ent *entity.Entity, kind string) (adjunct.Info, error) {
	config, err := s.readArguments(c)
	if err != nil {
		return adjunct.Info{}, err
	}
	r := engine.AdjunctRequest{
		Kind: strings.ToLower(kind), Type: c.QueryParam("type"), Name: c.QueryParam("name"), ID: c.QueryParam("id"), Config: config, Warn: warnings(c),
	}
	if t, _ := mediaType(c); r.Type == "" && t == "application/x-www-form-urlencoded" {
		r.Type, _ = config["policyType"].(string)
		delete(config, "policyType")
	}
	if r.Type == "" {
		return adjunct.Info{}, fault.New(fault.Invalid, "the parameter type is missing: expected the type of a policy or enricher, as /v1/catalog/policies lists them")
	}
	return s.engine.AddAdjunct(lasting(c), ent, r)
}

// setAdjunctConfig gives an adjunct another value of a config key: the parameter
// value, or the body, as JSON or as text that is none.
func (s *Server) setAdjunctConfig(c echo.Context) error {
	ent, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	text := []byte(c.QueryParam("value"))
	if !c.QueryParams().Has("value") {
		if text, err = s.readBody(c); err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			return fault.New(fault.Invalid, "the body is empty: expected the value; null takes it away")
		}
	}
	value, err := decode(text)
	if err != nil {
		value = string(text)
	}
	if err := s.engine.SetAdjunctConfig(lasting(c), ent, a.ID, param(c, "config"), value); err != nil {
		return err
	}
	return noContent(c)
}

// adjunctActivities gives what a policy decided on.
func (s *Server) adjunctActivities(c echo.Context) error {
	ent, a, err := s.adjunct(c)
	if err != nil {
		return err
	}
	tasks := slices.DeleteFunc(s.engine.Tasks().OfEntity(string(ent.ID())), func(t *task.Task) bool { return t.Info().Adjunct != a.ID })
	return s.activitiesOf(c, ent, tasks)
}

// adjunctIcon says that no adjunct has an icon.
func (s *Server) adjunctIcon(c echo.Context) error {
	_, _, err := s.adjunct(c)
	return done(c, err)
}
