package server

import (
	"net/url"
	"strings"

	"github.com/gowanus-project/gowanus/engine/entity"
)

type entitySummary struct {
	ID            string      `json:"id"`
	Name          string      `json:"name"`
	Type          string      `json:"type"`
	CatalogItemID string      `json:"catalogItemId,omitempty"`
	Links         entityLinks `json:"links"`
}

type entityLinks struct {
	Self        string `json:"self"`
	Parent      string `json:"parent,omitempty"`
	Application string `json:"application"`
	Children    string `json:"children"`
	Config      string `json:"config"`
	Sensors     string `json:"sensors"`
	Effectors   string `json:"effectors"`
	Adjuncts    string `json:"adjuncts"`
	Policies    string `json:"policies"`
	Activities  string `json:"activities"`
	Locations   string `json:"locations"`
	Tags        string `json:"tags"`
	Expunge     string `json:"expunge"`
	Rename      string `json:"rename"`
	Spec        string `json:"spec"`
	IconURL     string `json:"iconUrl,omitempty"`
	Catalog     string `json:"catalog,omitempty"`
}

type entityDetail struct {
	entitySummary
	ApplicationID   string         `json:"applicationId"`
	ParentID        string         `json:"parentId,omitempty"`
	Children        []any          `json:"children,omitempty"` // entityDetail, or entityStub where the depth ends
	GroupIDs        []string       `json:"groupIds"`
	Members         []entityStub   `json:"members"`
	ServiceUp       *bool          `json:"serviceUp"`
	ServiceState    *string        `json:"serviceState"`
	IconURL         string         `json:"iconUrl,omitempty"`
	CreationTimeUTC int64          `json:"creationTimeUtc"`
	Relations       []relation     `json:"relations"`
	Tags            []any          `json:"tags,omitempty"`
	Sensors         map[string]any `json:"sensors,omitempty"`
	Config          map[string]any `json:"config,omitempty"`
}

// entityStub names an entity.
type entityStub struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// relation is how an entity relates to others; no type declares any yet.
type relation struct {
	Type    relationType `json:"type"`
	Targets []string     `json:"targets"`
}

type relationType struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	Source string `json:"source"`
}

func pathOf(ent *entity.Entity) string {
	return applicationPath(string(ent.Application())) + "/entities/" + url.PathEscape(string(ent.ID()))
}

func entityOf(ent *entity.Entity) entitySummary {
	self := pathOf(ent)
	sum := entitySummary{
		ID: string(ent.ID()), Name: ent.Name(), Type: ent.Type(), CatalogItemID: ent.Item(),
		Links: entityLinks{
			Self: self, Application: applicationPath(string(ent.Application())),
			Children: self + "/children", Config: self + "/config", Sensors: self + "/sensors",
			Effectors: self + "/effectors", Adjuncts: self + "/adjuncts", Policies: self + "/policies",
			Activities: self + "/activities", Locations: self + "/locations", Tags: self + "/tags",
			Expunge: self + "/expunge", Rename: self + "/name", Spec: self + "/spec",
		},
	}
	if p := ent.Parent(); p != nil {
		sum.Links.Parent = pathOf(p)
	}
	if ent.IconURL() != "" {
		sum.Links.IconURL = self + "/icon"
	}
	if name, version, found := strings.Cut(ent.Item(), ":"); found {
		sum.Links.Catalog = "/v1/catalog/entities/" + url.PathEscape(name) + "/" + url.PathEscape(version)
	}
	return sum
}

func entitiesOf(ents []*entity.Entity) []entitySummary {
	out := make([]entitySummary, len(ents))
	for i, ent := range ents {
		out[i] = entityOf(ent)
	}
	return out
}

// displayed gives a sensor value as the API shows it: the state of a service
// in the capitals of Brooklyn's enumeration.
func displayed(sensor string, v any) any {
	if text, isText := v.(string); isText && sensor == entity.ServiceState {
		return strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	}
	return v
}
