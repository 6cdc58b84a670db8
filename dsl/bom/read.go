package bom

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/blueprint"
	"github.com/gowanus-project/gowanus/internal/coerce"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// reader collects the items and the problems of a bundle.
type reader struct {
	errs    yamlpos.Errors
	options Options
	archive *Archive
	files   []string // that are being read, the one that includes before the included
}

// defaults is the metadata that items inherit from what is around them.
type defaults struct {
	version, itemType, name, description, icon, format string

	tags []*yamlpos.Node
}

// The keys of metadata, each with its spellings.
var (
	versionKeys = []string{"version"}
	typeKeys    = []string{"itemType", "item_type", "item.type"}
	nameKeys    = []string{"name", "displayName", "display_name"}
	iconKeys    = []string{"iconUrl", "icon_url", "icon.url"}
	formatKeys  = []string{"format", "planFormat"}
	libraryKeys = []string{"brooklyn.libraries", "libraries"}
	known       = slices.Concat(versionKeys, typeKeys, nameKeys, iconKeys, formatKeys, libraryKeys, []string{
		"bundle", "id", "symbolicName", "description", "tags", "item", "items", "include", "deprecated", "disabled",
	})
)

const root = "brooklyn.catalog"

// document reads a whole text.
func (r *reader) document(b *Bundle, n *yamlpos.Node, d defaults) {
	if n.Kind != yamlpos.Map {
		r.errs.Add(n.Pos, "expected a map with the key %s", root)
		return
	}
	catalog := n.Get(root)
	if catalog == nil {
		var keys []string
		for _, e := range n.Entries {
			keys = append(keys, e.Key)
		}
		r.errs.Add(n.Pos, "expected the key %s%s", root, slip(keys))
		return
	}
	rest := &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Map}
	for _, e := range n.Entries {
		if e.Key != root {
			rest.Entries = append(rest.Entries, e)
		}
	}
	if catalog.Kind != yamlpos.Map {
		r.errs.Add(catalog.Pos, "%s must be a map", root)
		return
	}
	if len(r.files) == 1 {
		b.Name = r.text(catalog, "bundle")
		b.Version = r.text(catalog, versionKeys...)
		b.IconURL = r.text(catalog, iconKeys...)
	}
	r.block(b, catalog, d, rest)
}

func slip(keys []string) string {
	for _, k := range keys {
		if nearest.Word(k, []string{root}) != "" {
			return "; is \"" + k + "\" a slip for it?"
		}
	}
	return ""
}

// block reads what may hold items: the catalog itself, or an item that is a
// list of others. rest is what stands beside the catalog in the document.
func (r *reader) block(b *Bundle, n *yamlpos.Node, d defaults, rest *yamlpos.Node) {
	r.misspelt(n)
	own := r.inherit(n, d)
	for _, e := range r.entries(n, libraryKeys...) {
		b.Libraries = append(b.Libraries, r.libraries(e)...)
	}
	if e := r.entry(n, "include"); e != nil {
		r.include(b, e, own)
	}
	items, item := r.entry(n, "items"), r.entry(n, "item")
	if items != nil {
		for _, child := range r.itemsOf(items) {
			r.item(b, child, own)
		}
	}
	plan := (*yamlpos.Node)(nil)
	switch {
	case item != nil:
		plan = item.Value
	case rest != nil && rest.Get("services") != nil && items == nil:
		plan, own.itemType = rest, cmp.Or(own.itemType, "template")
	}
	if plan == nil && items == nil && rest == nil {
		plan = inline(n)
	}
	if plan != nil {
		r.add(b, n, plan, d, own)
	} else if items == nil && r.entry(n, "include") == nil && rest == nil {
		r.errs.Add(n.Pos, "an item must have the key item, with its plan")
	}
}

// inline gives the plan of an item that has it beside its metadata, as old
// catalogs do; nil for none.
func inline(n *yamlpos.Node) *yamlpos.Node {
	if n.Get("services") == nil && n.Get("type") == nil {
		return nil
	}
	plan := &yamlpos.Node{Pos: n.Pos, Kind: yamlpos.Map}
	for _, e := range n.Entries {
		if !slices.Contains(known, e.Key) {
			plan.Entries = append(plan.Entries, e)
		}
	}
	return plan
}

// itemsOf gives the items of a list, or of a map by id.
func (r *reader) itemsOf(e *yamlpos.Entry) []*yamlpos.Node {
	switch e.Value.Kind {
	case yamlpos.List:
		return e.Value.Items
	case yamlpos.Map:
		var out []*yamlpos.Node
		for _, child := range e.Value.Entries {
			n := *child.Value
			if n.Kind == yamlpos.Map && n.Get("id") == nil {
				id := yamlpos.Entry{Key: "id", KeyPos: child.KeyPos, Value: yamlpos.FromAny(child.Key, child.KeyPos)}
				n.Entries = slices.Concat([]yamlpos.Entry{id}, n.Entries)
			}
			out = append(out, &n)
		}
		return out
	case yamlpos.Null:
		return nil
	}
	r.errs.Add(e.Value.Pos, "%s must be a list", e.Key)
	return nil
}

