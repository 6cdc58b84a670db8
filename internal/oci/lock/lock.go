// Package lock remembers which artifact a reference led to, in a file that is
// kept with blueprints: a digest that does not change under a tag, and a
// version that nobody offers an older one than.
package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/semver"
	"github.com/gowanus-project/gowanus/internal/version"
)

// Name is what the file is called.
const Name = "gowanus.lock"

var digests = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// format is the version of the file's format.
const format = 1

// The bounds of a file that is read.
const (
	maxBytes        = 4 << 20
	maxEntries      = 10_000
	maxCapabilities = 10_000
)

// Entry is what is known of one reference.
type Entry struct {
	Digest       string   `json:"digest"`
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Format       string   `json:"format"`
	Signer       string   `json:"signer,omitempty"`       // fingerprint of the key; "" when no signature was required
	Capabilities []string `json:"capabilities,omitempty"` // "KIND VALUE", sorted
}

// File is a lock file. Its zero value is an empty one.
type File struct {
	Artifacts map[string]Entry // by reference, as it was asked for
}

// text is the file as JSON.
type text struct {
	Version   int              `json:"lockVersion"`
	Artifacts map[string]Entry `json:"artifacts"`
}

// Parse reads the text of a lock file. The errors are fault.Invalid and
// fault.Limit.
func Parse(content []byte) (*File, error) {
	if len(content) > maxBytes {
		return nil, fault.New(fault.Limit, "a lock file of %d bytes; at most %d are allowed", len(content), maxBytes)
	}
	var t text
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, fault.New(fault.Invalid, "the lock file cannot be read: %w", err)
	}
	if t.Version != format {
		return nil, fault.New(fault.Invalid, "a lock file of version %d; expected %d", t.Version, format)
	}
	if len(t.Artifacts) > maxEntries {
		return nil, fault.New(fault.Limit, "a lock file of %d artifacts; at most %d are allowed", len(t.Artifacts), maxEntries)
	}
	for ref, e := range t.Artifacts {
		if err := e.check(); err != nil {
			return nil, fault.New(fault.KindOf(err), "lock of %.300q: %w", ref, err)
		}
	}
	return &File{Artifacts: t.Artifacts}, nil
}

func (e *Entry) check() error {
	if !digests.MatchString(e.Digest) {
		return fault.New(fault.Invalid, "digest %.200q; expected sha256: and 64 digits 0 to 9 and a to f", e.Digest)
	}
	if len(e.Capabilities) > maxCapabilities {
		return fault.New(fault.Limit, "%d capabilities; at most %d are allowed", len(e.Capabilities), maxCapabilities)
	}
	return nil
}

// Read reads a lock file; where there is none, it is empty.
func Read(file string) (*File, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{}, nil
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "read the lock file: %w", err)
	}
	f, err := Parse(content)
	if err != nil {
		return nil, fault.New(fault.KindOf(err), "%s: %w", file, err)
	}
	return f, nil
}

// Text gives the file's content; the same entries give the same.
func (f *File) Text() ([]byte, error) {
	out := text{Version: format, Artifacts: f.Artifacts}
	if out.Artifacts == nil {
		out.Artifacts = map[string]Entry{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(out)
	return b.Bytes(), err
}

// Write replaces the file as a whole.
func (f *File) Write(file string) error {
	content, err := f.Text()
	if err != nil {
		return fault.New(fault.Internal, "write the lock file: %w", err)
	}
	fresh, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return fault.New(fault.Unavailable, "write the lock file: %w", err)
	}
	defer os.Remove(fresh.Name()) // of no effect once it is renamed
	_, err = fresh.Write(content)
	if err = errors.Join(err, fresh.Chmod(0o644), fresh.Sync(), fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return fault.New(fault.Unavailable, "write the lock file: %w", err)
	}
	return nil
}

// Set locks a reference.
func (f *File) Set(ref string, e Entry) {
	if f.Artifacts == nil {
		f.Artifacts = map[string]Entry{}
	}
	slices.Sort(e.Capabilities)
	e.Capabilities = slices.Compact(e.Capabilities)
	f.Artifacts[ref] = e
}

// What may be allowed where one artifact takes the place of another.
const (
	AllowDowngrade    = "downgrade"    // an older version
	AllowReplacement  = "replacement"  // other content under the same version
	AllowCapabilities = "capabilities" // more than was asked for before
	AllowUnsigned     = "unsigned"     // no signature where there was one
)

// Allowances lists what may be allowed.
func Allowances() []string {
	return []string{AllowDowngrade, AllowReplacement, AllowCapabilities, AllowUnsigned}
}

// Check tells whether an artifact may take the place of the one that is locked.
// The error, fault.Forbidden, names what would have to be allowed. An entry
// without a digest is none, and anything may come after it.
func Check(ref string, old, fresh Entry, allowed []string) error {
	if old.Digest == "" || old.Digest == fresh.Digest {
		return nil
	}
	refuse := func(what, format string, args ...any) error {
		if slices.Contains(allowed, what) {
			return nil
		}
		err := fault.New(fault.Forbidden, format, args...)
		return fault.New(fault.Forbidden, "%s is refused: %w; allow %q if that is meant", ref, err, what)
	}
	switch c := compare(fresh.Version, old.Version); {
	case old.Name != fresh.Name:
		if err := refuse(AllowReplacement, "it is %s, and %s is locked", fresh.Name, old.Name); err != nil {
			return err
		}
	case c < 0:
		if err := refuse(AllowDowngrade, "version %s is older than %s, which is locked", fresh.Version, old.Version); err != nil {
			return err
		}
	case c == 0:
		if err := refuse(AllowReplacement, "version %s is locked as %s, and is now %s", old.Version, old.Digest, fresh.Digest); err != nil {
			return err
		}
	}
	if old.Signer != "" && fresh.Signer == "" {
		if err := refuse(AllowUnsigned, "version %s was signed, and version %s is not", old.Version, fresh.Version); err != nil {
			return err
		}
	}
	if more := beyond(fresh.Capabilities, old.Capabilities); len(more) > 0 {
		return refuse(AllowCapabilities, "version %s asks for more than version %s did: %s", fresh.Version, old.Version, strings.Join(more, ", "))
	}
	return nil
}

// compare orders versions by SemVer when both are of it, else as the catalog
// does.
func compare(a, b string) int {
	x, err := semver.Parse(a)
	y, err2 := semver.Parse(b)
	if err == nil && err2 == nil {
		return semver.Compare(x, y)
	}
	return version.Compare(a, b)
}

// beyond gives what is in list and not in old.
func beyond(list, old []string) (out []string) {
	for _, c := range list {
		if !slices.Contains(old, c) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}
