package idp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// refresh rotates a refresh token (RFC 6749 section 6, RFC 9700 section
// 4.14.2). One conditional update spends it; presented again it is a lost
// response or theft, as storage tells them apart, and theft revokes the grant.
// A bound refresh token isn't rotated (FAPI 2.0 Security Profile section
// 5.3.2.1): it comes back as it is. The new tokens say what the first ones said
// of the sign-in.
func (p *Provider) refresh(ctx context.Context, c *call) (any, error) {
	client := c.client
	presented, err := c.needed("refresh_token")
	if err != nil {
		return nil, err
	}
	reach, err := p.Sessions.Reach(ctx, client)
	if err != nil {
		return nil, err
	}
	hash := storage.Hash(presented)
	var refused error
	var out issued
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		token, err := tx.SpendRefreshToken(ctx, hash, p.Now())
		if errors.Is(err, storage.ErrSpent) {
			token, err = tx.RetryRefreshToken(ctx, hash, p.Now())
		}
		if errors.Is(err, storage.ErrSpent) {
			refused = oauth(invalidGrant, "the refresh token is unknown, expired, revoked, or was already used")
			return p.revokeReused(ctx, tx, client, hash)
		}
		if err != nil {
			return err
		}
		st, err := tx.Standing(ctx, token.GrantID, p.Now())
		if err != nil {
			return err
		}
		d, err := detailsOf(&st.Grant)
		if err != nil {
			return err
		}
		if st.Grant.ClientID != client.ID {
			// Another client holds this token: it has leaked.
			refused = oauth(invalidGrant, "the refresh token is another client's")
			_, err := tx.RevokeGrant(ctx, st.Grant.ID, p.Now())
			return errors.Join(err, p.auditRefused(ctx, tx, "token.refresh_stolen", client, &st.User, refused))
		}
		scope, err := narrowedScope(token.Scope, scopes(c.form.Get("scope")))
		if err != nil {
			return err // the token stays good: a mistake in the request costs nothing
		}
		if refused = p.stands(client, st, d); refused == nil {
			refused, err = mayRefresh(c, token.Cnf)
		}
		if err != nil {
			return err
		}
		if refused != nil {
			return p.auditRefused(ctx, tx, "token.refused", client, &st.User, refused)
		}
		if out, err = p.newTokens(c, reach, st, d, scope, hash); err != nil {
			return err // nor does a resource it can't have
		}
		if token.Cnf != "" {
			out.keepRefresh(presented)
		}
		if err := tx.InsertTokens(ctx, out.rows...); err != nil {
			return err
		}
		return tx.Audit(ctx, p.event(ctx, "token.refreshed", storage.OK, client, &st.User))
	})
	if err == nil {
		err = refused
	}
	return p.tokenResponse(ctx, client, out, err)
}

// mayRefresh asks who presents a bound refresh token for a proof. A public client
// has nothing but its key: it must be the one (RFC 9449 section 5, RFC 8705
// section 4). Whoever authenticates may change its key, but its grant never
// becomes one of bearer tokens.
func mayRefresh(c *call, kept string) (refused, err error) {
	bound, err := confirmationOf(kept)
	switch {
	case err != nil:
		return nil, err
	case bound != (confirmation{}) && c.cnf == (confirmation{}):
		return oauth(invalidRequest, "the refresh token is bound: send a DPoP proof in the header DPoP, or come with the certificate"), nil
	case c.client.AuthMethod == storage.AuthNone && !bound.heldBy(c.cnf):
		return oauth(invalidGrant, "the refresh token is bound to another key"), nil
	}
	return nil, nil
}

// keepRefresh answers with a refresh token that stays as it is.
func (out *issued) keepRefresh(secret string) {
	out.rows = slices.DeleteFunc(out.rows, func(t storage.Token) bool { return t.Kind == storage.RefreshToken })
	if out.refresh != "" {
		out.refresh = secret
	}
}

// narrowedScope is what a refresh asks for, which can't be more than was
// granted.
func narrowedScope(granted string, asked []string) (string, error) {
	if len(asked) == 0 {
		return granted, nil
	}
	have := scopes(granted)
	for _, s := range asked {
		if !slices.Contains(have, s) {
			return "", oauth(invalidScope, "scope %q was not granted", descriptionText(s))
		}
	}
	if !slices.Contains(asked, "openid") {
		asked = append([]string{"openid"}, asked...)
	}
	return strings.Join(asked, " "), nil
}

// revokeReused revokes the family of a refresh token that came again too late,
// or after its successor was used.
func (p *Provider) revokeReused(ctx context.Context, tx *storage.Tx, client *storage.Client, hash string) error {
	used, err := tx.Token(ctx, hash)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if used.Kind != storage.RefreshToken || used.Cnf != "" || used.UsedAt.IsZero() || p.Now().Sub(used.UsedAt) < storage.RetryAfter {
		return nil // never used, or used as often as one likes, or two calls at once of which one was answered
	}
	g, err := tx.RevokeGrant(ctx, used.GrantID, p.Now())
	if err != nil {
		return err
	}
	e := p.event(ctx, "token.refresh_reused", storage.Refused, client, nil)
	e.UserID, e.Reason = g.UserID, "a used refresh token came again: its grant was revoked"
	return tx.Audit(ctx, e)
}
