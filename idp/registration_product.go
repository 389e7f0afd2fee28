package idp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// grantImplicit is what response types with an ID token belong to (RFC 7591
// section 2.1); it isn't a grant of the token endpoint.
const grantImplicit = "implicit"

// registrableGrants are those that need nothing of the operator: nobody can
// register an API client of the provider, or whose tokens it exchanges.
var registrableGrants = []string{grantCode, grantRefresh, grantImplicit, "urn:ietf:params:oauth:grant-type:device_code"}

// registrableFields are the fields of an entry that metadata fill.
var registrableFields = []string{
	"name", "auth_method", "secret_hash", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri",
	"frontchannel_logout_session_required", "grant_types", "scopes", "id_token_signed_response_alg", "pkce", "native", "policy_uri", "tos_uri",
	"response_types", "jwks", "jwks_uri", "token_endpoint_auth_signing_alg", "tls_client", "tls_client_certificate_bound_access_tokens",
	"dpop_bound_access_tokens", "require_pushed_authorization_requests", "require_signed_request_object", "request_object_signing_alg",
	"request_uris", "authorization_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg", "subject_type",
	"sector_identifier_uri", "default_max_age", "default_acr_values", "initiate_login_uri", "client_uri", "logo_uri", "contacts",
}

// product is the entry that metadata ask for, with the defaults of RFC 7591
// section 2 where they say nothing. A product that registers itself is never
// the operator's own: people are asked for consent, and its scopes are those of
// a sign-in.
func (m *registrationMetadata) product(id string) (apply.Product, error) {
	e := apply.NewProduct()
	e.ID, e.Name, e.AuthMethod = id, cmp.Or(m.ClientName, id), cmp.Or(m.AuthMethod, storage.ClientSecretBasic)
	e.RedirectURIs, e.PostLogoutRedirectURIs = m.RedirectURIs, m.PostLogoutRedirectURIs
	e.BackchannelLogoutURI, e.FrontchannelLogoutURI, e.FrontchannelSession = m.BackchannelLogoutURI, m.FrontchannelLogoutURI, m.FrontchannelSession
	e.IDTokenAlg = cmp.Or(m.IDTokenAlg, RS256)
	e.PolicyURI, e.TermsURI, e.ClientURI, e.LogoURI, e.InitiateLoginURI = m.PolicyURI, m.TermsURI, m.ClientURI, m.LogoURI, m.InitiateLoginURI
	e.Contacts, e.DefaultMaxAge, e.DefaultACRValues = m.Contacts, m.DefaultMaxAge, m.DefaultACRValues
	e.ResponseTypes, e.JWKSURI, e.AuthSigningAlg, e.TLSClient = m.ResponseTypes, m.JWKSURI, m.AuthSigningAlg, apply.TLSClient(m.TLSClient)
	e.CertificateBound, e.DPoPBound, e.RequirePAR, e.RequireSignedRequest = m.CertificateBound, m.DPoPBound, m.RequirePAR, m.RequireSignedRequest
	e.RequestObjectAlg, e.RequestURIs, e.SectorIdentifierURI = m.RequestObjectAlg, m.RequestURIs, m.SectorIdentifierURI
	e.AuthorizationAlg, e.UserinfoAlg, e.IntrospectionAlg = m.AuthorizationAlg, m.UserinfoAlg, m.IntrospectionAlg
	e.SubjectType = cmp.Or(m.SubjectType, "public")
	if len(m.JWKS) > 0 {
		if err := e.JWKS.UnmarshalJSON(m.JWKS); err != nil {
			return e, &oauthError{code: invalidClientMetadata, description: "jwks is no JWK Set", cause: err}
		}
	}
	if e.RequestObjectAlg == "none" {
		e.RequestObjectAlg = "" // unsigned ones are taken from registered request_uris, without a word about it
	}
	switch m.ApplicationType {
	case "", "web":
	case "native":
		e.Native = true
	default:
		return e, oauth(invalidClientMetadata, "application_type must be web or native")
	}
	// PKCE can't be demanded of what was written before it; a product without a
	// secret, and an app (RFC 8252 section 6), has nothing else that protects its
	// code.
	if e.PKCE = "optional"; e.AuthMethod == storage.AuthNone || e.Native {
		e.PKCE = "required"
	}
	if len(m.GrantTypes) > 0 {
		e.GrantTypes = m.GrantTypes
	}
	for _, g := range e.GrantTypes {
		if !slices.Contains(registrableGrants, g) {
			return e, oauth(invalidClientMetadata, "grant_types has %s; a product that registers itself may have %s", descriptionText(g), strings.Join(registrableGrants, ", "))
		}
	}
	return e, m.setScopes(&e)
}

