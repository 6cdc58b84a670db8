package oci

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/semver"
)

// Options say how repositories are reached. The zero value is usable.
type Options struct {
	Limits Limits
	// User and Password log in. Without a user the file of Docker is asked,
	// $DOCKER_CONFIG/config.json or ~/.docker/config.json, and its helpers.
	User, Password string
	// Anonymous leaves Docker's file alone when there is no user.
	Anonymous bool
	// PlainHTTP speaks HTTP instead of HTTPS. Registries on the loopback
	// interface are always asked by HTTP.
	PlainHTTP bool
	// Transport replaces the HTTP client's; with one, nothing is retried.
	Transport http.RoundTripper
	// RequestTime bounds one request, with its answer and what is tried again;
	// 0 is 10 minutes.
	RequestTime time.Duration
	// UserAgent is how requests introduce themselves; "" is gowanus.
	UserAgent string
}

// storage is a repository, remote or on disk.
type storage interface {
	// Resolve gives the manifest that a tag or a digest stands for.
	Resolve(ctx context.Context, reference string) (Descriptor, error)
	Fetch(ctx context.Context, d Descriptor) (io.ReadCloser, error)
	Tags(ctx context.Context, last string, each func([]string) error) error
	// Referrers lists manifests that claim to refer to another one; the type
	// "" is any.
	Referrers(ctx context.Context, d Descriptor, artifactType string, each func([]Descriptor) error) error
	Exists(ctx context.Context, d Descriptor) (bool, error)
	Push(ctx context.Context, d Descriptor, content io.Reader) error
	// PushReference is Push for a manifest, and gives it the tag.
	PushReference(ctx context.Context, d Descriptor, content io.Reader, tag string) error
}

// Repository is where the versions of one thing are kept. It may not be used
// from several goroutines.
type Repository struct {
	storage storage
	name    string // for messages
	limits  Limits
	close   func() error
}

// Open makes a repository ready. Nothing is asked of a registry yet; a layout is
// read, and made by the first Push when there is none. Close it.
func Open(ref Reference, o Options) (*Repository, error) {
	o.Limits.fillDefaults()
	r := &Repository{name: ref.Name(), limits: o.Limits, close: func() error { return nil }}
	var err error
	switch ref.Scheme {
	case schemeLayout:
		var l *layout
		if l, err = openLayout(ref.Repository, ref.Repository, &r.limits); err == nil {
			r.storage, r.close = l, l.close
		}
	case schemeArchive:
		var a *archive
		if a, err = openArchive(ref.Repository, &r.limits); err == nil {
			r.storage, r.close = a.layout, a.close
		}
	default:
		r.storage, err = openRemote(ref, o)
	}
	if err != nil {
		return nil, fault.Wrap(err, "open", r.name)
	}
	return r, nil
}

// Close writes an archive, if it was changed.
func (r *Repository) Close() error { return fault.Wrap(r.close(), "close", r.name) }

// fail says where something went wrong.
func (r *Repository) fail(err error, op string) error { return fault.Wrap(classify(err), op, r.name) }

// Tags lists the tags, sorted: versions first, the newest first, then what is
// none, in the order of its letters.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	var tags []string
	err := r.storage.Tags(ctx, "", func(page []string) error {
		for _, tag := range page {
			if checkTag(tag) == nil {
				tags = append(tags, tag)
			}
		}
		if len(tags) > r.limits.Tags {
			return tooMany("tags", r.limits.Tags, "Tags")
		}
		return nil
	})
	if unknown(err) {
		return nil, fault.New(fault.NotFound, "there is nothing at %s: the registry does not know this repository", r.name)
	}
	if err != nil {
		return nil, r.fail(err, "list the tags of")
	}
	slices.SortFunc(tags, compareTags)
	return slices.Compact(tags), nil
}

