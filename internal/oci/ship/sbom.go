package ship

import (
	"context"
	"encoding/json"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
)

// The media types of bills of materials.
const (
	spdxType      = "application/spdx+json"
	cycloneDXType = "application/vnd.cyclonedx+json"
)

func sbomType(text []byte) (string, error) {
	var head struct {
		SPDX   string `json:"spdxVersion"`
		Format string `json:"bomFormat"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return "", fault.New(fault.Invalid, "the bill of materials cannot be read: %w", err)
	}
	switch {
	case head.SPDX != "":
		return spdxType, nil
	case head.Format == "CycloneDX":
		return cycloneDXType, nil
	}
	return "", fault.New(fault.Invalid, "the bill of materials has neither spdxVersion nor bomFormat CycloneDX")
}

// attachSBOM stores a bill of materials that refers to a manifest, signed as that.
func attachSBOM(ctx context.Context, repo *oci.Repository, r oci.Reference, subject oci.Descriptor, o *PublishOptions) (string, error) {
	kind, err := sbomType(o.SBOM)
	if err != nil {
		return "", err
	}
	d, err := repo.Push(ctx, oci.Artifact{
		Type: kind, Subject: &subject, Files: []oci.File{{Name: "sbom.json", MediaType: kind, Content: o.SBOM}},
	})
	if err == nil && o.Signing.Key != nil {
		err = addSignature(ctx, repo, r, d, o.Signing)
	}
	return d.Digest.String(), err
}

// SBOM fetches the bill of materials of a module or a bundle, with its media
// type. Both are held against the policy, each with its own signatures; what is
// fetched has no Content. Of several, the first that the policy takes is given;
// without any it is fault.NotFound.
func SBOM(ctx context.Context, ref string, o FetchOptions) (text []byte, kind string, of *Fetched, err error) {
	repo, r, err := open(ref, o.Registry)
	if err != nil {
		return nil, "", nil, err
	}
	defer repo.Close()
	of, m, err := inspect(ctx, repo, r, &o)
	if err != nil {
		return nil, "", nil, err
	}
	list, err := repo.Referrers(ctx, m.Descriptor, spdxType, cycloneDXType)
	if err != nil {
		return nil, "", nil, err
	}
	refused := fault.New(fault.NotFound, "%s has no bill of materials", ref)
	for _, s := range list {
		if len(s.Files) != 1 {
			continue
		}
		found := &Fetched{Reference: r}
		if err := found.vouch(ctx, repo, s, &o); fault.KindOf(err) == fault.Forbidden {
			refused = fault.New(fault.Forbidden, "the bill of materials %w", err)
			continue
		} else if err != nil {
			return nil, "", nil, err
		}
		if of.Warning == "" {
			of.Warning = found.Warning
		}
		text, err := repo.Blob(ctx, s.Files[0])
		return text, s.Type, of, err
	}
	return nil, "", nil, refused
}
