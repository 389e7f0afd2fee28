package idp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// typDPoP is the typ of a proof (RFC 9449 section 4.2).
const typDPoP = "dpop+jwt"

// A proof is good for a minute, and may come from a clock that is 15 seconds
// ahead: FAPI 2.0 Security Profile section 5.3.2.1 asks for at least 10.
const (
	proofLifetime = time.Minute
	proofAhead    = 15 * time.Second
)

// maxProof bounds a proof in bytes; one by RSA of 4096 bits takes less than 2 KiB.
const maxProof = 8 << 10

// invalidDPoPProof and useDPoPNonce are RFC 9449 sections 5 and 8.
const (
	invalidDPoPProof = "invalid_dpop_proof"
	useDPoPNonce     = "use_dpop_nonce"
)

// proof is what a DPoP proof says once its signature stands.
type proof struct {
	// jkt is the thumbprint of its key (RFC 7638).
	jkt    string
	claims proofClaims
}

// proofClaims are those of RFC 9449 section 4.2. exp and nbf aren't asked for,
// but where they are said they hold.
type proofClaims struct {
	ID        string   `json:"jti"`
	Method    string   `json:"htm"`
	URI       string   `json:"htu"`
	Issued    *float64 `json:"iat"`
	TokenHash string   `json:"ath"`
	Nonce     string   `json:"nonce"`
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
}

// prove checks the DPoP proof of a request in the order of RFC 9449 section
// 4.3, spends it, and returns the thumbprint of its key. token is the access
// token that it comes with, empty where it asks for one. Headers of the answer,
// a fresh nonce, are set in answer.
func (p *Provider) prove(ctx context.Context, r *http.Request, answer http.Header, token string) (jkt string, err error) {
	proof, err := readProof(r.Header.Values("DPoP"))
	if err != nil {
		return "", err
	}
	c := proof.claims
	switch {
	case c.Method != r.Method:
		return "", wrongProof("htm is not %s, the method of this request", r.Method)
	case !p.isHere(c.URI, r):
		return "", wrongProof("htu is not the address of this request, %s", p.Issuer+r.URL.EscapedPath())
	case token != "" && subtle.ConstantTimeCompare([]byte(c.TokenHash), []byte(tokenHash(token))) != 1:
		return "", wrongProof("ath is not the hash of the access token")
	}
	until, err := p.proofEnds(ctx, c, answer)
	if err != nil {
		return "", err
	}
	// Only what verified is remembered: nobody can use up an id of somebody
	// else's, nor fill the table with what would be refused anyway.
	err = p.DB.Write(ctx, func(tx *storage.Tx) error { return tx.UseID(ctx, "dpop:"+proof.jkt, c.ID, until) })
	if errors.Is(err, storage.ErrSpent) {
		return "", wrongProof("this proof was used before: make one for each request")
	}
	return proof.jkt, err
}

// proofEnds is until when a proof could be used, if it can now. A nonce of ours
// says when it was made better than its own clock does (RFC 9449 section 11.1),
// so with one a device whose clock is wrong gets in too.
func (p *Provider) proofEnds(ctx context.Context, c proofClaims, answer http.Header) (time.Time, error) {
	now := p.Now()
	if c.Expires != nil && !moment(*c.Expires).After(now) || c.NotBefore != nil && moment(*c.NotBefore).After(now.Add(proofAhead)) {
		return time.Time{}, wrongProof("by its exp or nbf the proof can't be used now")
	}
	if p.DPoPNonce {
		return p.nonceEnds(ctx, c.Nonce, answer)
	}
	issued := moment(*c.Issued)
	if issued.After(now.Add(proofAhead)) || !issued.After(now.Add(-proofLifetime)) {
		return time.Time{}, wrongProof("iat is not of now: the clock here says %d", now.Unix())
	}
	return issued.Add(proofLifetime), nil
}

// moment is a NumericDate (RFC 7519 section 2). What is out of all bounds is
// brought within some, so that it compares as it should.
func moment(seconds float64) time.Time {
	const most = 1 << 40
	whole, part := math.Modf(max(-most, min(most, seconds)))
	return time.Unix(int64(whole), int64(part*1e9))
}

// readProof reads the headers named DPoP of a request, and verifies what is
// true of a proof wherever it is sent.
func readProof(sent []string) (*proof, error) {
	switch {
	case len(sent) == 0:
		return nil, wrongProof("the header DPoP is missing")
	case len(sent) > 1:
		return nil, wrongProof("the header DPoP is sent more than once")
	case len(sent[0]) > maxProof:
		return nil, wrongProof("the proof is longer than 8 KiB")
	}
	parsed, err := jwt.ParseSigned(sent[0], proofAlgorithms())
	if err != nil {
		return nil, &oauthError{code: invalidDPoPProof, cause: err,
			description: "the proof is no JWT with a public key in jwk, signed by one of " + strings.Join(session.ProofAlgs(), ", ")}
	}
	header := parsed.Headers[0]
	key := header.JSONWebKey
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	switch {
	case typ != typDPoP:
		return nil, wrongProof("typ is not %s", typDPoP)
	case key == nil || !key.IsPublic() || hasPrivateParts(sent[0]):
		return nil, wrongProof("jwk must be a public key and nothing but it")
	case !signsProofs(key, header.Algorithm):
		return nil, wrongProof("jwk is no key for %s, or an RSA key of less than 2048 or more than 8192 bits", header.Algorithm)
	}
	out := new(proof)
	if err := parsed.Claims(key.Key, &out.claims); err != nil {
		return nil, &oauthError{code: invalidDPoPProof, description: "the signature does not verify with jwk, or the claims are not of the types of RFC 9449 section 4.2", cause: err}
	}
	if c := out.claims; c.ID == "" || c.Method == "" || c.URI == "" || c.Issued == nil {
		return nil, wrongProof("the proof needs jti, htm, htu and iat")
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, &oauthError{code: invalidDPoPProof, description: "jwk has no thumbprint", cause: err}
	}
	out.jkt = base64.RawURLEncoding.EncodeToString(thumbprint)
	return out, nil
}

func proofAlgorithms() (algs []jose.SignatureAlgorithm) {
	for _, alg := range session.ProofAlgs() {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	return algs
}

// signsProofs says whether a key is one for an algorithm, and of a size that is safe
// and bounds the work of verifying.
func signsProofs(key *jose.JSONWebKey, alg string) bool {
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return alg == PS256 && k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
	case *ecdsa.PublicKey:
		return alg == ES256 && k.Curve == elliptic.P256()
	}
	return alg == EdDSA
}

// hasPrivateParts says whether the jwk in a JWT's header names a private part
// (RFC 7518 section 6), even one that makes no private key.
func hasPrivateParts(token string) bool {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Key map[string]json.RawMessage `json:"jwk"`
	}
	if err != nil || json.Unmarshal(text, &header) != nil {
		return true
	}
	private := []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
	return slices.ContainsFunc(slices.Collect(maps.Keys(header.Key)), func(name string) bool { return slices.Contains(private, name) })
}

// tokenHash is the ath of an access token (RFC 9449 section 4.2).
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func wrongProof(description string, args ...any) *oauthError {
	return oauth(invalidDPoPProof, description, args...)
}