func compareTags(a, b string) int {
	x, isX := versionOf(a)
	y, isY := versionOf(b)
	switch {
	case isX && isY:
		if c := semver.Compare(y, x); c != 0 {
			return c
		}
	case isX:
		return -1
	case isY:
		return 1
	}
	return bytes.Compare([]byte(a), []byte(b))
}

// Resolve finds the manifest that a reference to this repository means, and the
// tag that led to it, "" for a digest. Which digest a tag has is only known
// from the registry.
func (r *Repository) Resolve(ctx context.Context, ref Reference) (d Descriptor, tag string, err error) {
	if tag = ref.Tag; tag == "" && ref.Digest == "" {
		if tag, err = r.choose(ctx, ref.Constraint); err != nil {
			return d, "", err
		}
	}
	what := tag
	if what == "" {
		what = ref.Digest
	}
	d, err = r.storage.Resolve(ctx, what)
	if fault.KindOf(classify(err)) == fault.NotFound {
		return d, "", r.missing(ctx, tag, what)
	}
	if err == nil {
		err = checkDescriptor(d)
	}
	if err == nil && ref.Digest != "" && d.Digest.String() != ref.Digest {
		err = fault.New(fault.Invalid, "it answers with digest %s", d.Digest)
	}
	return d, tag, r.fail(err, "find "+what+" in")
}

// choose gives the tag of the newest version that a constraint takes.
func (r *Repository) choose(ctx context.Context, constraint string) (string, error) {
	var c semver.Constraint
	if constraint != "" {
		var err error
		if c, err = semver.ParseConstraint(constraint); err != nil {
			return "", err
		}
	}
	tags, err := r.Tags(ctx)
	if err != nil {
		return "", err
	}
	newest := ""
	for _, tag := range tags {
		v, isVersion := versionOf(tag)
		if !isVersion {
			continue
		}
		if newest == "" {
			newest = tag
		}
		if c.Match(v) {
			return tag, nil
		}
	}
	if newest == "" {
		return "", fault.New(fault.NotFound, "no tag of %s is a version; name a tag, like %s:TAG", r.name, r.name)
	}
	return "", fault.New(fault.NotFound, "no version in %s matches %s; the newest is %s", r.name, c, newest)
}

// missing is the error for a tag or digest that is not there.
func (r *Repository) missing(ctx context.Context, tag, what string) error {
	hint := ""
	if tag != "" {
		if tags, err := r.Tags(ctx); err == nil {
			hint = nearest.Hint(tag, tags)
		}
	}
	return fault.New(fault.NotFound, "there is no %s in %s%s", what, r.name, hint)
}

// Manifest reads the manifest that a descriptor names, and gives nothing but
// that one.
func (r *Repository) Manifest(ctx context.Context, d Descriptor) (*Manifest, error) {
	if d.Size > r.limits.ManifestBytes {
		return nil, r.fail(tooLarge("the manifest", d.Size, r.limits.ManifestBytes, "ManifestBytes"), "read")
	}
	if d.MediaType != v1.MediaTypeImageManifest {
		return nil, r.fail(fault.New(fault.Invalid, "%s is of media type %.200q; expected %s", d.Digest, d.MediaType, v1.MediaTypeImageManifest), "read")
	}
	raw, err := r.read(ctx, d)
	if err != nil {
		return nil, r.fail(err, "read the manifest in")
	}
	m, err := ParseManifest(raw, r.limits)
	return m, r.fail(err, "read")
}

// Blob reads the content that a manifest names, and gives nothing but that.
func (r *Repository) Blob(ctx context.Context, d Descriptor) ([]byte, error) {
	if d.Size > r.limits.FileBytes {
		return nil, r.fail(tooLarge("file "+d.Digest.String(), d.Size, r.limits.FileBytes, "FileBytes"), "read")
	}
	content, err := r.read(ctx, d)
	return content, r.fail(err, "read a file of")
}

