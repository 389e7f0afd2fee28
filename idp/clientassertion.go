package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/storage"
)

// symmetric are the algorithms of client_secret_jwt.
var symmetric = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

// jwtBearer is the only client_assertion_type (RFC 7523 section 2.2).
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// An assertion is short-lived: its jti is remembered until it ends. A clock may
// be ahead of ours by clockAhead (FAPI 2.0 Security Profile section 5.3.2.1
// allows 10 to 60 seconds).
const (
	assertionLifetime = time.Hour
	clockAhead        = 30 * time.Second
)

// assertionClaims are those of RFC 7523 section 3.
type assertionClaims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  assertedAudience `json:"aud"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Issued    *jwt.NumericDate `json:"iat"`
	ID        string           `json:"jti"`
}

// assertedAudience is a string or a list of them.
type assertedAudience struct {
	values jwt.Audience
	// single says that it was a string.
	single bool
}

// UnmarshalJSON reads either form.
func (a *assertedAudience) UnmarshalJSON(text []byte) error {
	a.single = len(text) > 0 && text[0] == '"'
	return json.Unmarshal(text, &a.values)
}

// fromAssertion reads whom a client assertion claims to be of. Nothing is
// verified yet.
func (c *credentials) fromAssertion() error {
	form := c.request.PostForm
	if form.Get("client_assertion_type") != jwtBearer {
		return oauth(invalidRequest, "client_assertion_type must be %s", jwtBearer)
	}
	c.secret = form.Get("client_assertion")
	signed, err := jwt.ParseSigned(c.secret, slices.Concat(symmetric, asymmetric))
	if err != nil {
		return wrongAssertion(fmt.Errorf("parse: %w", err))
	}
	if typ, _ := signed.Headers[0].ExtraHeaders[jose.HeaderType].(string); !isAssertionType(typ) {
		return wrongAssertion(fmt.Errorf("typ %q is that of something else", typ))
	}
	var claims assertionClaims
	if err := signed.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return wrongAssertion(fmt.Errorf("claims: %w", err))
	}
	switch {
	case claims.Subject == "" || claims.Issuer != claims.Subject:
		return wrongAssertion(fmt.Errorf("iss %q and sub %q are not one client", claims.Issuer, claims.Subject))
	case c.clientID != "" && c.clientID != claims.Subject:
		return oauth(invalidRequest, "client_id is not the sub of client_assertion")
	}
	c.clientID = claims.Subject
	return nil
}

// isAssertionType accepts what says nothing and what says that it is an
// assertion. What the client signed for another purpose, such as a request
// object, is none.
func isAssertionType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt" || typ == "client-authentication+jwt"
}

// checkAssertion authenticates by a JWT that the client signed with its secret
// or its private key (RFC 7523 section 3, OpenID Connect Core section 9). Its
// jti is spent last: only the client can spend one.
func (p *Provider) checkAssertion(ctx context.Context, client *storage.Client, cred *credentials) error {
	algs := p.assertionAlgorithms(client, cred.algs)
	if len(algs) == 0 {
		return wrongAssertion(fmt.Errorf("no algorithm is left for %s: %s and %q don't go together", client.ID, client.AuthMethod, client.AuthSigningAlg))
	}
	var claims assertionClaims
	var err error
	if client.AuthMethod == storage.ClientSecretJWT {
		err = verifyBySecret(client, cred.secret, p.Now(), algs, &claims)
	} else {
		err = p.verifyByClient(ctx, client, cred.secret, algs, &claims)
	}
	if err == nil {
		err = claims.check(p.Now(), p.audiences(cred.request.URL.Path), p.fapi(client))
	}
	if err != nil {
		return wrongAssertion(fmt.Errorf("%s: %w", client.ID, err))
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		return tx.UseID(ctx, "assertion:"+client.ID, claims.ID, claims.Expires.Time())
	})
	if errors.Is(err, storage.ErrSpent) {
		return wrongAssertion(fmt.Errorf("%s: jti %q was used before", client.ID, claims.ID))
	}
	return err
}

// assertionAlgorithms are those of its method that a client may use.
func (p *Provider) assertionAlgorithms(client *storage.Client, ofMethod []jose.SignatureAlgorithm) (may []jose.SignatureAlgorithm) {
	for _, a := range ofMethod {
		if (client.AuthSigningAlg == "" || client.AuthSigningAlg == string(a)) && (!p.fapi(client) || slices.Contains(fapiAlgorithms, a)) {
			may = append(may, a)
		}
	}
	return may
}

// verifyBySecret is [Provider.verifyByClient] with the client's secret or,
// until its end, the one before.
func verifyBySecret(client *storage.Client, token string, now time.Time, algs []jose.SignatureAlgorithm, out any) error {
	signed, err := jwt.ParseSigned(token, algs)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	secrets := []string{client.Secret}
	if client.OldSecretUntil.After(now) {
		secrets = append(secrets, client.OldSecret)
	}
	for _, secret := range secrets {
		if secret != "" && signed.Claims([]byte(secret), out) == nil {
			return nil
		}
	}
	return errors.New("not signed with its secret")
}

// audiences are the names by which an assertion may call us: the issuer, and
// the addresses of the token endpoint and of the endpoint that is called (RFC
// 7523 section 3, RFC 9126 section 2).
func (p *Provider) audiences(path string) []string {
	all := []string{p.Issuer, p.Issuer + "/token", p.Issuer + path}
	if p.MTLS != nil {
		all = append(all, p.MTLS.URL+"/token", p.MTLS.URL+path)
	}
	return all
}

// check judges the claims. ours has the issuer first; strictly, only that is
// accepted, and only as a string (FAPI 2.0 Security Profile section 5.3.2.1).
func (c *assertionClaims) check(now time.Time, ours []string, strictly bool) error {
	ahead := now.Add(clockAhead)
	switch {
	case c.Expires == nil:
		return errors.New("exp is missing")
	case !c.Expires.Time().After(now):
		return fmt.Errorf("it expired at %s", c.Expires.Time().UTC())
	case c.Expires.Time().After(ahead.Add(assertionLifetime)):
		return fmt.Errorf("exp is %s, more than %s ahead", c.Expires.Time().UTC(), assertionLifetime)
	case c.NotBefore.Time().After(ahead):
		return fmt.Errorf("nbf is %s, in the future", c.NotBefore.Time().UTC())
	case c.Issued.Time().After(ahead):
		return fmt.Errorf("iat is %s, in the future", c.Issued.Time().UTC())
	case c.ID == "":
		return errors.New("jti is missing")
	case strictly && (!c.Audience.single || c.Audience.values[0] != ours[0]):
		return fmt.Errorf("aud is %q, not the string %q", c.Audience.values, ours[0])
	case !slices.ContainsFunc(c.Audience.values, func(a string) bool { return slices.Contains(ours, a) }):
		return fmt.Errorf("aud is %q, not %q", c.Audience.values, ours[0])
	}
	return nil
}

func wrongAssertion(cause error) *oauthError {
	return refusedClient("client_assertion must be signed with what is registered, say iss and sub (the client_id), aud (the issuer), "+
		"exp (an hour ahead at most) and jti (never used before)", fmt.Errorf("client assertion: %w", cause))
}
