package idp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Types of what is signed here (RFC 8725 section 3.11).
const (
	typIDToken     = "JWT"
	typLogoutToken = "logout+jwt"
)

// idToken mints an ID token (OpenID Connect Core section 2) for a grant. What
// it says of the sign-in was kept with the grant: refreshing never raises it.
func (p *Provider) idToken(ctx context.Context, client *storage.Client, st *storage.Standing, d details, scope, accessToken string) (string, error) {
	now := p.Now()
	claims := map[string]any{
		"iss": p.Issuer, "sub": st.User.ID, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(idTokenLifetime).Unix(),
		"sid": st.Grant.SessionID, "at_hash": atHash(accessToken),
		"auth_time": d.Assurance.AuthTime.Unix(), "acr": d.Assurance.ACR, "amr": d.Assurance.AMR, "amr_times": d.Assurance.AMRTimes,
	}
	if !d.Assurance.MFATime.IsZero() {
		claims["mfa_time"] = d.Assurance.MFATime.Unix()
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
	return p.sign(ctx, client.IDTokenAlg, typLogoutToken, map[string]any{
		"iss": p.Issuer, "sub": n.UserID, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": id, "sid": n.SessionID,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": struct{}{}},
	})
}

// atHash is at_hash (OpenID Connect Core section 3.1.3.6) for algorithms with
// SHA-256.
func atHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// ownClaims are what we read back of our own ID tokens.
type ownClaims struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
	Session  string       `json:"sid"`
	// ID tokens have at_hash; nothing else we sign has.
	AtHash string `json:"at_hash"`
}

// verifyOwnIDToken reads an ID token we signed, though it may have expired.
func (p *Provider) verifyOwnIDToken(ctx context.Context, token string) (*ownClaims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return nil, err
	}
	header := parsed.Headers[0]
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, typIDToken) {
		return nil, fmt.Errorf("typ is %q", typ)
	}
	keys, err := p.DB.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID != header.KeyID || k.Alg != header.Algorithm {
			continue
		}
		pub, err := p.keys.publicKey(k)
		if err != nil {
			return nil, err
		}
		var c ownClaims
		switch err := parsed.Claims(pub, &c); {
		case err != nil:
			return nil, err
		case c.Issuer != p.Issuer, c.Subject == "", c.AtHash == "":
			return nil, errors.New("not an ID token of this provider")
		}
		return &c, nil
	}
	return nil, fmt.Errorf("unknown key %q", header.KeyID)
}
