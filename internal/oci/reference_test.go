package oci_test

import (
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
)

const someDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestParseReference(t *testing.T) {
	for _, c := range []struct {
		in   string
		want oci.Reference
	}{
		{"ghcr.io/team/redis", oci.Reference{Registry: "ghcr.io", Repository: "team/redis"}},
		{"ghcr.io/team/redis:1.4.0", oci.Reference{Registry: "ghcr.io", Repository: "team/redis", Tag: "1.4.0"}},
		{"localhost/redis:x", oci.Reference{Registry: "localhost", Repository: "redis", Tag: "x"}},
		{"[::1]:5000/redis", oci.Reference{Registry: "[::1]:5000", Repository: "redis"}},
		{"h:5000/a/b@" + someDigest, oci.Reference{Registry: "h:5000", Repository: "a/b", Digest: someDigest}},
		{"ghcr.io/team/redis@^1.2 || ^3", oci.Reference{Registry: "ghcr.io", Repository: "team/redis", Constraint: "^1.2 || ^3"}},
		{"oci:shelf", oci.Reference{Scheme: "oci", Repository: "shelf"}},
		{"oci:/srv/shelf:1.0.0", oci.Reference{Scheme: "oci", Repository: "/srv/shelf", Tag: "1.0.0"}},
		{"oci:shelf@1.x", oci.Reference{Scheme: "oci", Repository: "shelf", Constraint: "1.x"}},
		{"oci-archive:a.tar@" + someDigest, oci.Reference{Scheme: "oci-archive", Repository: "a.tar", Digest: someDigest}},
	} {
		got, err := oci.ParseReference(c.in)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v", c.in, got, err)
		}
		if got.String() != c.in {
			t.Errorf("%s becomes %s", c.in, got)
		}
	}
}

func TestParseReferenceErrors(t *testing.T) {
	malformed := func(s string) string {
		return `reference "` + s + `": expected REGISTRY/PATH in lower case, like ghcr.io/team/redis:1.4.0, or oci:FOLDER`
	}
	for _, c := range []struct{ in, want string }{
		{"", malformed("")},
		{"redis", malformed("redis")},
		{"team/redis:1", malformed("team/redis:1")},
		{"ghcr.io", malformed("ghcr.io")},
		{"ghcr.io/Team/redis", malformed("ghcr.io/Team/redis")},
		{"https://ghcr.io/team/redis", malformed("https://ghcr.io/team/redis")},
		{"ghcr.io/team/redis:" + strings.Repeat("a", 129), malformed("ghcr.io/team/redis:" + strings.Repeat("a", 129))},
		{"ghcr.io/a/b:1@^1", `reference "ghcr.io/a/b:1@^1": expected a tag, or what follows the @, but not both`},
		{"ghcr.io/a/b@newest", `reference "ghcr.io/a/b@newest": constraint "newest": version "newest": expected numbers without leading zeros, like 1.4.0`},
		{"ghcr.io/a/b@sha256:12", `reference "ghcr.io/a/b@sha256:12": digest "sha256:12": expected sha256: and 64 digits 0 to 9 and a to f`},
		{"ghcr.io/a/b@md5:" + strings.Repeat("a", 32), `reference "ghcr.io/a/b@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": digest "md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": expected sha256: and 64 digits 0 to 9 and a to f`},
		{"oci:", `reference "oci:": expected oci:PATH[:TAG], the path without colons`},
		{"oci:a:b:c", `reference "oci:a:b:c": expected oci:PATH[:TAG], the path without colons`},
		{"oci:a:-b", `reference "oci:a:-b": tag "-b": expected up to 128 letters, digits, _, . and -, beginning with none of the last two`},
		{strings.Repeat("a", 5000), "a reference of 5000 bytes; at most 4096 are allowed"},
	} {
		if _, err := oci.ParseReference(c.in); err == nil || err.Error() != c.want {
			t.Errorf("%.100s: got\n%v\nwant\n%s", c.in, err, c.want)
		}
	}
}

func FuzzReference(f *testing.F) {
	for _, s := range []string{"ghcr.io/team/redis:1.4.0", "h:1/a@^1", "oci:a:b", "oci-archive:x@" + someDigest, "[::1]:5/a", "@", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := oci.ParseReference(s)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.Limit {
				t.Errorf("%q: kind %v: %v", s, k, err)
			}
			return
		}
		if again, err := oci.ParseReference(r.String()); err != nil || again != r {
			t.Errorf("%q: %+v becomes %+v, %v", s, r, again, err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"` + someDigest + `","size":2},"layers":[]}`))
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := oci.ParseManifest(raw, oci.Limits{})
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.Limit {
				t.Errorf("kind %v: %v", k, err)
			}
			return
		}
		if m.Descriptor.Digest.String() != oci.DigestOf(raw) {
			t.Errorf("another digest: %s", m.Descriptor.Digest)
		}
		for _, d := range append([]oci.Descriptor{m.Config}, m.Files...) {
			if d.Size < 0 || d.Digest.Validate() != nil {
				t.Errorf("taken: %+v", d)
			}
		}
	})
}
