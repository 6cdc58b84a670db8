package ship

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/wasm/section"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/semver"
)

// Media types of artifacts and of what they are made of.
const (
	ModuleType      = "application/vnd.gowanus.module.v1"
	BundleType      = "application/vnd.gowanus.bundle.v1"
	DescriptionType = "application/vnd.gowanus.description.v1+json"
	WasmFile        = "application/vnd.gowanus.module.v1+wasm"
	YAMLFile        = "application/vnd.gowanus.bundle.v1+yaml"
	ZipFile         = "application/vnd.gowanus.bundle.v1+zip"
)

// Annotations of manifests, beside those of the image specification.
const (
	AnnotationTypes        = "io.github.gowanus-project.types"        // "KIND NAME, KIND NAME"
	AnnotationCapabilities = "io.github.gowanus-project.capabilities" // "KIND VALUE, KIND VALUE"
)

// maxAnnotation bounds the length of an annotation that is made here, in bytes.
const maxAnnotation = 4 << 10

// Format is what a file is.
type Format string

// The formats.
const (
	Wasm Format = "wasm" // a module
	YAML Format = "yaml" // a bundle: a BOM
	Zip  Format = "zip"  // a bundle: an archive with a BOM
)

// kinds are the media types of artifact and file, by format.
var kinds = map[Format]struct{ artifact, file string }{
	Wasm: {ModuleType, WasmFile}, YAML: {BundleType, YAMLFile}, Zip: {BundleType, ZipFile},
}

// FormatOf tells what content is: a module or an archive by how it begins, else
// YAML.
func FormatOf(content []byte) Format {
	switch {
	case bytes.HasPrefix(content, []byte("\x00asm")):
		return Wasm
	case bytes.HasPrefix(content, []byte("PK\x03\x04")), bytes.HasPrefix(content, []byte("PK\x05\x06")):
		return Zip
	}
	return YAML
}

// Package is a module or a bundle that is to be published.
type Package struct {
	Format      Format
	File        string // its file name; "" makes one
	Content     []byte
	Description []byte            // what it says of itself, a hook.Description in JSON
	Annotations map[string]string // further ones
}

// artifact gives the package as an artifact, and its description.
func (p *Package) artifact() (oci.Artifact, *hook.Description, error) {
	k, known := kinds[p.Format]
	if !known {
		return oci.Artifact{}, nil, fault.New(fault.Invalid, "format %q; expected wasm, yaml or zip", p.Format)
	}
	d, err := readDescription(p.Description)
	if err == nil {
		err = agree(p.Format, p.Content, d)
	}
	if err != nil {
		return oci.Artifact{}, nil, err
	}
	file := p.File
	if file == "" {
		file = d.Name + "." + string(p.Format)
	}
	return oci.Artifact{
		Type: k.artifact, Config: oci.File{MediaType: DescriptionType, Content: p.Description},
		Files:       []oci.File{{Name: file, MediaType: k.file, Content: p.Content}},
		Annotations: annotations(d, p.Annotations),
	}, d, nil
}

func readDescription(text []byte) (*hook.Description, error) {
	var d hook.Description
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fault.New(fault.Invalid, "the description cannot be read: %w", err)
	}
	if d.Name == "" || d.Version == "" {
		return nil, fault.New(fault.Invalid, "the description has the name %.200q and the version %.200q; expected both", d.Name, d.Version)
	}
	return &d, nil
}

// agree checks that the description beside a module is the one in it. A module
// without one is to be asked by who loads it.
func agree(f Format, content []byte, d *hook.Description) error {
	if f != Wasm {
		return nil
	}
	text, err := section.Get(content, section.Describe)
	if err != nil || text == nil {
		return err
	}
	inside, err := readDescription(text)
	if err != nil {
		return err
	}
	if inside.Name != d.Name || inside.Version != d.Version || !slices.Equal(Capabilities(inside), Capabilities(d)) {
		return fault.New(fault.Invalid, "the description says %s %s with the capabilities %v; the module itself says %s %s with %v",
			d.Name, d.Version, Capabilities(d), inside.Name, inside.Version, Capabilities(inside))
	}
	return nil
}

// annotations gives what lists show.
func annotations(d *hook.Description, more map[string]string) map[string]string {
	out := maps.Clone(more)
	if out == nil {
		out = map[string]string{}
	}
	var types []string
	for _, t := range d.Types {
		types = append(types, t.Kind+" "+t.Name)
	}
	out[oci.AnnotationTitle], out[oci.AnnotationVersion] = d.Name, d.Version
	for key, list := range map[string][]string{AnnotationTypes: types, AnnotationCapabilities: Capabilities(d)} {
		if text := joined(list); text != "" {
			out[key] = text
		}
	}
	if out[oci.AnnotationDescription] == "" && len(d.Types) == 1 && d.Types[0].Description != "" {
		out[oci.AnnotationDescription] = d.Types[0].Description
	}
	return out
}

// joined gives a list as an annotation; of a long one what fits, with an … at its
// end.
func joined(list []string) string {
	text := strings.Join(list, ", ")
	for n := len(list) - 1; len(text) > maxAnnotation; n-- {
		text = strings.Join(append(slices.Clone(list[:n]), "…"), ", ")
	}
	return text
}

// Capabilities gives what a description asks for, as "KIND VALUE", sorted.
func Capabilities(d *hook.Description) []string {
	var out []string
	for _, c := range d.Capabilities {
		out = append(out, c.Kind+" "+c.Value)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkTag refuses a tag that looks like a version and is another one.
func checkTag(tag, version string) error {
	rest := strings.TrimPrefix(tag, "v")
	if tag == oci.TagOf(version) || rest == "" || rest[0] < '0' || rest[0] > '9' {
		return nil
	}
	a, err := semver.Parse(strings.ReplaceAll(rest, "_", "+"))
	b, err2 := semver.Parse(version)
	if err == nil && err2 == nil && a == b {
		return nil
	}
	return fault.New(fault.Forbidden, "the tag %s leads to version %.200s", tag, version)
}
