package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// The kinds of keys.
const (
	ECDSA   = "ecdsa"   // on the curve P-256, what cosign makes
	Ed25519 = "ed25519" // shorter and faster
)

// The labels of keys in PEM. Those that are encrypted are written as the first;
// older versions of cosign wrote the second.
const (
	pemPrivate      = "PRIVATE KEY"
	pemEncrypted    = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemEncryptedOld = "ENCRYPTED COSIGN PRIVATE KEY"
	pemPublic       = "PUBLIC KEY"
)

// maxKeyBytes bounds the text of a key.
const maxKeyBytes = 64 << 10

// Generate makes a private key of a kind.
func Generate(kind string) (crypto.Signer, error) {
	switch kind {
	case ECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	kinds := []string{ECDSA, Ed25519}
	return nil, fault.New(fault.Invalid, "key of kind %q; expected %s%s", kind, strings.Join(kinds, " or "), nearest.Hint(kind, kinds))
}

// EncodePrivate writes a private key: as PKCS #8, or with a password as cosign
// keeps its keys.
func EncodePrivate(key crypto.Signer, password []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "write the private key: %w", err)
	}
	label := pemPrivate
	if len(password) > 0 {
		label = pemEncrypted
		if der, err = encrypt(der, password); err != nil {
			return nil, err
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), nil
}

// DecodePrivate reads what EncodePrivate wrote, and private keys of cosign and
// OpenSSL in PKCS #8. The password is asked for only when the key is encrypted.
// A wrong one is fault.Unauthorized, any other error of the text fault.Invalid.
func DecodePrivate(text []byte, password func() ([]byte, error)) (crypto.Signer, error) {
	block, err := onlyBlock(text, "private key")
	if err != nil {
		return nil, err
	}
	der := block.Bytes
	switch block.Type {
	case pemPrivate:
	case pemEncrypted, pemEncryptedOld:
		secret, err := password()
		if err != nil {
			return nil, err
		}
		if der, err = decrypt(block.Bytes, secret); err != nil {
			return nil, err
		}
	default:
		return nil, fault.New(fault.Invalid, "PEM block %.100q; expected %s, or %s", block.Type, pemPrivate, pemEncrypted)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the private key cannot be read: %w", err)
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return k, checkPublic(k.Public())
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, checkPublic(key)
}

func onlyBlock(text []byte, what string) (*pem.Block, error) {
	if len(text) > maxKeyBytes {
		return nil, fault.New(fault.Limit, "a %s of %d bytes; at most %d are allowed", what, len(text), maxKeyBytes)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, fault.New(fault.Invalid, "this is no %s in PEM: expected -----BEGIN …", what)
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, fault.New(fault.Invalid, "more than one PEM block; expected one %s", what)
	}
	return block, nil
}

// EncodePublic writes a public key as PKIX in PEM.
func EncodePublic(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "write the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// DecodePublic reads a public key as PKIX in PEM, ECDSA on P-256 or Ed25519.
func DecodePublic(text []byte) (crypto.PublicKey, error) {
	block, err := onlyBlock(text, "public key")
	if err != nil {
		return nil, err
	}
	if block.Type != pemPublic {
		return nil, fault.New(fault.Invalid, "PEM block %.100q; expected %s", block.Type, pemPublic)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the public key cannot be read: %w", err)
	}
	return key, checkPublic(key)
}

func checkPublic(key any) error {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return nil
		}
		return fault.New(fault.Invalid, "ECDSA on the curve %s; expected P-256", k.Curve.Params().Name)
	}
	return fault.New(fault.Invalid, "a key of type %T; expected ECDSA on P-256, or Ed25519", key)
}

// Fingerprint names a public key: sha256: and the digest of its PKIX form.
func Fingerprint(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}
