package ship

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
)

// Copy takes an artifact, with its signatures and what else refers to it, to
// another repository or into a layout, byte for byte. It is verified before. The
// signatures keep the identity of where it came from; who fetches the copy needs
// a rule that says so.
func Copy(ctx context.Context, from, to string, o FetchOptions) (*Fetched, oci.Reference, error) {
	source, ref, err := open(from, o.Registry)
	if err != nil {
		return nil, ref, err
	}
	defer source.Close()
	out, m, err := inspect(ctx, source, ref, &o)
	if err != nil {
		return nil, ref, err
	}
	target, there, err := open(to, o.Registry)
	if err != nil {
		return nil, there, err
	}
	if there.Tag == "" {
		there.Tag = oci.TagOf(out.Description.Version)
	}
	err = copyAll(ctx, source, ref, target, there, m)
	if e := target.Close(); err == nil {
		err = e
	}
	return out, there, err
}

// copyAll copies what refers to a manifest before the manifest gets its tag.
func copyAll(ctx context.Context, source *oci.Repository, from oci.Reference, target *oci.Repository, to oci.Reference, m *oci.Manifest) error {
	if to.Digest != "" || to.Constraint != "" {
		return fault.New(fault.Invalid, "%s: expected a tag, or nothing, after the repository", to)
	}
	if err := target.Copy(ctx, source, m); err != nil {
		return err
	}
	if err := copyReferrers(ctx, source, from, target, m, 0); err != nil {
		return err
	}
	return target.Copy(ctx, source, m, to.Tag)
}

// maxReferring is how deep referrers of referrers are followed.
const maxReferring = 3

func copyReferrers(ctx context.Context, source *oci.Repository, from oci.Reference, target *oci.Repository, m *oci.Manifest, depth int) error {
	if depth == maxReferring {
		return nil
	}
	list, err := source.Referrers(ctx, m.Descriptor)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := target.Copy(ctx, source, r); err != nil {
			return err
		}
		if err := copyReferrers(ctx, source, from, target, r, depth+1); err != nil {
			return err
		}
	}
	s, err := tagged(ctx, source, from, signatureTag(m.Descriptor))
	if err != nil || s == nil {
		return err
	}
	return target.Copy(ctx, source, s, signatureTag(m.Descriptor))
}
