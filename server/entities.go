package server

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/task"
)

// addChildrenWait is how long adding children waits for their start, unless
// the request says otherwise.
const addChildrenWait = 20 * time.Millisecond

func (s *Server) listEntities(c echo.Context, app *entity.Entity) error {
	return ok(c, entitiesOf(app.Children()))
}

func (s *Server) getEntity(c echo.Context, ent *entity.Entity) error {
	return ok(c, entityOf(ent))
}

func (s *Server) listChildren(c echo.Context, ent *entity.Entity) error {
	return ok(c, entitiesOf(ent.Children()))
}

func (s *Server) addChildren(c echo.Context, parent *entity.Entity) error {
	start, err := queryBool(c, "start", true)
	if err != nil {
		return err
	}
	wait, err := parseWait(c.QueryParam("timeout"), addChildrenWait)
	if err != nil {
		return err
	}
	r, err := s.readBlueprint(c)
	if err != nil {
		return err
	}
	r.Warn = warnings(c)
	made, t, err := s.engine.AddChildren(lasting(c), parent, r, start)
	if err != nil {
		return blueprintError(err)
	}
	s.await(c, t, wait)
	if len(made) == 1 {
		c.Response().Header().Set("Location", absolute(c.Request(), pathOf(made[0])))
	}
	return reply(c, http.StatusCreated, s.summary(t.Info(), false))
}

// await waits for the end of a task, at most so long as the client asked.
func (s *Server) await(c echo.Context, t *task.Task, wait time.Duration) {
	if wait == 0 {
		return
	}
	ctx, cancel := s.patience(c, wait)
	defer cancel()
	select {
	case <-t.Done():
	case <-ctx.Done():
	}
}

func (s *Server) listRelations(c echo.Context, _ *entity.Entity) error {
	return ok(c, []relation{})
}

func (s *Server) rename(c echo.Context, ent *entity.Entity) error {
	name := c.QueryParam("name")
	if name == "" {
		return fault.New(fault.Invalid, "the query parameter name is missing or empty")
	}
	if err := ent.Rename(lasting(c), name); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func (s *Server) expunge(c echo.Context, ent *entity.Entity) error {
	release, err := queryBool(c, "release", true)
	if err != nil {
		return err
	}
	wait, err := parseWait(c.QueryParam("timeout"), 0)
	if err != nil {
		return err
	}
	t, err := s.engine.Expunge(lasting(c), ent, release)
	if err != nil {
		return err
	}
	s.await(c, t, wait)
	return reply(c, http.StatusAccepted, s.summary(t.Info(), false))
}

func (s *Server) descendants(c echo.Context, ent *entity.Entity) error {
	re, err := queryRegex(c, "typeRegex")
	if err != nil {
		return err
	}
	return ok(c, entitiesOf(ofType(ent.Descendants(), re)))
}

func (s *Server) descendantsSensor(c echo.Context, ent *entity.Entity) error {
	re, err := queryRegex(c, "typeRegex")
	if err != nil {
		return err
	}
	d, err := readDisplay(c)
	if err != nil {
		return err
	}
	name, out := param(c, "sensor"), map[string]any{}
	for _, below := range ofType(ent.Descendants(), re) {
		if v, there := below.Sensor(name); there {
			out[string(below.ID())] = d.sensor(name, v)
		}
	}
	return ok(c, out)
}

func ofType(ents []*entity.Entity, re *regexp.Regexp) []*entity.Entity {
	var out []*entity.Entity
	for _, ent := range ents {
		if matches(re, ent.Type()) {
			out = append(out, ent)
		}
	}
	return out
}

func (s *Server) entityLocations(c echo.Context, ent *entity.Entity) error {
	out := []locationSummary{}
	for _, name := range ent.Locations() {
		if d, known := s.definition(name); known {
			out = append(out, locationOf(d))
		}
	}
	return ok(c, out)
}

func (s *Server) getSpec(c echo.Context, ent *entity.Entity) error {
	if ent.Source() == "" {
		return noContent(c)
	}
	return c.Blob(http.StatusOK, textYAML, []byte(ent.Source()))
}

// spec is one level of what an entity was made from.
type spec struct {
	Format   string `json:"format"`
	Summary  string `json:"summary"`
	Contents string `json:"contents"`
}

func (s *Server) listSpecs(c echo.Context, ent *entity.Entity) error {
	out := []spec{}
	if text := ent.Source(); text != "" {
		out = append(out, spec{"brooklyn-camp", "Blueprint of " + ent.Name(), text})
	}
	return ok(c, out)
}

// entityIcon serves the icon of an entity, which may be a file of the bundle
// that its type is from.
func (s *Server) entityIcon(c echo.Context, ent *entity.Entity) error {
	var from *catalog.Bundle
	if name, wanted, found := strings.Cut(ent.Item(), ":"); found {
		if t, err := s.engine.Type(name, wanted); err == nil {
			from = t.Bundle
		}
	}
	return s.icon(c, from, ent.IconURL())
}
