package sign_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

func generate(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	key, err := sign.Generate(kind)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func password(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}

func TestKeys(t *testing.T) {
	for _, kind := range []string{sign.ECDSA, sign.Ed25519} {
		for _, secret := range []string{"", "pa55"} {
			key := generate(t, kind)
			text, err := sign.EncodePrivate(key, []byte(secret))
			if err != nil {
				t.Fatal(err)
			}
			again, err := sign.DecodePrivate(text, password(secret))
			if err != nil {
				t.Fatalf("%s %q: %v", kind, secret, err)
			}
			if sign.Fingerprint(again.Public()) != sign.Fingerprint(key.Public()) {
				t.Errorf("%s %q: another key", kind, secret)
			}
			text, err = sign.EncodePublic(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			public, err := sign.DecodePublic(text)
			if err != nil || sign.Fingerprint(public) != sign.Fingerprint(key.Public()) {
				t.Errorf("%s: public key: %v", kind, err)
			}
		}
	}
	if _, err := sign.Generate("ed2559"); err == nil || err.Error() != `key of kind "ed2559"; expected ecdsa or ed25519; did you mean "ed25519"?` {
		t.Errorf("%v", err)
	}
}

// TestKeyOfCosign reads a pair that cosign 2.6.5 made, with its password.
func TestKeyOfCosign(t *testing.T) {
	private, err := os.ReadFile("testdata/cosign.key")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/cosign.pub")
	if err != nil {
		t.Fatal(err)
	}
	key, err := sign.DecodePrivate(private, password("pa55"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := sign.DecodePublic(text)
	if err != nil || sign.Fingerprint(public) != sign.Fingerprint(key.Public()) {
		t.Errorf("the keys are no pair: %v", err)
	}
	_, err = sign.DecodePrivate(private, password("wrong"))
	if err == nil || err.Error() != "the password of the private key is wrong" || fault.KindOf(err) != fault.Unauthorized {
		t.Errorf("with a wrong password: %v", err)
	}
}

func inPEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func TestKeyErrors(t *testing.T) {
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return inPEM("PRIVATE KEY", der)
	}
	costly := `{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1}},"cipher":{"name":"nacl/secretbox","nonce":"` +
		base64.StdEncoding.EncodeToString(make([]byte, 24)) + `"}}`
	for _, c := range []struct{ in, want string }{
		{"", "this is no private key in PEM: expected -----BEGIN …"},
		{strings.Repeat("x", 70000), "a private key of 70000 bytes; at most 65536 are allowed"},
		{inPEM("RSA PRIVATE KEY", nil), `PEM block "RSA PRIVATE KEY"; expected PRIVATE KEY, or ENCRYPTED SIGSTORE PRIVATE KEY`},
		{pkcs8(large), "a key of type *rsa.PrivateKey; expected ECDSA on P-256, or Ed25519"},
		{pkcs8(other), "ECDSA on the curve P-384; expected P-256"},
		{pkcs8(other) + pkcs8(other), "more than one PEM block; expected one private key"},
		{inPEM("ENCRYPTED SIGSTORE PRIVATE KEY", []byte("{}")), `the private key is encrypted with "" and ""; expected scrypt and nacl/secretbox`},
		{inPEM("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(costly)), "scrypt with N 1073741824, r 8, p 1; their product may be 2097152"},
	} {
		if _, err := sign.DecodePrivate([]byte(c.in), password("")); err == nil || err.Error() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
	_, err = sign.DecodePublic([]byte(pkcs8(other)))
	if want := `PEM block "PRIVATE KEY"; expected PUBLIC KEY`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func FuzzKey(f *testing.F) {
	for _, kind := range []string{sign.ECDSA, sign.Ed25519} {
		key := generate(f, kind)
		text, err := sign.EncodePrivate(key, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		if text, err = sign.EncodePublic(key.Public()); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(inPEM("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":2,"r":1,"p":1}},"cipher":{"name":"nacl/secretbox","nonce":""}}`))))
	f.Fuzz(func(t *testing.T, text []byte) {
		if key, err := sign.DecodePublic(text); err == nil && sign.Fingerprint(key) == "" {
			t.Error("a key without a fingerprint")
		}
		if bytes.Contains(text, []byte("ENCRYPTED")) && len(text) > 1000 {
			return // deriving keys takes long
		}
		if key, err := sign.DecodePrivate(text, password("x")); err == nil {
			if _, err := sign.Sign(key, sign.Payload{}); err != nil {
				t.Errorf("a key that does not sign: %v", err)
			}
		}
	})
}
