package page_test

import (
	"time"

	"github.com/sallyport-id/sallyport/login/page"
)

// instanceExamples are the pages of products, API clients, the audit and the
// operator, for a product and a person of any name.
func instanceExamples(product, person string) []example {
	at := time.Date(2026, time.March, 3, 15, 5, 0, 0, time.UTC)
	f := page.Frame{FormToken: "token", Person: person}
	in := func(current string) page.Console {
		return page.Console{Current: current, Role: "operator", Items: everything("companies", "all-products", "keys", "delivery", "all-audit")}
	}
	of := func(current string) page.Console {
		return page.Console{Company: product, CompanyID: "acme", Current: current, Role: "owner", Items: everything("people", "requirements", "networks", "products", "api-clients", "audit")}
	}
	told := func(id string, pairs ...any) page.Frame {
		with, words := f, page.Say(id, pairs...)
		with.Notice = &words
		return with
	}
	wrong := func(problems map[string]page.Text) page.Frame {
		with := f
		with.Problems = problems
		return with
	}
	ask := func(current string, danger bool, id string, pairs ...any) page.ConsoleConfirm {
		return page.ConsoleConfirm{
			Console: in(current), Heading: page.Say(id+"heading", pairs...), Body: []page.Text{page.Say(id+"body", pairs...)}, Button: page.Say(id + "button"),
			Danger: danger, BackURL: "/console/" + current,
		}
	}
	some := page.ProductAccess{Companies: []string{product}, Kinds: []string{"staff", "client"}, People: 1}
	lines := []page.ProductLine{
		{ID: "dashboard", Name: product, Type: page.ConfidentialProduct, LastUse: at},
		{ID: "remote-control", Name: "Take Control", Type: page.NativeProduct, Access: some, TwoStep: page.ProductTwoStep{Required: true, MinACR: "phr"}, LastUse: at},
		{ID: "page", Name: "Status", Type: page.PublicProduct, Access: page.ProductAccess{Kinds: []string{"staff"}}, TwoStep: page.ProductTwoStep{Required: true, Of: []string{product, "Beta"}}},
		{ID: "sync", Name: "Directory sync", Type: page.MachineProduct, Access: page.ProductAccess{People: 3}, TwoStep: page.ProductTwoStep{MinACR: "urn:example:acr"}},
	}
	form := page.ConsoleProductForm{
		Console: in("all-products"), New: true, AuthMethod: "client_secret_basic", GrantTypes: []string{"authorization_code"}, Scopes: []string{"openid", "profile", "email", "roles"},
		IDTokenAlg: "ES256", PKCE: "required", ACRs: []string{"urn:sallyport:acr:2fa", "phr"}, Known: []page.Option{{Value: "acme", Name: product}, {Value: "beta", Name: "Beta"}},
		APIScopes:       []string{"people:read", "people:write", "companies:read", "keys:write", "delivery:read", "audit:read"},
		ProductProtocol: page.ProductProtocol{SubjectType: "public"},
	}
	filled := form
	filled.New, filled.ID, filled.Name, filled.AuthMethod, filled.Native, filled.FirstParty = false, "remote-control", product, "none", true, true
	filled.RedirectURIs, filled.PostLogoutRedirectURIs = []string{"https://control.example.com/callback", "com.example.control:/callback"}, []string{"https://control.example.com/?" + person}
	filled.BackchannelLogoutURI, filled.PKCE, filled.IDTokenAlg, filled.MinACR = "https://control.example.com/backchannel-logout", "optional", "RS256", "phrh"
	filled.TwoStep, filled.TwoStepOf, filled.Companies, filled.Kinds, filled.People = "some", []string{"acme"}, []string{"acme", "beta"}, []string{"staff"}, []string{person}
	filled.Roles = []page.ProductRole{{ID: "operator", Name: product, Kinds: []string{"staff"}}, {ID: "viewer", Name: "Viewer", Kinds: []string{"staff", "client"}}}
	filled.PolicyURI, filled.TermsURI, filled.ActsFor, filled.APIScopes = "https://control.example.com/privacy", "https://control.example.com/terms", "acme", nil
	everybody := filled
	everybody.TwoStep, everybody.Known = "all", nil
	bank := form
	bank.New, bank.ID, bank.Name, bank.AuthMethod, bank.Scopes = false, "bank", product, "private_key_jwt", []string{"openid", "people:read", "orders:read", "pay"}
	bank.ProductProtocol = page.ProductProtocol{
		ResponseTypes: []string{"code", "id_token"}, JWKS: "{\n  \"keys\": [{\"kty\": \"OKP\", \"kid\": \"<" + person + ">\"}]\n}", JWKSURI: "https://bank.example.com/keys",
		AuthSigningAlg: "PS256", TLSSubject: "san_dns", TLSName: "bank.example.com", CertificateBound: true, DPoPBound: true, RequirePAR: true, RequireSignedRequest: true,
		RequestObjectAlg: "EdDSA", RequestURIs: []string{"https://bank.example.com/request#1"}, AuthorizationAlg: "PS256", UserinfoAlg: "ES256", IntrospectionAlg: "RS256",
		SubjectType: "pairwise", SectorIdentifierURI: "https://bank.example.com/sector", Resource: "https://api.bank.example.com/", Serves: []string{"pay Pay for " + product},
		Resources: []string{"https://api.orders.example.com/"}, Impersonate: []string{"remote-control"}, Delegate: []string{"remote-control", "page"},
		AMR: []string{"hwk = fido", "pwd ="}, ACR: []string{"urn:sallyport:acr:2fa = possessionorinherence"}, FrontchannelLogoutURI: "https://bank.example.com/gone",
		FrontchannelSession: true, DefaultMaxAge: "3600", DefaultACRValues: []string{"phr", "phrh"}, InitiateLoginURI: "https://bank.example.com/start",
		ClientURI: "https://bank.example.com/", LogoURI: "https://bank.example.com/logo.png", Contacts: []string{person, "help@bank.example.com"},
	}
	bankWrong := make(map[string]page.Text)
	for _, field := range []string{
		"jwks", "jwks_uri", "token_endpoint_auth_signing_alg", "tls_client", "request_object_signing_alg", "request_uris", "response_types",
		"default_max_age", "default_acr_values", "authorization_signed_response_alg", "userinfo_signed_response_alg", "introspection_signed_response_alg", "subject_type",
		"sector_identifier_uri", "claim_profile.amr", "claim_profile.acr", "api.resource", "api.scopes", "resources", "other_scopes", "token_exchange.impersonate",
		"token_exchange.delegate", "frontchannel_logout_uri", "initiate_login_uri", "client_uri", "logo_uri", "contacts",
	} {
		bankWrong[field] = page.Say("problem.product."+field, "Value", person)
	}
	mistakes := map[string]page.Text{
		"id": page.Say("problem.product.id"), "redirect_uris": page.Say("problem.product.redirect_uris", "Value", person), "scopes": page.Say("problem.product.scopes"),
		"": page.Say("problem.form_stale"),
	}
	for _, field := range []string{
		"name", "auth_method", "post_logout_redirect_uris", "backchannel_logout_uri", "grant_types", "id_token_signed_response_alg", "pkce", "companies", "company", "kinds",
		"people", "require_two_factors", "require_two_factors_of", "min_acr", "roles", "policy_uri", "tos_uri",
	} {
		mistakes[field] = page.Say("problem.product."+field, "Value", "x")
	}
	mistakes["native"], mistakes["first_party"] = page.Say("problem.product.redirect_uris"), page.Say("problem.form_stale")
	scarce := form
	scarce.GrantTypes = nil

	integration := page.Integration{
		Issuer: "https://login.example.com", ClientID: "remote-control", AuthMethod: "client_secret_basic", RedirectURI: "https://control.example.com/callback",
		Alg: "ES256", Scopes: []string{"openid", "profile", "email", "roles"}, StepUp: true,
	}
	shown := page.ConsoleProduct{
		Console: in("all-products"), ID: "remote-control", Name: product, Type: page.ConfidentialProduct, SecretMade: at, AuthMethod: "client_secret_basic", IDTokenAlg: "ES256",
		RedirectURIs: []string{"https://control.example.com/callback"}, PostLogoutRedirectURIs: []string{"https://control.example.com/?" + person}, BackchannelLogoutURI: "https://control.example.com/backchannel-logout",
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "email"}, PolicyURI: "https://control.example.com/privacy", TermsURI: "https://control.example.com/terms",
		Access: some, TwoStep: page.ProductTwoStep{Required: true}, Created: at, LastUse: at, Issuer: integration.Issuer, Snippets: integration.Snippets(),
		Roles: []page.ProductRoleCount{{ProductRole: page.ProductRole{ID: "operator", Name: product, Kinds: []string{"staff", "client"}}, People: 1}, {ProductRole: page.ProductRole{ID: "viewer", Name: "Viewer"}, People: 12}},
	}
	made := shown
	made.Secret = "k3JtQe0vZk5o0mXn1cVbR8yWl2sGd4hTu6iPa9fLxMw"
	rotated := made
	rotated.OldSecretUntil = at.Add(24 * time.Hour)
	public := page.ConsoleProduct{Console: in("all-products"), ID: "page", Name: product, Type: page.PublicProduct, AuthMethod: "none", PKCEOptional: true, FirstParty: true, Created: at}
	banking := shown
	banking.AuthMethod, banking.Protocol = "private_key_jwt", bank.ProductProtocol
	keyless := integration
	keyless.AuthMethod = "none"
	public.Issuer, public.Snippets = keyless.Issuer, keyless.Snippets()
	machine := page.ConsoleProduct{Console: in("all-products"), ID: "sync", Name: product, Type: page.MachineProduct, AuthMethod: "client_secret_post", GrantTypes: []string{"client_credentials"}, Created: at, OldSecretUntil: at}
	acting := machine
	acting.ActsFor = product

	clients := page.ConsoleAPIClients{Console: of("api-clients"), NetworksURL: "/console/companies/acme/networks", Clients: []page.APIClient{
		{ID: "acme-sync", Name: product, Scopes: []string{"people:read", "people:write", "audit:read", "moon:read"}, LastUse: at, SecretMade: at, OldSecretUntil: at.Add(time.Hour)},
		{ID: "acme-report", Name: "Report", Scopes: []string{"rules:read", "products:read"}},
	}}
	seen := clients
	seen.ReadOnly, seen.NetworksURL = true, ""
	created := page.ConsoleAPIClientCreated{Console: of("api-clients"), ID: "acme-sync", Name: product, Secret: made.Secret, Example: page.APIClientExample(integration.Issuer, "acme-sync", "acme", []string{"people:read"})}
	renewed := created
	renewed.OldSecretUntil = at

	audit := page.ConsoleAudit{
		Console: of("audit"), Products: []page.Option{{Value: "remote-control", Name: product}}, Filter: page.AuditFilter{Person: person, Product: "remote-control", Group: "people", Result: "ok", From: "2026-03-01", Until: "2026-03-31"},
		List: page.List{Next: "older", Previous: "newer"}, Entries: auditEntries(product, person, at),
	}
	whole := audit
	whole.Console, whole.Filter, whole.Chain = in("all-audit"), page.AuditFilter{}, &page.AuditChain{SealedUpTo: at, Waiting: 12}
	unsealed, broken := page.ConsoleAudit{Console: in("all-audit"), Chain: &page.AuditChain{Waiting: 1}}, page.ConsoleAudit{Console: in("all-audit"), Chain: &page.AuditChain{Broken: at}}
	nothing := page.ConsoleAudit{Console: of("audit"), Filter: page.AuditFilter{From: "x", Until: "y"}}
	newest, oldest := nothing, nothing
	newest.Next, oldest.Previous = "a", "b"

	companies := page.ConsoleCompanies{Console: in("companies"), List: page.List{Next: "x"}, Companies: []page.CompanyLine{
		{ID: "acme", Name: product, People: 1240, Owners: 2, Plan: page.Plan{All: true}, Created: at},
		{ID: "beta", Name: "Beta", People: 3, Plan: page.Plan{Methods: []string{"totp", "email"}}, Created: at},
		{ID: "gamma", Name: "Gamma", Created: at},
	}}
	company := page.ConsoleCompanyForm{Console: in("companies"), New: true, Plan: page.Plan{All: true}, Offered: []string{"webauthn", "totp", "sms", "email"}}
	planned := company
	planned.ID, planned.Name, planned.Owner, planned.Plan = "acme", product, person, page.Plan{Methods: []string{"totp"}}
	changed := planned
	changed.New, changed.People = false, 40
	empty := changed
	empty.People, empty.Plan = 0, page.Plan{}

	delivery := page.ConsoleDelivery{
		Console: in("delivery"), List: page.List{Next: "x"}, TestKind: "text", TestTo: person,
		Kinds: []page.DeliveryKind{
			{Kind: "mail", Configured: true, Via: "smtp.example.com", Waiting: 4, Oldest: at, LastError: "421 try again later"},
			{Kind: "text", Configured: true, Failed: 1}, {Kind: "logout", Configured: true, Failed: 2, LastError: "connection refused by " + product},
		},
		Failed: []page.FailedDelivery{{ID: "o1", Kind: "mail", To: person, Queued: at, LastTry: at.Add(time.Hour), Tries: 9, Error: "550 no such user"}, {ID: "o2", Kind: "logout", To: product, Queued: at, LastTry: at, Tries: 1, Error: "connection refused"}},
	}
	undelivered := page.ConsoleDelivery{Console: in("delivery"), Kinds: []page.DeliveryKind{{Kind: "mail"}, {Kind: "text"}, {Kind: "logout"}}}
	keys := page.ConsoleKeys{Console: in("keys"), Keys: []page.SigningKey{
		{ID: "b7Qx-2mVt9", Alg: "ES256", State: "retired", SignsFrom: at.Add(-1000 * time.Hour), Until: at}, {ID: "n4Lk-0pRs3", Alg: "RS256", State: "signing", SignsFrom: at}, {ID: "z1Cd-8wYe5", Alg: "ES256", State: "next", SignsFrom: at.Add(time.Hour)},
	}}

	withdrawn := told("account.consent_withdrawn", "Product", product)
	withdrawn.SignOut = true

	return []example{
		{"console_products", f, page.ConsoleProducts{Console: in("all-products"), List: page.List{Query: map[string][]string{"q": {person}}, Previous: "x"}, Products: lines}},
		{"console_products-none", f, page.ConsoleProducts{Console: in("all-products")}},
		{"console_products-nothing", f, page.ConsoleProducts{Console: in("all-products"), List: page.List{Query: map[string][]string{"q": {person}}}}},
		{"console_product_form", f, form},
		{"console_product_form-filled", f, filled},
		{"console_product_form-all", f, everybody},
		{"console_product_form-protocol", f, bank},
		{"console_product_form-protocol-wrong", wrong(bankWrong), bank},
		{"console_product_form-wrong", wrong(mistakes), form},
		{"console_product_form-wrong-some", wrong(map[string]page.Text{"id": page.Say("problem.product.id_taken"), "redirect_uris": page.Say("problem.product.redirect_uris_missing"), "grant_types": page.Say("problem.product.grant_types")}), scarce},
		{"console_product", f, shown},
		{"console_product-made", told("instance_done.product_added", "Product", product), made},
		{"console_product-rotated", told("instance_done.secret"), rotated},
		{"console_product-public", told("instance_done.saved"), public},
		{"console_product-protocol", f, banking},
		{"console_product-machine", f, machine},
		{"console_product-acting", f, acting},
		{"console_product-delete", f, ask("all-products", true, "delete_product.", "Product", product)},
		{"console_api_clients", f, clients},
		{"console_api_clients-seen", f, seen},
		{"console_api_clients-none", told("instance_done.deleted", "Name", product), page.ConsoleAPIClients{Console: of("api-clients")}},
		{"console_api_clients-delete", f, ask("api-clients", true, "delete_api_client.", "Name", product)},
		{"console_api_client_form", f, page.ConsoleAPIClientForm{Console: of("api-clients"), Name: product, Scopes: []string{"people:read"}, Offered: []string{"people:read", "people:write", "rules:read", "rules:write", "products:read", "products:write", "audit:read"}}},
		{"console_api_client_form-wrong", wrong(map[string]page.Text{"name": page.Say("problem.api_client.name"), "scopes": page.Say("problem.api_client.scopes")}), page.ConsoleAPIClientForm{Console: of("api-clients"), Offered: []string{"people:read"}}},
		{"console_api_client_created", f, created},
		{"console_api_client_created-renewed", f, renewed},
		{"console_audit", f, audit},
		{"console_audit-whole", f, whole},
		{"console_audit-unsealed", f, unsealed},
		{"console_audit-broken", f, broken},
		{"console_audit-newest", f, newest},
		{"console_audit-wrong", wrong(map[string]page.Text{"person": page.Say("problem.audit_many_people"), "from": page.Say("problem.day"), "until": page.Say("problem.day_order")}), oldest},
		{"console_companies", told("instance_done.company_added", "Company", product, "Email", person), companies},
		{"console_companies-none", f, page.ConsoleCompanies{Console: in("companies")}},
		{"console_companies-nothing", f, page.ConsoleCompanies{Console: in("companies"), List: page.List{Query: map[string][]string{"q": {person}}}}},
		{"console_company_form", f, company},
		{"console_company_form-planned", f, planned},
		{"console_company_form-wrong", wrong(map[string]page.Text{"id": page.Say("problem.company.id"), "name": page.Say("problem.company_missing"), "owner": page.Say("problem.username_format"), "plan": page.Say("problem.company.people"), "methods": page.Say("problem.company.methods")}), company},
		{"console_company_form-changed", f, changed},
		{"console_company_form-empty", f, empty},
		{"console_company-delete", f, ask("companies", true, "delete_company.", "Company", product)},
		{"console_keys", told("instance_done.keys_rotated"), keys},
		{"console_keys-none", told("instance_done.keys_leaked"), page.ConsoleKeys{Console: in("keys")}},
		{"console_keys-rotate", f, ask("keys", false, "keys_rotate.")},
		{"console_keys-leaked", f, ask("keys", true, "keys_leaked.")},
		{"console_delivery", told("instance_done.test_sent", "To", person), delivery},
		{"console_delivery-wrong", wrong(map[string]page.Text{"to": page.Say("problem.delivery.to")}), delivery},
		{"console_delivery-none", told("instance_done.retried"), undelivered},
		{"console_delivery-dropped", told("instance_done.dropped"), undelivered},
		{"account-consents", withdrawn, page.Account{Email: person, EmailVerified: true, Consents: []page.Consented{
			{ID: "remote-control", Product: product, Scopes: []string{"openid", "email", "offline_access", "fleet:read"}, Since: at}, {ID: "page", Product: "Status", Since: at},
		}}},
	}
}

