package page

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ConsoleProductForm registers a product, or changes one. The names of its
// fields are those of the file that sallyport apply reads; lists are texts with
// a value a line. ReadProductForm reads what comes back.
type ConsoleProductForm struct {
	Console
	// New: the id can still be chosen.
	New bool
	// ID is the client id. Fields: id, name.
	ID, Name string
	// AuthMethod is one of those of RFC 7591. Field: auth_method.
	AuthMethod string
	// Native is an app on a person's device. Field: native=1.
	Native bool
	// Fields: redirect_uris, post_logout_redirect_uris (an address a line),
	// backchannel_logout_uri.
	RedirectURIs, PostLogoutRedirectURIs []string
	BackchannelLogoutURI                 string
	// GrantTypes and Scopes are those chosen. Fields: grant_types, scopes, once
	// for each; and other_scopes with those of other products' APIs, one a line.
	GrantTypes, Scopes []string
	// IDTokenAlg is "RS256", "ES256", "PS256" or "EdDSA". Field: id_token_signed_response_alg.
	IDTokenAlg string
	// PKCE is "required" or "optional". Field: pkce.
	PKCE string
	// FirstParty: people aren't asked for consent. Field: first_party=1.
	FirstParty bool
	// TwoStep says of whom two-step verification is always required: "" (of
	// nobody), "all" or "some": the people of TwoStepOf, company ids. Fields:
	// require_two_factors, require_two_factors_of (an id a line).
	TwoStep   string
	TwoStepOf []string
	// MinACR is the least acr to enter with; empty: none. Field: min_acr.
	MinACR string
	// Companies (ids), Kinds ("staff", "client") and People (addresses) each
	// narrow who may use it; none: everybody. Fields: companies and people (one a line), kinds.
	Companies, Kinds, People []string
	// ActsFor is the id of the company that an API client acts for; empty: the
	// operator. Field: company.
	ActsFor string
	// Roles are what people can be in the product. Fields: role_id and
	// role_name, a pair for each; role_kind=INDEX:KIND.
	Roles []ProductRole
	// Fields: policy_uri, tos_uri.
	PolicyURI, TermsURI string
	ProductProtocol
	// Known are the companies there are, shown as a help; leave it empty where
	// they are too many for a page.
	Known []Option
	// APIScopes are those of the provider's own API that can be chosen, among
	// Scopes like the others.
	APIScopes []string
	// ACRs are the acr values that can be demanded here.
	ACRs []string
}

// ProductRole is a role that people can have in a product.
type ProductRole struct {
	ID, Name string
	// Kinds are those who have it without being given it: "staff", "client".
	Kinds []string
}

// Has reports whether people of a kind have the role by themselves.
func (r ProductRole) Has(kind string) bool { return slices.Contains(r.Kinds, kind) }

// Option is one of several that can be chosen: what is sent and what is read.
type Option struct{ Value, Name string }

// ReadProductForm reads the form as it was sent. Blank lines and roles without
// id and name are left out; nothing is checked.
func ReadProductForm(sent url.Values) ConsoleProductForm {
	f := ConsoleProductForm{
		ID: strings.TrimSpace(sent.Get("id")), Name: strings.TrimSpace(sent.Get("name")),
		AuthMethod: sent.Get("auth_method"), Native: sent.Get("native") == "1",
		RedirectURIs: lines(sent, "redirect_uris"), PostLogoutRedirectURIs: lines(sent, "post_logout_redirect_uris"),
		BackchannelLogoutURI: strings.TrimSpace(sent.Get("backchannel_logout_uri")),
		GrantTypes:           sent["grant_types"], Scopes: sent["scopes"],
		IDTokenAlg: sent.Get("id_token_signed_response_alg"), PKCE: sent.Get("pkce"), FirstParty: sent.Get("first_party") == "1",
		TwoStep: sent.Get("require_two_factors"), TwoStepOf: lines(sent, "require_two_factors_of"), MinACR: sent.Get("min_acr"),
		Companies: lines(sent, "companies"), Kinds: sent["kinds"], People: lines(sent, "people"), ActsFor: strings.TrimSpace(sent.Get("company")),
		PolicyURI: strings.TrimSpace(sent.Get("policy_uri")), TermsURI: strings.TrimSpace(sent.Get("tos_uri")), ProductProtocol: readProtocol(sent),
	}
	f.Scopes = append(f.Scopes, lines(sent, "other_scopes")...)
	if f.TwoStep != "some" {
		f.TwoStepOf = nil
	}
	names := sent["role_name"]
	for i, id := range sent["role_id"] {
		role := ProductRole{ID: strings.TrimSpace(id)}
		if i < len(names) {
			role.Name = strings.TrimSpace(names[i])
		}
		for _, kind := range []string{"staff", "client"} {
			if slices.Contains(sent["role_kind"], strconv.Itoa(i)+":"+kind) {
				role.Kinds = append(role.Kinds, kind)
			}
		}
		if role.ID != "" || role.Name != "" {
			f.Roles = append(f.Roles, role)
		}
	}
	return f
}

// lines are the values of a field with one a line.
func lines(sent url.Values, field string) []string {
	var all []string
	for line := range strings.Lines(sent.Get(field)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// tick is a box to tick, or a line of a menu.
type tick struct {
	Value  string
	Ticked bool
}

func ticks(chosen []string, offered ...string) []tick {
	all := make([]tick, len(offered))
	for i, v := range offered {
		all[i] = tick{v, slices.Contains(chosen, v)}
	}
	return all
}

// GrantsOffered and those below are what the template offers, with what is
// chosen.
func (f ConsoleProductForm) GrantsOffered() []tick {
	return ticks(f.GrantTypes, "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
		"urn:ietf:params:oauth:grant-type:token-exchange", "implicit")
}

var signInScopes = []string{"openid", "profile", "email", "phone", "address", "roles", "offline_access"}

func (f ConsoleProductForm) ScopesOffered() []tick { return ticks(f.Scopes, signInScopes...) }

func (f ConsoleProductForm) APIScopesOffered() []tick { return ticks(f.Scopes, f.APIScopes...) }

func (f ConsoleProductForm) KindsOffered() []tick { return ticks(f.Kinds, "staff", "client") }

func (f ConsoleProductForm) AuthMethodsOffered() []tick {
	return ticks([]string{f.AuthMethod}, "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none")
}

func (f ConsoleProductForm) AlgsOffered() []tick {
	return ticks([]string{f.IDTokenAlg}, "ES256", "RS256", "PS256", "EdDSA")
}

// ACRsOffered are the levels, and one that is chosen though it isn't offered
// any more.
func (f ConsoleProductForm) ACRsOffered() []tick {
	offered := f.ACRs
	if f.MinACR != "" && !slices.Contains(offered, f.MinACR) {
		offered = append(slices.Clone(offered), f.MinACR)
	}
	return ticks([]string{f.MinACR}, offered...)
}

// RoleLines are the roles and some empty lines for more.
func (f ConsoleProductForm) RoleLines() []roleLine {
	all := make([]roleLine, len(f.Roles)+3)
	for i := range all {
		all[i].Index, all[i].Number = i, i+1
		if i < len(f.Roles) {
			all[i].ProductRole = f.Roles[i]
		}
	}
	return all
}

type roleLine struct {
	ProductRole
	Index, Number int
}

func (ConsoleProductForm) template() string { return "console_product_form" }
