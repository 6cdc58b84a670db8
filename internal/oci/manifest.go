package oci

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Descriptor names content by media type, digest and size.
type Descriptor = v1.Descriptor

// Annotations that the image specification defines.
const (
	AnnotationTitle       = v1.AnnotationTitle
	AnnotationDescription = v1.AnnotationDescription
	AnnotationVersion     = v1.AnnotationVersion
	AnnotationCreated     = v1.AnnotationCreated
)

// File is one file of an artifact.
type File struct {
	Name        string // its title; "" for none
	MediaType   string
	Content     []byte
	Annotations map[string]string
}

// Artifact is what Push makes a manifest of.
type Artifact struct {
	Type        string // its artifact type; "" when the media type of Config says it
	Config      File   // without content: the empty JSON object
	Files       []File
	Annotations map[string]string
	Subject     *Descriptor // the manifest that it refers to
}

// Manifest is a manifest as it was read: Raw has the digest of Descriptor.
type Manifest struct {
	Descriptor  Descriptor
	Raw         []byte
	Type        string // the artifact type, or else the media type of the config
	Config      Descriptor
	Files       []Descriptor
	Annotations map[string]string
	Subject     *Descriptor
}

// descriptorOf describes content.
func descriptorOf(mediaType string, content []byte) Descriptor {
	return Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}

// DigestOf gives the digest of content.
func DigestOf(content []byte) string { return digest.FromBytes(content).String() }

// blob is content under its descriptor.
type blob struct {
	Descriptor
	content []byte
}

// build makes the manifest of an artifact. The same artifact has the same
// manifest, and so the same digest, whenever it is made.
func (a *Artifact) build() (manifest blob, blobs []blob, err error) {
	config := blob{v1.DescriptorEmptyJSON, v1.DescriptorEmptyJSON.Data}
	config.Data = nil
	if a.Config.Content != nil {
		config = a.Config.blob()
	}
	if a.Config.MediaType != "" {
		config.MediaType = a.Config.MediaType
	}
	m := v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest, ArtifactType: a.Type,
		Config: config.Descriptor, Annotations: a.Annotations, Subject: a.Subject,
	}
	blobs = append(blobs, config)
	for _, f := range a.Files {
		b := f.blob()
		blobs, m.Layers = append(blobs, b), append(m.Layers, b.Descriptor)
	}
	if len(a.Files) == 0 { // the specification wants at least one layer
		empty := blob{v1.DescriptorEmptyJSON, v1.DescriptorEmptyJSON.Data}
		empty.Data = nil
		blobs, m.Layers = append(blobs, empty), append(m.Layers, empty.Descriptor)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return blob{}, nil, fault.New(fault.Internal, "write the manifest: %w", err)
	}
	return blob{descriptorOf(v1.MediaTypeImageManifest, text), text}, blobs, nil
}

func (f *File) blob() blob {
	b := blob{descriptorOf(f.MediaType, f.Content), f.Content}
	b.Annotations = f.Annotations
	if f.Name != "" {
		b.Annotations = map[string]string{AnnotationTitle: f.Name}
		for k, v := range f.Annotations {
			b.Annotations[k] = v
		}
	}
	return b
}

// ParseManifest reads an image manifest of at most l.ManifestBytes. An index, or
// one of a container of another format, is fault.Invalid. Its text is believed
// as little as its origin: sizes are in bounds, digests well-formed.
func ParseManifest(raw []byte, l Limits) (*Manifest, error) {
	l.fillDefaults()
	if int64(len(raw)) > l.ManifestBytes {
		return nil, tooLarge("the manifest", int64(len(raw)), l.ManifestBytes, "ManifestBytes")
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fault.New(fault.Invalid, "the manifest cannot be read: %w", err)
	}
	if m.SchemaVersion != 2 || m.MediaType != "" && m.MediaType != v1.MediaTypeImageManifest {
		return nil, fault.New(fault.Invalid, "the manifest has media type %.200q and schema version %d; expected %s and 2",
			m.MediaType, m.SchemaVersion, v1.MediaTypeImageManifest)
	}
	if len(m.Layers) > l.Files {
		return nil, tooMany("files in the manifest", l.Files, "Files")
	}
	all := append([]Descriptor{m.Config}, m.Layers...)
	if m.Subject != nil {
		all = append(all, *m.Subject)
	}
	for _, d := range all {
		if err := checkDescriptor(d); err != nil {
			return nil, fault.New(fault.Invalid, "the manifest cannot be used: %w", err)
		}
	}
	out := &Manifest{
		Descriptor: descriptorOf(v1.MediaTypeImageManifest, raw), Raw: raw, Type: m.ArtifactType,
		Config: m.Config, Files: m.Layers, Annotations: m.Annotations, Subject: m.Subject,
	}
	if out.Type == "" {
		out.Type = m.Config.MediaType
	}
	return out, out.checkSizes(l)
}

func checkDescriptor(d Descriptor) error {
	if err := checkDigest(d.Digest.String()); err != nil {
		return err
	}
	if d.Size < 0 {
		return fault.New(fault.Invalid, "%s has %d bytes; expected 0 or more", d.Digest, d.Size)
	}
	return nil
}

func (m *Manifest) checkSizes(l Limits) error {
	if m.Config.Size > l.ConfigBytes {
		return tooLarge("the config blob", m.Config.Size, l.ConfigBytes, "ConfigBytes")
	}
	total := int64(0)
	for _, f := range m.Files {
		if f.Size > l.FileBytes {
			return tooLarge("file "+f.Digest.String(), f.Size, l.FileBytes, "FileBytes")
		}
		if total += f.Size; total > l.TotalBytes {
			return tooLarge("the artifact", total, l.TotalBytes, "TotalBytes")
		}
	}
	return nil
}

// readVerified reads content and checks that it is what d names. Memory grows
// with what comes, not with what is announced.
func readVerified(r io.Reader, d Descriptor) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, d.Size+1))
	if err != nil {
		return nil, err
	}
	if n > d.Size {
		return nil, fault.New(fault.Invalid, "%s was changed: it has more than the %d bytes that are expected", d.Digest, d.Size)
	}
	if n < d.Size {
		return nil, fault.New(fault.Invalid, "%s was changed: it has %d bytes, %d are expected", d.Digest, n, d.Size)
	}
	if got := digest.FromBytes(b.Bytes()); got != d.Digest {
		return nil, fault.New(fault.Invalid, "%s was changed: what came has the digest %s", d.Digest, got)
	}
	return b.Bytes(), nil
}

// Digest gives the digest that the artifact has once it is pushed.
func (a *Artifact) Digest() (string, error) {
	m, _, err := a.build()
	return m.Digest.String(), err
}
