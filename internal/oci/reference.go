package oci

import (
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/semver"
)

// The schemes of image layouts, as other tools write them.
const (
	schemeLayout  = "oci"
	schemeArchive = "oci-archive"
)

// maxReference bounds the length of a reference, in bytes.
const maxReference = 4096

// Reference says where an artifact is, and which one of a repository. At most
// one of Tag, Digest and Constraint is set; with none the newest release is
// meant.
type Reference struct {
	Scheme     string // "" for a registry, else oci or oci-archive
	Registry   string // HOST[:PORT]; "" for a layout
	Repository string // the path in the registry; for a layout the folder or file
	Tag        string
	Digest     string // sha256:…
	Constraint string // of package semver
}

// ParseReference reads REGISTRY/PATH, oci:FOLDER or oci-archive:FILE, each with
// nothing, :TAG, @sha256:DIGEST or @CONSTRAINT after it. A registry must be
// named: nothing is added to what is written. The errors are fault.Invalid.
func ParseReference(text string) (Reference, error) {
	if len(text) > maxReference {
		return Reference{}, fault.New(fault.Limit, "a reference of %d bytes; at most %d are allowed", len(text), maxReference)
	}
	for _, scheme := range []string{schemeLayout, schemeArchive} {
		if rest, found := strings.CutPrefix(text, scheme+":"); found {
			return parseLayout(scheme, rest)
		}
	}
	name, r, err := splitChoice(text)
	if err != nil {
		return r, fault.New(fault.Invalid, "reference %q: %w", text, err)
	}
	named, err := reference.Parse(name)
	if err != nil {
		return r, malformed(text)
	}
	n, isNamed := named.(reference.Named)
	if !isNamed || !isHost(reference.Domain(n)) || reference.Path(n) == "" {
		return r, malformed(text)
	}
	r.Registry, r.Repository = reference.Domain(n), reference.Path(n)
	tagged, hasTag := named.(reference.Tagged)
	if hasTag && (r.Digest != "" || r.Constraint != "") {
		return r, fault.New(fault.Invalid, "reference %q: expected a tag, or what follows the @, but not both", text)
	}
	if hasTag {
		r.Tag = tagged.Tag()
	}
	return r, nil
}

func malformed(text string) error {
	return fault.New(fault.Invalid, "reference %q: expected REGISTRY/PATH in lower case, like ghcr.io/team/redis:1.4.0, or oci:FOLDER", text)
}

// isHost tells a registry from the first part of a path, by the rule of Docker.
func isHost(domain string) bool {
	return domain == "localhost" || strings.ContainsAny(domain, ".:")
}

// splitChoice takes what follows an @ off a reference.
func splitChoice(text string) (name string, r Reference, err error) {
	name, choice, found := strings.Cut(text, "@")
	if !found {
		return name, r, nil
	}
	if strings.Contains(choice, ":") {
		r.Digest = choice
		return name, r, checkDigest(choice)
	}
	r.Constraint = choice
	_, err = semver.ParseConstraint(choice)
	return name, r, err
}

// checkDigest takes SHA-256 only: it is what every registry and every signature
// format has.
func checkDigest(text string) error {
	d := digest.Digest(text)
	if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
		return fault.New(fault.Invalid, "digest %.200q: expected sha256: and 64 digits 0 to 9 and a to f", text)
	}
	return nil
}

// parseLayout reads what follows the scheme: PATH[:TAG] or PATH[@CHOICE].
func parseLayout(scheme, rest string) (Reference, error) {
	name, r, err := splitChoice(rest)
	if err != nil {
		return r, fault.New(fault.Invalid, "reference %q: %w", scheme+":"+rest, err)
	}
	r.Scheme, r.Repository = scheme, name
	if i := strings.LastIndexByte(name, ':'); i >= 0 && r.Digest == "" && r.Constraint == "" {
		r.Repository, r.Tag = name[:i], name[i+1:]
		if err := checkTag(r.Tag); err != nil {
			return r, fault.New(fault.Invalid, "reference %q: %w", scheme+":"+rest, err)
		}
	}
	if r.Repository == "" || strings.ContainsAny(r.Repository, ":\x00") {
		return r, fault.New(fault.Invalid, "reference %q: expected %s:PATH[:TAG], the path without colons", scheme+":"+rest, scheme)
	}
	return r, nil
}

func checkTag(tag string) error {
	if m := reference.TagRegexp.FindString(tag); m == "" || m != tag {
		return fault.New(fault.Invalid, "tag %.200q: expected up to 128 letters, digits, _, . and -, beginning with none of the last two", tag)
	}
	return nil
}

// Name gives the reference without what says which artifact.
func (r Reference) Name() string {
	if r.Scheme != "" {
		return r.Scheme + ":" + r.Repository
	}
	return r.Registry + "/" + r.Repository
}

// String gives the reference as ParseReference reads it.
func (r Reference) String() string {
	switch {
	case r.Tag != "":
		return r.Name() + ":" + r.Tag
	case r.Digest != "":
		return r.Name() + "@" + r.Digest
	case r.Constraint != "":
		return r.Name() + "@" + r.Constraint
	}
	return r.Name()
}

// Remote tells whether it is in a registry, and not in a layout on disk.
func (r Reference) Remote() bool { return r.Scheme == "" }

// At gives the reference to the artifact with a digest.
func (r Reference) At(digest string) Reference {
	r.Tag, r.Constraint, r.Digest = "", "", digest
	return r
}

// TagOf gives the tag for a version. A + is no sign of tags; by custom _ stands
// for it.
func TagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// versionOf gives the version that a tag stands for.
func versionOf(tag string) (semver.Version, bool) {
	v, err := semver.Parse(strings.ReplaceAll(tag, "_", "+"))
	return v, err == nil
}
