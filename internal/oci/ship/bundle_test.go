package ship_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
)

const sigstoreBundle = "application/vnd.dev.sigstore.bundle.v0.3+json"

// envelope signs a digest in the form of cosign 3.
func envelope(t *testing.T, key crypto.Signer, digest string) []byte {
	t.Helper()
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`,
		strings.TrimPrefix(digest, "sha256:"))
	const kind = "application/vnd.in-toto+json"
	sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"mediaType": sigstoreBundle, "dsseEnvelope": map[string]any{
		"payload": payload, "payloadType": kind, "signatures": []any{map[string]any{"sig": signature}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSignatureInBundle finds signatures as cosign 3 keeps them, beside junk.
func TestSignatureInBundle(t *testing.T) {
	ctx := context.Background()
	key := generate(t)
	for name, place := range places(t) {
		t.Run(name, func(t *testing.T) {
			out := publish(t, place, module(t, "1.0.0"), ship.Signing{})
			ref, err := oci.ParseReference(place + "@" + out.Digest)
			if err != nil {
				t.Fatal(err)
			}
			repo, err := oci.Open(ref, options)
			if err != nil {
				t.Fatal(err)
			}
			subject, _, err := repo.Resolve(ctx, ref)
			if err != nil {
				t.Fatal(err)
			}
			for _, content := range [][]byte{[]byte("junk"), envelope(t, generate(t), out.Digest), envelope(t, key, out.Digest)} {
				if _, err := repo.Push(ctx, oci.Artifact{Type: sigstoreBundle, Subject: &subject, Files: []oci.File{{MediaType: sigstoreBundle, Content: content}}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := repo.Close(); err != nil {
				t.Fatal(err)
			}
			o := ship.FetchOptions{Registry: options, Trust: trusting(t, key, `registries: [{match: "**", identity: "**"}]`), Now: now}
			if f, err := ship.Fetch(ctx, place, o); err != nil || f.Signer.Key != "release" {
				t.Errorf("got %v", err)
			}
			o.Trust = trusting(t, key, "")
			_, err = ship.Fetch(ctx, place, o)
			if fault.KindOf(err) != fault.Forbidden || !strings.Contains(err.Error(), "of key release names no repository") || !strings.Contains(err.Error(), "the bundle cannot be read") {
				t.Errorf("without a rule: %v", err)
			}
		})
	}
}
