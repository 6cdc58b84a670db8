package server

import (
	"context"
	"maps"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// configQuery is how config values are wanted.
type configQuery struct {
	globs    globs // nil for all
	skip     bool  // as written, expressions unevaluated
	suppress bool
}

func readConfigQuery(c echo.Context) (q configQuery, err error) {
	if q.skip, err = queryBool(c, "skipResolution", false); err != nil {
		return q, err
	}
	show, err := readDisplay(c) // no config has another form for people
	q.suppress = show.suppress
	return q, err
}

func (s *Server) listConfig(c echo.Context, ent *entity.Entity) error {
	return ok(c, configOf(ent))
}

func (s *Server) currentConfig(c echo.Context, ent *entity.Entity) error {
	q, err := readConfigQuery(c)
	if err != nil {
		return err
	}
	return ok(c, s.configValues(c, ent, q))
}

// configValues gives the values that are set, here or further up; what cannot
// be resolved at once is given as written.
func (s *Server) configValues(c echo.Context, ent *entity.Entity, q configQuery) map[string]any {
	out := map[string]any{}
	for _, name := range ent.ConfigKeys() {
		if q.globs != nil && !q.globs.match(name) {
			continue
		}
		out[name] = s.configNow(c, ent, name, q)
	}
	return out
}

// configNow resolves a value if that takes no waiting.
func (s *Server) configNow(c echo.Context, ent *entity.Entity, name string, q configQuery) any {
	raw, written := ent.RawConfig(name)
	v := entity.Document(raw)
	if !written || !q.skip {
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.limits.Quick)
		defer cancel()
		if resolved, err := s.engine.Config(ctx, ent, name); err == nil {
			v = resolved
		}
	}
	if q.suppress {
		v = secret.Mask(name, v)
	}
	return v
}

// getConfig gives one value. With a timeout it waits that long for what the
// value depends on, and says why it cannot be resolved; without, it gives
// such a value as written.
func (s *Server) getConfig(c echo.Context, ent *entity.Entity) error {
	q, err := readConfigQuery(c)
	if err != nil {
		return err
	}
	name := param(c, "config")
	if !knowsConfig(ent, name) {
		return fault.New(fault.NotFound, "Config '%s' not known", name)
	}
	if c.QueryParam("timeout") == "" || q.skip {
		return replyValue(c, s.configNow(c, ent, name, q))
	}
	return s.waitForConfig(c, ent, name, q)
}

// explainConfig tells where a value comes from. Values under the names of
// secrets are not shown.
func (s *Server) explainConfig(c echo.Context, ent *entity.Entity) error {
	x, err := s.engine.Explain(c.Request().Context(), ent, param(c, "config"))
	if err != nil {
		return err
	}
	x.Value = secret.Mask(x.Key, x.Value)
	for i := range x.Levels {
		x.Levels[i].Written = secret.Mask(x.Key, x.Levels[i].Written)
		x.Levels[i].Default = secret.Mask(x.Key, x.Levels[i].Default)
	}
	for i := range x.Asked {
		x.Asked[i].Answer = secret.Mask(x.Asked[i].Name, x.Asked[i].Answer)
	}
	return ok(c, x)
}

func (s *Server) waitForConfig(c echo.Context, ent *entity.Entity, name string, q configQuery) error {
	wait, err := parseWait(c.QueryParam("timeout"), 0)
	if err != nil {
		return err
	}
	// A wait in the blueprint that is as long as the client's tells more.
	ctx, cancel := s.patience(c, max(wait, s.limits.Quick)+s.limits.Grace)
	defer cancel()
	v, err := s.engine.Config(ctx, ent, name)
	if err != nil {
		return err
	}
	if q.suppress {
		v = secret.Mask(name, v)
	}
	return replyValue(c, v)
}

func knowsConfig(ent *entity.Entity, name string) bool {
	_, written := ent.RawConfig(name)
	return written || ent.Key(name) != nil
}

func (s *Server) setConfig(c echo.Context, ent *entity.Entity) error {
	value, err := s.readValue(c)
	if err != nil {
		return err
	}
	return s.writeConfig(c, ent, map[string]any{param(c, "config"): value})
}

func (s *Server) setConfigs(c echo.Context, ent *entity.Entity) error {
	values, err := s.readArguments(c)
	if err != nil {
		return err
	}
	return s.writeConfig(c, ent, values)
}

func (s *Server) writeConfig(c echo.Context, ent *entity.Entity, values map[string]any) error {
	recurse, err := queryBool(c, "recurse", false)
	if err != nil {
		return err
	}
	ents := []*entity.Entity{ent}
	if recurse {
		ents = ent.Descendants()
	}
	for _, e := range ents {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if err := s.engine.SetConfig(lasting(c), e, name, values[name]); err != nil {
				return err
			}
		}
	}
	return noContent(c)
}
