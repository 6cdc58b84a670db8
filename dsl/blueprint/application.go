package blueprint

import (
	"reflect"
	"slices"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Application gives the spec of the application that s, the root of a
// blueprint, stands for: the single service itself when that is an
// application and nothing at the root needs an entity of its own, else one of
// the type wrapper around the services.
//
// isApplication tells of a type reference whether it names an application
// type. s is not changed; what is given shares parts with it.
func (s *Spec) Application(isApplication func(ref string) bool, wrapper string) *Spec {
	if s.Type != "" { // the root is an entity, as a single service without a root
		if !s.wrapForced() && isApplication(s.TypeRef()) {
			return s
		}
		child := *s
		child.Source, child.WrappedApp = "", nil
		return &Spec{
			Pos: s.Pos, Type: wrapper, TypePos: s.TypePos,
			Children: []*Spec{&child}, WrappedApp: s.WrappedApp, Source: s.Source,
		}
	}
	if len(s.Children) == 1 && isApplication(s.Children[0].TypeRef()) && !s.mustWrap(s.Children[0]) {
		return s.mergedInto(s.Children[0])
	}
	app := *s
	app.Type, app.TypePos = wrapper, s.Pos
	if len(s.Children) == 1 && len(s.Parameters) > 0 {
		child := *s.Children[0]
		child.Parameters = mergeParameters(child.Parameters, s.Parameters)
		app.Children, app.Parameters = []*Spec{&child}, nil
	}
	return &app
}

func (s *Spec) wrapForced() bool { return s.WrappedApp != nil && *s.WrappedApp }

// mustWrap tells whether root and service cannot be one entity: adjuncts at
// the root watch the application around the service, and a key, id or
// location that both set would be lost at one of them.
func (s *Spec) mustWrap(service *Spec) bool {
	return s.wrapForced() ||
		len(s.Policies)+len(s.Enrichers)+len(s.Initializers) > 0 ||
		s.ID != "" && service.ID != "" && s.ID != service.ID ||
		len(s.Locations) > 0 && len(service.Locations) > 0 ||
		conflict(s.settings(), service.settings())
}

func (s *Spec) settings() Config { return slices.Concat(s.Config, s.Flags, s.Extra) }

// conflict tells whether a key has different values in a and b.
func conflict(a, b Config) bool {
	values := make(map[string]*yamlpos.Node, len(a))
	for _, e := range a {
		values[e.Key] = e.Value
	}
	for _, e := range b {
		if other := values[e.Key]; other != nil && !reflect.DeepEqual(other.Any(), e.Value.Any()) {
			return true
		}
	}
	return false
}

// mergedInto gives service with all that the root says of it.
func (s *Spec) mergedInto(service *Spec) *Spec {
	app := *service
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&app.Name, s.Name}, {&app.ID, s.ID}, {&app.Description, s.Description}, {&app.IconURL, s.IconURL},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	app.Config = mergeConfig(service.Config, s.Config)
	app.Flags = mergeConfig(service.Flags, s.Flags)
	app.Extra = mergeConfig(service.Extra, s.Extra)
	if len(service.Locations) == 0 {
		app.Locations = s.Locations
	}
	app.Parameters = mergeParameters(service.Parameters, s.Parameters)
	app.Tags = slices.Concat(service.Tags, s.Tags)
	app.WrappedApp, app.Source = s.WrappedApp, s.Source
	return &app
}

func mergeConfig(inner, outer Config) Config {
	for _, e := range outer {
		inner = inner.With(e)
	}
	return inner
}

// mergeParameters adds the parameters of the root to those of the service;
// the root's declaration of a name replaces the service's.
func mergeParameters(inner, outer []*Parameter) []*Parameter {
	out := slices.Clone(inner)
	for _, p := range outer {
		same := func(q *Parameter) bool { return q.Name == p.Name }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// Parts gives what a blueprint adds below an entity that is there already:
// itself when it has a type, else each of its services with the config of the
// root as far as they do not set it, or, for a single one, with all that the
// root says.
func (s *Spec) Parts() []*Spec {
	switch {
	case s.Type != "":
		return []*Spec{s}
	case len(s.Children) == 1:
		return []*Spec{s.mergedInto(s.Children[0])}
	}
	out := make([]*Spec, 0, len(s.Children))
	for _, c := range s.Children {
		part := *c
		part.Config = mergeConfig(s.Config, c.Config)
		out = append(out, &part)
	}
	return out
}
