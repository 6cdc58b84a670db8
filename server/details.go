package server

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
)

// groupMembers is the sensor in which a group lists its members.
const groupMembers = "group.members"

// detailQuery is what a request for details asks.
type detailQuery struct {
	all             bool // all applications, besides the items
	depth           int  // levels of children; -1 for all
	sensors, config globs
	suppress        bool
}

func (s *Server) replyDetails(c echo.Context, q detailQuery) error {
	var err error
	if q.sensors, err = parseGlobs(c.QueryParam("sensors")); err != nil {
		return err
	}
	if q.config, err = parseGlobs(c.QueryParam("config")); err != nil {
		return err
	}
	if q.suppress, err = queryBool(c, "suppressSecrets", false); err != nil {
		return err
	}
	items, err := parseList(c.QueryParam("items"))
	if err != nil {
		return err
	}
	out := []entityDetail{}
	for _, ent := range s.detailed(q, items) {
		out = append(out, s.detail(c, ent, q, q.depth))
	}
	return ok(c, out)
}

// detailed gives the entities that a query is about, each once. An item is an
// id, a display name of an application, or a pattern of either.
func (s *Server) detailed(q detailQuery, items []string) []*entity.Entity {
	var out []*entity.Entity
	seen := map[entity.ID]bool{}
	add := func(ent *entity.Entity) {
		if ent != nil && !seen[ent.ID()] {
			seen[ent.ID()] = true
			out = append(out, ent)
		}
	}
	if q.all {
		for _, app := range s.engine.Applications() {
			add(app)
		}
	}
	for _, item := range items {
		if strings.ContainsAny(item, "*?") {
			for _, ent := range s.matching(item) {
				add(ent)
			}
			continue
		}
		if ent := s.byID(item); ent != nil {
			add(ent)
		} else if app, err := s.engine.Application(item); err == nil {
			add(app)
		}
	}
	return out
}

func (s *Server) matching(pattern string) []*entity.Entity {
	g, err := parseGlobs(pattern)
	if err != nil {
		return nil
	}
	var out []*entity.Entity
	for _, app := range s.engine.Applications() {
		for _, ent := range app.Descendants() {
			if g.match(string(ent.ID())) || g.match(ent.Name()) {
				out = append(out, ent)
			}
		}
	}
	return out
}

func (s *Server) detail(c echo.Context, ent *entity.Entity, q detailQuery, depth int) entityDetail {
	d := entityDetail{
		entitySummary: entityOf(ent), ApplicationID: string(ent.Application()), GroupIDs: []string{},
		IconURL: iconOf(pathOf(ent), ent.IconURL()), CreationTimeUTC: ent.Created().UnixMilli(), Relations: []relation{}, Tags: ent.Tags(),
		Members: members(ent),
	}
	if p := ent.Parent(); p != nil {
		d.ParentID = string(p.ID())
	}
	if up, there := ent.Sensor(entity.ServiceUp); there {
		v := up == true
		d.ServiceUp = &v
	}
	if state := ent.State(); state != "" {
		v := displayed(entity.ServiceState, state).(string)
		d.ServiceState = &v
	}
	for _, child := range ent.Children() {
		if depth == 0 {
			d.Children = append(d.Children, entityStub{string(child.ID()), child.Name()})
		} else {
			d.Children = append(d.Children, s.detail(c, child, q, max(depth-1, -1)))
		}
	}
	if len(q.sensors) > 0 {
		d.Sensors = sensorValues(ent, q.sensors, display{suppress: q.suppress})
	}
	if len(q.config) > 0 {
		d.Config = s.configValues(c, ent, configQuery{globs: q.config, suppress: q.suppress})
	}
	return d
}

// members reads the members of a group from its sensor.
func members(ent *entity.Entity) []entityStub {
	out := []entityStub{}
	v, _ := ent.Sensor(groupMembers)
	items, _ := v.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		id, _ := m["$entity"].(string)
		name, _ := m["name"].(string)
		if id != "" {
			out = append(out, entityStub{id, name})
		}
	}
	return out
}
