package ship

import (
	"context"
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

// How cosign keeps signatures: in a manifest that refers to the one that is
// signed, which also has a tag made of its digest. Each signature is a file, the
// payload, with an annotation.
const (
	signatureType       = "application/vnd.dev.cosign.artifact.sig.v1+json"
	payloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	annotationSignature = "dev.cosignproject.cosign/signature"

	// bundleType is of the manifests, and files, of signatures of cosign 3.
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
)

// The bounds of the signatures of one artifact.
const (
	maxSignatures = 100
	maxPayload    = 64 << 10
	maxSignature  = 4 << 10
)

// signatureTag gives the tag of a manifest's signatures.
func signatureTag(d oci.Descriptor) string {
	return strings.Replace(d.Digest.String(), ":", "-", 1) + ".sig"
}

// isMark tells tags that mark a manifest by its digest, as signatures and lists
// of referrers have, from those that people give.
func isMark(tag string) bool { return strings.HasPrefix(tag, "sha256-") }

// Signing says how something is signed.
type Signing struct {
	Key      crypto.Signer
	Identity string        // the repository that it is meant for; "" is the one that it is in
	Validity time.Duration // how long the signature counts; 0: for ever
	Now      time.Time     // zero: the clock's
}

func (s *Signing) payload(ref oci.Reference, digest string) (sign.Payload, error) {
	p := sign.Payload{Identity: s.Identity, Digest: digest, Created: clock(s.Now).UTC()}
	if p.Identity == "" {
		if !ref.Remote() {
			return p, fault.New(fault.Invalid, "a signature names the repository that an artifact is meant for, and %s has no name that others know; give one as identity, like ghcr.io/team/redis", ref.Name())
		}
		p.Identity = ref.Name()
	}
	if named, err := oci.ParseReference(p.Identity); err != nil || named.Name() != p.Identity || !named.Remote() {
		return p, fault.New(fault.Invalid, "identity %q: expected REGISTRY/PATH, like ghcr.io/team/redis", p.Identity)
	}
	if s.Validity != 0 {
		p.Expires = p.Created.Add(s.Validity)
	}
	return p, nil
}

func clock(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

// addSignature signs a manifest, beside the signatures that it has.
func addSignature(ctx context.Context, repo *oci.Repository, ref oci.Reference, subject oci.Descriptor, s Signing) error {
	p, err := s.payload(ref, subject.Digest.String())
	if err != nil {
		return err
	}
	made, err := sign.Sign(s.Key, p)
	if err != nil {
		return err
	}
	a := oci.Artifact{Config: oci.File{MediaType: signatureType}, Subject: &oci.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}}
	old, err := tagged(ctx, repo, ref, signatureTag(subject))
	if err != nil {
		return err
	}
	if old != nil {
		for _, f := range old.Files {
			content, err := repo.Blob(ctx, f)
			if err != nil {
				return err
			}
			a.Files = append(a.Files, oci.File{MediaType: f.MediaType, Content: content, Annotations: f.Annotations})
		}
	}
	a.Files = append(a.Files, oci.File{
		MediaType: payloadType, Content: made.Payload,
		Annotations: map[string]string{annotationSignature: base64.StdEncoding.EncodeToString(made.Signature)},
	})
	_, err = repo.Push(ctx, a, signatureTag(subject))
	return err
}

// tagged gives the manifest that a tag leads to, nil when there is none.
func tagged(ctx context.Context, repo *oci.Repository, ref oci.Reference, tag string) (*oci.Manifest, error) {
	ref.Tag, ref.Digest, ref.Constraint = tag, "", ""
	d, _, err := repo.Resolve(ctx, ref)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return repo.Manifest(ctx, d)
}

// findings are the signatures of a manifest, and what of them cannot be read.
type findings struct {
	list   []sign.Signature
	broken []string
	seen   map[string]bool
}

// findSignatures reads the signatures of a manifest: those of its referrers and
// those of its tag. What somebody broke does not hide what is whole; only when
// the registry fails it is an error.
func findSignatures(ctx context.Context, repo *oci.Repository, ref oci.Reference, subject oci.Descriptor) (*findings, error) {
	f := &findings{seen: map[string]bool{}}
	manifests, err := repo.Referrers(ctx, subject, signatureType, bundleType)
	if err := f.note(err); err != nil {
		return nil, err
	}
	m, err := taggedSignatures(ctx, repo, ref, subject, manifests)
	if err := f.note(err); err != nil {
		return nil, err
	}
	if m != nil {
		manifests = append(manifests, m)
	}
	for _, m := range manifests {
		for _, file := range m.Files {
			if err := f.add(ctx, repo, m, file); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

// taggedSignatures gives the manifest under the tag for signatures, unless there
// is none or it is among those that are known.
func taggedSignatures(ctx context.Context, repo *oci.Repository, ref oci.Reference, subject oci.Descriptor, known []*oci.Manifest) (*oci.Manifest, error) {
	ref.Tag, ref.Digest, ref.Constraint = signatureTag(subject), "", ""
	d, _, err := repo.Resolve(ctx, ref)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil || slices.ContainsFunc(known, func(m *oci.Manifest) bool { return m.Descriptor.Digest == d.Digest }) {
		return nil, err
	}
	return repo.Manifest(ctx, d)
}

// note keeps an error that is about the content, and gives any other back.
func (f *findings) note(err error) error {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Limit, fault.NotFound:
		if err != nil {
			f.broken = append(f.broken, err.Error())
		}
		return nil
	}
	return err
}

// add reads the signatures in a file of a manifest.
func (f *findings) add(ctx context.Context, repo *oci.Repository, m *oci.Manifest, file oci.Descriptor) error {
	text := file.Annotations[annotationSignature]
	key := file.Digest.String() + " " + text
	if file.MediaType != bundleType && (file.MediaType != payloadType || text == "") || f.seen[key] {
		return nil
	}
	f.seen[key] = true
	if len(f.list) >= maxSignatures {
		return f.note(fault.New(fault.Limit, "it has more than %d signatures", maxSignatures))
	}
	if file.Size > maxPayload || len(text) > maxSignature {
		return f.note(fault.New(fault.Limit, "the signature in %s has a payload of %d bytes; at most %d are allowed", m.Descriptor.Digest, file.Size, maxPayload))
	}
	content, err := repo.Blob(ctx, file)
	if err != nil {
		return f.note(err)
	}
	found, err := decode(file.MediaType, content, text)
	if err != nil {
		return f.note(fault.New(fault.KindOf(err), "in %s %w", m.Descriptor.Digest, err))
	}
	for _, s := range found {
		s.Origin = m.Descriptor.Digest.String()
		f.list = append(f.list, s)
	}
	return nil
}

// decode makes signatures of a file and its annotation.
func decode(mediaType string, content []byte, annotation string) ([]sign.Signature, error) {
	if mediaType == bundleType {
		return sign.ParseBundle(content)
	}
	signature, err := base64.StdEncoding.DecodeString(annotation)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the signature is not in base64")
	}
	return []sign.Signature{{Payload: content, Signature: signature}}, nil
}

// verify finds who vouches for a manifest, by the rule for its repository.
func verify(ctx context.Context, repo *oci.Repository, ref oci.Reference, subject oci.Descriptor, t *sign.Trust, r sign.Rule, now time.Time) (*sign.Verified, error) {
	f, err := findSignatures(ctx, repo, ref, subject)
	if err != nil {
		return nil, err
	}
	s := sign.Subject{Name: ref.Name(), Digest: subject.Digest.String(), Remote: ref.Remote(), Now: now}
	v, err := t.Verify(s, r, f.list)
	if err != nil && len(f.broken) > 0 {
		err = fault.As(fmt.Errorf("%w; %s", err, strings.Join(f.broken, "; ")), fault.Forbidden)
	}
	return v, err
}
