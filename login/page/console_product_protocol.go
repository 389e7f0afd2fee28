package page

import (
	"net/url"
	"slices"
	"strings"
)

// ProductProtocol are the settings of a product that only some protocols need,
// as its form has them. Fields are named as in the file; lists are texts with a
// value a line.
type ProductProtocol struct {
	ResponseTypes []string
	// JWKS is a set of keys as it was pasted.
	JWKS, JWKSURI  string
	AuthSigningAlg string
	// TLSSubject is by what a certificate is known: subject_dn, san_dns, san_uri,
	// san_ip or san_email; TLSName is what it says there. Fields: tls_client,
	// tls_client_name.
	TLSSubject, TLSName              string
	CertificateBound, DPoPBound      bool
	RequirePAR, RequireSignedRequest bool
	RequestObjectAlg                 string
	RequestURIs                      []string
	AuthorizationAlg, UserinfoAlg    string
	IntrospectionAlg                 string
	SubjectType, SectorIdentifierURI string
	// Resource and Serves are its own API: its URI, and a line for each scope
	// with its id and, after a space, its name. Fields: api.resource, api.scopes.
	Resource string
	Serves   []string
	// Resources are the APIs of others that it may ask tokens for.
	Resources []string
	// Impersonate and Delegate are client ids. Fields: token_exchange.impersonate,
	// token_exchange.delegate.
	Impersonate, Delegate []string
	// AMR and ACR are lines such as "otp = mfa". Fields: claim_profile.amr,
	// claim_profile.acr.
	AMR, ACR              []string
	FrontchannelLogoutURI string
	FrontchannelSession   bool
	// DefaultMaxAge is a number of seconds as it was written.
	DefaultMaxAge                        string
	DefaultACRValues                     []string
	InitiateLoginURI, ClientURI, LogoURI string
	Contacts                             []string
}

// readProtocol reads what sections shows.
func readProtocol(sent url.Values) ProductProtocol {
	line := func(name string) string { return strings.TrimSpace(sent.Get(name)) }
	on := func(name string) bool { return sent.Get(name) == "1" }
	return ProductProtocol{
		ResponseTypes: sent["response_types"], JWKS: strings.ReplaceAll(line("jwks"), "\r\n", "\n"), JWKSURI: line("jwks_uri"), AuthSigningAlg: line("token_endpoint_auth_signing_alg"),
		TLSSubject: line("tls_client"), TLSName: line("tls_client_name"),
		CertificateBound: on("tls_client_certificate_bound_access_tokens"), DPoPBound: on("dpop_bound_access_tokens"),
		RequirePAR: on("require_pushed_authorization_requests"), RequireSignedRequest: on("require_signed_request_object"),
		RequestObjectAlg: line("request_object_signing_alg"), RequestURIs: lines(sent, "request_uris"),
		AuthorizationAlg: line("authorization_signed_response_alg"), UserinfoAlg: line("userinfo_signed_response_alg"), IntrospectionAlg: line("introspection_signed_response_alg"),
		SubjectType: line("subject_type"), SectorIdentifierURI: line("sector_identifier_uri"),
		Resource: line("api.resource"), Serves: lines(sent, "api.scopes"), Resources: lines(sent, "resources"),
		Impersonate: lines(sent, "token_exchange.impersonate"), Delegate: lines(sent, "token_exchange.delegate"),
		AMR: lines(sent, "claim_profile.amr"), ACR: lines(sent, "claim_profile.acr"),
		FrontchannelLogoutURI: line("frontchannel_logout_uri"), FrontchannelSession: on("frontchannel_logout_session_required"),
		DefaultMaxAge: line("default_max_age"), DefaultACRValues: lines(sent, "default_acr_values"),
		InitiateLoginURI: line("initiate_login_uri"), ClientURI: line("client_uri"), LogoURI: line("logo_uri"), Contacts: lines(sent, "contacts"),
	}
}

// protocolSection is a part of the form that is closed while nothing in it is
// said.
type protocolSection struct {
	Name   string
	Fields []protocolField
}

// protocolField is one field: its label is the message product_form.NAME, its
// hint product_form_hint.NAME.
type protocolField struct {
	Name string
	// Kind is line, lines, keys, number, check, boxes or menu.
	Kind  string
	Value string
	Lines []string
	On    bool
	// Offered are the boxes or lines of a menu. Words is the family of messages
	// that names them; empty: they are shown as they are. Menus begin with an
	// empty line, which the message product_form_none.NAME says.
	Offered []tick
	Words   string
}

// Said reports whether something is said there.
func (s protocolSection) Said() bool { return slices.ContainsFunc(s.Fields, protocolField.Said) }

