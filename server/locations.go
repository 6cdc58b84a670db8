package server

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/secret"
)

type locationSummary struct {
	ID     string         `json:"id"`
	Name   string         `json:"name,omitempty"`
	Spec   string         `json:"spec,omitempty"`
	Type   string         `json:"type,omitempty"`
	Config map[string]any `json:"config,omitempty"`
	Links  locationLinks  `json:"links"`
}

type locationLinks struct {
	Self string `json:"self"`
}

// locationOf describes a location, without the secrets in its config.
func locationOf(d location.Definition) locationSummary {
	return locationSummary{
		ID: d.Name, Name: d.Name, Spec: d.Kind, Type: d.Kind, Config: secret.Map(d.Config),
		Links: locationLinks{Self: "/v1/locations/" + url.PathEscape(d.Name)},
	}
}

// definition finds a location by name.
func (s *Server) definition(name string) (location.Definition, bool) {
	for _, d := range s.engine.Locations() {
		if d.Name == name {
			return d, true
		}
	}
	return location.Definition{}, false
}

func (s *Server) listLocations(c echo.Context) error {
	out := []locationSummary{}
	for _, d := range s.engine.Locations() {
		out = append(out, locationOf(d))
	}
	return ok(c, out)
}

func (s *Server) getLocation(c echo.Context) error {
	name := param(c, "location")
	d, known := s.definition(name)
	if !known {
		return fault.New(fault.NotFound, "Location '%s' not found", name)
	}
	return ok(c, locationOf(d))
}
