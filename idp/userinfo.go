package idp

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-id/sallyport/storage"
)

// UserInfo answers the claims that the access token's scopes cover (OpenID
// Connect Core section 5.3). Only access tokens of ours are accepted, and of
// those only people's: a machine has no claims.
func (s server) UserInfo(ctx context.Context, r *op.Request[oidc.UserInfoRequest]) (*op.Response, error) {
	refused := &oauthError{code: invalidToken, description: "the access token is unknown, expired or revoked", status: http.StatusUnauthorized}
	token, st, err := s.DB.AccessTokenStanding(ctx, storage.Hash(r.Data.AccessToken), s.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, s.forLibrary(ctx, refused)
	}
	if err != nil {
		return nil, s.forLibrary(ctx, err)
	}
	client, d, err := s.holder(ctx, st)
	if err != nil {
		return nil, s.forLibrary(ctx, err)
	}
	if err := s.stands(client, st, d); err != nil {
		refused.cause = err
		return nil, s.forLibrary(ctx, refused)
	}
	claims := claimsByScope(&st.User, client, token.Scope)
	maps.Copy(claims, claimsByName(&st.User, client, d.UserinfoClaims, token.Scope))
	return op.NewResponse(claims), nil
}

// holder is the client of a grant and what was kept with it.
func (p *Provider) holder(ctx context.Context, st *storage.Standing) (*storage.Client, details, error) {
	client, err := p.DB.Client(ctx, st.Grant.ClientID)
	if err != nil {
		return nil, details{}, err
	}
	d, err := detailsOf(&st.Grant)
	return client, d, err
}
