package sign

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/json"
	"strconv"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// How cosign signs from version 3 on: an in-toto statement about a digest, in a
// DSSE envelope (github.com/secure-systems-lab/dsse), in a bundle of sigstore.
const (
	statementType = "application/vnd.in-toto+json"
	predicateType = "https://sigstore.dev/cosign/sign/v1"
)

// maxBundle bounds the size of a bundle, in bytes.
const maxBundle = 2 * maxPayload

// ParseBundle takes the signatures out of a bundle of sigstore. Whatever else it
// has, certificates and log entries, is not looked at.
func ParseBundle(text []byte) ([]Signature, error) {
	if len(text) > maxBundle {
		return nil, fault.New(fault.Limit, "a bundle of %d bytes; at most %d are allowed", len(text), maxBundle)
	}
	var b struct {
		Envelope *struct {
			Payload     []byte `json:"payload"`
			PayloadType string `json:"payloadType"`
			Signatures  []struct {
				Sig []byte `json:"sig"`
			} `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fault.New(fault.Invalid, "the bundle cannot be read: %w", err)
	}
	if b.Envelope == nil || b.Envelope.PayloadType != statementType {
		return nil, fault.New(fault.Invalid, "the bundle has no envelope with a payload of type %s", statementType)
	}
	var out []Signature
	for _, s := range b.Envelope.Signatures {
		out = append(out, Signature{Payload: b.Envelope.Payload, Signature: s.Sig, statement: true})
	}
	return out, nil
}

// message gives the bytes that were signed: the payload, or the
// pre-authentication encoding of DSSE.
func (s *Signature) message() []byte {
	if !s.statement {
		return s.Payload
	}
	head := "DSSEv1 " + strconv.Itoa(len(statementType)) + " " + statementType + " " + strconv.Itoa(len(s.Payload)) + " "
	return append([]byte(head), s.Payload...)
}

// parse reads what is signed. The texts of its errors go on after "the signature".
func (s *Signature) parse() (Payload, error) {
	if s.statement {
		return parseStatement(s.Payload)
	}
	return ParsePayload(s.Payload)
}

// parseStatement reads a statement. It names no repository and no time.
func parseStatement(text []byte) (Payload, error) {
	var d struct {
		Predicate string `json:"predicateType"`
		Subject   []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return Payload{}, fault.New(fault.Invalid, "has a statement that cannot be read: %w", err)
	}
	if d.Predicate != predicateType || len(d.Subject) != 1 {
		return Payload{}, fault.New(fault.Invalid, "states %.100q of %d subjects; expected %s of one", d.Predicate, len(d.Subject), predicateType)
	}
	return Payload{Digest: "sha256:" + d.Subject[0].Digest["sha256"]}, nil
}

// prehashed tells whether a key signed the SHA-512 digest of the message, as
// cosign 3 does with Ed25519 (Ed25519ph of RFC 8032).
func (s *Signature) prehashed(k ed25519.PublicKey) bool {
	sum := sha512.Sum512(s.message())
	return ed25519.VerifyWithOptions(k, sum[:], s.Signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
}
