package known

import (
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// members is what a type has of its own or of the groups that it is like.
type members struct {
	config    []hook.ConfigKey
	sensors   []hook.Sensor
	effectors []hook.Effector
}

// reader collects the types of several files, and their problems.
type reader struct {
	groups map[string]*members
	types  []*catalog.Type
	errs   yamlpos.Errors
}

// read reads one file. Its groups are there for the files after it.
func (r *reader) read(s *source) {
	if s.err != nil {
		r.errs.Append(yamlpos.Pos{File: s.file}, s.err)
		return
	}
	root := s.root
	if !r.isMap(root) {
		return
	}
	r.only(root.Entries, []string{"kind", "groups", "types"})
	kind := catalog.Entity
	if n := root.Get("kind"); n != nil {
		kind = r.kind(n)
	}
	for _, e := range r.entries(root.Get("groups")) {
		if r.isMap(e.Value) {
			r.only(e.Value.Entries, memberKeys)
			r.groups[e.Key] = r.members(e.Value)
		}
	}
	for _, e := range r.entries(root.Get("types")) {
		r.typ(e, kind)
	}
}

var (
	memberKeys = []string{"like", "config", "sensors", "effectors"}
	typeKeys   = append([]string{"is", "instead", "kind", "aliases", "application"}, memberKeys...)
)

func (r *reader) typ(e yamlpos.Entry, kind string) {
	if !r.isMap(e.Value) {
		return
	}
	n := e.Value
	r.only(n.Entries, typeKeys)
	if k := n.Get("kind"); k != nil {
		kind = r.kind(k)
	}
	m := r.members(n)
	t := &catalog.Type{Version: version, Type: hook.Type{
		Name: e.Key, Kind: kind, Description: r.text(n.Get("is")), Aliases: r.words(n.Get("aliases")),
		Config: m.config, Sensors: m.sensors, Effectors: m.effectors,
	}}
	t.Unbuilt = r.text(n.Get("instead"))
	if app := n.Get("application"); app != nil {
		t.Application = app.Value == true
	}
	if t.Description == "" || t.Unbuilt == "" {
		r.errs.Add(e.KeyPos, "type %s must say what it is, and what to use instead", e.Key)
	}
	r.types = append(r.types, t)
}

// members reads what a type or group has. Its own come first and replace those
// of the groups that it is like.
func (r *reader) members(n *yamlpos.Node) *members {
	m := &members{}
	for _, e := range r.entries(n.Get("config")) {
		m.config = append(m.config, r.config(e))
	}
	for _, e := range r.entries(n.Get("sensors")) {
		typ, what := r.typed(e)
		m.sensors = append(m.sensors, hook.Sensor{Name: e.Key, Type: typ, Description: what})
	}
	for _, e := range r.entries(n.Get("effectors")) {
		m.effectors = append(m.effectors, r.effector(e))
	}
	for _, group := range r.words(n.Get("like")) {
		g := r.groups[group]
		if g == nil {
			r.errs.Add(n.Get("like").Pos, "unknown group %q", group)
			continue
		}
		m.add(g)
	}
	return m
}

// add takes over what is not there yet.
func (m *members) add(g *members) {
	m.config = missing(m.config, g.config, func(k *hook.ConfigKey) string { return k.Name })
	m.sensors = missing(m.sensors, g.sensors, func(s *hook.Sensor) string { return s.Name })
	m.effectors = missing(m.effectors, g.effectors, func(e *hook.Effector) string { return e.Name })
}

// missing appends to own what it has none of among more. Types without
// anything of their own share the list of their group.
func missing[T any](own, more []T, name func(*T) string) []T {
	if len(own) == 0 {
		return slices.Clip(more)
	}
	out := slices.Grow(own, len(more))
next:
	for i := range more {
		for j := range own {
			if name(&own[j]) == name(&more[i]) {
				continue next
			}
		}
		out = append(out, more[i])
	}
	return out
}

// config reads "TYPE[!] [(FLAG, …)] [= DEFAULT][; DESCRIPTION]".
func (r *reader) config(e yamlpos.Entry) hook.ConfigKey {
	left, what := split(r.text(e.Value), ";")
	left, def := split(left, "=")
	left, flags := split(left, "(")
	k := hook.ConfigKey{Name: e.Key, Type: left, Description: what}
	k.Type, k.Required = strings.CutSuffix(left, "!")
	if flags != "" {
		list, closed := strings.CutSuffix(flags, ")")
		if !closed {
			r.errs.Add(e.Value.Pos, "the flags of %s have no end; expected (FLAG, FLAG)", e.Key)
		}
		k.Flags = strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })
	}
	if !coerce.Known(k.Type) {
		r.errs.Add(e.Value.Pos, "%s has the unknown type %q", e.Key, k.Type)
		return k
	}
	if def != "" {
		k.Default = r.defaultOf(e, k.Type, def)
	}
	return k
}

