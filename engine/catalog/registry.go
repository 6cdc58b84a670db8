package catalog

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/version"
)

// DefaultVersion is that of items which say none.
const DefaultVersion = "0.0.0-SNAPSHOT"

// nativeVersion is that of the server's own types.
const nativeVersion = "1.0.0"

// Registry maps names to types. It never changes: With gives another one.
type Registry struct {
	types    []*Type         // by name, the best version first
	byName   map[key][]*Type // the best version first
	aliases  map[key][]*Type // likewise
	prefixed []*Type
	bundles  []*Bundle
}

type key struct{ kind, name string }

// New gives a registry of the given types.
func New(types ...*Type) (*Registry, error) { return (&Registry{}).With(types...) }

// With gives a registry that also has the given types. A name and version, or
// the alias of a native type, that is taken is refused with fault.Conflict.
func (r *Registry) With(types ...*Type) (*Registry, error) {
	out := &Registry{
		types: slices.Concat(r.types, types), prefixed: slices.Clone(r.prefixed), bundles: slices.Clone(r.bundles),
		byName: maps.Clone(r.byName), aliases: maps.Clone(r.aliases),
	}
	if out.byName == nil {
		out.byName, out.aliases = map[key][]*Type{}, map[key][]*Type{}
	}
	for _, t := range types {
		if err := out.add(t); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out.types, func(a, b *Type) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), better(a, b))
	})
	return out, nil
}

// Without gives a registry without the types that are told.
func (r *Registry) Without(drop func(*Type) bool) *Registry {
	out := &Registry{byName: map[key][]*Type{}, aliases: map[key][]*Type{}}
	out.bundles = slices.Clone(r.bundles)
	for _, t := range r.types {
		if !drop(t) {
			out.types = append(out.types, t)
			_ = out.add(t) // it had room before
		}
	}
	out.bundles = slices.DeleteFunc(out.bundles, func(b *Bundle) bool {
		return !b.Native && !slices.ContainsFunc(out.types, func(t *Type) bool { return t.Bundle == b }) && len(b.Types) > 0
	})
	return out
}

func (r *Registry) add(t *Type) error {
	if t.Version == "" {
		t.Version = nativeVersion
	}
	if t.Bundle == nil {
		t.Bundle = r.native(t)
	}
	if !slices.Contains(r.bundles, t.Bundle) {
		r.bundles = append(r.bundles, t.Bundle)
	}
	k := key{t.Kind, t.Name}
	for _, other := range r.byName[k] {
		if other.Version == t.Version {
			return fault.New(fault.Conflict, "%s type %s is registered already, by %s", t.Kind, t.Name, origin(other))
		}
	}
	r.byName[k] = ranked(r.byName[k], t)
	for _, alias := range t.Aliases {
		k := key{t.Kind, alias}
		for _, other := range slices.Concat(r.byName[k], r.aliases[k]) {
			if other.Name != t.Name && t.code() && other.code() {
				return fault.New(fault.Conflict, "%s type %s is registered already, by %s", t.Kind, alias, origin(other))
			}
		}
		r.aliases[k] = ranked(r.aliases[k], t)
	}
	if t.Prefix != "" {
		r.prefixed = append(r.prefixed, t)
	}
	return nil
}

// code tells whether a type is implemented by code, so that its names are its
// own; one that is only known gives way.
func (t *Type) code() bool { return t.Plan == nil && t.Unbuilt == "" }

// native gives the bundle of a type that came with the server or a module.
func (r *Registry) native(t *Type) *Bundle {
	name := cmp.Or(t.Module, "gowanus")
	for _, b := range r.bundles {
		if b.Native && b.Name == name {
			b.Types = append(b.Types, t)
			return b
		}
	}
	return &Bundle{Name: name, Version: t.Version, Native: true, Types: []*Type{t}}
}

// ranked gives a list with t at its place; the old list stays.
func ranked(list []*Type, t *Type) []*Type {
	at, _ := slices.BinarySearchFunc(list, t, better)
	return slices.Insert(slices.Clone(list), at, t)
}

// better orders versions of a type: the highest first.
func better(a, b *Type) int { return version.Compare(b.Version, a.Version) }

func origin(t *Type) string {
	switch {
	case t.Module != "":
		return "module " + t.Module
	case t.Bundle != nil && !t.Bundle.Native:
		return "bundle " + t.Bundle.ID()
	}
	return "the server itself"
}

// Get finds the best type of a kind for a reference: a name, alias or prefix,
// with ":version" or without.
func (r *Registry) Get(kind, ref string) (*Type, error) { return r.Find(kind, ref, nil) }

