package server

import (
	"cmp"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/catalog"
)

// catalogItem is a type in the older form of the catalog's lists.
type catalogItem struct {
	ID               string            `json:"id"`
	SymbolicName     string            `json:"symbolicName"`
	Version          string            `json:"version"`
	ContainingBundle string            `json:"containingBundle"`
	Type             string            `json:"type"`
	JavaType         string            `json:"javaType"`
	ItemType         string            `json:"itemType"`
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	IconURL          string            `json:"iconUrl,omitempty"`
	PlanYAML         string            `json:"planYaml"`
	Tags             []any             `json:"tags,omitempty"`
	Deprecated       bool              `json:"deprecated"`
	Links            typeLinks         `json:"links"`
	Config           []configSummary   `json:"config,omitempty"`
	Sensors          []sensorSummary   `json:"sensors,omitempty"`
	Effectors        []effectorSummary `json:"effectors,omitempty"`
}

func (s *Server) itemOf(list string, t *catalog.Type) catalogItem {
	d := s.detailOf(t)
	out := catalogItem{
		ID: t.ID(), SymbolicName: t.Name, Version: d.Version, ContainingBundle: d.ContainingBundle,
		Type: t.Name, JavaType: t.Name, ItemType: cmp.Or(t.ItemType, t.Kind), Name: cmp.Or(t.Title, t.Name),
		Description: d.Description, IconURL: d.IconURL, PlanYAML: "type: " + t.Name + "\n", Tags: t.Tags, Deprecated: t.Deprecated,
		Config: d.Config, Sensors: d.Sensors, Effectors: d.Effectors,
		Links: typeLinks{"/v1/catalog/" + list + "/" + url.PathEscape(t.Name) + "/" + url.PathEscape(d.Version)},
	}
	if t.Plan != nil {
		out.PlanYAML = t.Plan.Text
	}
	return out
}

// installedItem is a type that was just added: in the older form, with what
// the newer one has besides.
type installedItem struct {
	catalogItem
	Kind        string   `json:"kind"`
	DisplayName string   `json:"displayName,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
	Supertypes  []string `json:"supertypes,omitempty"`
	Disabled    bool     `json:"disabled,omitempty"`
	Template    bool     `json:"template,omitempty"`
}

func (s *Server) installedItemOf(t *catalog.Type) installedItem {
	sum := typeOfCatalog(t)
	return installedItem{s.itemOf(listOf(t), t), sum.Kind, sum.DisplayName, sum.Aliases, sum.Supertypes, sum.Disabled, sum.Template}
}

func (s *Server) listCatalog(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		q, err := readTypeQuery(c, kind)
		if err != nil {
			return err
		}
		out := []catalogItem{}
		for _, t := range s.find(q) {
			out = append(out, s.itemOf(kind, t))
		}
		return ok(c, out)
	}
}

func (s *Server) getCatalog(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		t, err := s.registered(c, kind)
		if err != nil {
			return err
		}
		return ok(c, s.itemOf(kind, t))
	}
}
