package server

import (
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/version"
)

// typeQuery is what a list of types is filtered by.
type typeQuery struct {
	kind     string // a catalog list, "" for all types
	regex    *regexp.Regexp
	fragment string
	all      bool // every version, not only the best one of each name
}

func readTypeQuery(c echo.Context, kind string) (q typeQuery, err error) {
	q = typeQuery{kind: kind, fragment: strings.ToLower(c.QueryParam("fragment"))}
	if q.regex, err = queryRegex(c, "regex"); err != nil {
		return q, err
	}
	if kind != "" {
		q.all, err = queryBool(c, "allVersions", false)
		return q, err
	}
	q.all, err = queryVersions(c)
	return q, err
}

// queryVersions tells whether a list shall have all versions, not only the
// best one of each name.
func queryVersions(c echo.Context) (all bool, err error) {
	switch word := c.QueryParam("versions"); word {
	case "", "latest":
		return false, nil
	case "all":
		return true, nil
	default:
		return false, fault.New(fault.Invalid, "query parameter versions: %q is neither latest nor all", word)
	}
}

// find gives the types that a query asks for, in the catalog's order.
func (s *Server) find(q typeQuery) (out []*catalog.Type) {
	seen := map[string]bool{}
	for _, t := range s.engine.Types() {
		if !belongs(t, q.kind) || !matches(q.regex, t.Name) || !strings.Contains(strings.ToLower(t.Name), q.fragment) {
			continue
		}
		if name := t.Kind + " " + t.Name; q.all || !seen[name] {
			out = append(out, t)
			seen[name] = true
		}
	}
	return out
}

// listKinds are the catalog's lists with the kinds of their types.
var listKinds = map[string]string{
	"applications": catalog.Entity, "entities": catalog.Entity, "policies": catalog.Policy,
	"enrichers": catalog.Enricher, "locations": catalog.Location,
}

// belongs tells whether a type stands in one of the catalog's lists: templates
// by themselves, and nothing that is not offered.
func belongs(t *catalog.Type, list string) bool {
	if list == "" {
		return true
	}
	if t.Kind != listKinds[list] || !offered(t) {
		return false
	}
	return t.Kind != catalog.Entity || (list == "applications") == t.Template && (!t.Template || !t.Deprecated)
}

// offered tells whether users may want a type: one that is disabled or cannot
// run is only there to be found by its name.
func offered(t *catalog.Type) bool { return !t.Disabled && t.Unbuilt == "" }

// listOf gives the list that a type stands in.
func listOf(t *catalog.Type) string {
	switch {
	case t.Template:
		return "applications"
	case t.Kind == catalog.Policy:
		return "policies"
	case t.Kind == catalog.Entity, t.Kind == catalog.Enricher, t.Kind == catalog.Location:
		for list, kind := range listKinds {
			if kind == t.Kind && list != "applications" {
				return list
			}
		}
	}
	return "types"
}

func (s *Server) listTypes(c echo.Context) error {
	q, err := readTypeQuery(c, "")
	if err != nil {
		return err
	}
	super := c.QueryParam("supertype") // or the name of Brooklyn's interface
	super = super[strings.LastIndexByte(super, '.')+1:]
	out := []typeSummary{}
	for _, t := range s.find(q) {
		if descends(t, super) {
			out = append(out, typeOfCatalog(t))
		}
	}
	return ok(c, out)
}

// descends tells whether a type is one of a supertype; "" are all. A template is
// one too, as "template".
func descends(t *catalog.Type, super string) bool {
	return super == "" || strings.EqualFold(super, t.Kind) || t.Template && strings.EqualFold(super, "template") ||
		(t.Application || t.Template) && strings.EqualFold(super, "application")
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
func (s *Server) registered(c echo.Context, list string) (*catalog.Type, error) {
	name, wanted := param(c, "name"), param(c, "version")
	if t := pick(s.engine.Types(), list, name, wanted); t != nil {
		return t, nil
	}
	set(&wanted, "latest")
	return nil, fault.New(fault.NotFound, "Entity with id '%s:%s' not found", name, wanted)
}

// pick finds a type of a list by name and version: "" and "latest" are the
// first that is offered, if there is one.
func pick(types []*catalog.Type, list, name, wanted string) (found *catalog.Type) {
	for _, t := range types {
		if !named(t, name) || list != "" && t.Kind != listKinds[list] {
			continue
		}
		switch latest := wanted == "" || wanted == "latest"; {
		case !latest && version.Compare(t.Version, wanted) == 0, latest && offered(t):
			return t
		case latest && found == nil:
			found = t
		}
	}
	return found
}

func (s *Server) getType(c echo.Context) error {
	t, err := s.registered(c, "")
	if err != nil {
		return err
	}
	return ok(c, s.detailOf(t))
}

func (s *Server) typeIcon(c echo.Context) error {
	t, err := s.registered(c, "")
	if err != nil {
		return err
	}
	return s.icon(c, t.Bundle, t.Icon)
}

// markType sets a mark of a type from the body, true or false.
func (s *Server) markType(mark string) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := s.readBody(c)
		if err != nil {
			return err
		}
		value, err := parseBool(mark, strings.Trim(string(body), "\" \n\r\t"))
		if err != nil {
			return fault.New(fault.Invalid, "the body is %.40q, which is neither true nor false", body)
		}
		name, wanted, _ := strings.Cut(param(c, "name"), ":")
		var deprecated, disabled *bool
		if mark == "deprecated" {
			deprecated = &value
		} else {
			disabled = &value
		}
		return done(c, s.engine.MarkType(lasting(c), name, wanted, deprecated, disabled))
	}
}

func (s *Server) deleteFromCatalog(list string) echo.HandlerFunc {
	return func(c echo.Context) error {
		name, wanted := param(c, "name"), param(c, "version")
		if t, err := s.engine.Type(name, wanted); err == nil && list == "applications" && !t.Template && !t.Application {
			return fault.New(fault.Precondition, "%s is neither a template nor an application", t.ID())
		}
		return done(c, s.engine.RemoveType(lasting(c), listKinds[list], name, wanted))
	}
}
