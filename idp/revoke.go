package idp

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/storage"
)

// revoke ends a token of the client's own (RFC 7009): an access token by
// itself, a refresh token with everything of its grant. What isn't the
// client's token is answered like success (section 2.2) and left alone. A hint
// of the token's type isn't needed, and so not believed (section 2.1).
func (p *Provider) revoke(ctx context.Context, c *call) (any, error) {
	client := c.client
	presented, err := c.needed("token")
	if err != nil {
		return nil, err
	}
	token, err := p.accessToken(ctx, presented) // or a refresh token, opaque too
	if errors.Is(err, errNotOurs) {
		return struct{}{}, nil
	}
	if err != nil {
		return nil, err
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		kept, err := tx.Token(ctx, token.hash)
		if errors.Is(err, storage.ErrNotFound) {
			if err := tx.RevokeMachineToken(ctx, token.hash, client.ID, p.Now()); err != nil {
				return err
			}
			return tx.Audit(ctx, p.machineEvent(ctx, "token.revoked", storage.OK, client))
		}
		if err != nil {
			return err
		}
		st, err := tx.Standing(ctx, kept.GrantID, p.Now())
		if err != nil {
			return err
		}
		if st.Grant.ClientID != client.ID {
			return storage.ErrNotFound
		}
		if kept.Kind == storage.RefreshToken {
			_, err = tx.RevokeGrant(ctx, kept.GrantID, p.Now())
		} else {
			err = tx.RevokeToken(ctx, token.hash, p.Now())
		}
		if err != nil {
			return err
		}
		return tx.Audit(ctx, p.event(ctx, "token.revoked", storage.OK, client, &st.User))
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	return struct{}{}, nil
}
