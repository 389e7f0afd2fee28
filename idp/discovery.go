package idp

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// metadata is the document of OpenID Connect Discovery 1.0 section 3 and of RFC
// 8414 section 2, in the order of those texts. What isn't served isn't in it;
// what defaults to true is said where it is false.
type metadata struct {
	Issuer                     string   `json:"issuer"`
	AuthorizationEndpoint      string   `json:"authorization_endpoint"`
	TokenEndpoint              string   `json:"token_endpoint"`
	UserinfoEndpoint           string   `json:"userinfo_endpoint"`
	JWKSURI                    string   `json:"jwks_uri"`
	RegistrationEndpoint       string   `json:"registration_endpoint,omitempty"`
	Scopes                     []string `json:"scopes_supported"`
	ResponseTypes              []string `json:"response_types_supported"`
	ResponseModes              []string `json:"response_modes_supported"`
	GrantTypes                 []string `json:"grant_types_supported"`
	ACRValues                  []string `json:"acr_values_supported"`
	SubjectTypes               []string `json:"subject_types_supported"`
	IDTokenAlgs                []string `json:"id_token_signing_alg_values_supported"`
	UserinfoAlgs               []string `json:"userinfo_signing_alg_values_supported,omitempty"`
	RequestObjectAlgs          []string `json:"request_object_signing_alg_values_supported,omitempty"`
	TokenAuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs              []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	DisplayValues              []string `json:"display_values_supported,omitempty"`
	ClaimTypes                 []string `json:"claim_types_supported"`
	Claims                     []string `json:"claims_supported"`
	UILocales                  []string `json:"ui_locales_supported"`
	ClaimsParameter            bool     `json:"claims_parameter_supported"`
	RequestParameter           bool     `json:"request_parameter_supported"`
	RequestURIParameter        bool     `json:"request_uri_parameter_supported"`
	RequireRequestURIRegisters bool     `json:"require_request_uri_registration,omitempty"`
	// RFC 8414.
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`
	// RFC 9701 section 7.
	IntrospectionAlgs []string `json:"introspection_signing_alg_values_supported,omitempty"`
	// RFC 9126 section 5.
	PAREndpoint string `json:"pushed_authorization_request_endpoint,omitempty"`
	RequirePAR  bool   `json:"require_pushed_authorization_requests,omitempty"`
	// RFC 8628 section 4.
	DeviceEndpoint string `json:"device_authorization_endpoint,omitempty"`
	// RFC 8705 sections 3.3 and 5.
	CertificateBound bool              `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	MTLSAliases      map[string]string `json:"mtls_endpoint_aliases,omitempty"`
	// RFC 9207 section 3.
	ResponseISS bool `json:"authorization_response_iss_parameter_supported"`
	// JARM section 4.
	AuthorizationAlgs []string `json:"authorization_signing_alg_values_supported,omitempty"`
	// RFC 9449 section 5.1.
	DPoPAlgs []string `json:"dpop_signing_alg_values_supported,omitempty"`
	// OpenID Connect Prompt Create 1.0 section 3.
	PromptValues []string `json:"prompt_values_supported"`
	// RP-Initiated, Back-Channel and Front-Channel Logout 1.0, Session Management
	// 1.0.
	EndSessionEndpoint        string `json:"end_session_endpoint"`
	BackchannelLogout         bool   `json:"backchannel_logout_supported"`
	BackchannelLogoutSession  bool   `json:"backchannel_logout_session_supported"`
	FrontchannelLogout        bool   `json:"frontchannel_logout_supported,omitempty"`
	FrontchannelLogoutSession bool   `json:"frontchannel_logout_session_supported,omitempty"`
	CheckSessionIframe        string `json:"check_session_iframe,omitempty"`
}

// metadata is what is true of this provider.
func (p *Provider) metadata() metadata {
	assertionAlgs := names(slices.Concat(asymmetric, symmetric))
	m := metadata{
		Issuer:                p.Issuer,
		AuthorizationEndpoint: p.Issuer + "/authorize",
		TokenEndpoint:         p.Issuer + "/token",
		UserinfoEndpoint:      p.Issuer + "/userinfo",
		JWKSURI:               p.Issuer + "/keys",
		RegistrationEndpoint:  ifSo(p.Registration, p.Issuer+"/register"),
		Scopes:                slices.Concat(session.SignInScopes(), session.AdminScopes()),
		ResponseTypes:         responseTypes,
		ResponseModes:         responseModes,
		// Served at the authorization endpoint, by the types with an id_token.
		GrantTypes:                 append(grantTypes(), grantImplicit),
		ACRValues:                  policy.ACRValues(p.Sessions.Attests, p.Sessions.Offered...),
		SubjectTypes:               []string{"public", "pairwise"},
		IDTokenAlgs:                algorithms,
		UserinfoAlgs:               algorithms,
		TokenAuthMethods:           p.authMethods(),
		TokenAuthAlgs:              assertionAlgs,
		ClaimTypes:                 []string{"normal"},
		Claims:                     supportedClaims(),
		UILocales:                  p.Pages.Languages(),
		ClaimsParameter:            true,
		RequestParameter:           true,
		RequestURIParameter:        true,
		RequireRequestURIRegisters: true,
		RequestObjectAlgs:          names(asymmetric),
		PAREndpoint:                p.Issuer + "/par",
		RequirePAR:                 p.RequirePAR,
		DeviceEndpoint:             p.Issuer + "/device_authorization",
		AuthorizationAlgs:          algorithms,
		RevocationEndpoint:         p.Issuer + "/revoke",
		RevocationAuthMethods:      p.authMethods(),
		RevocationAuthAlgs:         assertionAlgs,
		IntrospectionEndpoint:      p.Issuer + "/introspect",
		IntrospectionAuthMethods:   confidential(p.authMethods()),
		IntrospectionAuthAlgs:      assertionAlgs,
		CertificateBound:           p.MTLS != nil,
		IntrospectionAlgs:          algorithms,
		CodeChallengeMethods:       []string{"S256"},
		ResponseISS:                true,
		PromptValues:               []string{"none", "login", "consent", "select_account"},
		EndSessionEndpoint:         p.Issuer + "/logout",
		BackchannelLogout:          true,
		BackchannelLogoutSession:   true,
		DPoPAlgs:                   session.ProofAlgs(),
		FrontchannelLogout:         true,
		FrontchannelLogoutSession:  true,
		CheckSessionIframe:         p.Issuer + "/session/check",
	}
	m.MTLSAliases = p.mtlsAliases(m)
	return m
}

// ifSo is text where a condition holds.
func ifSo(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func confidential(methods []string) []string {
	return slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == storage.AuthNone })
}

// discovery serves the metadata, built once, at both well-known places.
func (p *Provider) discovery() (http.HandlerFunc, error) {
	body, err := json.Marshal(p.metadata())
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(body)
	}, err
}
