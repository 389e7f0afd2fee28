package stepup

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those of signatures that only the owner of a private key can
// make. none and the HMACs aren't among them.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

// readJWT verifies signature and type of a JWT access token (RFC 9068 section 4)
// and returns its claims.
func (v *Verifier) readJWT(ctx context.Context, raw string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, refuse("it is no JWT that can be trusted: %v", err)
	}
	header := signed.Signatures[0].Protected
	if !isType(header, "at+jwt") {
		return nil, refuse("its typ is not at+jwt: an ID token is no access token")
	}
	key, err := v.key(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, err
	}
	body, err := signed.Verify(key)
	if err != nil {
		return nil, refuse("its signature doesn't hold: %v", err)
	}
	var has struct {
		Issued int64  `json:"iat"`
		ID     string `json:"jti"`
	}
	if err := json.Unmarshal(body, &has); err != nil || has.Issued == 0 || has.ID == "" {
		return nil, refuse("it lacks iat or jti")
	}
	return body, nil
}

// isType compares the typ header, which may be written as a media type in full
// (RFC 7515 section 4.1.9).
func isType(header jose.Header, want string) bool {
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/") == want
}
