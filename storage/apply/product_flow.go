package apply

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
)

// responseTypes are those a product may be registered for. What gives out an access token in the browser's address isn't
// among them (RFC 9700 section 2.1.2).
var responseTypes = []string{"code", "id_token", "code id_token"}

// checkProtocolForm checks what can be said of each setting by itself.
func (e *Product) checkProtocolForm(c checker) {
	each(c, "response_types", e.ResponseTypes, responseTypes)
	e.JWKS.checkForm(c, "jwks")
	for field, uri := range map[string]string{
		"jwks_uri": e.JWKSURI, "sector_identifier_uri": e.SectorIdentifierURI, "initiate_login_uri": e.InitiateLoginURI,
		"frontchannel_logout_uri": e.FrontchannelLogoutURI,
	} {
		if uri != "" {
			c.uri(field, uri)
			c.onlyWeb(field, []string{uri})
		}
	}
	for i, uri := range e.RequestURIs {
		at := fmt.Sprintf("request_uris[%d]", i)
		bare, _, _ := strings.Cut(uri, "#") // a fragment says which version is meant (OpenID Connect Core section 6.2)
		c.uri(at, bare)
		c.onlyWeb(at, []string{bare})
	}
	once(c, "request_uris", e.RequestURIs)
	for field, alg := range map[string]string{
		"authorization_signed_response_alg": e.AuthorizationAlg, "userinfo_signed_response_alg": e.UserinfoAlg, "introspection_signed_response_alg": e.IntrospectionAlg,
	} {
		if alg != "" {
			oneOf(c, field, alg, algorithms...)
		}
	}
	if e.RequestObjectAlg != "" {
		oneOf(c, "request_object_signing_alg", e.RequestObjectAlg, keyAlgorithms...)
	}
	oneOf(c, "subject_type", e.SubjectType, subjectPublic, subjectPairwise)
	e.API.checkForm(c)
	once(c, "resources", e.Resources)
	once(c, "token_exchange.impersonate", e.Exchange.Impersonate)
	once(c, "token_exchange.delegate", e.Exchange.Delegate)
	if e.DefaultMaxAge != nil && *e.DefaultMaxAge < 0 {
		c.refuse("default_max_age", fmt.Sprintf("is %d", *e.DefaultMaxAge), "write seconds, 0 for a sign-in each time")
	}
	for i, acr := range e.DefaultACRValues {
		if _, known := policy.ParseACR(acr); !known {
			c.refuseAs(CodeNotAllowed, fmt.Sprintf("default_acr_values[%d]", i), fmt.Sprintf("is %q", acr), "write "+either(levels()))
		}
	}
	once(c, "default_acr_values", e.DefaultACRValues)
	c.page("client_uri", e.ClientURI)
	c.page("logo_uri", e.LogoURI)
	if u, err := url.Parse(e.LogoURI); err == nil && u.Scheme == "http" && !isLocal(u.Hostname()) {
		c.refuse("logo_uri", fmt.Sprintf("is %q, without TLS", e.LogoURI), "write an address that begins with https://: the page that shows it has TLS")
	}
	for i, address := range e.Contacts {
		at := fmt.Sprintf("contacts[%d]", i)
		if address == "" {
			c.refuseAs(CodeMissing, at, "is empty", "leave it out")
			continue
		}
		c.email(at, address)
	}
	once(c, "contacts", e.Contacts)
	for _, p := range policy.ClaimProfile(e.ClaimProfile).Check() {
		c.refuse("claim_profile."+p.Claim+"."+p.Value, "can't be: "+p.Wrong, "write "+p.Write)
	}
}

// checkProtocol checks settings that must fit one another.
func (e *Product) checkProtocol(c checker) {
	e.checkResponseTypes(c)
	if e.SubjectType == subjectPairwise && e.sector() == "" && e.signsIn() {
		c.refuseAs(CodeMissing, "sector_identifier_uri", "is missing though subject_type is pairwise and redirect_uris have no host or several",
			"write an https address whose host stands for this product and those that share its people's subjects")
	}
	if e.FrontchannelLogoutURI != "" && !slices.Contains(origins(e.RedirectURIs), originOf(e.FrontchannelLogoutURI)) {
		c.refuseAs(CodeConflict, "frontchannel_logout_uri", fmt.Sprintf("is %q, where none of redirect_uris is", e.FrontchannelLogoutURI),
			"write one with the scheme, host and port of a redirect URI")
	}
	if e.FrontchannelSession && e.FrontchannelLogoutURI == "" {
		c.refuseAs(CodeMissing, "frontchannel_logout_uri", "is missing though frontchannel_logout_session_required is true", "write it, or leave the other out")
	}
	if len(e.Exchange.Impersonate)+len(e.Exchange.Delegate) > 0 && !e.grants(tokenExchange) {
		c.refuseAs(CodeConflict, "token_exchange", "names products though grant_types has no "+tokenExchange, "add that to grant_types")
	}
	if e.grants(tokenExchange) && !e.confidential() {
		c.refuseAs(CodeConflict, "grant_types", "has "+tokenExchange+" though auth_method is "+e.AuthMethod, "give it a secret or a key: whoever knows its id could exchange tokens")
	}
	if e.API.Resource == "" && len(e.API.Scopes) > 0 {
		c.refuseAs(CodeMissing, "api.resource", "is missing", "write the address of the API, such as https://api.example.com/")
	}
}

func (e *Product) checkResponseTypes(c checker) {
	code := len(e.ResponseTypes) == 0
	for i, kind := range e.ResponseTypes {
		at, parts := fmt.Sprintf("response_types[%d]", i), strings.Fields(kind)
		if slices.Contains(parts, "code") {
			code = true
			if !e.grants(authorizationCode) {
				c.refuseAs(CodeConflict, at, fmt.Sprintf("is %q though grant_types has no %s", kind, authorizationCode), "add that to grant_types")
			}
		}
		if slices.Contains(parts, "id_token") && !e.grants(implicit) {
			c.refuseAs(CodeConflict, at, fmt.Sprintf("is %q though grant_types has no %s", kind, implicit), "add that to grant_types: ID tokens go through the browser")
		}
	}
	if e.grants(authorizationCode) && !code {
		c.refuseAs(CodeConflict, "response_types", "has none with code though grant_types has "+authorizationCode, "add code, or take that out of grant_types")
	}
	if !e.grants(implicit) {
		return
	}
	if !slices.ContainsFunc(e.ResponseTypes, func(kind string) bool { return strings.Contains(kind, "id_token") }) {
		c.refuseAs(CodeConflict, "grant_types", "has implicit though response_types has none with id_token", "leave it out, or add id_token to response_types")
	}
	for i, uri := range e.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil {
			continue // said already
		}
		at, local := fmt.Sprintf("redirect_uris[%d]", i), isLocal(u.Hostname())
		switch {
		case u.Scheme != "https" && !local:
			c.refuseAs(CodeConflict, at, fmt.Sprintf("is %q, where ID tokens would be sent in the open", uri), "write an address that begins with https://")
		case local && !e.Native: // OpenID Connect Dynamic Client Registration section 2
			c.refuseAs(CodeConflict, at, fmt.Sprintf("is %q, on each person's own machine, though grant_types has implicit", uri),
				"write the https address of its site, or native: true where it is an app")
		}
	}
}

// originOf is the origin of an address (RFC 6454 section 4), as origins gives it.
func originOf(uri string) string {
	if all := origins([]string{uri}); len(all) == 1 {
		return all[0]
	}
	return ""
}