// auditEntries are entries of every kind of party, result and reason.
func auditEntries(product, person string, at time.Time) []page.AuditEntry {
	ana, olga, sync := page.Party{Kind: "person", Name: person}, page.Party{Kind: "person", Name: "Olga Weber"}, page.Party{Kind: "machine", Name: product}
	return []page.AuditEntry{
		{At: at, Event: "recovery_code.issued", Result: "ok", Who: olga, Whom: ana, From: "198.51.100.7"},
		{At: at, Event: "sign_in.passed", Result: "ok", Who: ana, Product: product, From: "198.51.100.7", Company: product, Words: "urn:sallyport:acr:2fa"},
		{At: at, Event: "sign_in.refused", Result: "refused", Who: ana, Product: product, From: "203.0.113.20", Reason: "outside the company's networks", ReasonWho: product},
		{At: at, Event: "totp.failed", Result: "failed", Who: ana, Method: "totp", Product: product, From: "2001:db8::17"},
		{At: at, Event: "person.added", Result: "ok", Who: sync, Whom: ana},
		{At: at, Event: "person.changed", Result: "ok", Who: page.Party{Kind: "command_line"}, Whom: page.Party{Kind: "person"}, Words: "role"},
		{At: at, Event: "keys.rotated", Result: "ok", Who: page.Party{Kind: "system"}, Reason: "moon phase"},
		{At: at, Event: "token.refused", Result: "refused", Who: page.Party{}, Product: product, Reason: "company"},
		{At: at, Event: "moon.risen", Result: "ok", Who: page.Party{Kind: "unknown"}},
	}
}