func (r *reader) item(b *Bundle, n *yamlpos.Node, d defaults) {
	switch n.Kind {
	case yamlpos.Map:
		r.block(b, n, d, nil)
	case yamlpos.Scalar: // "classpath://x.bom", or the name of a type
		if strings.Contains(n.Text, "://") || strings.HasSuffix(n.Text, ".bom") {
			r.include(b, &yamlpos.Entry{Key: "include", KeyPos: n.Pos, Value: n}, d)
			return
		}
		r.errs.Add(n.Pos, "an item must be a map with id and item, not text")
	default:
		r.errs.Add(n.Pos, "an item must be a map with id and item")
	}
}

// inherit gives the metadata for what is inside of n.
func (r *reader) inherit(n *yamlpos.Node, d defaults) defaults {
	for _, f := range []struct {
		to   *string
		keys []string
	}{
		{&d.version, versionKeys}, {&d.itemType, typeKeys}, {&d.name, nameKeys},
		{&d.icon, iconKeys}, {&d.format, formatKeys}, {&d.description, []string{"description"}},
	} {
		if v := r.text(n, f.keys...); v != "" {
			*f.to = v
		}
	}
	if e := r.entry(n, "tags"); e != nil {
		if e.Value.Kind != yamlpos.List && e.Value.Kind != yamlpos.Null {
			r.errs.Add(e.Value.Pos, "tags must be a list")
		}
		d.tags = slices.Concat(d.tags, e.Value.Items)
	}
	return d
}

// add makes an item of a plan with the metadata around it.
func (r *reader) add(b *Bundle, n, plan *yamlpos.Node, outer, own defaults) {
	item := &Item{
		Pos: n.Pos, Version: own.version, Type: own.itemType, Name: own.name, Description: own.description,
		IconURL: own.icon, Tags: own.tags, Format: own.format, Plan: r.plan(plan, own.format),
		Deprecated: r.flag(n, "deprecated"), Disabled: r.flag(n, "disabled"),
	}
	item.PlanText = yamlpos.Format(item.Plan)
	item.ID = r.text(n, "id", "symbolicName")
	if item.ID == "" {
		item.ID = r.text(n, "name") // its own, not one that it inherits
	}
	for _, key := range []string{"id", "name"} {
		if v := item.Plan.Get(key); item.ID == "" && v != nil && v.Kind == yamlpos.Scalar {
			item.ID = v.Text
		}
	}
	if item.ID == "" {
		r.errs.Add(n.Pos, "an item must have an id")
		return
	}
	if name, v := blueprint.SplitType(item.ID); v != "" {
		if own := r.text(n, versionKeys...); own != "" && own != v {
			r.errs.Add(n.Pos, "the id %s says another version than the key version, %s", item.ID, own)
		}
		item.ID, item.Version = name, v
	}
	if strings.ContainsAny(item.ID, " \t\r\n") && outer.name == item.ID {
		r.errs.Add(n.Pos, "the id %q holds white space", item.ID)
	}
	b.Items = append(b.Items, item)
}

// plan gives a plan as a map or as the name of a type. Text that is YAML by
// itself is read.
func (r *reader) plan(n *yamlpos.Node, format string) *yamlpos.Node {
	if n.Kind != yamlpos.Scalar || !strings.ContainsAny(n.Text, "\n{") && !strings.Contains(n.Text, ": ") {
		return n
	}
	if format != "" && format != "brooklyn-camp" && format != "auto" && format != "bean-with-type" {
		return n
	}
	inner, err := yamlpos.Parse(n.Pos.File, []byte(n.Text), r.options.YAML)
	var one *yamlpos.Error
	switch {
	case errors.As(err, &one):
		r.errs.Add(yamlpos.Pos{File: one.Pos.File, Line: one.Pos.Line + n.Pos.Line, Col: one.Pos.Col}, "%s", one.Msg)
		return n
	case err != nil:
		r.errs.Append(n.Pos, err)
		return n
	}
	move(inner, n.Pos)
	return inner
}

// move puts the places of a text that stands inside another one, which starts
// on the line after its mark.
func move(n *yamlpos.Node, by yamlpos.Pos) {
	n.Pos.Line += by.Line
	for _, item := range n.Items {
		move(item, by)
	}
	for i := range n.Entries {
		n.Entries[i].KeyPos.Line += by.Line
		move(n.Entries[i].Value, by)
	}
}

// include reads the files that a block includes.
func (r *reader) include(b *Bundle, e *yamlpos.Entry, d defaults) {
	list := []*yamlpos.Node{e.Value}
	if e.Value.Kind == yamlpos.List {
		list = e.Value.Items
	}
	for _, n := range list {
		if n.Kind != yamlpos.Scalar || n.Text == "" {
			r.errs.Add(n.Pos, "include must name a file of the bundle or a URL")
			continue
		}
		r.included(b, n, d)
	}
}

