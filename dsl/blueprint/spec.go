// Package blueprint is the neutral tree that every blueprint language becomes:
// entities, config, locations and adjuncts, each with its place in the text.
//
// It says nothing about types: whether a name exists, which config keys it
// declares and what an expression means is decided behind it. Values are
// yamlpos nodes, so `$brooklyn:` expressions stand in them as they were
// written.
package blueprint

import (
	"regexp"
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Spec describes one entity: the application at the root, and below it its
// services and their children.
type Spec struct {
	Pos     yamlpos.Pos
	Type    string      // registered type without its version, "docker:IMAGE", or a class name; "" is an application around its children
	Version string      // of Type; "" leaves the choice to the catalog
	TypePos yamlpos.Pos // where Type stands

	Name        string // display name, may be an expression; "" lets the type or the catalog name it
	ID          string // plan id, the target of component("id"); "" has none
	Description string
	IconURL     string

	Config Config // any key, declared by the type or not
	Flags  Config // by the flag name of a declared key
	Extra  Config // other keys of the entity itself: config if the type declares such a key or flag, else ignored

	Locations    []Location
	Children     []*Spec
	Policies     []*Adjunct
	Enrichers    []*Adjunct
	Initializers []*Adjunct
	Parameters   []*Parameter
	Tags         []*yamlpos.Node

	WrappedApp *bool  // of the root: true forces an application around a single service
	Source     string // of the root: the text it was read from
}

// Config is a list of keys with their values, in the order of the text; keys
// are unique.
type Config []yamlpos.Entry

// Get gives the value of a key, or nil.
func (c Config) Get(key string) *yamlpos.Node {
	for i := range c {
		if c[i].Key == key {
			return c[i].Value
		}
	}
	return nil
}

// With gives a list in which entry replaces the entry of its key, or comes
// last. c itself stays.
func (c Config) With(entry yamlpos.Entry) Config {
	out := append(make(Config, 0, len(c)+1), c...)
	for i := range out {
		if out[i].Key == entry.Key {
			out[i] = entry
			return out
		}
	}
	return append(out, entry)
}

// Location is one place to deploy to.
type Location struct {
	Pos    yamlpos.Pos
	Spec   string // "my-docker-cloud", "named:x", "localhost", "byon"
	Config Config // options given with it
}

// Adjunct is a policy, enricher or initializer of an entity.
type Adjunct struct {
	Pos     yamlpos.Pos
	Type    string
	Version string
	TypePos yamlpos.Pos
	ID      string // unique tag; "" has none
	Name    string
	Config  Config
	Extra   Config // keys beside brooklyn.config: config if the type declares them
}

// Parameter declares a config key of the entity it stands on.
type Parameter struct {
	Pos         yamlpos.Pos
	Name        string
	Label       string // defaults to Name
	Description string // defaults to Name
	Type        string // as internal/coerce names them, or a registered type; defaults to "string"
	TypePos     yamlpos.Pos
	Default     *yamlpos.Node // nil: none given
	Pinned      bool          // defaults to true; only user interfaces look at it
	Constraints []*yamlpos.Node
	Inheritance Inheritance
}

// Inheritance is how values of a key combine over levels. The empty string
// means the default, "overwrite".
type Inheritance struct {
	Type    string // from super type to type
	Runtime string // from parent entity to child
}

// TypeRef gives type and version as one reference, "name:version" or "name".
func (s *Spec) TypeRef() string { return ref(s.Type, s.Version) }

// TypeRef gives type and version as one reference, "name:version" or "name".
func (a *Adjunct) TypeRef() string { return ref(a.Type, a.Version) }

func ref(name, version string) string {
	if version == "" {
		return name
	}
	return name + ":" + version
}

var versioned = regexp.MustCompile(`^([^:]+):([0-9]+(?:[._-][^:/\s]*)?)$`)

// SplitType parts a type reference in name and version. Only one colon
// before something that starts with a number parts a version off, so
// "docker:redis:3", "chef:cookbook" and URLs are names as a whole.
func SplitType(ref string) (name, version string) {
	if m := versioned.FindStringSubmatch(ref); m != nil && !strings.HasPrefix(ref, "docker:") {
		return m[1], m[2]
	}
	return ref, ""
}

// Walk visits s and everything below it, parents before children and
// siblings in their order, until visit gives an error, which it returns.
func (s *Spec) Walk(visit func(*Spec) error) error {
	if err := visit(s); err != nil {
		return err
	}
	for _, child := range s.Children {
		if err := child.Walk(visit); err != nil {
			return err
		}
	}
	return nil
}
