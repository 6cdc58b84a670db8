package server

import (
	"net/url"
	"strings"

	"github.com/gowanus-project/gowanus/engine/entity"
)

type applicationSummary struct {
	ID     string           `json:"id"`
	Spec   applicationSpec  `json:"spec"`
	Status string           `json:"status"`
	Links  applicationLinks `json:"links"`
}

type applicationSpec struct {
	Name      string   `json:"name"`
	Type      string   `json:"type,omitempty"`
	Locations []string `json:"locations"`
}

type applicationLinks struct {
	Self     string `json:"self"`
	Entities string `json:"entities"`
}

func applicationPath(id string) string { return "/v1/applications/" + url.PathEscape(id) }

func applicationOf(app *entity.Entity) applicationSummary {
	self := applicationPath(string(app.ID()))
	return applicationSummary{
		ID:     string(app.ID()),
		Spec:   applicationSpec{Name: app.Name(), Type: app.Type(), Locations: list(app.Locations())},
		Status: statusOf(app),
		Links:  applicationLinks{Self: self, Entities: self + "/entities"},
	}
}

// statusOf gives an application's state in the words that the API has for it.
func statusOf(app *entity.Entity) string {
	switch state := app.State(); state {
	case "":
		if app.Up() {
			return "RUNNING"
		}
		return "UNKNOWN"
	case entity.Created:
		return "ACCEPTED"
	case entity.OnFire:
		return "ERROR"
	default:
		return strings.ToUpper(state)
	}
}

// list makes an empty list of a nil one, since clients want [] and not null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
