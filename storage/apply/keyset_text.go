package apply

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strconv"
	"strings"
)

var (
	// ErrNoKeys says that text holds no keys in a form that is known.
	ErrNoKeys = errors.New("this is no JWK Set, no JWK and no public key or certificate in PEM")
	// ErrPrivateKey says that text holds what should never have left its owner.
	ErrPrivateKey = errors.New("this is a private key: take it out of use, for it was shown here, and write the public key of another")
)

// ParseKeySet reads keys as people paste them: a JWK Set, a single JWK, or public keys and certificates in PEM, which get
// their place as kid where there are several. Empty text is no set.
func ParseKeySet(text string) (KeySet, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	if strings.Contains(text, "-----BEGIN ") {
		return pemKeySet([]byte(text))
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return "", ErrNoKeys
	}
	if _, single := members["kty"]; single {
		text = `{"keys":[` + text + `]}`
	}
	var k KeySet
	if err := k.UnmarshalJSON([]byte(text)); err != nil || k == "" {
		return "", ErrNoKeys
	}
	return k, nil
}

// Indented is the set for people to read.
func (k KeySet) Indented() string {
	var b bytes.Buffer
	if k == "" || json.Indent(&b, []byte(k), "", "  ") != nil {
		return string(k)
	}
	return b.String()
}

func pemKeySet(text []byte) (KeySet, error) {
	var keys []map[string]any
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE") {
			return "", ErrPrivateKey
		}
		key, err := pemKey(block)
		if err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(bytes.TrimSpace(text)) > 0 {
		return "", ErrNoKeys
	}
	if len(keys) > 1 {
		for i := range keys {
			keys[i]["kid"] = strconv.Itoa(i + 1)
		}
	}
	set, err := json.Marshal(map[string]any{"keys": keys})
	return KeySet(set), err
}

// pemKey is a public key as a JWK (RFC 7518 section 6); that of a certificate has the certificate with it.
func pemKey(block *pem.Block) (map[string]any, error) {
	var public any
	var err error
	chain := []string(nil)
	switch block.Type {
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			public, chain = c.PublicKey, []string{base64.StdEncoding.EncodeToString(block.Bytes)}
		}
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, ErrNoKeys
	}
	key := make(map[string]any)
	number := base64.RawURLEncoding.EncodeToString
	switch public := public.(type) {
	case *rsa.PublicKey:
		key["kty"], key["n"], key["e"] = "RSA", number(public.N.Bytes()), number(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return nil, ErrNoKeys
		}
		half := len(point) / 2
		key["kty"], key["crv"], key["x"], key["y"] = "EC", public.Curve.Params().Name, number(point[1:1+half]), number(point[1+half:])
	case ed25519.PublicKey:
		key["kty"], key["crv"], key["x"] = "OKP", "Ed25519", number(public)
	default:
		return nil, ErrNoKeys
	}
	if chain != nil {
		key["x5c"] = chain
	}
	return key, nil
}
