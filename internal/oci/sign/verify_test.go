package sign_test

import (
	"crypto"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// folder makes a folder of trust with public keys and a policy.
func folder(t testing.TB, keys map[string]crypto.Signer, policy string) string {
	t.Helper()
	dir := t.TempDir()
	for name, key := range keys {
		text, err := sign.EncodePublic(key.Public())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pub"), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if policy != "" {
		if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func trust(t testing.TB, keys map[string]crypto.Signer, policy string) *sign.Trust {
	t.Helper()
	out, err := sign.ReadTrust(folder(t, keys, policy))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func signed(t testing.TB, key crypto.Signer, p sign.Payload) sign.Signature {
	t.Helper()
	s, err := sign.Sign(key, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVerify(t *testing.T) {
	release, backup, stranger, old := generate(t, sign.ECDSA), generate(t, sign.Ed25519), generate(t, sign.ECDSA), generate(t, sign.Ed25519)
	who := trust(t, map[string]crypto.Signer{"release": release, "backup": backup, "old": old}, `
keys:
  old: {notAfter: 2026-11-01}
  backup: {notAfter: 2026-11-20T12:00:01Z, repositories: ["ghcr.io/team/*"]}
registries:
  - {match: "mirror.example/**", identity: "ghcr.io/team/*"}
`)
	const name = "ghcr.io/team/redis"
	good := sign.Payload{Identity: name, Digest: digestA, Created: now}
	with := func(change func(*sign.Payload)) sign.Payload { p := good; change(&p); return p }
	changed := func(s sign.Signature) sign.Signature {
		s.Payload = []byte(strings.ReplaceAll(string(s.Payload), digestA, digestB))
		return s
	}
	for _, c := range []struct {
		what, name string
		digest     string
		signatures []sign.Signature
		key, want  string
	}{
		{"ecdsa", name, digestA, []sign.Signature{signed(t, release, good)}, "release", ""},
		{"ed25519", name, digestA, []sign.Signature{signed(t, backup, good)}, "backup", ""},
		{"the second of two", name, digestA, []sign.Signature{signed(t, stranger, good), signed(t, release, good)}, "release", ""},
		{"from a mirror", "mirror.example/x", digestA, []sign.Signature{signed(t, release, good)}, "release", ""},
		{"in a layout", "oci:shelf", digestA, []sign.Signature{signed(t, release, good)}, "release", ""},
		{"unsigned", name, digestA, nil, "", "it is not signed"},
		{"wrong key", name, digestA, []sign.Signature{signed(t, stranger, good)}, "", "was made with none of the trusted keys (backup, old, release)"},
		{"payload changed", name, digestB, []sign.Signature{changed(signed(t, release, good))}, "", "was made with none of the trusted keys (backup, old, release)"},
		{"of another digest", name, digestB, []sign.Signature{signed(t, release, good)}, "", "of key release is for the digest " + digestA},
		{"key expired", name, digestA, []sign.Signature{signed(t, old, with(func(p *sign.Payload) { p.Created = now.AddDate(-1, 0, 0) }))}, "", "of key old is not trusted any more: the key expired at 2026-11-01T00:00:00Z"},
		{"signature expired", name, digestA, []sign.Signature{signed(t, release, with(func(p *sign.Payload) { p.Expires = now }))}, "", "of key release expired at 2026-11-20T12:00:00Z"},
		{"from the future", name, digestA, []sign.Signature{signed(t, release, with(func(p *sign.Payload) { p.Created = now.Add(time.Hour) }))}, "", "of key release is from the future, 2026-11-20T13:00:00Z: look at the clocks"},
		{"for elsewhere", name, digestA, []sign.Signature{signed(t, release, with(func(p *sign.Payload) { p.Identity = "ghcr.io/team/other" }))}, "", "of key release is for the repository ghcr.io/team/other"},
		{"beyond the key", "ghcr.io/x/redis", digestA, []sign.Signature{signed(t, backup, with(func(p *sign.Payload) { p.Identity = "ghcr.io/x/redis" }))}, "", "of key backup is for the repository ghcr.io/x/redis, for which the key may not sign"},
		{"mirror of elsewhere", "mirror.example/x", digestA, []sign.Signature{signed(t, release, with(func(p *sign.Payload) { p.Identity = "mirror.example/x" }))}, "", "of key release is for the repository mirror.example/x; the policy expects ghcr.io/team/*"},
	} {
		t.Run(c.what, func(t *testing.T) {
			v, err := who.Verify(sign.Subject{Name: c.name, Digest: c.digest, Remote: !strings.HasPrefix(c.name, "oci:"), Now: now}, who.RuleFor(c.name), c.signatures)
			if c.key != "" {
				if err != nil || v.Key != c.key || v.Digest != digestA || !v.Created.Equal(now) {
					t.Errorf("got %+v, %v", v, err)
				}
				return
			}
			want := c.name + "@" + c.digest + " is refused: " + c.want
			if len(c.signatures) > 0 {
				want = c.name + "@" + c.digest + " is refused: " + c.want
			}
			if err == nil || err.Error() != want || fault.KindOf(err) != fault.Forbidden {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
}

func TestRules(t *testing.T) {
	who := trust(t, nil, `
registries:
  - {match: "localhost:*/**", policy: off}
  - {match: "ghcr.io/team/*", policy: warn}
`)
	for name, want := range map[string]sign.Policy{
		"localhost:5000/a/b": sign.Off, "ghcr.io/team/redis": sign.Warn, "ghcr.io/team/a/b": sign.Require,
		"ghcr.io/teams/redis": sign.Require, "evil.example/ghcr.io/team/redis": sign.Require, "oci:shelf": sign.Require,
	} {
		if got := who.RuleFor(name).Policy; got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := who.Verify(sign.Subject{Name: "a.b/c", Digest: digestA, Now: now}, sign.Rule{}, []sign.Signature{{}}); err == nil ||
		err.Error() != "a.b/c@"+digestA+" is refused: no key is trusted; expected files NAME.pub in "+who.Origin {
		t.Errorf("%v", err)
	}
}

func TestTrustErrors(t *testing.T) {
	keys := map[string]crypto.Signer{"release": generate(t, sign.Ed25519)}
	for _, c := range []struct{ policy, want string }{
		{"[]", "FILE:1:1: the policy: expected a map"},
		{"key: {}", `FILE:1:1: the policy: unknown key "key"; expected one of [keys registries]; did you mean "keys"?`},
		{"keys: {relaese: {}}", `FILE:1:8: key relaese: there is no file relaese.pub; did you mean "release"?`},
		{"keys: {release: {notAfter: soon}}", `FILE:1:28: notAfter is "soon"; expected a day or a time, like 2027-01-31 or 2027-01-31T12:00:00Z`},
		{"keys: {release: {repositories: []}}", "FILE:1:32: repositories: expected a list of 1 to 1000 patterns"},
		{"registries: {}", "FILE:1:13: registries: expected a list of at most 1000 rules"},
		{"registries: [{policy: off}]", "FILE:1:14: rule: expected a map with match, a pattern of repositories"},
		{`registries: [{match: "*", policy: requir}]`, `FILE:1:35: policy "requir"; expected require, warn or off; did you mean "require"?`},
		{`registries: [{match: ""}]`, "FILE:1:22: a pattern of 0 bytes; expected 1 to 512, like ghcr.io/team/*"},
	} {
		dir := folder(t, keys, c.policy)
		want := strings.ReplaceAll(c.want, "FILE", filepath.Join(dir, "policy.yaml"))
		if _, err := sign.ReadTrust(dir); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	_, err := sign.ReadTrust("/no/such/folder")
	if err == nil || err.Error() != "there is no /no/such/folder; expected a folder with public keys, or a file with one" || fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	who, err := sign.ReadTrust(filepath.Join(folder(t, keys, ""), "release.pub"))
	if err != nil || len(who.Keys) != 1 || who.Keys[0].Name != "release" {
		t.Errorf("one file: %+v, %v", who, err)
	}
}

func FuzzPayload(f *testing.F) {
	s, err := sign.Sign(generate(f, sign.Ed25519), sign.Payload{Identity: "a.b/c", Digest: digestA, Created: now, Expires: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Payload)
	f.Add([]byte(`{"critical":{"type":"cosign container image signature"},"optional":null}`))
	f.Add([]byte(`{"critical":{"type":"cosign container image signature"},"optional":{"timestamp":1e99}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := sign.ParsePayload(text)
		if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Limit {
			t.Errorf("kind %v: %v", fault.KindOf(err), err)
		}
		if err == nil && !p.Created.IsZero() && p.Created.Year() > 100_000 {
			t.Errorf("created %v", p.Created)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	dir := folder(f, map[string]crypto.Signer{"release": generate(f, sign.Ed25519)}, "")
	f.Add([]byte("keys: {release: {notAfter: 2026-11-01, repositories: [a]}}\nregistries: [{match: '**', policy: off}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if who, err := sign.ReadTrust(dir); err == nil {
			who.RuleFor("ghcr.io/team/redis")
		}
	})
}

// TestSignatureOfCosign takes what cosign 2.6.5 signed, with an annotation of
// its user.
func TestSignatureOfCosign(t *testing.T) {
	var text [2][]byte
	for i, name := range []string{"testdata/cosign.payload", "testdata/cosign.sig"} {
		var err error
		if text[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text[1])))
	if err != nil {
		t.Fatal(err)
	}
	who, err := sign.ReadTrust("testdata/cosign.pub")
	if err != nil {
		t.Fatal(err)
	}
	s := sign.Subject{Name: "127.0.0.1:15077/team/policy", Digest: "sha256:39095ae94e8e359f4fc2aaebb79210b75ff2c60f3c0755f744fd38dd9802deb6", Remote: true, Now: now}
	v, err := who.Verify(s, sign.Rule{}, []sign.Signature{{Payload: text[0], Signature: signature}})
	if err != nil || v.Key != "cosign" || v.Identity != s.Name {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestDocumentedPolicy reads the policy of the guide.
func TestDocumentedPolicy(t *testing.T) {
	page, err := os.ReadFile("../../../docs/guide/registry.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	policy, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the guide has no policy")
	}
	who := trust(t, map[string]crypto.Signer{"release": generate(t, sign.Ed25519)}, policy)
	if who.Keys[0].NotAfter.IsZero() || len(who.Keys[0].Repositories) != 1 || who.RuleFor("localhost:5000/a/b").Policy != sign.Off {
		t.Errorf("%+v", who)
	}
	if r := who.RuleFor("mirror.example.org/redis"); r.Policy != sign.Require || r.Identity == nil || r.Identity.String() != "ghcr.io/team/*" {
		t.Errorf("%+v", r)
	}
}
