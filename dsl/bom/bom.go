// Package bom reads bundles for the catalog as Apache Brooklyn writes them: a
// bill of materials (BOM) in YAML, or a zip archive with a catalog.bom.
//
// It knows the form of a bundle, not what its items mean: the plan of an item
// stays as it was written.
package bom

import (
	"slices"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// The formats of bundles.
const (
	YAML = "brooklyn-bom-yaml"
	Zip  = "brooklyn-bom-zip"
)

// Bundle is what a BOM, or an archive, says.
type Bundle struct {
	Pos       yamlpos.Pos
	Name      string // symbolic name; "" has none
	Version   string // "" when it says none
	Format    string
	IconURL   string
	Libraries []Library
	Items     []*Item  // in the order of the text, those of included files where they are included
	Archive   *Archive // of a Zip
}

// Library is something that Brooklyn would load for a bundle. Only another
// bundle, which has a name, means anything here.
type Library struct {
	Pos                yamlpos.Pos
	URL, Name, Version string
}

// Item is one type of a bundle.
type Item struct {
	Pos         yamlpos.Pos
	ID          string // symbolic name
	Version     string // its own, or the bundle's; "" when neither says one
	Type        string // "entity", "template", "policy" …; "" leaves it to the plan
	Name        string // for people; "" has none
	Description string
	IconURL     string
	Tags        []*yamlpos.Node
	Format      string // of the plan; "" finds out
	Deprecated  bool
	Disabled    bool
	Plan        *yamlpos.Node // a map, or text that names a type
	PlanText    string        // the plan in one canonical form, so that equal plans are equal here
}

// Options say how a bundle is read.
type Options struct {
	YAML yamlpos.Limits // of each text
	Zip  ZipLimits
	// Open gives the text that an include names by its URL. Nil refuses these.
	Open func(url string) ([]byte, error)
}

// Parse reads a bundle; whether it is YAML or an archive shows in its content.
// The file only names it in positions.
//
// Errors are *yamlpos.Error or *yamlpos.Errors, with all problems of the text,
// or a fault for an archive that cannot be read.
func Parse(file string, content []byte, o Options) (*Bundle, error) {
	if IsZip(content) {
		return parseZip(file, content, o)
	}
	return parseText(file, content, o, nil)
}

func parseText(file string, text []byte, o Options, archive *Archive) (*Bundle, error) {
	node, err := yamlpos.Parse(file, text, o.YAML)
	if err != nil {
		return nil, err
	}
	r := &reader{options: o, archive: archive, files: []string{file}}
	b := &Bundle{Pos: node.Pos, Format: YAML, Archive: archive}
	r.document(b, node, defaults{})
	r.distinct(b.Items)
	if err := r.errs.Err(); err != nil {
		return nil, err
	}
	return b, nil
}

// distinct refuses two items of one name and version with different plans, and
// drops the second of two equal ones.
func (r *reader) distinct(items []*Item) {
	first := map[string]*Item{}
	for _, item := range items {
		id := item.ID + ":" + item.Version
		switch other := first[id]; {
		case other == nil:
			first[id] = item
		case other.PlanText != item.PlanText || other.Type != item.Type:
			r.errs.Add(item.Pos, "item %s is different from that of the same id and version at %s", item.ID, other.Pos)
		}
	}
}

// Distinct gives the items without those that repeat another one.
func (b *Bundle) Distinct() []*Item {
	out := make([]*Item, 0, len(b.Items))
	seen := map[string]bool{}
	for _, item := range b.Items {
		if id := item.ID + ":" + item.Version; !seen[id] {
			seen[id] = true
			out = append(out, item)
		}
	}
	return slices.Clip(out)
}
