package ship

import (
	"context"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
)

// defaultListed is how many versions a list has when nobody says it.
const defaultListed = 20

// Listed is one version in a repository, as its manifest says. Nothing of it is
// verified.
type Listed struct {
	Tag          string `json:"tag"`
	Digest       string `json:"digest"`
	Kind         string `json:"kind"` // module or bundle
	Name         string `json:"name"`
	Version      string `json:"version"`
	Description  string `json:"description,omitempty"`
	Types        string `json:"types,omitempty"`
	Capabilities string `json:"capabilities,omitempty"`
}

// List reads the manifests of a repository, the newest versions first and at
// most so many, 0 for 20; more tells that there are others. Files are not
// fetched. Tags of other things are left out.
func List(ctx context.Context, ref string, most int, o oci.Options) (list []Listed, more bool, err error) {
	repo, r, err := open(ref, o)
	if err != nil {
		return nil, false, err
	}
	defer repo.Close()
	if r.Tag != "" || r.Digest != "" || r.Constraint != "" {
		return nil, false, fault.New(fault.Invalid, "%s: expected a repository, like %s", r, r.Name())
	}
	tags, err := repo.Tags(ctx)
	if err != nil {
		return nil, false, err
	}
	if most == 0 {
		most = defaultListed
	}
	for _, tag := range tags {
		if isMark(tag) {
			continue
		}
		if len(list) == most {
			return list, true, nil
		}
		m, err := tagged(ctx, repo, r, tag)
		if err != nil && fault.KindOf(err) != fault.Invalid { // something else may have a tag there too
			return nil, false, err
		}
		if m == nil || m.Type != ModuleType && m.Type != BundleType {
			continue
		}
		kind := "module"
		if m.Type == BundleType {
			kind = "bundle"
		}
		a := m.Annotations
		list = append(list, Listed{
			Tag: tag, Digest: m.Descriptor.Digest.String(), Kind: kind, Name: a[oci.AnnotationTitle], Version: a[oci.AnnotationVersion],
			Description: a[oci.AnnotationDescription], Types: a[AnnotationTypes], Capabilities: a[AnnotationCapabilities],
		})
	}
	return list, false, nil
}
