package idp

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Types of what is signed here (RFC 8725 section 3.11): nothing can be passed
// off as something else.
const (
	typIDToken       = "JWT"
	typUserinfo      = "JWT"
	typAccessToken   = "at+jwt"
	typLogoutToken   = "logout+jwt"
	typIntrospection = "token-introspection+jwt"
)

// beside is what an ID token comes with, whose hashes it holds.
type beside struct{ accessToken, code string }

// idToken mints an ID token (OpenID Connect Core section 2) for a grant. What
// it says of the sign-in was kept with the grant: refreshing never raises it.
func (p *Provider) idToken(ctx context.Context, client *storage.Client, st *storage.Standing, d details, scope string, with beside) (string, error) {
	now := p.Now()
	d.Assurance = inWordsOf(client, d.Assurance)
	subject, err := p.subject(ctx, client, st.User.ID)
	if err != nil {
		return "", err
	}
	claims := map[string]any{
		"iss": p.Issuer, "sub": subject, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(idTokenLifetime).Unix(),
		"sid":       st.Grant.SessionID,
		"auth_time": d.Assurance.AuthTime.Unix(), "amr": d.Assurance.AMR, "amr_times": d.Assurance.AMRTimes,
	}
	if d.Assurance.ACR != "" {
		claims["acr"] = d.Assurance.ACR
	}
	if !d.Assurance.MFATime.IsZero() {
		claims["mfa_time"] = d.Assurance.MFATime.Unix()
	}
	for name, value := range map[string]string{"at_hash": with.accessToken, "c_hash": with.code} {
		if value != "" {
			claims[name] = halfHash(client.IDTokenAlg, value)
		}
	}
	if d.Nonce != "" {
		claims["nonce"] = d.Nonce
	}
	if slices.Contains(scopes(scope), "roles") {
		claims["roles"] = session.ProductRoles(client, &st.User)
	}
	for name, value := range claimsByName(&st.User, client, d.IDTokenClaims, scope) {
		claims[name] = value
	}
	return p.sign(ctx, client.IDTokenAlg, typIDToken, claims)
}

// logoutToken mints a logout token (OpenID Connect Back-Channel Logout 1.0
// section 2.4).
func (p *Provider) logoutToken(ctx context.Context, client *storage.Client, n storage.LogoutNotice, id string) (string, error) {
	now := p.Now()
	subject, err := p.subject(ctx, client, n.UserID)
	if err != nil {
		return "", err
	}
	return p.sign(ctx, client.IDTokenAlg, typLogoutToken, map[string]any{
		"iss": p.Issuer, "sub": subject, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": id, "sid": n.SessionID,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
}

// halfHash is at_hash and c_hash (OpenID Connect Core section 3.3.2.11): the
// left half of the hash that the signature's algorithm uses, which for Ed25519
// is SHA-512.
func halfHash(alg, value string) string {
	if alg == EdDSA {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ownClaims are what we read back of our own ID tokens.
type ownClaims struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
	Session  string       `json:"sid"`
}

// verifyOwnIDToken reads an ID token we signed, though it may have expired.
func (p *Provider) verifyOwnIDToken(ctx context.Context, token string) (*ownClaims, error) {
	var c ownClaims
	if err := p.verifyOwn(ctx, token, typIDToken, &c); err != nil {
		return nil, err
	}
	if c.Issuer != p.Issuer || c.Subject == "" || c.Session == "" {
		return nil, errNotOurs
	}
	return &c, nil
}

// verifyOwn reads a JWT of a type that we signed; errNotOurs where we didn't.
// What it says is left to the caller, its times too.
func (p *Provider) verifyOwn(ctx context.Context, token, typ string, claims any) error {
	parsed, err := jwt.ParseSigned(token, signatureAlgorithms())
	if err != nil {
		return fmt.Errorf("%w: %w", errNotOurs, err)
	}
	header := parsed.Headers[0]
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(got, typ) {
		return fmt.Errorf("%w: typ is %q", errNotOurs, got)
	}
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID != header.KeyID || k.Alg != header.Algorithm {
			continue
		}
		pub, err := p.keys.publicKey(k)
		if err != nil {
			return err
		}
		if err := parsed.Claims(pub, claims); err != nil {
			return fmt.Errorf("%w: %w", errNotOurs, err)
		}
		return nil
	}
	return fmt.Errorf("%w: unknown key %q", errNotOurs, header.KeyID)
}
