package idp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// atJWT is an access token of RFC 9068 before it is signed. Its row, found by
// its jti, is what introspection and revocation go by: an API that asks learns
// at once of what ended, one that only verifies learns when the token expires.
type atJWT struct {
	// api is the product that verifies it; the token is signed by the algorithm
	// that this product registered for its ID tokens, for that is the one it is
	// known to have.
	api    *storage.Client
	holder *storage.Client
	jti    string
	scope  string
	cnf    confirmation
	issued time.Time
	until  time.Time
}

// ofMachine are the claims of a token that a product holds for itself: it is
// its own subject (RFC 9068 section 2.2).
func (p *Provider) ofMachine(t atJWT) map[string]any {
	claims := map[string]any{
		"iss": p.Issuer, "sub": t.holder.ID, "aud": t.api.API.Resource, "client_id": t.holder.ID, "scope": t.scope,
		"iat": t.issued.Unix(), "exp": t.until.Unix(), "jti": t.jti,
	}
	if t.cnf != (confirmation{}) {
		claims["cnf"] = t.cnf
	}
	return claims
}

// ofPerson adds the person and the sign-in of a grant (RFC 9068 section 2.2.1),
// which a refresh never changes. scope is that of the whole response: where it
// has roles, the token says those in the product that serves the API.
func (p *Provider) ofPerson(ctx context.Context, t atJWT, st *storage.Standing, d details, scope string) (map[string]any, error) {
	claims := p.ofMachine(t)
	var err error
	if claims["sub"], err = p.subject(ctx, t.holder, st.User.ID); err != nil {
		return nil, err
	}
	claims["sid"] = st.Grant.SessionID
	claims["auth_time"] = d.Assurance.AuthTime.Unix()
	claims["acr"], claims["amr"], claims["amr_times"] = d.Assurance.ACR, d.Assurance.AMR, d.Assurance.AMRTimes
	if !d.Assurance.MFATime.IsZero() {
		claims["mfa_time"] = d.Assurance.MFATime.Unix()
	}
	if slices.Contains(scopes(scope), "roles") {
		claims["roles"] = session.ProductRoles(t.api, &st.User)
	}
	if d.Act != nil {
		claims["act"] = d.Act
	}
	return claims, nil
}

// signAccess signs an access token. Nothing is signed inside a transaction.
func (p *Provider) signAccess(ctx context.Context, t atJWT, claims map[string]any) (string, error) {
	return p.sign(ctx, t.api.IDTokenAlg, typAccessToken, claims)
}

// presentedAccess is an access token as a client hands it in: the hash its row
// is kept by, and what the row is.
type presentedAccess struct {
	hash, kind string
	// machine says that a JWT was given to a product for itself.
	machine bool
}

// accessToken reads an access token, opaque or a JWT. A JWT counts only if it
// is an access token that this provider signed; errNotOurs otherwise. Its times
// are the row's affair.
func (p *Provider) accessToken(ctx context.Context, token string) (presentedAccess, error) {
	if !looksLikeJWT(token) {
		return presentedAccess{hash: storage.Hash(token), kind: storage.AccessToken}, nil
	}
	var c struct {
		Issuer   string `json:"iss"`
		ID       string `json:"jti"`
		AuthTime *int64 `json:"auth_time"`
	}
	if err := p.verifyOwn(ctx, token, typAccessToken, &c); err != nil {
		return presentedAccess{}, err
	}
	if c.Issuer != p.Issuer || c.ID == "" {
		return presentedAccess{}, errNotOurs
	}
	return presentedAccess{hash: storage.Hash(c.ID), kind: storage.JWTAccessToken, machine: c.AuthTime == nil}, nil
}

// errNotOurs says that a token isn't one that this provider signed.
var errNotOurs = errors.New("not signed by this provider")

// looksLikeJWT tells JWTs from opaque tokens, which have no dots.
func looksLikeJWT(token string) bool { return strings.Count(token, ".") == 2 }