// setScopes leaves out scopes of a sign-in that need a grant it hasn't asked
// for, and refuses those that only an operator gives.
func (m *registrationMetadata) setScopes(e *apply.Product) error {
	refreshes := slices.Contains(e.GrantTypes, grantRefresh)
	if m.Scope == "" {
		e.Scopes = slices.DeleteFunc(session.SignInScopes(), func(s string) bool { return s == "offline_access" && !refreshes })
		return nil
	}
	e.Scopes = scopes(m.Scope)
	for _, s := range e.Scopes {
		if !slices.Contains(session.SignInScopes(), s) {
			return oauth(invalidClientMetadata, "scope has %s; a product that registers itself may have %s", descriptionText(s), strings.Join(session.SignInScopes(), " "))
		}
	}
	return nil
}

// giveSecret makes a secret for a product that authenticates by one.
func giveSecret(e *apply.Product) string {
	if c := (storage.Client{AuthMethod: e.AuthMethod}); !c.HasSecret() {
		return ""
	}
	secret := storage.NewClientSecret(e.AuthMethod)
	e.SecretHash = apply.Secret(storage.Hash(secret))
	if e.AuthMethod == storage.ClientSecretJWT {
		e.SecretText = apply.Secret(secret)
	}
	return secret
}

// metadataName is what RFC 7591 calls a field of a product.
func metadataName(field string) string {
	name, rest := field, ""
	if i := strings.IndexAny(field, ".["); i >= 0 {
		name, rest = field[:i], field[i:]
	}
	switch name {
	case "auth_method":
		name = "token_endpoint_auth_method"
	case "name":
		name = "client_name"
	case "scopes":
		name = "scope"
	case "native":
		name = "application_type"
	case "tls_client":
		return "tls_client_auth_" + strings.TrimPrefix(rest, ".")
	}
	return name + rest
}

// metadataOf is what a client is registered with.
func metadataOf(c *storage.Client) registrationMetadata {
	m := registrationMetadata{
		ClientID: c.ID, ClientName: c.Name, RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs,
		ResponseTypes: c.ResponseTypes, GrantTypes: c.GrantTypes, ApplicationType: "web", Scope: strings.Join(c.Scopes, " "),
		AuthMethod: c.AuthMethod, AuthSigningAlg: c.AuthSigningAlg, JWKS: c.JWKS, JWKSURI: c.JWKSURI, SubjectType: "public",
		SectorIdentifierURI: c.SectorIdentifierURI, IDTokenAlg: c.IDTokenAlg, UserinfoAlg: c.UserinfoAlg, IntrospectionAlg: c.IntrospectionAlg,
		AuthorizationAlg: c.AuthorizationAlg, RequestObjectAlg: c.RequestObjectAlg, RequestURIs: c.RequestURIs,
		RequireSignedRequest: c.RequireSignedRequest, RequirePAR: c.RequirePAR, DPoPBound: c.DPoPBound, CertificateBound: c.CertificateBound,
		TLSClient: c.TLSClient, DefaultMaxAge: c.DefaultMaxAge, DefaultACRValues: c.DefaultACRValues, BackchannelLogoutURI: c.BackchannelLogoutURI,
		FrontchannelLogoutURI: c.FrontchannelLogoutURI, FrontchannelSession: c.FrontchannelSession, InitiateLoginURI: c.InitiateLoginURI,
		ClientURI: c.ClientURI, LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, Contacts: c.Contacts,
	}
	if len(m.ResponseTypes) == 0 {
		m.ResponseTypes = []string{"code"}
	}
	if c.Native {
		m.ApplicationType = "native"
	}
	if c.Pairwise {
		m.SubjectType = "pairwise"
	}
	return m
}

func (p *Provider) clientInformation(r registered) clientInformation {
	answer := clientInformation{
		registrationMetadata: metadataOf(r.client), IssuedAt: r.client.CreatedAt.Unix(),
		AccessToken: r.accessToken, URI: p.Issuer + "/register/" + r.client.ID,
	}
	if answer.ClientSecret = r.secret; r.secret != "" {
		answer.SecretExpiresAt = new(int64)
	}
	return answer
}
