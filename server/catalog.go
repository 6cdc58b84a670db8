package server

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// nativeVersion is shown for types that come with the server itself.
const nativeVersion = "0.0.0"

type typeSummary struct {
	SymbolicName     string    `json:"symbolicName"`
	Version          string    `json:"version"`
	ContainingBundle string    `json:"containingBundle"`
	Kind             string    `json:"kind"`
	Description      string    `json:"description,omitempty"`
	IconURL          string    `json:"iconUrl,omitempty"`
	Aliases          []string  `json:"aliases,omitempty"`
	Supertypes       []string  `json:"supertypes,omitempty"`
	Links            typeLinks `json:"links"`
}

type typeDetail struct {
	typeSummary
	SpecList  []spec            `json:"specList"`
	Config    []configSummary   `json:"config"`
	Sensors   []sensorSummary   `json:"sensors,omitempty"`
	Effectors []effectorSummary `json:"effectors,omitempty"`
}

type typeLinks struct {
	Self string `json:"self"`
}

func versionOf(t *catalog.Type) string {
	if t.Version == "" {
		return nativeVersion
	}
	return t.Version
}

func typeOfCatalog(t *catalog.Type) typeSummary {
	version := versionOf(t)
	bundle := t.Module
	set(&bundle, "gowanus")
	out := typeSummary{
		SymbolicName: t.Name, Version: version, ContainingBundle: bundle + ":" + version, Kind: "SPEC",
		Description: t.Description, IconURL: t.Icon, Aliases: t.Aliases,
		Links: typeLinks{"/v1/catalog/types/" + url.PathEscape(t.Name) + "/" + url.PathEscape(version)},
	}
	switch {
	case t.Application:
		out.Supertypes = []string{"entity", "application"}
	case t.Kind != "":
		out.Supertypes = []string{t.Kind}
	}
	if t.Kind != catalog.Entity && t.Kind != catalog.Policy {
		out.Kind = "BEAN"
	}
	return out
}

func (s *Server) detailOf(t *catalog.Type) typeDetail {
	out := typeDetail{typeSummary: typeOfCatalog(t), SpecList: []spec{}, Config: []configSummary{}}
	for i := range t.Config {
		out.Config = append(out.Config, keyOf(&t.Config[i]))
	}
	for _, d := range t.Sensors {
		out.Sensors = append(out.Sensors, sensorSummary{Name: d.Name, Type: d.Type, Description: d.Description})
	}
	for i := range t.Effectors {
		out.Effectors = append(out.Effectors, effectorOf(&t.Effectors[i]))
	}
	return out
}

// typeQuery is what a list of types is filtered by.
type typeQuery struct {
	kind     string // a catalog list, "" for all types
	regex    *regexp.Regexp
	fragment string
}

func readTypeQuery(c echo.Context, kind string) (typeQuery, error) {
	re, err := queryRegex(c, "regex")
	if err != nil {
		return typeQuery{}, err
	}
	if _, err := queryBool(c, "allVersions", false); err != nil { // each type has one
		return typeQuery{}, err
	}
	return typeQuery{kind, re, strings.ToLower(c.QueryParam("fragment"))}, nil
}

func (q typeQuery) match(t *catalog.Type) bool {
	return belongs(t, q.kind) && matches(q.regex, t.Name) && strings.Contains(strings.ToLower(t.Name), q.fragment)
}

// belongs tells whether a type stands in one of the catalog's lists. There
// are no templates, enrichers or location types to list.
func belongs(t *catalog.Type, kind string) bool {
	switch kind {
	case "":
		return true
	case "entities":
		return t.Kind == catalog.Entity
	case "policies":
		return t.Kind == catalog.Policy
	}
	return false
}

func (s *Server) listTypes(c echo.Context) error {
	q, err := readTypeQuery(c, "")
	if err != nil {
		return err
	}
	super := c.QueryParam("supertype")
	out := []typeSummary{}
	for _, t := range s.engine.Types() {
		if q.match(t) && (super == "" || strings.EqualFold(super, t.Kind) || t.Application && strings.EqualFold(super, "application")) {
			out = append(out, typeOfCatalog(t))
		}
	}
	return ok(c, out)
}

func (s *Server) listTypeVersions(c echo.Context) error {
	name := param(c, "name")
	out := []typeSummary{}
	for _, t := range s.engine.Types() {
		if named(t, name) {
			out = append(out, typeOfCatalog(t))
		}
	}
	if len(out) == 0 {
		return fault.New(fault.NotFound, "Type '%s' not found", name)
	}
	return ok(c, out)
}

func named(t *catalog.Type, name string) bool {
	if t.Name == name {
		return true
	}
	for _, a := range t.Aliases {
		if a == name {
			return true
		}
	}
	return false
}

// registered finds the type that the path names, in a list of the catalog.
func (s *Server) registered(c echo.Context, kind string) (*catalog.Type, error) {
	name, version := param(c, "name"), param(c, "version")
	set(&version, "latest")
	for _, t := range s.engine.Types() {
		if belongs(t, kind) && named(t, name) && (version == "latest" || version == versionOf(t)) {
			return t, nil
		}
	}
	return nil, fault.New(fault.NotFound, "Entity with id '%s:%s' not found", name, version)
}

func (s *Server) getType(c echo.Context) error {
	t, err := s.registered(c, "")
	if err != nil {
		return err
	}
	return ok(c, s.detailOf(t))
}
