package sign

import (
	"crypto/rand"
	"encoding/json"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// What cosign derives keys with: about a tenth of a second and 64 MB.
const (
	scryptN, scryptR, scryptP = 1 << 16, 8, 1

	// maxScrypt bounds N·r·p of a key that is read; 128 times as many bytes
	// are needed.
	maxScrypt = 1 << 21
)

// The names of the algorithms in an encrypted key.
const (
	kdfName    = "scrypt"
	cipherName = "nacl/secretbox"
)

// encrypted is a private key under a password, in the format of cosign, which
// is that of go-securesystemslib.
type encrypted struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct {
			N int `json:"N"`
			R int `json:"r"`
			P int `json:"p"`
		} `json:"params"`
		Salt []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

func encrypt(der, password []byte) ([]byte, error) {
	var e encrypted
	e.KDF.Name, e.Cipher.Name = kdfName, cipherName
	e.KDF.Params.N, e.KDF.Params.R, e.KDF.Params.P = scryptN, scryptR, scryptP
	e.KDF.Salt = random(32)
	e.Cipher.Nonce = random(24)
	key, err := e.key(password)
	if err != nil {
		return nil, err
	}
	e.Ciphertext = secretbox.Seal(nil, der, (*[24]byte)(e.Cipher.Nonce), key)
	return json.Marshal(&e)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func decrypt(text, password []byte) ([]byte, error) {
	var e encrypted
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fault.New(fault.Invalid, "the encrypted private key cannot be read: %w", err)
	}
	if e.KDF.Name != kdfName || e.Cipher.Name != cipherName || len(e.Cipher.Nonce) != 24 {
		return nil, fault.New(fault.Invalid, "the private key is encrypted with %.100q and %.100q; expected %s and %s",
			e.KDF.Name, e.Cipher.Name, kdfName, cipherName)
	}
	key, err := e.key(password)
	if err != nil {
		return nil, err
	}
	der, ok := secretbox.Open(nil, e.Ciphertext, (*[24]byte)(e.Cipher.Nonce), key)
	if !ok {
		return nil, fault.New(fault.Unauthorized, "the password of the private key is wrong")
	}
	return der, nil
}

func (e *encrypted) key(password []byte) (*[32]byte, error) {
	p := e.KDF.Params
	if p.N < 1 || p.R < 1 || p.P < 1 || p.N > maxScrypt || p.R > maxScrypt || p.P > maxScrypt || p.N*p.R > maxScrypt/p.P {
		return nil, fault.New(fault.Limit, "scrypt with N %d, r %d, p %d; their product may be %d", p.N, p.R, p.P, maxScrypt)
	}
	key, err := scrypt.Key(password, e.KDF.Salt, p.N, p.R, p.P, 32)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the encrypted private key cannot be read: %w", err)
	}
	return (*[32]byte)(key), nil
}
