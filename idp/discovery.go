package idp

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
)

// metadata is the library's discovery document with the fields it lacks.
type metadata struct {
	oidc.DiscoveryConfiguration
	// AuthorizationResponseISS is RFC 9207 section 3.
	AuthorizationResponseISS bool `json:"authorization_response_iss_parameter_supported"`
	// PromptValues is OpenID Connect Prompt Create 1.0 section 3.
	PromptValues []string `json:"prompt_values_supported"`
	// The library omits these where false, but their defaults are true or vary
	// between clients.
	RequestParameter bool `json:"request_parameter_supported"`
	RequestURI       bool `json:"request_uri_parameter_supported"`
}

// discovery serves what is true of this provider (OpenID Connect Discovery 1.0
// section 3), built once.
func (p *Provider) discovery() (http.HandlerFunc, error) {
	body, err := json.Marshal(metadata{
		DiscoveryConfiguration: oidc.DiscoveryConfiguration{
			Issuer:                                    p.Issuer,
			AuthorizationEndpoint:                     p.Issuer + "/authorize",
			TokenEndpoint:                             p.Issuer + "/token",
			IntrospectionEndpoint:                     p.Issuer + "/introspect",
			UserinfoEndpoint:                          p.Issuer + "/userinfo",
			RevocationEndpoint:                        p.Issuer + "/revoke",
			EndSessionEndpoint:                        p.Issuer + "/logout",
			JwksURI:                                   p.Issuer + "/keys",
			ScopesSupported:                           slices.Concat(session.SignInScopes(), session.AdminScopes()),
			ResponseTypesSupported:                    []string{"code"},
			ResponseModesSupported:                    responseModes,
			GrantTypesSupported:                       grantTypes,
			ACRValuesSupported:                        policy.ACRValues(p.Sessions.Attests, p.Sessions.Offered...),
			SubjectTypesSupported:                     []string{"public"},
			IDTokenSigningAlgValuesSupported:          algorithms,
			TokenEndpointAuthMethodsSupported:         authMethods,
			RevocationEndpointAuthMethodsSupported:    authMethods,
			IntrospectionEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost},
			ClaimTypesSupported:                       []string{"normal"},
			ClaimsSupported:                           supportedClaims(),
			ClaimsParameterSupported:                  true,
			CodeChallengeMethodsSupported:             []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
			UILocalesSupported:                        oidc.ParseLocales(p.Pages.Languages()),
			BackChannelLogoutSupported:                true,
			BackChannelLogoutSessionSupported:         true,
		},
		AuthorizationResponseISS: true,
		PromptValues:             []string{"none", "login", "consent", "select_account"},
	})
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(body)
	}, err
}