func (r *reader) included(b *Bundle, n *yamlpos.Node, d defaults) {
	name, text, err := r.open(n.Text)
	if err != nil {
		r.errs.Append(n.Pos, err)
		return
	}
	if slices.Contains(r.files, name) {
		r.errs.Add(n.Pos, "%s includes itself: %s", name, strings.Join(append(r.files, name), " → "))
		return
	}
	if len(r.files) > maxIncludes {
		r.errs.Add(n.Pos, "more than %d files include one another", maxIncludes)
		return
	}
	node, err := yamlpos.Parse(name, text, r.options.YAML)
	if err != nil {
		r.errs.Append(n.Pos, err)
		return
	}
	r.files = append(r.files, name)
	defer func() { r.files = r.files[:len(r.files)-1] }()
	r.document(b, node, d)
}

// maxIncludes is how deep files may include one another.
const maxIncludes = 20

// open gives the text that an include names and its name in positions.
func (r *reader) open(ref string) (string, []byte, error) {
	scheme, rest, isURL := strings.Cut(ref, "://")
	switch {
	case isURL && scheme == "classpath":
		ref = strings.TrimPrefix(rest, "/")
	case isURL && (scheme == "http" || scheme == "https"):
		if r.options.Open == nil {
			return "", nil, invalid("this server does not fetch %s; put the file into the bundle, or add it by itself", ref)
		}
		text, err := r.options.Open(ref)
		return ref, text, err
	case isURL:
		return "", nil, invalid("include of %s: only files of the bundle, http and https can be included", ref)
	}
	if r.archive == nil {
		return "", nil, invalid("include of %s: a BOM by itself has no other files; make it a zip with all of them", ref)
	}
	at := path.Join(path.Dir(r.files[len(r.files)-1]), ref)
	for _, name := range []string{ref, at} {
		if text, err := r.archive.Read(name); err == nil {
			return name, text, nil
		}
	}
	return "", nil, invalid("the bundle has no file %s%s", ref, nearest.Hint(ref, r.archive.Names()))
}

func (r *reader) libraries(e *yamlpos.Entry) []Library {
	if e.Value.Kind != yamlpos.List && e.Value.Kind != yamlpos.Null {
		r.errs.Add(e.Value.Pos, "%s must be a list", e.Key)
	}
	out := make([]Library, 0, len(e.Value.Items))
	for _, n := range e.Value.Items {
		l := Library{Pos: n.Pos}
		switch {
		case n.Kind == yamlpos.Map:
			l.URL, l.Name, l.Version = r.text(n, "url"), r.text(n, "name"), r.text(n, "version")
		case n.Kind == yamlpos.Scalar && strings.Contains(n.Text, "://"):
			l.URL = n.Text
		case n.Kind == yamlpos.Scalar:
			l.Name, l.Version, _ = strings.Cut(n.Text, ":")
		}
		if l.URL == "" && l.Name == "" {
			r.errs.Add(n.Pos, "a library must be a URL, name:version, or a map of url, name and version")
			continue
		}
		out = append(out, l)
	}
	return out
}

// misspelt refuses keys that are nearly ones of a BOM. Others are metadata of
// whoever wrote it.
func (r *reader) misspelt(n *yamlpos.Node) {
	for _, e := range n.Entries {
		if slices.Contains(known, e.Key) {
			continue
		}
		near := nearest.Word(e.Key, []string{"items", "itemType", "include", "version", "bundle", "brooklyn.libraries"})
		if near != "" {
			r.errs.Add(e.KeyPos, "unknown key %q of a catalog; did you mean %q?", e.Key, near)
		}
	}
}

func (r *reader) entries(n *yamlpos.Node, keys ...string) (out []*yamlpos.Entry) {
	for i := range n.Entries {
		if slices.Contains(keys, n.Entries[i].Key) {
			out = append(out, &n.Entries[i])
		}
	}
	return out
}

func (r *reader) entry(n *yamlpos.Node, key string) *yamlpos.Entry {
	if list := r.entries(n, key); len(list) > 0 {
		return list[0]
	}
	return nil
}

// text gives the first of some keys that is there, "" when none is.
func (r *reader) text(n *yamlpos.Node, keys ...string) string {
	for _, key := range keys {
		e := r.entry(n, key)
		if e == nil || e.Value.Kind == yamlpos.Null {
			continue
		}
		if e.Value.Kind != yamlpos.Scalar {
			r.errs.Add(e.Value.Pos, "%s must be text", e.Key)
			continue
		}
		return strings.TrimSpace(e.Value.Text)
	}
	return ""
}

func (r *reader) flag(n *yamlpos.Node, key string) bool {
	e := r.entry(n, key)
	if e == nil {
		return false
	}
	v, err := coerce.To("boolean", e.Value.Any())
	if err != nil {
		r.errs.Add(e.Value.Pos, "%s: %s", key, err)
	}
	b, _ := v.(bool)
	return b
}
