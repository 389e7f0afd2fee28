package idp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// redeemCode redeems an authorization code (RFC 6749 section 4.1.3). One
// conditional update spends the code in the transaction that keeps the tokens;
// a code presented again revokes everything it led to.
func (p *Provider) redeemCode(ctx context.Context, c *call) (any, error) {
	client := c.client
	code, err := c.needed("code")
	if err == nil {
		_, err = c.needed("redirect_uri")
	}
	if err != nil {
		return nil, err
	}
	reach, err := p.Sessions.Reach(ctx, client)
	if err != nil {
		return nil, err
	}
	hash := storage.Hash(code)
	var refused error
	var out issued
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		grantID, err := tx.SpendCode(ctx, hash, client.ID, p.Now())
		if errors.Is(err, storage.ErrSpent) {
			refused = oauth(invalidGrant, "the code is unknown, expired, or was already used")
			return p.revokeReplayed(ctx, tx, client, hash)
		}
		if err != nil {
			return err
		}
		out, refused, err = p.firstTokens(ctx, tx, c, reach, grantID, boundTo)
		return err
	})
	if err == nil {
		err = refused
	}
	return p.tokenResponse(ctx, client, out, err)
}

// firstTokens gives out the first tokens of a grant whose code was spent in this
// transaction, and stays spent: refused says why there are none. bound checks
// what the code was bound to besides its client.
func (p *Provider) firstTokens(ctx context.Context, tx *storage.Tx, c *call, reach session.Reach, grantID string, bound func(details, *call) error) (out issued, refused, err error) {
	st, err := tx.Standing(ctx, grantID, p.Now())
	if err != nil {
		return out, nil, err
	}
	d, err := detailsOf(&st.Grant)
	if err != nil {
		return out, nil, err
	}
	if refused = p.codeStands(c.client, st, d); refused == nil {
		refused = bound(d, c)
	}
	if refused == nil {
		out, refused = p.newTokens(c, reach, st, d, st.Grant.Scope, "")
	}
	if _, ours := errors.AsType[*oauthError](refused); refused != nil && !ours {
		return out, nil, refused
	}
	if refused != nil {
		return out, refused, p.auditRefused(ctx, tx, "token.refused", c.client, &st.User, refused)
	}
	if err := tx.InsertTokens(ctx, out.rows...); err != nil {
		return out, nil, err
	}
	return out, nil, tx.Audit(ctx, p.event(ctx, "token.issued", storage.OK, c.client, &st.User))
}

// boundTo checks what the code was bound to: redirect URI, DPoP key and PKCE
// verifier (RFC 7636 section 4.6). A verifier without a challenge is refused too
// (RFC 9700 section 2.1.1).
func boundTo(d details, c *call) error {
	if c.form.Get("redirect_uri") != d.RedirectURI {
		return oauth(invalidGrant, "redirect_uri is not the one of the authorization request")
	}
	if err := keyOfRequest(d.DPoPJKT, c.cnf); err != nil {
		return err
	}
	verifier := c.form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case d.CodeChallenge == "" && verifier != "":
		return oauth(invalidGrant, "code_verifier without a code_challenge in the authorization request")
	case d.CodeChallenge == "":
		return nil
	case subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(d.CodeChallenge)) != 1:
		return oauth(invalidGrant, "code_verifier does not match the code_challenge")
	}
	return nil
}

func (p *Provider) revokeReplayed(ctx context.Context, tx *storage.Tx, client *storage.Client, hash string) error {
	g, err := tx.RevokeReplayedCode(ctx, hash, p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil // never redeemed: there is nothing to revoke
	}
	if err != nil {
		return err
	}
	e := p.event(ctx, "token.code_replayed", storage.Refused, client, nil)
	e.UserID, e.Reason = g.UserID, "a redeemed code came again: its grant was revoked"
	return tx.Audit(ctx, e)
}

func (p *Provider) auditRefused(ctx context.Context, tx *storage.Tx, name string, client *storage.Client, u *storage.User, why error) error {
	e := p.event(ctx, name, storage.Refused, client, u)
	e.Reason = why.Error()
	if refused, ok := errors.AsType[*oauthError](why); ok {
		e.Decision = string(refused.reason)
	}
	return tx.Audit(ctx, e)
}

// issued is what one token response gives out.
type issued struct {
	standing *storage.Standing
	details  details
	// scope is what was granted, or what a refresh narrowed it to.
	scope           string
	access, refresh string
	// api is nil where the access token is for this provider, and opaque; else
	// it is signed by tokenResponse.
	api  *storage.Client
	jti  string
	cnf  confirmation
	rows []storage.Token
}

// newTokens makes the tokens of a response; parent is the hash of the refresh
// token they replace, if any. The access token is for the API that the call
// asks for, if any: invalid_target where it can't have that. Of the scope that
// was granted it has what the client may still ask for.
func (p *Provider) newTokens(c *call, reach session.Reach, st *storage.Standing, d details, scope, parent string) (issued, error) {
	api, err := target(reach, c.client, c.form["resource"], d.Resources)
	if err == nil && api != nil {
		err = p.admits(api, st, d)
	}
	if err != nil {
		return issued{}, err
	}
	scope = strings.Join(stillIn(reach.Scopes(d.Resources), scope), " ")
	now := p.Now()
	row := func(kind string, secret string, scope string, until time.Time) storage.Token {
		if until.After(st.Grant.ExpiresAt) {
			until = st.Grant.ExpiresAt
		}
		return storage.Token{Hash: storage.Hash(secret), Kind: kind, GrantID: st.Grant.ID, Parent: parent, Scope: scope, Cnf: c.cnf.kept(), CreatedAt: now, ExpiresAt: until}
	}
	out := issued{standing: st, details: d, scope: scope, api: api, cnf: c.cnf}
	if api == nil {
		out.access = storage.NewSecret()
		out.rows = append(out.rows, row(storage.AccessToken, out.access, scope, now.Add(accessLifetime)))
	} else {
		out.jti = storage.NewSecret()
		access := row(storage.JWTAccessToken, out.jti, apiScope(api, scope), now.Add(accessLifetime))
		access.Audience = api.API.Resource
		out.rows = append(out.rows, access)
	}
	if slices.Contains(c.client.GrantTypes, grantRefresh) {
		out.refresh = storage.NewSecret()
		out.rows = append(out.rows, row(storage.RefreshToken, out.refresh, st.Grant.Scope, st.Grant.ExpiresAt))
	}
	return out, nil
}

// tokenResponse signs what is a JWT, outside of any transaction, and answers.
func (p *Provider) tokenResponse(ctx context.Context, client *storage.Client, out issued, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	access := &out.rows[0]
	if out.api != nil {
		t := atJWT{api: out.api, holder: client, jti: out.jti, scope: access.Scope, cnf: out.cnf, issued: access.CreatedAt, until: access.ExpiresAt}
		claims, err := p.ofPerson(ctx, t, out.standing, out.details, out.scope)
		if err == nil {
			out.access, err = p.signAccess(ctx, t, claims)
		}
		if err != nil {
			return nil, err
		}
	}
	idToken, err := p.idToken(ctx, client, out.standing, out.details, out.scope, beside{accessToken: out.access})
	if err != nil {
		return nil, err
	}
	return tokenAnswer{
		AccessToken: out.access, TokenType: out.cnf.tokenType(), ExpiresIn: int64(access.ExpiresAt.Sub(p.Now()) / time.Second),
		RefreshToken: out.refresh, IDToken: idToken, Scope: access.Scope,
	}, nil
}
