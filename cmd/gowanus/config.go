package main

import (
	"os"

	"github.com/gowanus-project/gowanus/engine/external"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// localhost is the location that is there without being configured.
const localhost = "localhost"

// settings is what the configuration file says.
type settings struct {
	locations []location.Definition
	external  external.Providers
}

// readSettings reads a configuration file; "" is none. Errors name the place
// in the file.
func readSettings(file string) (*settings, error) {
	if file == "" {
		return parseSettings("", nil)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError("--config: %w", err)
	}
	return parseSettings(file, text)
}

func parseSettings(file string, text []byte) (*settings, error) {
	s := &settings{}
	if len(text) > 0 {
		root, err := yamlpos.Parse(file, text, yamlpos.Limits{})
		if err == nil {
			err = s.read(root)
		}
		if err != nil {
			return nil, usageError("%w", err)
		}
	}
	for _, d := range s.locations {
		if d.Name == localhost {
			return s, nil
		}
	}
	s.locations = append(s.locations, location.Definition{Name: localhost, Kind: localhost})
	return s, nil
}

func (s *settings) read(root *yamlpos.Node) error {
	var errs yamlpos.Errors
	switch root.Kind {
	case yamlpos.Null:
		return nil
	case yamlpos.Map:
	default:
		errs.Add(root.Pos, "expected a map with the keys locations and external")
		return errs.Err()
	}
	for _, e := range root.Entries {
		switch e.Key {
		case "locations":
			s.readLocations(e.Value, &errs)
		case "external":
			s.readExternal(e.Value, &errs)
		default:
			errs.Add(e.KeyPos, "unknown key %q%s", e.Key, nearest.Hint(e.Key, []string{"locations", "external"}))
		}
	}
	return errs.Err()
}

// readExternal reads the providers of values that blueprints only name.
func (s *settings) readExternal(n *yamlpos.Node, errs *yamlpos.Errors) {
	if n.Kind != yamlpos.Map && n.Kind != yamlpos.Null {
		errs.Add(n.Pos, "external: expected a map of providers by name")
		return
	}
	s.external = external.Providers{}
	for _, e := range n.Entries {
		p, err := external.Read(e.Value)
		if err != nil {
			errs.Append(e.Value.Pos, err)
			continue
		}
		s.external[e.Key] = p
	}
}

// readLocations reads a list of locations, each with its name, or a map of
// them by name.
func (s *settings) readLocations(n *yamlpos.Node, errs *yamlpos.Errors) {
	switch n.Kind {
	case yamlpos.Null:
	case yamlpos.List:
		for _, item := range n.Items {
			s.readLocation(scalar(item.Get("name")), item, errs)
		}
	case yamlpos.Map:
		for _, e := range n.Entries {
			s.readLocation(e.Key, e.Value, errs)
		}
	default:
		errs.Add(n.Pos, "locations: expected a list, or a map by name")
	}
}

// readLocation reads one location: its kind, and everything else is config.
func (s *settings) readLocation(name string, n *yamlpos.Node, errs *yamlpos.Errors) {
	d := location.Definition{Name: name, Kind: scalar(n.Get("kind")), Config: map[string]any{}}
	switch {
	case n.Kind != yamlpos.Map:
		errs.Add(n.Pos, "expected a location, a map with the key kind")
		return
	case name == "":
		errs.Add(n.Pos, "the location has no name")
	case d.Kind == "":
		errs.Add(n.Pos, "location %s has no kind, such as docker or localhost", name)
	}
	for _, other := range s.locations {
		if other.Name == name {
			errs.Add(n.Pos, "there are two locations named %s", name)
		}
	}
	for _, e := range n.Entries {
		switch {
		case e.Key == "name" || e.Key == "kind":
		case e.Key == "config" && e.Value.Kind == yamlpos.Map:
			for _, c := range e.Value.Entries {
				d.Config[c.Key] = c.Value.Any()
			}
		default:
			d.Config[e.Key] = e.Value.Any()
		}
	}
	s.locations = append(s.locations, d)
}

// scalar gives the string that a node holds, "" for anything else.
func scalar(n *yamlpos.Node) string {
	if n == nil || n.Kind != yamlpos.Scalar {
		return ""
	}
	return n.Text
}
