package server

import (
	"net/url"

	"github.com/gowanus-project/gowanus/engine/catalog"
)

type typeSummary struct {
	SymbolicName     string    `json:"symbolicName"`
	Version          string    `json:"version"`
	ContainingBundle string    `json:"containingBundle"`
	Kind             string    `json:"kind"`
	DisplayName      string    `json:"displayName,omitempty"`
	Description      string    `json:"description,omitempty"`
	IconURL          string    `json:"iconUrl,omitempty"`
	Aliases          []string  `json:"aliases,omitempty"`
	Supertypes       []string  `json:"supertypes,omitempty"`
	Tags             []any     `json:"tags,omitempty"`
	Disabled         bool      `json:"disabled,omitempty"`
	Deprecated       bool      `json:"deprecated,omitempty"`
	Template         bool      `json:"template,omitempty"`
	Links            typeLinks `json:"links"`
}

type typeDetail struct {
	typeSummary
	Plan      *typePlan         `json:"plan,omitempty"`
	SpecList  []spec            `json:"specList"`
	Config    []configSummary   `json:"config"`
	Sensors   []sensorSummary   `json:"sensors,omitempty"`
	Effectors []effectorSummary `json:"effectors,omitempty"`
}

type typeLinks struct {
	Self string `json:"self"`
}

// typePlan is how a bundle describes a type.
type typePlan struct {
	Format string `json:"format"`
	Data   string `json:"data"`
}

func typeOfCatalog(t *catalog.Type) typeSummary {
	self := "/v1/catalog/types/" + url.PathEscape(t.Name) + "/" + url.PathEscape(t.Version)
	out := typeSummary{
		SymbolicName: t.Name, Version: t.Version, ContainingBundle: t.Bundle.ID(), Kind: "SPEC",
		DisplayName: t.Title, Description: t.Description, IconURL: iconOf(self, t.Icon), Aliases: t.Aliases, Tags: t.Tags,
		Disabled: !offered(t), Deprecated: t.Deprecated, Template: t.Template, Links: typeLinks{self},
	}
	if t.Unbuilt != "" {
		out.Description = "known but not built: " + t.Unbuilt
	}
	switch {
	case t.Application:
		out.Supertypes = []string{"entity", "application"}
	case t.Kind != "":
		out.Supertypes = []string{t.Kind}
	}
	switch t.Kind {
	case catalog.Entity, catalog.Policy, catalog.Enricher, catalog.Location:
	default:
		out.Kind = "BEAN"
	}
	return out
}

func (s *Server) detailOf(t *catalog.Type) typeDetail {
	out := typeDetail{typeSummary: typeOfCatalog(t), SpecList: []spec{}}
	if t.Plan != nil {
		out.Plan = &typePlan{t.Plan.Format, t.Plan.Text}
	}
	shape := s.engine.Shape(t)
	out.Config = keysOf(shape.Config)
	for _, d := range shape.Sensors {
		out.Sensors = append(out.Sensors, sensorSummary{Name: d.Name, Type: d.Type, Description: d.Description})
	}
	for i := range shape.Effectors {
		out.Effectors = append(out.Effectors, effectorOf(&shape.Effectors[i]))
	}
	return out
}
