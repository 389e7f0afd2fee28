package storage

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealer encrypts what must not be readable in a stolen database, with
// XChaCha20-Poly1305. A sealed value is the key's id (4 bytes), a nonce
// (24 bytes) and the ciphertext; the row's identity is additional data, so
// that a value moved to another row does not open.
type sealer struct {
	id   [4]byte
	aead cipher.AEAD
	// mac is a key of its own for KeyedHash.
	mac []byte
}

func newSealer(key []byte) (*sealer, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("master key: expected %d bytes, got %d", chacha20poly1305.KeySize, len(key))
	}
	s := &sealer{aead: aead}
	sum := sha256.Sum256(append([]byte("sallyport key id:"), key...))
	copy(s.id[:], sum[:])
	if s.mac, err = hkdf.Key(sha256.New, key, nil, "sallyport keyed hash", sha256.Size); err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return s, nil
}

func (s *sealer) seal(plain []byte, row string) []byte {
	out := make([]byte, 4+chacha20poly1305.NonceSizeX, 4+chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	copy(out, s.id[:])
	rand.Read(out[4:]) // never fails: crypto/rand
	return s.aead.Seal(out, out[4:], plain, []byte(row))
}

var errSealed = errors.New("a sealed value does not open: this database was written with another master key")

func (s *sealer) open(sealed []byte, row string) ([]byte, error) {
	if len(sealed) < 4+chacha20poly1305.NonceSizeX {
		return nil, errSealed
	}
	nonce, body := sealed[4:4+chacha20poly1305.NonceSizeX], sealed[4+chacha20poly1305.NonceSizeX:]
	plain, err := s.aead.Open(nil, nonce, body, []byte(row))
	if err != nil || [4]byte(sealed[:4]) != s.id {
		return nil, errSealed
	}
	return plain, nil
}

// Hash is how random secrets (codes, tokens, cookies, links) are stored:
// SHA-256, base64url. They have at least 80 bits of their own, so nothing
// slower is needed.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// KeyedHash is how codes that are short enough to be guessed are stored:
// HMAC-SHA256 with a key that is not in the database, over everything the code
// is bound to.
func (r Reader) KeyedHash(parts ...string) string {
	mac := hmac.New(sha256.New, r.db.sealer.mac)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// NewSecret returns 256 random bits as base64url.
func NewSecret() string { return random(32) }

// NewID returns 128 random bits as base64url, for rows.
func NewID() string { return random(16) }

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
