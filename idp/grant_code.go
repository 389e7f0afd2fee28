package idp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-id/sallyport/storage"
)

// CodeExchange redeems an authorization code (RFC 6749 section 4.1.3). One
// conditional update spends the code in the transaction that keeps the tokens;
// a code presented again revokes everything it led to.
func (s server) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	client := r.Client.(libraryClient).Client
	hash := storage.Hash(r.Data.Code)
	var refused error
	var out issued
	err := s.DB.Write(ctx, func(tx *storage.Tx) error {
		grantID, err := tx.SpendCode(ctx, hash, client.ID, s.Now())
		if errors.Is(err, storage.ErrSpent) {
			refused = oauth(invalidGrant, "the code is unknown, expired, or was already used")
			return s.revokeReplayed(ctx, tx, client, hash)
		}
		if err != nil {
			return err
		}
		st, err := tx.Standing(ctx, grantID, s.Now())
		if err != nil {
			return err
		}
		d, err := detailsOf(&st.Grant)
		if err != nil {
			return err
		}
		// From here on the code is spent, whatever comes.
		if refused = s.codeStands(client, st, d); refused == nil {
			refused = boundTo(d, r.Data)
		}
		if refused != nil {
			return s.auditRefused(ctx, tx, "token.refused", client, &st.User, refused)
		}
		out = s.newTokens(client, st, d, st.Grant.Scope, "")
		if err := tx.InsertTokens(ctx, out.rows...); err != nil {
			return err
		}
		return tx.Audit(ctx, s.event(ctx, "token.issued", storage.OK, client, &st.User))
	})
	if err == nil {
		err = refused
	}
	return s.tokenResponse(ctx, client, out, err)
}

// boundTo checks what the code was bound to: redirect URI and PKCE verifier
// (RFC 7636 section 4.6). A verifier without a challenge is refused too
// (RFC 9700 section 2.1.1).
func boundTo(d details, r *oidc.AccessTokenRequest) error {
	if r.RedirectURI != d.RedirectURI {
		return oauth(invalidGrant, "redirect_uri is not the one of the authorization request")
	}
	sum := sha256.Sum256([]byte(r.CodeVerifier))
	switch {
	case d.CodeChallenge == "" && r.CodeVerifier != "":
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
	standing        *storage.Standing
	details         details
	scope           string
	access, refresh string
	rows            []storage.Token
}

// newTokens makes the tokens of a response; parent is the hash of the refresh
// token they replace, if any.
func (p *Provider) newTokens(client *storage.Client, st *storage.Standing, d details, scope, parent string) issued {
	now := p.Now()
	row := func(kind string, secret string, scope string, until time.Time) storage.Token {
		if until.After(st.Grant.ExpiresAt) {
			until = st.Grant.ExpiresAt
		}
		return storage.Token{Hash: storage.Hash(secret), Kind: kind, GrantID: st.Grant.ID, Parent: parent, Scope: scope, CreatedAt: now, ExpiresAt: until}
	}
	out := issued{standing: st, details: d, scope: scope, access: storage.NewSecret()}
	out.rows = append(out.rows, row(storage.AccessToken, out.access, scope, now.Add(accessLifetime)))
	if slices.Contains(client.GrantTypes, string(oidc.GrantTypeRefreshToken)) {
		out.refresh = storage.NewSecret()
		out.rows = append(out.rows, row(storage.RefreshToken, out.refresh, st.Grant.Scope, st.Grant.ExpiresAt))
	}
	return out
}

// tokenAnswer is the token response of RFC 6749 section 5.1 with the ID token
// of OpenID Connect Core section 3.1.3.3.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token"`
	Scope        string `json:"scope"`
}

// tokenResponse signs the ID token, outside of any transaction, and answers.
func (s server) tokenResponse(ctx context.Context, client *storage.Client, out issued, err error) (*op.Response, error) {
	if err != nil {
		return nil, s.forLibrary(ctx, err)
	}
	idToken, err := s.idToken(ctx, client, out.standing, out.details, out.scope, out.access)
	if err != nil {
		return nil, s.forLibrary(ctx, err)
	}
	return op.NewResponse(tokenAnswer{
		AccessToken: out.access, TokenType: "Bearer", ExpiresIn: int64(out.rows[0].ExpiresAt.Sub(s.Now()) / time.Second),
		RefreshToken: out.refresh, IDToken: idToken, Scope: out.scope,
	}), nil
}
