package idp

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/sallyport-id/sallyport/storage"
)

// userinfo answers the claims that the access token's scopes cover (OpenID
// Connect Core section 5.3). Only access tokens of ours are accepted, and of
// those only people's: a machine has no claims.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		p.jsonError(w, r, &oauthError{code: invalidRequest, description: "use GET or POST", status: http.StatusMethodNotAllowed})
		return
	}
	secret, err := presentedToken(r)
	var answer any
	if err == nil {
		answer, err = p.userinfoOf(r.Context(), secret)
	}
	if err != nil {
		p.jsonError(w, r, err)
		return
	}
	p.write(w, http.StatusOK, answer)
}

func (p *Provider) userinfoOf(ctx context.Context, secret string) (any, error) {
	token, st, err := p.DB.AccessTokenStanding(ctx, storage.AccessToken, storage.Hash(secret), p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, wrongToken(nil)
	}
	if err != nil {
		return nil, err
	}
	client, d, err := p.holder(ctx, st)
	if err != nil {
		return nil, err
	}
	if err := p.stands(client, st, d); err != nil {
		return nil, wrongToken(err)
	}
	claims := claimsByScope(&st.User, client, token.Scope)
	maps.Copy(claims, claimsByName(&st.User, client, d.UserinfoClaims, token.Scope))
	if claims["sub"], err = p.subject(ctx, client, st.User.ID); err != nil {
		return nil, err
	}
	return claims, nil
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
