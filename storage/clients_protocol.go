package storage

import (
	"encoding/json"
	"slices"
)

// How a client authenticates (RFC 7591 section 2, RFC 8705 section 2.1.1,
// OpenID Connect Core section 9).
const (
	AuthNone          = "none"
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	ClientSecretJWT   = "client_secret_jwt"
	PrivateKeyJWT     = "private_key_jwt"
	TLSClientAuth     = "tls_client_auth"
	SelfSignedTLS     = "self_signed_tls_client_auth"
)

// HasSecret says whether a client authenticates by a secret.
func (c *Client) HasSecret() bool {
	return slices.Contains([]string{ClientSecretBasic, ClientSecretPost, ClientSecretJWT}, c.AuthMethod)
}

// ClientProtocol are the settings of a client that only some protocols need,
// by their names in the registry of RFC 7591 section 4.1 where they have one.
type ClientProtocol struct {
	// ResponseTypes are code where nothing is said; id_token and "code id_token"
	// only for whom the claims go straight back to.
	ResponseTypes []string `json:"response_types,omitempty"`
	// JWKS is a JWK Set (RFC 7517 section 5) of public keys; JWKSURI is where one
	// is fetched. At most one of them is set.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// AuthSigningAlg is the only algorithm of client assertions; empty: any that
	// fits the method.
	AuthSigningAlg string `json:"token_endpoint_auth_signing_alg,omitempty"`
	// TLSClient says whose certificate authenticates (tls_client_auth): exactly
	// one of its fields is set.
	TLSClient TLSClient `json:"tls_client,omitzero"`
	// CertificateBound and DPoPBound tie all its tokens to its certificate (RFC
	// 8705 section 3.4), or to a DPoP key (RFC 9449 section 5.2).
	CertificateBound bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DPoPBound        bool `json:"dpop_bound_access_tokens,omitempty"`
	// RequirePAR and RequireSignedRequest refuse authorization requests that were
	// not pushed (RFC 9126 section 6), or not signed (RFC 9101 section 10.5).
	RequirePAR           bool `json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequest bool `json:"require_signed_request_object,omitempty"`
	// RequestObjectAlg is the only algorithm of its request objects; empty: any
	// asymmetric one.
	RequestObjectAlg string   `json:"request_object_signing_alg,omitempty"`
	RequestURIs      []string `json:"request_uris,omitempty"`
	// AuthorizationAlg signs JWT authorization responses (JARM); empty: as ID
	// tokens. UserinfoAlg and IntrospectionAlg sign those answers; empty: plain
	// JSON, unless the request asks for a JWT.
	AuthorizationAlg string `json:"authorization_signed_response_alg,omitempty"`
	UserinfoAlg      string `json:"userinfo_signed_response_alg,omitempty"`
	IntrospectionAlg string `json:"introspection_signed_response_alg,omitempty"`
	// Pairwise gives it subjects of its own, shared by all clients of one sector
	// (OpenID Connect Core section 8.1): Sector is the host that stands for it.
	Pairwise            bool   `json:"pairwise,omitempty"`
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`
	Sector              string `json:"sector,omitempty"`
	// API is what it serves to other products; Resources are those of others that
	// it may ask tokens for (RFC 8707).
	API       *API     `json:"api,omitempty"`
	Resources []string `json:"resources,omitempty"`
	// Exchange says whose access tokens it may exchange (RFC 8693).
	Exchange Exchange `json:"token_exchange,omitzero"`
	// ClaimProfile says its ID tokens' amr and acr in other words.
	ClaimProfile ClaimProfile `json:"claim_profile,omitzero"`
	// FrontchannelLogoutURI is opened in a frame at sign-out; with
	// FrontchannelSession it is told iss and sid.
	FrontchannelLogoutURI string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSession   bool   `json:"frontchannel_logout_session_required,omitempty"`
	// DefaultMaxAge in seconds holds where a request says no max_age; nil: none.
	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	// InitiateLoginURI begins a sign-in at the client's own site.
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`
	ClientURI        string   `json:"client_uri,omitempty"`
	LogoURI          string   `json:"logo_uri,omitempty"`
	Contacts         []string `json:"contacts,omitempty"`
}

// TLSClient names the subject of a certificate (RFC 8705 section 2.1.2).
type TLSClient struct {
	// SubjectDN is in the form of RFC 4514.
	SubjectDN string `json:"tls_client_auth_subject_dn,omitempty" yaml:"subject_dn"`
	SANDNS    string `json:"tls_client_auth_san_dns,omitempty" yaml:"san_dns"`
	SANURI    string `json:"tls_client_auth_san_uri,omitempty" yaml:"san_uri"`
	SANIP     string `json:"tls_client_auth_san_ip,omitempty" yaml:"san_ip"`
	SANEmail  string `json:"tls_client_auth_san_email,omitempty" yaml:"san_email"`
}

// API is what a product serves to other products by access tokens.
type API struct {
	// Resource is its URI, the aud of tokens for it (RFC 8707 section 2).
	Resource string     `json:"resource" yaml:"resource"`
	Scopes   []APIScope `json:"scopes,omitempty" yaml:"scopes"`
}

// APIScope is a scope of an API.
type APIScope struct {
	// ID is a scope-token (RFC 6749 section 3.3) that no scope of this provider
	// is called by.
	ID string `json:"id" yaml:"id"`
	// Name says on the consent page what it allows.
	Name string `json:"name" yaml:"name"`
}

// Exchange says which products' access tokens may be exchanged, by client id:
// Impersonate, where the new token says nothing of the client that asked, and
// Delegate, where its act claim does (RFC 8693 section 1.1).
type Exchange struct {
	Impersonate []string `json:"impersonate,omitempty" yaml:"impersonate"`
	Delegate    []string `json:"delegate,omitempty" yaml:"delegate"`
}

// ClaimProfile drops and renames what ID tokens say of the sign-in.
type ClaimProfile struct {
	// AMR maps a value to the one said in its place; to "" where it is left out.
	AMR map[string]string `json:"amr,omitempty" yaml:"amr"`
	// ACR likewise.
	ACR map[string]string `json:"acr,omitempty" yaml:"acr"`
}