// Said reports whether something else is said than what holds anyway.
func (f protocolField) Said() bool {
	ticked := slices.ContainsFunc(f.Offered, func(o tick) bool { return o.Ticked && o.Value != "public" })
	return f.Value != "" || len(f.Lines) > 0 || f.On || ticked
}

// Settings are those of a product that only some protocols need, as far as
// they are said.
func (p ConsoleProduct) Settings() (said []protocolField) {
	for _, section := range (ConsoleProductForm{ProductProtocol: p.Protocol}).Sections() {
		for _, f := range section.Fields {
			if f.Said() {
				said = append(said, f)
			}
		}
	}
	return said
}

// Algorithms that the menus offer: those of clients' keys, and our own.
var (
	keyAlgs = []string{"ES256", "PS256", "EdDSA", "RS256", "ES384", "ES512", "PS384", "PS512", "RS384", "RS512"}
	ourAlgs = []string{"ES256", "PS256", "EdDSA", "RS256"}
)

// Sections are the parts of the form that only some products need.
func (f ConsoleProductForm) Sections() []protocolSection {
	menu := func(name, chosen string, offered ...string) protocolField {
		if chosen != "" && !slices.Contains(offered, chosen) {
			offered = append(slices.Clone(offered), chosen)
		}
		return protocolField{Name: name, Kind: "menu", Offered: ticks([]string{chosen}, offered...)}
	}
	line := func(name, value string) protocolField { return protocolField{Name: name, Kind: "line", Value: value} }
	many := func(name string, values []string) protocolField {
		return protocolField{Name: name, Kind: "lines", Lines: values}
	}
	check := func(name string, on bool) protocolField { return protocolField{Name: name, Kind: "check", On: on} }
	subject := menu("tls_client", f.TLSSubject, "subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
	subject.Words = "certificate."
	subjects := menu("subject_type", f.SubjectType, "public", "pairwise")
	subjects.Words = "subject_type."
	return []protocolSection{
		{"keys", []protocolField{
			{Name: "jwks", Kind: "keys", Value: f.JWKS}, line("jwks_uri", f.JWKSURI),
			menu("token_endpoint_auth_signing_alg", f.AuthSigningAlg, append(slices.Clone(keyAlgs), "HS256")...),
			subject, line("tls_client_name", f.TLSName),
		}},
		{"requests", []protocolField{
			check("require_pushed_authorization_requests", f.RequirePAR), check("require_signed_request_object", f.RequireSignedRequest),
			menu("request_object_signing_alg", f.RequestObjectAlg, keyAlgs...), many("request_uris", f.RequestURIs),
			{Name: "response_types", Kind: "boxes", Words: "response_type.", Offered: ticks(f.ResponseTypes, "code", "id_token", "code id_token")},
			{Name: "default_max_age", Kind: "number", Value: f.DefaultMaxAge},
			many("default_acr_values", f.DefaultACRValues), // in their order
		}},
		{"tokens", []protocolField{
			check("dpop_bound_access_tokens", f.DPoPBound), check("tls_client_certificate_bound_access_tokens", f.CertificateBound),
			menu("authorization_signed_response_alg", f.AuthorizationAlg, ourAlgs...), menu("userinfo_signed_response_alg", f.UserinfoAlg, ourAlgs...),
			menu("introspection_signed_response_alg", f.IntrospectionAlg, ourAlgs...),
			subjects, line("sector_identifier_uri", f.SectorIdentifierURI), many("claim_profile.amr", f.AMR), many("claim_profile.acr", f.ACR),
		}},
		{"apis", []protocolField{
			line("api.resource", f.Resource), many("api.scopes", f.Serves), many("resources", f.Resources), many("other_scopes", f.OtherScopes()),
			many("token_exchange.impersonate", f.Impersonate), many("token_exchange.delegate", f.Delegate),
		}},
		{"logout", []protocolField{line("frontchannel_logout_uri", f.FrontchannelLogoutURI), check("frontchannel_logout_session_required", f.FrontchannelSession)}},
		{"registration", []protocolField{
			line("initiate_login_uri", f.InitiateLoginURI), line("client_uri", f.ClientURI), line("logo_uri", f.LogoURI), many("contacts", f.Contacts),
		}},
	}
}

// OtherScopes are those chosen that belong to APIs of products, which have no
// boxes.
func (f ConsoleProductForm) OtherScopes() []string {
	return slices.DeleteFunc(slices.Clone(f.Scopes), func(s string) bool { return slices.Contains(signInScopes, s) || slices.Contains(f.APIScopes, s) })
}
