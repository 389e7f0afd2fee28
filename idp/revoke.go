package idp

import (
	"context"
	"errors"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-id/sallyport/storage"
)

// Revocation ends a token of the client's own (RFC 7009): an access token by
// itself, a refresh token with everything of its grant. What isn't the
// client's token is answered like success (section 2.2) and left alone.
func (s server) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	client := r.Client.(libraryClient).Client
	hash := storage.Hash(r.Data.Token)
	err := s.DB.Write(ctx, func(tx *storage.Tx) error {
		token, err := tx.Token(ctx, hash)
		if errors.Is(err, storage.ErrNotFound) {
			if err := tx.RevokeMachineToken(ctx, hash, client.ID, s.Now()); err != nil {
				return err
			}
			return tx.Audit(ctx, s.machineEvent(ctx, "token.revoked", storage.OK, client))
		}
		if err != nil {
			return err
		}
		st, err := tx.Standing(ctx, token.GrantID, s.Now())
		if err != nil {
			return err
		}
		if st.Grant.ClientID != client.ID {
			return storage.ErrNotFound
		}
		if token.Kind == storage.RefreshToken {
			_, err = tx.RevokeGrant(ctx, token.GrantID, s.Now())
		} else {
			err = tx.RevokeToken(ctx, hash, s.Now())
		}
		if err != nil {
			return err
		}
		return tx.Audit(ctx, s.event(ctx, "token.revoked", storage.OK, client, &st.User))
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, s.forLibrary(ctx, err)
	}
	return op.NewResponse(struct{}{}), nil
}
