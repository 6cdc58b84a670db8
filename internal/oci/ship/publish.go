package ship

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
)

// PublishOptions say how something is published.
type PublishOptions struct {
	Registry oci.Options
	Signing  Signing // without a key it is not signed
	SBOM     []byte  // a bill of materials, SPDX or CycloneDX in JSON; nil for none
	Force    bool    // also in place of something else under the same version
}

// Published is what came of it.
type Published struct {
	Reference oci.Reference // with its tag
	Digest    string
	SBOM      string // the digest of the manifest of the bill of materials
	There     bool   // the very same was there before
}

// Publish pushes a package under the tag of the reference, or else that of its
// version. It is signed before it gets the tag, so that nobody finds it without.
// A version that is there already is not replaced: that is fault.Conflict.
func Publish(ctx context.Context, ref string, p Package, o PublishOptions) (*Published, error) {
	repo, r, err := open(ref, o.Registry)
	if err != nil {
		return nil, err
	}
	out, err := publish(ctx, repo, r, &p, &o)
	if e := repo.Close(); err == nil && e != nil {
		return nil, e
	}
	return out, err
}

func publish(ctx context.Context, repo *oci.Repository, r oci.Reference, p *Package, o *PublishOptions) (*Published, error) {
	a, d, err := p.artifact()
	if err != nil {
		return nil, err
	}
	if r.Digest != "" || r.Constraint != "" {
		return nil, fault.New(fault.Invalid, "%s: expected a tag, or nothing, after the repository", r)
	}
	if r.Tag == "" {
		r.Tag = oci.TagOf(d.Version)
	}
	if err := checkTag(r.Tag, d.Version); err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", r, err)
	}
	if o.Signing.Key != nil { // before anything is there
		if _, err := o.Signing.payload(r, ""); err != nil {
			return nil, err
		}
	}
	digest, err := a.Digest()
	if err != nil {
		return nil, err
	}
	out := &Published{Reference: r, Digest: digest}
	if out.There, err = there(ctx, repo, r, digest, o.Force); err != nil {
		return nil, err
	}
	m, err := repo.Push(ctx, a)
	if err != nil {
		return nil, err
	}
	if o.SBOM != nil {
		if out.SBOM, err = attachSBOM(ctx, repo, r, m, o); err != nil {
			return nil, err
		}
	}
	if o.Signing.Key != nil {
		if err := addSignature(ctx, repo, r, m, o.Signing); err != nil {
			return nil, err
		}
	}
	_, err = repo.Push(ctx, a, r.Tag)
	return out, err
}

// there tells whether the tag has this digest already.
func there(ctx context.Context, repo *oci.Repository, r oci.Reference, digest string, force bool) (bool, error) {
	d, _, err := repo.Resolve(ctx, r)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return false, nil
	case err != nil:
		return false, err
	case d.Digest.String() == digest:
		return true, nil
	case !force && checkTag(r.Tag, "") != nil: // a version; other tags are made to move
		return false, fault.New(fault.Conflict, "%s is there already, as %s; publish what is new as a new version", r, d.Digest)
	}
	return false, nil
}

// Sign adds a signature to what a reference leads to, and gives its digest.
func Sign(ctx context.Context, ref string, s Signing, o oci.Options) (digest string, err error) {
	repo, r, err := open(ref, o)
	if err != nil {
		return "", err
	}
	d, _, err := repo.Resolve(ctx, r)
	if err == nil {
		_, err = repo.Manifest(ctx, d)
	}
	if err == nil {
		err = addSignature(ctx, repo, r, d, s)
	}
	if e := repo.Close(); err == nil {
		err = e
	}
	return d.Digest.String(), err
}
