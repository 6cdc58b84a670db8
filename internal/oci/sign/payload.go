package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// payloadType is the type of all payloads of cosign.
const payloadType = "cosign container image signature"

// creator is who made a signature, in its optional section.
const creator = "gowanus"

// maxPayload bounds the size of a payload, in bytes.
const maxPayload = 64 << 10

// Payload is what a signature says.
type Payload struct {
	Identity string // the repository that the artifact is meant for, REGISTRY/PATH
	Digest   string // of its manifest
	Created  time.Time
	Expires  time.Time // zero: never
}

// document is a payload as JSON. The names of the optional section are those
// of containers/image; expires is ours.
type document struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional *struct {
		Creator   string      `json:"creator,omitempty"`
		Timestamp json.Number `json:"timestamp,omitempty"` // seconds since 1970
		Expires   json.Number `json:"expires,omitempty"`
	} `json:"optional"`
}

// Signature is a payload and what a key made of it.
type Signature struct {
	Payload   []byte
	Signature []byte
	Origin    string // where it was found, for messages

	statement bool // Payload is a statement in an envelope, see ParseBundle
}

// Sign signs a payload.
func Sign(key crypto.Signer, p Payload) (Signature, error) {
	optional := map[string]any{"creator": creator, "timestamp": p.Created.Unix()}
	if !p.Expires.IsZero() {
		optional["expires"] = p.Expires.Unix()
	}
	text, err := json.Marshal(map[string]any{
		"critical": map[string]any{
			"identity": map[string]string{"docker-reference": p.Identity},
			"image":    map[string]string{"docker-manifest-digest": p.Digest},
			"type":     payloadType,
		},
		"optional": optional,
	})
	if err != nil {
		return Signature{}, fault.New(fault.Internal, "write the payload: %w", err)
	}
	digest, hash := text, crypto.Hash(0)
	if _, isECDSA := key.Public().(*ecdsa.PublicKey); isECDSA {
		sum := sha256.Sum256(text)
		digest, hash = sum[:], crypto.SHA256
	}
	signature, err := key.Sign(rand.Reader, digest, hash)
	if err != nil {
		return Signature{}, fault.New(fault.Internal, "sign: %w", err)
	}
	return Signature{Payload: text, Signature: signature}, nil
}

// madeBy tells whether a signature was made with a key.
func (s *Signature) madeBy(key crypto.PublicKey) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, s.message(), s.Signature) || s.statement && s.prehashed(k)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(s.message())
		return ecdsa.VerifyASN1(k, sum[:], s.Signature)
	}
	return false
}

// ParsePayload reads a payload. Look at it only after its signature. The texts of
// its errors go on after "the signature".
func ParsePayload(text []byte) (Payload, error) {
	if len(text) > maxPayload {
		return Payload{}, fault.New(fault.Limit, "has a payload of %d bytes; at most %d are allowed", len(text), maxPayload)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return Payload{}, fault.New(fault.Invalid, "has a payload that cannot be read: %w", err)
	}
	if d.Critical.Type != payloadType {
		return Payload{}, fault.New(fault.Invalid, "has a payload of type %.100q; expected %q", d.Critical.Type, payloadType)
	}
	p := Payload{Identity: d.Critical.Identity.Reference, Digest: d.Critical.Image.Digest}
	if rest, found := strings.CutPrefix(p.Identity, "index.docker.io/"); found { // cosign's name of it
		p.Identity = "docker.io/" + rest
	}
	if d.Optional == nil {
		return p, nil
	}
	var err error
	if p.Created, err = seconds(d.Optional.Timestamp); err == nil {
		p.Expires, err = seconds(d.Optional.Expires)
	}
	return p, err
}

// seconds reads a time; "" is none.
func seconds(n json.Number) (time.Time, error) {
	if n == "" {
		return time.Time{}, nil
	}
	s, err := n.Int64()
	if err != nil || s < 0 || s > 1<<40 {
		return time.Time{}, fault.New(fault.Invalid, "has the time %.40q; expected seconds since 1970", n)
	}
	return time.Unix(s, 0).UTC(), nil
}
