package camp

import (
	"slices"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// locations reads "location" or "locations": a name, a map of one name to its
// options, or a list of these.
func (r *reader) locations(e *yamlpos.Entry) []blueprint.Location {
	items := []*yamlpos.Node{e.Value}
	if e.Value.Kind == yamlpos.List {
		items = e.Value.Items
	}
	out := make([]blueprint.Location, 0, len(items))
	for _, item := range items {
		if l, ok := r.location(e.Key, item); ok {
			out = append(out, l)
		}
	}
	return out
}

func (r *reader) location(key string, n *yamlpos.Node) (blueprint.Location, bool) {
	l := blueprint.Location{Pos: n.Pos}
	switch {
	case n.Kind == yamlpos.Scalar && n.Text != "":
		l.Spec = n.Text
	case n.Kind == yamlpos.Map && len(n.Entries) == 1:
		l.Spec, l.Config = n.Entries[0].Key, r.table(&n.Entries[0])
	case n.Kind == yamlpos.Map:
		r.errs.Add(n.Pos, "a map under %s must have one key, the location, with its options; this one has %d", key, len(n.Entries))
		return l, false
	default:
		r.errs.Add(n.Pos, "%s must name a location, not be %s", key, what(n))
		return l, false
	}
	return l, true
}

// adjunctKind is what the three lists of adjuncts differ in.
type adjunctKind struct {
	noun  string
	types []string // keys that hold the type
}

var (
	policies     = adjunctKind{"policy", []string{"type", "policyType", "policy_type"}}
	enrichers    = adjunctKind{"enricher", []string{"type", "enricherType", "enricher_type"}}
	initializers = adjunctKind{"initializer", []string{"type", "initializerType", "initializer_type"}}
)

func (r *reader) adjuncts(e *yamlpos.Entry, kind adjunctKind) []*blueprint.Adjunct {
	items := r.list(e)
	out := make([]*blueprint.Adjunct, 0, len(items))
	for _, item := range items {
		a := &blueprint.Adjunct{Pos: item.Pos}
		switch item.Kind {
		case yamlpos.Scalar:
			r.typeName(item, &a.Type, &a.Version, &a.TypePos)
		case yamlpos.Map:
			r.adjunct(a, item, kind)
		default:
			r.errs.Add(item.Pos, "an item of %s must be a type or a map with a type, not %s", e.Key, what(item))
		}
		out = append(out, a)
	}
	return out
}

func (r *reader) adjunct(a *blueprint.Adjunct, n *yamlpos.Node, kind adjunctKind) {
	if e := r.oneOf(n, kind.types...); e != nil {
		r.typeName(e.Value, &a.Type, &a.Version, &a.TypePos)
		r.version(n, &a.Type, &a.Version)
	} else {
		r.errs.Add(n.Pos, "Missing key 'type' (or '%s') of this %s", kind.types[2], kind.noun)
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		switch {
		case e.Key == "id":
			r.text(e, &a.ID)
		case e.Key == "name":
			r.text(e, &a.Name)
		case e.Key == "brooklyn.config":
			a.Config = r.table(e)
		case slices.Contains(kind.types, e.Key), e.Key == "version":
		case !r.otherKey(e, []string{"brooklyn.config"}):
			a.Extra = append(a.Extra, *e)
		}
	}
}

var parameterKeys = []string{
	"name", "label", "description", "type", "default", "pinned", "constraints", "inheritance.type", "inheritance.runtime",
}

func (r *reader) parameters(e *yamlpos.Entry) []*blueprint.Parameter {
	items := r.list(e)
	out := make([]*blueprint.Parameter, 0, len(items))
	places := map[string]yamlpos.Pos{}
	for _, item := range items {
		p := &blueprint.Parameter{Pos: item.Pos, Pinned: true}
		switch item.Kind {
		case yamlpos.Scalar:
			p.Name = item.Text
		case yamlpos.Map:
			r.parameter(p, item)
		default:
			r.errs.Add(item.Pos, "an item of %s must be a name or a map with a name, not %s", e.Key, what(item))
			continue
		}
		if p.Name == "" {
			r.errs.Add(item.Pos, "a parameter must have a name")
		} else if first, twice := places[p.Name]; twice {
			r.errs.Add(item.Pos, "parameter %q is already declared at %s", p.Name, first)
		} else {
			places[p.Name] = item.Pos
		}
		for _, field := range []struct {
			to  *string
			def string
		}{{&p.Label, p.Name}, {&p.Description, p.Name}, {&p.Type, "string"}} {
			if *field.to == "" {
				*field.to = field.def
			}
		}
		out = append(out, p)
	}
	return out
}

func (r *reader) parameter(p *blueprint.Parameter, n *yamlpos.Node) {
	for i := range n.Entries {
		e := &n.Entries[i]
		switch e.Key {
		case "name":
			r.text(e, &p.Name)
		case "label":
			r.text(e, &p.Label)
		case "description":
			r.text(e, &p.Description)
		case "type":
			p.TypePos = e.Value.Pos
			r.text(e, &p.Type)
		case "default":
			p.Default = e.Value
		case "pinned":
			if b := r.boolean(e); b != nil {
				p.Pinned = *b
			}
		case "constraints":
			p.Constraints = []*yamlpos.Node{e.Value}
			if e.Value.Kind == yamlpos.List {
				p.Constraints = e.Value.Items
			}
		case "inheritance.type":
			r.text(e, &p.Inheritance.Type)
		case "inheritance.runtime":
			r.text(e, &p.Inheritance.Runtime)
		default: // Brooklyn's own interfaces have further keys; only slips are refused
			if near := nearest.Word(e.Key, parameterKeys); near != "" {
				r.errs.Add(e.KeyPos, "unknown key %q of a parameter; did you mean %q?", e.Key, near)
			}
		}
	}
}
