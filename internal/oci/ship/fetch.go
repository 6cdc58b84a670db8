package ship

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/lock"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

// FetchOptions say how something is fetched. With the zero value nothing is
// trusted and everything must be signed.
type FetchOptions struct {
	Registry oci.Options
	Trust    *sign.Trust // nil trusts nobody
	// Policy counts instead of the one in the rules of Trust; "" leaves that.
	Policy sign.Policy
	// Locked is what the reference led to before; without a digest, to nothing.
	// That very artifact is fetched again, or, to Update, one that may take its
	// place by lock.Check with what is Allowed.
	Locked  lock.Entry
	Update  bool
	Allowed []string
	Now     time.Time // zero: the clock's
}

// Fetched is a module or a bundle as it was fetched, with what vouches for it.
type Fetched struct {
	Reference   oci.Reference // as it was asked for
	Tag         string        // that led to it; "" when it was asked for by digest
	Digest      string        // of the manifest
	Format      Format
	File        string // the name of its file
	Content     []byte // nil after Inspect
	Description *hook.Description
	Text        []byte         // the description as it was published, JSON
	Signer      *sign.Verified // nil when the policy asked for none, or only warns
	Warning     string         // of the policy; "" for none
	Entry       lock.Entry     // for the lock file
}

// Fetch gets a module or a bundle, and checks in this order: that it is what the
// lock names, who signed it, that its version is what the tag says, that it may
// take the place of what is locked, that its files are those of the manifest.
// What fails is refused, as fault.Forbidden when it is about trust.
func Fetch(ctx context.Context, ref string, o FetchOptions) (*Fetched, error) {
	repo, r, err := open(ref, o.Registry)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	out, m, err := inspect(ctx, repo, r, &o)
	if err != nil {
		return nil, err
	}
	if out.Content, err = repo.Blob(ctx, m.Files[0]); err != nil {
		return nil, err
	}
	if err := agree(out.Format, out.Content, out.Description); err != nil {
		return nil, fault.New(fault.Forbidden, "%s is refused: %w", ref, err)
	}
	return out, nil
}

// Inspect does what Fetch does, but for the content.
func Inspect(ctx context.Context, ref string, o FetchOptions) (*Fetched, error) {
	repo, r, err := open(ref, o.Registry)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	out, _, err := inspect(ctx, repo, r, &o)
	return out, err
}

func open(text string, o oci.Options) (*oci.Repository, oci.Reference, error) {
	ref, err := oci.ParseReference(text)
	if err != nil {
		return nil, ref, err
	}
	repo, err := oci.Open(ref, o)
	return repo, ref, err
}

func inspect(ctx context.Context, repo *oci.Repository, ref oci.Reference, o *FetchOptions) (*Fetched, *oci.Manifest, error) {
	out := &Fetched{Reference: ref, Tag: ref.Tag}
	wanted, pinned := ref, o.Locked.Digest != "" && !o.Update
	if pinned {
		wanted = ref.At(o.Locked.Digest)
	}
	d, tag, err := repo.Resolve(ctx, wanted)
	if err != nil {
		return nil, nil, err
	}
	if tag != "" {
		out.Tag = tag
	}
	m, err := repo.Manifest(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	out.Digest = d.Digest.String()
	if err := out.kind(m); err != nil {
		return nil, nil, err
	}
	if err := out.vouch(ctx, repo, m, o); err != nil {
		return nil, nil, err
	}
	if out.Text, err = repo.Blob(ctx, m.Config); err != nil {
		return nil, nil, err
	}
	return out, m, out.describe(m, o)
}

// kind finds out what the manifest is of.
func (f *Fetched) kind(m *oci.Manifest) error {
	what := f.Reference.At(f.Digest).String()
	if m.Type != ModuleType && m.Type != BundleType {
		return fault.New(fault.Invalid, "%s is of type %.200q; expected %s or %s", what, m.Type, ModuleType, BundleType)
	}
	if len(m.Files) != 1 || m.Config.MediaType != DescriptionType {
		return fault.New(fault.Invalid, "%s has %d files and a config of type %.200q; expected one and %s", what, len(m.Files), m.Config.MediaType, DescriptionType)
	}
	for format, k := range kinds {
		if k.artifact == m.Type && k.file == m.Files[0].MediaType {
			f.Format, f.File = format, m.Files[0].Annotations[oci.AnnotationTitle]
			return nil
		}
	}
	return fault.New(fault.Invalid, "%s has a file of type %.200q, which is none of %s", what, m.Files[0].MediaType, m.Type)
}

// vouch asks the signatures, as the policy wants it.
func (f *Fetched) vouch(ctx context.Context, repo *oci.Repository, m *oci.Manifest, o *FetchOptions) error {
	trust := o.Trust
	if trust == nil {
		trust = &sign.Trust{}
	}
	rule := trust.RuleFor(f.Reference.Name())
	if o.Policy != "" {
		rule.Policy = o.Policy
	}
	if rule.Policy == sign.Off {
		return nil
	}
	v, err := verify(ctx, repo, f.Reference, m.Descriptor, trust, rule, clock(o.Now))
	if err != nil && rule.Policy == sign.Warn && fault.KindOf(err) == fault.Forbidden {
		_, why, _ := strings.Cut(err.Error(), " is refused: ")
		f.Warning = fmt.Sprintf("%s is taken without a trusted signature, as the policy says: %s", f.Reference.At(f.Digest), why)
		return nil
	}
	f.Signer = v
	return err
}

// describe reads the description, and holds it against tag and lock.
func (f *Fetched) describe(m *oci.Manifest, o *FetchOptions) error {
	d, err := readDescription(f.Text)
	if err != nil {
		return fault.Wrap(err, "read", f.Reference.At(f.Digest).String())
	}
	if a := m.Annotations; a[oci.AnnotationTitle] != d.Name || a[oci.AnnotationVersion] != d.Version {
		return fault.New(fault.Invalid, "%s is refused: its annotations say %.200s %.200s, its description says %.200s %.200s",
			f.Reference, a[oci.AnnotationTitle], a[oci.AnnotationVersion], d.Name, d.Version)
	}
	if err := checkTag(f.Tag, d.Version); err != nil {
		return fault.New(fault.Forbidden, "%s is refused: %w", f.Reference, err)
	}
	f.Description = d
	f.Entry = lock.Entry{Digest: f.Digest, Name: d.Name, Version: d.Version, Format: string(f.Format), Capabilities: Capabilities(d)}
	if f.Signer != nil {
		f.Entry.Signer = f.Signer.Fingerprint
	}
	return lock.Check(f.Reference.String(), o.Locked, f.Entry, o.Allowed)
}
