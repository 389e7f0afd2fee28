package idp

import (
	"context"
	"slices"
	"strings"
)

// Grant types (RFC 6749, RFC 8628 section 3.4, RFC 8693 section 2.1).
const (
	grantCode              = "authorization_code"
	grantRefresh           = "refresh_token"
	grantClientCredentials = "client_credentials"
	grantDevice            = "urn:ietf:params:oauth:grant-type:device_code"
	grantExchange          = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// grants are those served, each in a file of its own.
var grants = []struct {
	name string
	do   func(*Provider, context.Context, *call) (any, error)
}{
	{grantCode, (*Provider).redeemCode},
	{grantRefresh, (*Provider).refresh},
	{grantClientCredentials, (*Provider).clientCredentials},
	{grantDevice, (*Provider).redeemDevice},
	{grantExchange, (*Provider).exchange},
}

func grantTypes() (names []string) {
	for _, g := range grants {
		names = append(names, g.name)
	}
	return names
}

// token is the token endpoint (RFC 6749 section 3.2).
func (p *Provider) token(ctx context.Context, c *call) (any, error) {
	asked, err := c.needed("grant_type")
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.name != asked {
			continue
		}
		if !slices.Contains(c.client.GrantTypes, asked) {
			return nil, oauth(unauthorizedClient, "%s is not registered for the grant %s", c.client.ID, asked)
		}
		if c.cnf, err = p.bind(c); err != nil {
			return nil, err
		}
		return g.do(p, ctx, c)
	}
	return nil, oauth(unsupportedGrantType, "grant_type must be one of %s", strings.Join(grantTypes(), ", "))
}

// tokenAnswer is the token response of RFC 6749 section 5.1, with the ID token
// of OpenID Connect Core section 3.1.3.3.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
	// IssuedTokenType is RFC 8693 section 2.2.1.
	IssuedTokenType string `json:"issued_token_type,omitempty"`
}