// Find finds the type of a kind that a reference in the text of a bundle, or
// nil for text at large, stands for: with a version that one, else the
// bundle's own, else the highest. A name counts before an alias. An unknown
// name is fault.NotFound with the nearest known one.
func (r *Registry) Find(kind, ref string, from *Bundle) (*Type, error) {
	ref = strings.TrimPrefix(ref, "java:")
	if t := r.pick(kind, ref, "", from); t != nil {
		return t, nil
	}
	if t := r.prefix(kind, ref); t != nil {
		return t, nil
	}
	if i := strings.LastIndexByte(ref, ':'); i > 0 {
		if t := r.pick(kind, ref[:i], ref[i+1:], from); t != nil {
			return t, nil
		}
		if versions := r.versions(kind, ref[:i]); len(versions) > 0 {
			return nil, fault.New(fault.NotFound, "unknown version %s of %s type %q; there is %s", ref[i+1:], kind, ref[:i], strings.Join(versions, ", "))
		}
	}
	return nil, r.unknown(kind, ref)
}

// prefix finds the type that answers to all names which begin like ref: that
// of the longest prefix, and of these the highest version.
func (r *Registry) prefix(kind, ref string) (best *Type) {
	for _, t := range r.prefixed {
		if t.Kind != kind || !strings.HasPrefix(ref, t.Prefix) || len(ref) == len(t.Prefix) {
			continue
		}
		if best == nil || cmp.Or(len(t.Prefix)-len(best.Prefix), offered(t)-offered(best), version.Compare(t.Version, best.Version)) > 0 {
			best = t
		}
	}
	return best
}

// offered is 0 for a type that is disabled, which one that is not goes before.
func offered(t *Type) int {
	if t.Disabled {
		return 0
	}
	return 1
}

// Code finds the type of a kind that is implemented by code and has a name or
// alias, or nil.
func (r *Registry) Code(kind, name string) *Type {
	k := key{kind, strings.TrimPrefix(name, "java:")}
	for _, t := range slices.Concat(r.byName[k], r.aliases[k]) {
		if t.Plan == nil {
			return t
		}
	}
	return nil
}

func (r *Registry) versions(kind, name string) (out []string) {
	for _, t := range r.named(kind, name) {
		out = append(out, t.Version)
	}
	return out
}

// named gives all versions under a name, or else an alias.
func (r *Registry) named(kind, name string) []*Type {
	if list := r.byName[key{kind, name}]; list != nil {
		return list
	}
	return r.aliases[key{kind, name}]
}

func (r *Registry) pick(kind, name, wanted string, from *Bundle) *Type {
	list := r.named(kind, name)
	if len(list) == 0 {
		return nil
	}
	if wanted == "latest" {
		wanted = ""
	}
	if wanted == "" && from != nil {
		for _, t := range list {
			if t.Bundle == from {
				return t
			}
		}
	}
	for _, t := range list {
		if wanted == "" && !t.Disabled || wanted != "" && version.Compare(t.Version, wanted) == 0 {
			return t
		}
	}
	if wanted == "" {
		return list[0]
	}
	return nil
}

func (r *Registry) unknown(kind, name string) error {
	for _, other := range Kinds {
		if t := r.pick(other, name, "", nil); other != kind && t != nil {
			return fault.New(fault.NotFound, "%q is the name of %s type, not of %s type", name, article(other), article(kind))
		}
	}
	if near := nearest.Word(name, r.names(kind)); near != "" {
		return fault.New(fault.NotFound, "unknown %s type %q; did you mean %q?", kind, name, near)
	}
	return fault.New(fault.NotFound, "unknown %s type %q", kind, name)
}

func article(kind string) string {
	if strings.ContainsRune("aeiou", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

func (r *Registry) names(kind string) []string {
	var out []string
	for _, m := range []map[key][]*Type{r.byName, r.aliases} {
		for k := range m {
			if k.kind == kind {
				out = append(out, k.name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Types gives all registered types by name, the best version first. The list
// is not to be changed.
func (r *Registry) Types() []*Type { return r.types }

// Bundles gives all bundles in the order in which they came. The list is not
// to be changed.
func (r *Registry) Bundles() []*Bundle { return r.bundles }

// Type finds a type of any kind by name or alias and version; "" and "latest"
// are the best one.
func (r *Registry) Type(name, wanted string) (*Type, error) {
	for _, kind := range Kinds {
		if t := r.pick(kind, name, wanted, nil); t != nil {
			return t, nil
		}
	}
	if wanted == "" {
		wanted = "latest"
	}
	return nil, fault.New(fault.NotFound, "Entity with id '%s:%s' not found", name, wanted)
}

// OfKind finds a type of a kind by name or alias and version, as Type does, or
// nil.
func (r *Registry) OfKind(kind, name, wanted string) *Type { return r.pick(kind, name, wanted, nil) }

// Bundle finds a bundle by name and version; "" and "latest" are the best one.
func (r *Registry) Bundle(name, wanted string) (*Bundle, error) {
	var best *Bundle
	for _, b := range r.bundles {
		switch {
		case b.Name != name:
		case wanted != "" && wanted != "latest":
			if version.Compare(b.Version, wanted) == 0 {
				return b, nil
			}
		case best == nil || version.Compare(b.Version, best.Version) > 0:
			best = b
		}
	}
	if best == nil {
		return nil, fault.New(fault.NotFound, "Bundle with id '%s:%s' not found", name, cmp.Or(wanted, "latest"))
	}
	return best, nil
}