func (r *Repository) read(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := checkDescriptor(d); err != nil {
		return nil, err
	}
	if d.Digest == v1.DescriptorEmptyJSON.Digest {
		return bytes.Clone(v1.DescriptorEmptyJSON.Data), nil
	}
	rc, err := r.storage.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return readVerified(rc, d)
}

// Referrers reads the manifests of some artifact types, or of all, that refer to
// another one. What the registry lists and is not of these kinds is left out.
func (r *Repository) Referrers(ctx context.Context, subject Descriptor, types ...string) ([]*Manifest, error) {
	var claimed []Descriptor
	err := r.storage.Referrers(ctx, subject, "", func(page []Descriptor) error { // some lists lack the types
		for _, d := range page {
			unsure := d.ArtifactType == "" || d.ArtifactType == v1.MediaTypeEmptyJSON // some registries take the config's type for it
			if !unsure && !among(types, d.ArtifactType) || d.MediaType != v1.MediaTypeImageManifest || checkDescriptor(d) != nil {
				continue
			}
			if claimed = append(claimed, d); len(claimed) > r.limits.Referrers {
				return tooMany("manifests refer to "+subject.Digest.String(), r.limits.Referrers, "Referrers")
			}
		}
		return nil
	})
	if err != nil {
		return nil, r.fail(err, "list what refers to "+subject.Digest.String()+" in")
	}
	var out []*Manifest
	for _, d := range claimed {
		m, err := r.Manifest(ctx, d)
		if err != nil {
			return nil, err
		}
		if among(types, m.Type) && m.Subject != nil && m.Subject.Digest == subject.Digest {
			out = append(out, m)
		}
	}
	return out, nil
}

// among tells whether a type is one of those that are wanted.
func among(types []string, t string) bool { return len(types) == 0 || slices.Contains(types, t) }

// Push uploads an artifact under its digest and under tags. What the repository
// has already is not sent again.
func (r *Repository) Push(ctx context.Context, a Artifact, tags ...string) (Descriptor, error) {
	manifest, blobs, err := a.build()
	if err == nil {
		_, err = ParseManifest(manifest.content, r.limits)
	}
	if err != nil {
		return Descriptor{}, r.fail(err, "push to")
	}
	for _, b := range blobs {
		if err := r.upload(ctx, b); err != nil {
			return Descriptor{}, r.fail(err, "push a file to")
		}
	}
	d := manifest.Descriptor
	return d, r.pushManifest(ctx, manifest, tags)
}

// pushManifest stores a manifest whose blobs are there.
func (r *Repository) pushManifest(ctx context.Context, m blob, tags []string) error {
	for _, tag := range tags {
		if err := checkTag(tag); err != nil {
			return r.fail(err, "push to")
		}
		if err := r.storage.PushReference(ctx, m.Descriptor, bytes.NewReader(m.content), tag); err != nil {
			return r.fail(err, "push "+tag+" to")
		}
	}
	if len(tags) == 0 {
		return r.fail(r.storage.Push(ctx, m.Descriptor, bytes.NewReader(m.content)), "push to")
	}
	return nil
}

func (r *Repository) upload(ctx context.Context, b blob) error {
	there, err := r.storage.Exists(ctx, b.Descriptor)
	if err != nil || there {
		return err
	}
	return r.storage.Push(ctx, b.Descriptor, bytes.NewReader(b.content))
}

// Copy takes a manifest and its files over from another repository, byte for
// byte, and gives it tags.
func (r *Repository) Copy(ctx context.Context, from *Repository, m *Manifest, tags ...string) error {
	done := map[digest.Digest]bool{}
	for _, d := range append([]Descriptor{m.Config}, m.Files...) {
		if done[d.Digest] {
			continue
		}
		done[d.Digest] = true
		content, err := from.Blob(ctx, d)
		if err != nil {
			return err
		}
		if err := r.upload(ctx, blob{d, content}); err != nil {
			return r.fail(err, "push a file to")
		}
	}
	return r.pushManifest(ctx, blob{m.Descriptor, m.Raw}, tags)
}
