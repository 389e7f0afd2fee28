package idp

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// userinfo answers the claims that the access token's scopes cover (OpenID
// Connect Core section 5.3). Only opaque access tokens are accepted, and of
// those only people's: a machine has no claims.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		p.jsonError(w, r, &oauthError{code: invalidRequest, description: "use GET or POST", status: http.StatusMethodNotAllowed})
		return
	}
	presented, err := presentedToken(w, r)
	var answer any
	if err == nil {
		answer, err = p.userinfoAnswer(r, presented)
	}
	if err != nil {
		p.jsonError(w, r, err)
		return
	}
	p.write(w, http.StatusOK, answer)
}

// mediaJWT is that of a signed answer.
const mediaJWT = "application/jwt"

// userinfoAnswer is JSON, or a JWT for the client where it is registered for
// one or the request asks for one (OpenID Connect Core section 5.3.2). Its type
// is that of an ID token, for libraries expect it; without exp it passes for
// none.
func (p *Provider) userinfoAnswer(r *http.Request, presented session.Presented) (any, error) {
	client, claims, err := p.userinfoOf(r.Context(), presented)
	if err != nil || client.UserinfoAlg == "" && !accepts(r, mediaJWT) {
		return claims, err
	}
	claims["iss"], claims["aud"] = p.Issuer, client.ID
	token, err := p.sign(r.Context(), cmp.Or(client.UserinfoAlg, client.IDTokenAlg), typUserinfo, claims)
	return signedAnswer{token: token, contentType: mediaJWT}, err
}

func (p *Provider) userinfoOf(ctx context.Context, presented session.Presented) (*storage.Client, map[string]any, error) {
	if looksLikeJWT(presented.Secret) {
		return nil, nil, refusedToken(presented, invalidToken, "this endpoint takes opaque access tokens, got without a resource: a JWT is for the API that its aud names", nil)
	}
	token, st, err := p.DB.AccessTokenStanding(ctx, storage.AccessToken, storage.Hash(presented.Secret), p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil, wrongToken(presented, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := p.holds(presented, token.Cnf); err != nil {
		return nil, nil, err
	}
	client, d, err := p.holder(ctx, st)
	if err != nil {
		return nil, nil, err
	}
	if err := p.stands(client, st, d); err != nil {
		return nil, nil, wrongToken(presented, err)
	}
	may, err := p.Sessions.ScopesOf(ctx, client, d.Resources)
	if err != nil {
		return nil, nil, err
	}
	scope := strings.Join(stillIn(may, token.Scope), " ")
	claims := claimsByScope(&st.User, client, scope)
	maps.Copy(claims, claimsByName(&st.User, client, d.UserinfoClaims, scope))
	if claims["sub"], err = p.subject(ctx, client, st.User.ID); err != nil {
		return nil, nil, err
	}
	return client, claims, nil
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
