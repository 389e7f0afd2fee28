package idp

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// jarmLifetime is how long a JWT response is good: less than the 10 minutes
// that JARM section 2.1 recommends at most, and no shorter than a slow browser.
const jarmLifetime = 5 * time.Minute

// typResponse is what libraries expect of a JWT response; JARM names no type of
// its own. It can't be passed off as an ID token: it has neither sub nor iat.
const typResponse = "JWT"

// jarm puts an authorization response into a JWT, and returns that as the only
// parameter (JWT Secured Authorization Response Mode, JARM, section 2.1).
func (p *Provider) jarm(ctx context.Context, client *storage.Client, values url.Values) (url.Values, error) {
	claims := map[string]any{"iss": p.Issuer, "aud": client.ID, "exp": p.Now().Add(jarmLifetime).Unix()}
	for name := range values {
		claims[name] = values.Get(name)
	}
	token, err := p.sign(ctx, cmp.Or(client.AuthorizationAlg, client.IDTokenAlg), typResponse, claims)
	return url.Values{"response": {token}}, err
}
