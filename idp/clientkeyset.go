package idp

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// keySet are the public keys by which a client signs.
type keySet []jose.JSONWebKey

func (s keySet) has(right func(jose.JSONWebKey) bool) bool { return slices.ContainsFunc(s, right) }

// Bounds of a set: each key costs a signature to try where none is named, and
// anybody can have us try.
const (
	maxKeys     = 32
	leastRSA    = 2048
	greatestRSA = 4096
	// maxTries is how many keys are tried for one signature, the sets before and
	// after keys are fetched anew together. Where kids are named, it takes one.
	maxTries = 8
)

// parseKeySet reads a JWK Set (RFC 7517 section 5). Keys of a kind that isn't
// known and those for encryption are left out; a private or symmetric key spoils
// the set, for who sees the set could sign with it.
func parseKeySet(text []byte) (keySet, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("no JWK Set: %w", err)
	}
	if len(raw.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys: %d at most", len(raw.Keys), maxKeys)
	}
	set := keySet{}
	for n, text := range raw.Keys {
		key, use, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", n+1, err)
		}
		if use {
			set = append(set, key)
		}
	}
	return set, nil
}

// parseKey reads a key and says whether signatures may be verified with it.
func parseKey(text []byte) (key jose.JSONWebKey, use bool, err error) {
	var raw struct {
		Type       string          `json:"kty"`
		Use        string          `json:"use"`
		Operations []string        `json:"key_ops"`
		Private    json.RawMessage `json:"d"`
		Symmetric  json.RawMessage `json:"k"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return key, false, err
	}
	switch {
	case raw.Private != nil, raw.Symmetric != nil, raw.Type == "oct":
		return key, false, errors.New("it is private or symmetric: publish public keys only")
	case raw.Use != "" && raw.Use != "sig", raw.Operations != nil && !slices.Contains(raw.Operations, "verify"):
		return key, false, nil
	}
	if err := key.UnmarshalJSON(text); errors.Is(err, jose.ErrUnsupportedKeyType) {
		return key, false, nil
	} else if err != nil {
		return key, false, err
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok && (k.N.BitLen() < leastRSA || k.N.BitLen() > greatestRSA) {
		return key, false, fmt.Errorf("RSA of %d bits: %d to %d", k.N.BitLen(), leastRSA, greatestRSA)
	}
	return key, true, nil
}