// defaultOf gives a default in the form that a module would send: numbers and
// truth values as such, everything else as text.
func (r *reader) defaultOf(e yamlpos.Entry, typ, text string) any {
	v, err := coerce.To(typ, text)
	if err != nil {
		r.errs.Add(e.Value.Pos, "default of %s: %s", e.Key, err)
		return nil
	}
	switch typ {
	case "boolean", "integer", "double", "list", "map":
		return v
	}
	return text
}

// effector reads "NAME(PARAMETER TYPE, …) [RETURN TYPE]: DESCRIPTION".
func (r *reader) effector(e yamlpos.Entry) hook.Effector {
	name, rest := split(e.Key, "(")
	out := hook.Effector{Name: name, Description: r.text(e.Value)}
	list, result, closed := strings.Cut(rest, ")")
	if rest != "" && !closed {
		r.errs.Add(e.KeyPos, "the parameters of %s have no end; expected NAME(PARAMETER TYPE)", name)
	}
	out.ReturnType = strings.TrimSpace(result)
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		parameter, typ := split(p, " ")
		if !coerce.Known(typ) {
			r.errs.Add(e.KeyPos, "parameter %s of %s has the unknown type %q", parameter, name, typ)
		}
		out.Parameters = append(out.Parameters, hook.Parameter{Name: parameter, Type: typ})
	}
	return out
}

// typed reads "TYPE[; DESCRIPTION]".
func (r *reader) typed(e yamlpos.Entry) (typ, what string) {
	typ, what = split(r.text(e.Value), ";")
	if !coerce.Known(typ) {
		r.errs.Add(e.Value.Pos, "%s has the unknown type %q", e.Key, typ)
	}
	return typ, what
}

func (r *reader) kind(n *yamlpos.Node) string {
	kind := r.text(n)
	if !slices.Contains(catalog.Kinds, kind) {
		r.errs.Add(n.Pos, "unknown kind %q%s", kind, nearest.Hint(kind, catalog.Kinds))
	}
	return kind
}

// words reads a list of words.
func (r *reader) words(n *yamlpos.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind != yamlpos.List {
		r.errs.Add(n.Pos, "expected a list")
		return nil
	}
	out := make([]string, len(n.Items))
	for i, item := range n.Items {
		out[i] = r.text(item)
	}
	return out
}

// text gives the text of a scalar, "" for nothing.
func (r *reader) text(n *yamlpos.Node) string {
	switch {
	case n == nil || n.Kind == yamlpos.Null:
		return ""
	case n.Kind == yamlpos.Scalar:
		return n.Text
	}
	r.errs.Add(n.Pos, "expected text")
	return ""
}

// entries gives those of a map, nothing for nothing.
func (r *reader) entries(n *yamlpos.Node) []yamlpos.Entry {
	if n == nil || !r.isMap(n) {
		return nil
	}
	return n.Entries
}

func (r *reader) isMap(n *yamlpos.Node) bool {
	if n.Kind != yamlpos.Map {
		r.errs.Add(n.Pos, "expected a map")
		return false
	}
	return true
}

// only refuses keys that are none of the given ones.
func (r *reader) only(entries []yamlpos.Entry, keys []string) {
	for _, e := range entries {
		if !slices.Contains(keys, e.Key) {
			r.errs.Add(e.KeyPos, "unknown key %q%s", e.Key, nearest.Hint(e.Key, keys))
		}
	}
}

// split cuts at the first separator and trims both sides.
func split(s, sep string) (before, after string) {
	before, after, _ = strings.Cut(s, sep)
	return strings.TrimSpace(before), strings.TrimSpace(after)
}
