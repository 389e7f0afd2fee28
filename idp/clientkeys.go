package idp

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/storage"
)

// asymmetric are the algorithms by which clients sign with keys of their own
// (RFC 7518 section 3.1, RFC 8037 section 3.1).
var asymmetric = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.RS256, jose.RS384, jose.RS512, jose.EdDSA,
}

// names are algorithms as metadata lists them.
func names(algs []jose.SignatureAlgorithm) (all []string) {
	for _, a := range algs {
		all = append(all, string(a))
	}
	return all
}

// verifyByClient checks that a JWS in compact form is signed by a key of the
// client's, by one of algs, and decodes its payload into each of out. Nothing of
// the payload is checked: iss, aud, exp and the like are the caller's to judge,
// and so is the header's typ. The error tells the log what is wrong; it is no
// [oauthError].
func (p *Provider) verifyByClient(ctx context.Context, client *storage.Client, token string, algs []jose.SignatureAlgorithm, out ...any) error {
	signed, err := jwt.ParseSigned(token, algs)
	if err != nil {
		return fmt.Errorf("parse what %s signed: %w", client.ID, err)
	}
	header := signed.Headers[0]
	tries := 0
	err = p.findClientKey(ctx, client, func(k jose.JSONWebKey) bool {
		if !fits(k, header) || tries == maxTries {
			return false
		}
		tries++
		return signed.Claims(k.Key) == nil
	})
	if err != nil {
		return fmt.Errorf("verify %s with kid %q: %w", header.Algorithm, header.KeyID, err)
	}
	// The very bytes that were verified.
	return signed.UnsafeClaimsWithoutVerification(out...)
}

// errNoKey says that none of a client's keys is the right one.
var errNoKey = errors.New("no registered key fits")

// findClientKey looks for a key of the client's that is right. Where none of
// those from a jwks_uri is, they are fetched anew, for the client may have
// rotated them; see [Provider.fetchedKeys] for how often.
func (p *Provider) findClientKey(ctx context.Context, client *storage.Client, right func(jose.JSONWebKey) bool) error {
	switch {
	case len(client.JWKS) > 0:
		set, err := p.clientKeys.parsed(client)
		if err == nil && !set.has(right) {
			err = fmt.Errorf("jwks of %s: %w", client.ID, errNoKey)
		}
		return err
	case client.JWKSURI != "":
		return p.fetchedKeys(ctx, client.JWKSURI, right)
	}
	return fmt.Errorf("%s has registered neither jwks nor jwks_uri", client.ID)
}

// fits says whether a key may have made a signature with this header. A kid
// that only one side names says nothing.
func fits(k jose.JSONWebKey, h jose.Header) bool {
	if h.KeyID != "" && k.KeyID != "" && h.KeyID != k.KeyID || k.Algorithm != "" && k.Algorithm != h.Algorithm {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(h.Algorithm, "RS") || strings.HasPrefix(h.Algorithm, "PS")
	case *ecdsa.PublicKey:
		return h.Algorithm == map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key.Curve.Params().Name]
	case ed25519.PublicKey:
		return h.Algorithm == EdDSA
	}
	return false
}

// clientKeys keeps the keys of clients parsed.
type clientKeys struct {
	mu sync.Mutex
	// byClient has those registered by value.
	byClient map[string]parsedKeys
	byURI    map[string]*remoteKeys
}

type parsedKeys struct {
	raw []byte
	set keySet
	err error
}

// maxKept bounds each of the maps; a full one is begun anew.
const maxKept = 4096

func (c *clientKeys) parsed(client *storage.Client) (keySet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.byClient[client.ID]; ok && bytes.Equal(have.raw, client.JWKS) {
		return have.set, have.err
	}
	if c.byClient == nil || len(c.byClient) >= maxKept {
		c.byClient = map[string]parsedKeys{}
	}
	set, err := parseKeySet(client.JWKS)
	if err != nil {
		err = fmt.Errorf("jwks of %s: %w", client.ID, err)
	}
	c.byClient[client.ID] = parsedKeys{client.JWKS, set, err}
	return set, err
}
