package idp

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// registrationMetadata is what a product says of itself (RFC 7591 section 2 and
// its registry). What isn't here is ignored, as section 2 allows.
type registrationMetadata struct {
	ClientID               string          `json:"client_id,omitempty"`
	ClientSecret           string          `json:"client_secret,omitempty"`
	ClientName             string          `json:"client_name,omitempty"`
	RedirectURIs           []string        `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string        `json:"post_logout_redirect_uris,omitempty"`
	ResponseTypes          []string        `json:"response_types,omitempty"`
	GrantTypes             []string        `json:"grant_types,omitempty"`
	ApplicationType        string          `json:"application_type,omitempty"`
	Scope                  string          `json:"scope,omitempty"`
	AuthMethod             string          `json:"token_endpoint_auth_method,omitempty"`
	AuthSigningAlg         string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKS                   json.RawMessage `json:"jwks,omitempty"`
	JWKSURI                string          `json:"jwks_uri,omitempty"`
	SubjectType            string          `json:"subject_type,omitempty"`
	SectorIdentifierURI    string          `json:"sector_identifier_uri,omitempty"`
	IDTokenAlg             string          `json:"id_token_signed_response_alg,omitempty"`
	UserinfoAlg            string          `json:"userinfo_signed_response_alg,omitempty"`
	IntrospectionAlg       string          `json:"introspection_signed_response_alg,omitempty"`
	AuthorizationAlg       string          `json:"authorization_signed_response_alg,omitempty"`
	RequestObjectAlg       string          `json:"request_object_signing_alg,omitempty"`
	RequestURIs            []string        `json:"request_uris,omitempty"`
	RequireSignedRequest   bool            `json:"require_signed_request_object,omitempty"`
	RequirePAR             bool            `json:"require_pushed_authorization_requests,omitempty"`
	DPoPBound              bool            `json:"dpop_bound_access_tokens,omitempty"`
	CertificateBound       bool            `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	storage.TLSClient
	DefaultMaxAge         *int64   `json:"default_max_age,omitempty"`
	DefaultACRValues      []string `json:"default_acr_values,omitempty"`
	BackchannelLogoutURI  string   `json:"backchannel_logout_uri,omitempty"`
	FrontchannelLogoutURI string   `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelSession   bool     `json:"frontchannel_logout_session_required,omitempty"`
	InitiateLoginURI      string   `json:"initiate_login_uri,omitempty"`
	ClientURI             string   `json:"client_uri,omitempty"`
	LogoURI               string   `json:"logo_uri,omitempty"`
	PolicyURI             string   `json:"policy_uri,omitempty"`
	TermsURI              string   `json:"tos_uri,omitempty"`
	Contacts              []string `json:"contacts,omitempty"`
}

// newClientID is in the form that all client ids have.
func newClientID() string { return "dyn-" + strings.ToLower(rand.Text()) }

// clientInformation is the answer of RFC 7591 section 3.2.1 and RFC 7592
// section 3.
type clientInformation struct {
	registrationMetadata
	IssuedAt int64 `json:"client_id_issued_at"`
	// SecretExpiresAt is 0 where there is a secret: it doesn't expire.
	SecretExpiresAt *int64 `json:"client_secret_expires_at,omitempty"`
	AccessToken     string `json:"registration_access_token"`
	URI             string `json:"registration_client_uri"`
}

// registered is a client with what only this answer knows.
type registered struct {
	client              *storage.Client
	secret, accessToken string
}

// keepsSecret says whether a client that changes to a method goes on with the
// secret that it has.
func keepsSecret(was *storage.Client, method string) bool {
	now := storage.Client{AuthMethod: method}
	return now.HasSecret() && was.HasSecret() && (method != storage.ClientSecretJWT || was.Secret != "")
}
