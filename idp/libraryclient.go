package idp

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-id/sallyport/storage"
)

// server is the op.Server that the library's routes call.
type server struct {
	op.UnimplementedServer
	*Provider
}

var _ op.Server = server{}

// libraryClient is a product as the library wants to see it. It asks for the
// grant types and the authentication method; the rest decides nothing here.
type libraryClient struct{ *storage.Client }

func (c libraryClient) GetID() string                    { return c.ID }
func (c libraryClient) RedirectURIs() []string           { return c.Client.RedirectURIs }
func (c libraryClient) PostLogoutRedirectURIs() []string { return c.Client.PostLogoutRedirectURIs }
func (c libraryClient) ApplicationType() op.ApplicationType {
	if c.Native {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}
func (c libraryClient) AuthMethod() oidc.AuthMethod { return oidc.AuthMethod(c.Client.AuthMethod) }
func (c libraryClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c libraryClient) GrantTypes() []oidc.GrantType {
	out := make([]oidc.GrantType, len(c.Client.GrantTypes))
	for i, g := range c.Client.GrantTypes {
		out[i] = oidc.GrantType(g)
	}
	return out
}
func (c libraryClient) LoginURL(id string) string            { return "/login?r=" + id }
func (c libraryClient) AccessTokenType() op.AccessTokenType  { return op.AccessTokenTypeBearer }
func (c libraryClient) IDTokenLifetime() time.Duration       { return idTokenLifetime }
func (c libraryClient) DevMode() bool                        { return false }
func (c libraryClient) IsScopeAllowed(string) bool           { return false }
func (c libraryClient) IDTokenUserinfoClaimsAssertion() bool { return false }
func (c libraryClient) ClockSkew() time.Duration             { return 0 }
func (c libraryClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (c libraryClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
