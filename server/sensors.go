package server

import (
	"maps"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

func (s *Server) listSensors(c echo.Context, ent *entity.Entity) error {
	return ok(c, sensorsOf(ent))
}

func (s *Server) currentSensors(c echo.Context, ent *entity.Entity) error {
	d, err := readDisplay(c)
	if err != nil {
		return err
	}
	return ok(c, sensorValues(ent, nil, d))
}

// sensorValues gives the present values whose name some pattern matches; no
// patterns match all.
func sensorValues(ent *entity.Entity, g globs, d display) map[string]any {
	out := map[string]any{}
	for name, r := range ent.Sensors() {
		if g == nil || g.match(name) {
			out[name] = d.sensor(name, r.Value)
		}
	}
	return out
}

// display is in which form a client wants values.
type display struct {
	suppress bool // without secrets
	raw      bool // not in the form for people
}

func readDisplay(c echo.Context) (d display, err error) {
	if d.suppress, err = queryBool(c, "suppressSecrets", false); err != nil {
		return d, err
	}
	if d.raw, err = queryBool(c, "raw", false); err != nil {
		return d, err
	}
	for _, name := range []string{"useDisplayHint", "useDisplayHints"} { // both are documented
		hints, err := queryBool(c, name, true)
		if err != nil {
			return d, err
		}
		d.raw = d.raw || !hints
	}
	return d, nil
}

// sensor gives the value of a sensor for an answer.
func (d display) sensor(name string, v any) any {
	if d.suppress {
		v = secret.Mask(name, v)
	}
	if d.raw {
		return v
	}
	return displayed(name, v)
}

func (s *Server) getSensor(c echo.Context, ent *entity.Entity) error {
	d, err := readDisplay(c)
	if err != nil {
		return err
	}
	name := param(c, "sensor")
	v, there := ent.Sensor(name)
	if !there && !declaresSensor(ent, name) && !ent.Cleared(name) {
		return fault.New(fault.NotFound, "Sensor '%s' not known", name)
	}
	return replyValue(c, d.sensor(name, v))
}

func (s *Server) setSensor(c echo.Context, ent *entity.Entity) error {
	value, err := s.readValue(c)
	if err != nil {
		return err
	}
	return done(c, s.engine.SetSensor(lasting(c), ent, param(c, "sensor"), value))
}

func (s *Server) setSensors(c echo.Context, ent *entity.Entity) error {
	values, err := s.readArguments(c)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := s.engine.SetSensor(lasting(c), ent, name, values[name]); err != nil {
			return err
		}
	}
	return noContent(c)
}

func (s *Server) clearSensor(c echo.Context, ent *entity.Entity) error {
	return done(c, s.engine.ClearSensor(lasting(c), ent, param(c, "sensor")))
}

type sensorSummary struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Description string      `json:"description,omitempty"`
	Links       *valueLinks `json:"links,omitempty"`
}

// valueLinks are the links of a sensor or config key.
type valueLinks struct {
	Self        string `json:"self"`
	Application string `json:"application"`
	Entity      string `json:"entity"`
	Action      string `json:"action:json"`
}

// sensorsOf gives the sensors that are declared and those that have a value,
// in the order of their names.
func sensorsOf(ent *entity.Entity) []sensorSummary {
	all := map[string]sensorSummary{}
	for name, r := range ent.Sensors() {
		all[name] = sensorSummary{Name: name, Type: typeOf(r.Value)}
	}
	for _, st := range ent.StaticSensors() {
		if st.Type != "" || all[st.Name].Name == "" {
			all[st.Name] = sensorSummary{Name: st.Name, Type: st.Type}
		}
	}
	for _, d := range ent.Declaration().Sensors {
		all[d.Name] = sensorSummary{Name: d.Name, Type: d.Type, Description: d.Description}
	}
	out := slices.SortedFunc(maps.Values(all), func(a, b sensorSummary) int { return strings.Compare(a.Name, b.Name) })
	for i := range out {
		links := linksOf(ent, "sensors", out[i].Name)
		out[i].Links = &links
		set(&out[i].Type, "any")
	}
	return out
}

// declaresSensor tells whether a sensor without a value is known at all.
func declaresSensor(ent *entity.Entity, name string) bool {
	for _, d := range ent.Declaration().Sensors {
		if d.Name == name {
			return true
		}
	}
	for _, st := range ent.StaticSensors() {
		if st.Name == name {
			return true
		}
	}
	switch name {
	case entity.ServiceUp, entity.ServiceState, entity.ServiceExpected, entity.NotUpIndicators, entity.ServiceProblems:
		return ent.Declaration().Startable()
	}
	return false
}

// typeOf names the type of a value as declarations do.
func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int, int64:
		return "integer"
	case float64:
		return "double"
	case []any:
		return "list"
	case map[string]any:
		return "map"
	}
	return "any"
}
