package sign_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

func cosignBundle(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/cosign.bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBundleOfCosign takes what cosign 3.1.3 signs, where the policy gives up on
// the name of the repository, which is not in it.
func TestBundleOfCosign(t *testing.T) {
	list, err := sign.ParseBundle(cosignBundle(t))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	who, err := sign.ReadTrust("testdata/cosign.pub")
	if err != nil {
		t.Fatal(err)
	}
	const digest = "sha256:d91db9d6cba0663bcd084a9a5356c51e2be85d63ac10bed6adc04e53e1a72b6e"
	all, err := sign.ParsePattern("**")
	if err != nil {
		t.Fatal(err)
	}
	any := sign.Rule{Identity: &all}
	changed := list[0]
	changed.Payload = []byte(strings.Replace(string(changed.Payload), "d91db9d6", "d91db9d7", 1))
	for _, c := range []struct {
		what, digest string
		rule         sign.Rule
		signature    sign.Signature
		want         string
	}{
		{"taken", digest, any, list[0], ""},
		{"by default", digest, sign.Rule{}, list[0], `the signature of key cosign names no repository; with cosign, sign with --new-bundle-format=false, or let the policy say identity "**"`},
		{"of another digest", digestA, any, list[0], "of key cosign is for the digest " + digest},
		{"changed", strings.Replace(digest, "d91db9d6", "d91db9d7", 1), any, changed, "was made with none of the trusted keys (cosign)"},
	} {
		_, err := who.Verify(sign.Subject{Name: "a.b/c", Digest: c.digest, Remote: true, Now: now}, c.rule, []sign.Signature{c.signature})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), strings.TrimPrefix(c.want, "the signature "))) {
			t.Errorf("%s: got %v\nwant %s", c.what, err, c.want)
		}
	}
}

// TestBundleOfEd25519 takes what cosign 3.1.3 signs with such a key: the digest of
// the message, where version 2 signed the message.
func TestBundleOfEd25519(t *testing.T) {
	text, err := os.ReadFile("testdata/ed25519.bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := sign.ParseBundle(text)
	if err != nil {
		t.Fatal(err)
	}
	who, err := sign.ReadTrust("testdata/ed25519.pub")
	if err != nil {
		t.Fatal(err)
	}
	all, err := sign.ParsePattern("**")
	if err != nil {
		t.Fatal(err)
	}
	s := sign.Subject{Name: "a.b/c", Digest: "sha256:d91db9d6cba0663bcd084a9a5356c51e2be85d63ac10bed6adc04e53e1a72b6e", Remote: true, Now: now}
	if v, err := who.Verify(s, sign.Rule{Identity: &all}, list); err != nil || v.Key != "ed25519" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestBundleErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "the bundle cannot be read: unexpected end of JSON input"},
		{"{}", "the bundle has no envelope with a payload of type application/vnd.in-toto+json"},
		{`{"dsseEnvelope": {"payloadType": "text/plain"}}`, "the bundle has no envelope with a payload of type application/vnd.in-toto+json"},
		{strings.Repeat(" ", 1<<18), "a bundle of 262144 bytes; at most 131072 are allowed"},
	} {
		if _, err := sign.ParseBundle([]byte(c.in)); err == nil || err.Error() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

func FuzzBundle(f *testing.F) {
	f.Add(cosignBundle(f))
	f.Add([]byte(`{"dsseEnvelope": {"payloadType": "application/vnd.in-toto+json", "signatures": [{}]}}`))
	who, err := sign.ReadTrust("testdata/cosign.pub")
	if err != nil {
		f.Fatal(err)
	}
	good, err := sign.ParseBundle(cosignBundle(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := sign.ParseBundle(text)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.Limit {
				t.Errorf("kind %v: %v", k, err)
			}
			return
		}
		all, _ := sign.ParsePattern("**")
		v, err := who.Verify(sign.Subject{Name: "a.b/c", Digest: digestA, Now: now}, sign.Rule{Identity: &all}, list)
		if err == nil {
			t.Errorf("forged: %+v of %s", v, good[0].Payload)
		}
	})
}
