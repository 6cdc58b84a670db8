package oci

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// blobFolder is where a layout has its blobs; only SHA-256 is used.
const blobFolder = v1.ImageBlobsDir + "/sha256"

// layout is an image layout in a folder, as the image specification defines it.
// Each file is replaced as a whole, so that a reader sees the old or the new.
type layout struct {
	root    *os.Root // nil until there is a folder
	path    string   // of the folder
	shown   string   // what messages call it
	limits  *Limits
	index   v1.Index
	changed bool
}

// openLayout reads the index of a layout. Nothing at its path is an empty one.
func openLayout(path, shown string, l *Limits) (*layout, error) {
	out := &layout{path: path, shown: shown, limits: l}
	out.index = v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex, Manifests: []Descriptor{}}
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err)
	}
	out.root = root
	if err := out.readIndex(); err != nil {
		root.Close()
		return nil, err
	}
	return out, nil
}

func (l *layout) readIndex() error {
	text, err := l.readFile(v1.ImageIndexFile, l.limits.AnswerBytes, "AnswerBytes")
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := fs.ReadDir(l.root.FS(), "."); err != nil || len(entries) > 0 {
			return fault.New(fault.Invalid, "%s is no image layout: it has no %s", l.shown, v1.ImageIndexFile)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &l.index); err != nil {
		return fault.New(fault.Invalid, "%s cannot be read: %w", v1.ImageIndexFile, err)
	}
	if l.index.SchemaVersion != 2 {
		return fault.New(fault.Invalid, "%s has schema version %d; expected 2", v1.ImageIndexFile, l.index.SchemaVersion)
	}
	if most := l.limits.Tags + l.limits.Referrers; len(l.index.Manifests) > most {
		return tooMany("manifests in "+v1.ImageIndexFile, most, "Tags")
	}
	for _, d := range l.index.Manifests {
		if err := checkDescriptor(d); err != nil {
			return fault.New(fault.Invalid, "%s: %w", v1.ImageIndexFile, err)
		}
	}
	return nil
}

func (l *layout) readFile(name string, limit int64, field string) ([]byte, error) {
	f, err := l.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(text)) > limit {
		return nil, fault.New(fault.Limit, "%s has more than %d bytes (limit %s)", name, limit, field)
	}
	return text, err
}

func (l *layout) close() error {
	if l.root == nil {
		return nil
	}
	return l.root.Close()
}

func tagIn(d Descriptor) string { return d.Annotations[v1.AnnotationRefName] }

// Resolve implements storage.
func (l *layout) Resolve(_ context.Context, reference string) (Descriptor, error) {
	for _, d := range l.index.Manifests {
		if tagIn(d) == reference || d.Digest.String() == reference {
			return d, nil
		}
	}
	return Descriptor{}, fault.New(fault.NotFound, "there is no %s", reference)
}

// Fetch implements storage.
func (l *layout) Fetch(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	if l.root == nil {
		return nil, fault.New(fault.NotFound, "there is no folder %s", l.shown)
	}
	f, err := l.root.Open(blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no blob %s", d.Digest)
	}
	return f, err
}

func blobPath(d Descriptor) string { return path.Join(blobFolder, d.Digest.Encoded()) }

// Tags implements storage.
func (l *layout) Tags(_ context.Context, _ string, each func([]string) error) error {
	var tags []string
	for _, d := range l.index.Manifests {
		if tag := tagIn(d); tag != "" {
			tags = append(tags, tag)
		}
	}
	return each(tags)
}

// Referrers implements storage. A layout has no list of referrers: each manifest
// in its index is looked at.
func (l *layout) Referrers(ctx context.Context, subject Descriptor, _ string, each func([]Descriptor) error) error {
	var out []Descriptor
	for _, d := range l.index.Manifests {
		if d.MediaType != v1.MediaTypeImageManifest || d.Size > l.limits.ManifestBytes || d.Digest == subject.Digest {
			continue
		}
		rc, err := l.Fetch(ctx, d)
		if err != nil {
			return err
		}
		raw, err := readVerified(rc, d)
		rc.Close()
		if err != nil {
			return err
		}
		m, err := ParseManifest(raw, *l.limits)
		if err != nil || m.Subject == nil || m.Subject.Digest != subject.Digest {
			continue
		}
		d.ArtifactType, d.Annotations = m.Type, m.Annotations
		out = append(out, d)
	}
	return each(out)
}

// Exists implements storage. Content that was changed is not there.
func (l *layout) Exists(ctx context.Context, d Descriptor) (bool, error) {
	rc, err := l.Fetch(ctx, d)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer rc.Close()
	_, err = readVerified(rc, d)
	return err == nil, nil
}

// Push implements storage. A manifest without a tag stands in the index too;
// else nobody would find it.
func (l *layout) Push(_ context.Context, d Descriptor, content io.Reader) error {
	if err := l.writeBlob(d, content); err != nil || d.MediaType != v1.MediaTypeImageManifest {
		return err
	}
	if slices.ContainsFunc(l.index.Manifests, func(x Descriptor) bool { return x.Digest == d.Digest }) {
		return nil
	}
	return l.list(d)
}

// PushReference implements storage.
func (l *layout) PushReference(_ context.Context, d Descriptor, content io.Reader, tag string) error {
	if err := l.writeBlob(d, content); err != nil {
		return err
	}
	d.Annotations = maps.Clone(d.Annotations)
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[v1.AnnotationRefName] = tag
	l.index.Manifests = slices.DeleteFunc(l.index.Manifests, func(x Descriptor) bool {
		return tagIn(x) == tag || tagIn(x) == "" && x.Digest == d.Digest
	})
	return l.list(d)
}

// list adds a manifest to the index, which is in a fixed order: the same
// contents make the same file.
func (l *layout) list(d Descriptor) error {
	l.index.Manifests = append(l.index.Manifests, d)
	slices.SortFunc(l.index.Manifests, func(a, b Descriptor) int {
		return cmp.Or(cmp.Compare(tagIn(a), tagIn(b)), cmp.Compare(a.Digest, b.Digest))
	})
	text, err := json.MarshalIndent(l.index, "", "  ")
	if err != nil {
		return err
	}
	l.changed = true
	return l.replace(v1.ImageIndexFile, text)
}

func (l *layout) writeBlob(d Descriptor, content io.Reader) error {
	text, err := readVerified(content, d)
	if err != nil {
		return err
	}
	if err := l.prepare(); err != nil {
		return err
	}
	l.changed = true
	return l.replace(blobPath(d), text)
}

// prepare makes the folder and what marks it as a layout.
func (l *layout) prepare() error {
	if l.root == nil {
		if err := os.MkdirAll(l.path, 0o755); err != nil {
			return err
		}
		root, err := os.OpenRoot(l.path)
		if err != nil {
			return err
		}
		l.root = root
	}
	if err := l.root.MkdirAll(blobFolder, 0o755); err != nil {
		return err
	}
	if _, err := l.root.Stat(v1.ImageLayoutFile); err == nil {
		return nil
	}
	text, err := json.Marshal(v1.ImageLayout{Version: v1.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return l.replace(v1.ImageLayoutFile, text)
}

// replace writes a file beside its place and moves it there.
func (l *layout) replace(name string, text []byte) error {
	fresh := name + ".new"
	f, err := l.root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(text))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return l.root.Rename(fresh, name)
}
