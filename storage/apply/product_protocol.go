package apply

import (
	"reflect"

	"github.com/sallyport-id/sallyport/storage"
)

// Protocol are the settings of a product that only some protocols need, by their names in the registry of RFC 7591
// section 4.1 where they have one. A product that says none of them signs people in by a code and a secret.
type Protocol struct {
	// ResponseTypes are code where nothing is said. id_token and "code id_token" are for callers that want the claims
	// straight back, and need the grant implicit.
	ResponseTypes []string `yaml:"response_types" json:"response_types,omitempty"`
	// JWKS are its public keys, and JWKSURI is where they are fetched; one of them at most.
	JWKS    KeySet `yaml:"jwks" json:"jwks,omitempty"`
	JWKSURI string `yaml:"jwks_uri" json:"jwks_uri,omitempty"`
	// AuthSigningAlg is the only algorithm of its client assertions; none: any that fits auth_method.
	AuthSigningAlg string `yaml:"token_endpoint_auth_signing_alg" json:"token_endpoint_auth_signing_alg,omitempty"`
	// TLSClient says whose certificate authenticates it by tls_client_auth.
	TLSClient TLSClient `yaml:"tls_client" json:"tls_client,omitzero"`
	// CertificateBound and DPoPBound tie its tokens to its certificate, or to a DPoP key.
	CertificateBound bool `yaml:"tls_client_certificate_bound_access_tokens" json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPBound        bool `yaml:"dpop_bound_access_tokens" json:"dpop_bound_access_tokens,omitempty"`
	// RequirePAR and RequireSignedRequest refuse authorization requests that weren't pushed, or weren't signed.
	RequirePAR           bool `yaml:"require_pushed_authorization_requests" json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequest bool `yaml:"require_signed_request_object" json:"require_signed_request_object,omitempty"`
	// RequestObjectAlg is the only algorithm of its request objects; none: any that fits its keys.
	RequestObjectAlg string   `yaml:"request_object_signing_alg" json:"request_object_signing_alg,omitempty"`
	RequestURIs      []string `yaml:"request_uris" json:"request_uris,omitempty"`
	// AuthorizationAlg signs authorization responses in a JWT; none: as ID tokens. UserinfoAlg and IntrospectionAlg sign
	// those answers; none: plain JSON.
	AuthorizationAlg string `yaml:"authorization_signed_response_alg" json:"authorization_signed_response_alg,omitempty"`
	UserinfoAlg      string `yaml:"userinfo_signed_response_alg" json:"userinfo_signed_response_alg,omitempty"`
	IntrospectionAlg string `yaml:"introspection_signed_response_alg" json:"introspection_signed_response_alg,omitempty"`
	// SubjectType is public (default), or pairwise: subjects of its own, shared with the products of one sector. The
	// sector is the host of SectorIdentifierURI, else that of its redirect_uris.
	SubjectType         string `yaml:"subject_type" json:"subject_type"`
	SectorIdentifierURI string `yaml:"sector_identifier_uri" json:"sector_identifier_uri,omitempty"`
	// API is what it serves to other products; Resources are the APIs that it may ask tokens for.
	API       API      `yaml:"api" json:"api,omitzero"`
	Resources []string `yaml:"resources" json:"resources,omitempty"`
	// Exchange names the products whose access tokens it may exchange.
	Exchange Exchange `yaml:"token_exchange" json:"token_exchange,omitzero"`
	// ClaimProfile says its ID tokens' amr and acr in other words.
	ClaimProfile ClaimProfile `yaml:"claim_profile" json:"claim_profile,omitzero"`
	// FrontchannelLogoutURI is opened in a frame at sign-out; with FrontchannelSession it is told which session ended.
	FrontchannelLogoutURI string `yaml:"frontchannel_logout_uri" json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSession   bool   `yaml:"frontchannel_logout_session_required" json:"frontchannel_logout_session_required,omitempty"`
	// DefaultMaxAge in seconds and DefaultACRValues hold where a request says neither; nil: none.
	DefaultMaxAge    *int64   `yaml:"default_max_age" json:"default_max_age,omitempty"`
	DefaultACRValues []string `yaml:"default_acr_values" json:"default_acr_values,omitempty"`
	// InitiateLoginURI begins a sign-in at its own site.
	InitiateLoginURI string   `yaml:"initiate_login_uri" json:"initiate_login_uri,omitempty"`
	ClientURI        string   `yaml:"client_uri" json:"client_uri,omitempty"`
	LogoURI          string   `yaml:"logo_uri" json:"logo_uri,omitempty"`
	Contacts         []string `yaml:"contacts" show:"operator" json:"contacts,omitempty"`
}

// TLSClient names the subject of a certificate by exactly one of its fields (RFC 8705 section 2.1.2).
type TLSClient struct {
	SubjectDN string `yaml:"subject_dn" json:"subject_dn,omitempty"`
	SANDNS    string `yaml:"san_dns" json:"san_dns,omitempty"`
	SANURI    string `yaml:"san_uri" json:"san_uri,omitempty"`
	SANIP     string `yaml:"san_ip" json:"san_ip,omitempty"`
	SANEmail  string `yaml:"san_email" json:"san_email,omitempty"`
}

// API is what a product serves to other products by access tokens.
type API struct {
	// Resource is its URI, the aud of tokens for it (RFC 8707 section 2).
	Resource string    `yaml:"resource" json:"resource,omitempty"`
	Scopes   APIScopes `yaml:"scopes" json:"scopes,omitempty"`
}

// Exchange says whose access tokens may be exchanged, by client_id: Impersonate, where the new token doesn't tell who
// asked, and Delegate, where its act claim does (RFC 8693 section 1.1).
type Exchange struct {
	Impersonate []string `yaml:"impersonate" json:"impersonate,omitempty"`
	Delegate    []string `yaml:"delegate" json:"delegate,omitempty"`
}

// ClaimProfile maps values of amr and acr to those said in their place, or to "" where they are left out.
type ClaimProfile struct {
	AMR map[string]string `yaml:"amr" json:"amr,omitempty"`
	ACR map[string]string `yaml:"acr" json:"acr,omitempty"`
}

// What a subject can be to a product.
const (
	subjectPublic   = "public"
	subjectPairwise = "pairwise"
)

// protocolOf are the settings of a row as a file would declare them.
func protocolOf(c *storage.Client) Protocol {
	e := Protocol{
		ResponseTypes: c.ResponseTypes, JWKS: keySetOf(c.JWKS), JWKSURI: c.JWKSURI, AuthSigningAlg: c.AuthSigningAlg, TLSClient: TLSClient(c.TLSClient),
		CertificateBound: c.CertificateBound, DPoPBound: c.DPoPBound, RequirePAR: c.RequirePAR, RequireSignedRequest: c.RequireSignedRequest,
		RequestObjectAlg: c.RequestObjectAlg, RequestURIs: c.RequestURIs, AuthorizationAlg: c.AuthorizationAlg, UserinfoAlg: c.UserinfoAlg,
		IntrospectionAlg: c.IntrospectionAlg, SubjectType: subjectPublic, SectorIdentifierURI: c.SectorIdentifierURI, Resources: c.Resources,
		Exchange: Exchange(c.Exchange), ClaimProfile: ClaimProfile(c.ClaimProfile), FrontchannelLogoutURI: c.FrontchannelLogoutURI,
		FrontchannelSession: c.FrontchannelSession, DefaultMaxAge: c.DefaultMaxAge, DefaultACRValues: c.DefaultACRValues,
		InitiateLoginURI: c.InitiateLoginURI, ClientURI: c.ClientURI, LogoURI: c.LogoURI, Contacts: c.Contacts,
	}
	if c.Pairwise {
		e.SubjectType = subjectPairwise
	}
	if c.API != nil {
		e.API = API{Resource: c.API.Resource, Scopes: c.API.Scopes}
	}
	return e
}

// row is what of a row the settings fill.
func (e *Product) row() storage.ClientProtocol {
	p := storage.ClientProtocol{
		ResponseTypes: e.ResponseTypes, JWKS: e.JWKS.json(), JWKSURI: e.JWKSURI, AuthSigningAlg: e.AuthSigningAlg, TLSClient: storage.TLSClient(e.TLSClient),
		CertificateBound: e.CertificateBound, DPoPBound: e.DPoPBound, RequirePAR: e.RequirePAR, RequireSignedRequest: e.RequireSignedRequest,
		RequestObjectAlg: e.RequestObjectAlg, RequestURIs: e.RequestURIs, AuthorizationAlg: e.AuthorizationAlg, UserinfoAlg: e.UserinfoAlg,
		IntrospectionAlg: e.IntrospectionAlg, Pairwise: e.SubjectType == subjectPairwise, SectorIdentifierURI: e.SectorIdentifierURI, Resources: e.Resources,
		Exchange: storage.Exchange(e.Exchange), ClaimProfile: storage.ClaimProfile(e.ClaimProfile), FrontchannelLogoutURI: e.FrontchannelLogoutURI,
		FrontchannelSession: e.FrontchannelSession, DefaultMaxAge: e.DefaultMaxAge, DefaultACRValues: e.DefaultACRValues,
		InitiateLoginURI: e.InitiateLoginURI, ClientURI: e.ClientURI, LogoURI: e.LogoURI, Contacts: e.Contacts,
	}
	if p.Pairwise {
		p.Sector = e.sector()
	}
	if e.API.Resource != "" {
		p.API = &storage.API{Resource: e.API.Resource, Scopes: e.API.Scopes}
	}
	return p
}

// ProtocolFields are the names of these settings in a file.
func ProtocolFields() (names []string) {
	for _, f := range fields(reflect.TypeFor[Protocol]()) {
		names = append(names, f.name)
	}
	return names
}
