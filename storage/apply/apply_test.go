package apply_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-id/sallyport/storage"
)

const hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$QKWBfpVn4gbnOmOhMhcZMJkJ5vFoqAEWsBxVWXTVQpk"

// everything uses every field once.
var everything = `
companies:
  - id: acme
    name: Acme
    rules:
      staff: { mode: required, from: 2026-01-01T00:00:00Z, grace: 14d }
      clients: { mode: off }
      administrators: { mode: required }
      network: { mode: everywhere_except, ranges: [10.0.0.0/8, 192.0.2.7] }
      sign_in_from: [10.0.0.0/8, "2001:db8::/32"]
      methods: [totp, webauthn]
      email_code_fulfils: true
      recovery_only: true
  - { id: other, name: Other }
people:
  - email: Ana@acme.example
    company: acme
    name: Ana Maria Example
    given_name: Ana
    family_name: Example
    middle_name: Maria
    nickname: Ani
    preferred_username: ana
    profile: https://acme.example/ana
    picture: https://acme.example/ana.png
    website: https://ana.example
    gender: female
    birthdate: 1990-12-31
    zoneinfo: Europe/Zurich
    locale: de-CH
    address: { formatted: "Weg 1\n8000 Zürich", street_address: Weg 1, locality: Zürich, region: ZH, postal_code: 8000, country: CH }
    email_verified: true
    phone: +41791234567
    phone_verified: true
    kind: client
    role: administrator
    roles: { remote-control: [remote-operator, viewer], dashboard: [] }
    require_two_step: true
    disabled: true
    password_hash: ` + hash + `
  - { email: olga@acme.example, company: acme, role: owner, set_up_link: true }
products:
  - id: dashboard
    name: Dashboard
    secret_hash: ` + storage.Hash("dashboard's secret") + `
    redirect_uris: ["http://localhost:8081/callback"]
  - id: remote-control
    name: Take Control
    auth_method: client_secret_post
    secret_hash: ` + storage.Hash("remote control's secret") + `
    redirect_uris: [https://control.acme.example/callback?x=1, "com.example.app:/callback", "http://127.0.0.1/callback"]
    post_logout_redirect_uris: [https://control.acme.example/]
    backchannel_logout_uri: https://control.acme.example/logout
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, offline_access]
    id_token_signed_response_alg: ES256
    pkce: optional
    native: true
    first_party: true
    require_two_factors: true
    require_two_factors_of: [acme]
    min_acr: urn:sallyport:acr:2fa
    companies: [acme, other]
    kinds: [staff]
    policy_uri: https://control.acme.example/privacy
    tos_uri: https://control.acme.example/terms
`

func TestEverythingIsWritten(t *testing.T) {
	each(t, func(f *fixture) {
		out := f.apply(everything)
		for _, line := range []string{
			"+ company acme (Acme)", "+ company other (Other)", "+ person Ana@acme.example (Ana Maria Example)", "+ person olga@acme.example",
			"+ product dashboard (Dashboard)", "+ product remote-control (Take Control)",
			"Set-up link for olga@acme.example, good once and for two hours:", "  https://id.example.com/set-up?token=",
		} {
			if !strings.Contains(out, line) {
				t.Errorf("%s\nwant %q", out, line)
			}
		}
		org, err := f.db.Org(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		const rules = `{"staff":{"mode":"required","from":"2026-01-01T00:00:00Z","grace":1209600000000000},"clients":{"mode":"off"},` +
			`"administrators":{"mode":"required"},"network":{"mode":"everywhere_except","ranges":["10.0.0.0/8","192.0.2.7/32"]},` +
			`"sign_in_from":["10.0.0.0/8","2001:db8::/32"],"methods":["totp","webauthn"],"email_code_fulfils":true,"recovery_only":true}`
		if string(org.Rules) != rules || org.Name != "Acme" {
			t.Errorf("company %s %s", org.Name, org.Rules)
		}
		ana := storage.User{
			OrgID: "acme", Email: "Ana@acme.example", EmailVerified: true, Phone: "+41791234567", PhoneVerified: true, Kind: "client", Role: "administrator",
			Profile: storage.Profile{
				Name: "Ana Maria Example", GivenName: "Ana", FamilyName: "Example", MiddleName: "Maria", Nickname: "Ani", PreferredUsername: "ana",
				Profile: "https://acme.example/ana", Picture: "https://acme.example/ana.png", Website: "https://ana.example", Gender: "female",
				Birthdate: "1990-12-31", Zoneinfo: "Europe/Zurich", Locale: "de-CH",
				Address: &storage.Address{Formatted: "Weg 1\n8000 Zürich", StreetAddress: "Weg 1", Locality: "Zürich", Region: "ZH", PostalCode: "8000", Country: "CH"},
			},
			Roles:           map[string][]string{"remote-control": {"remote-operator", "viewer"}, "dashboard": {}},
			TwoStepRequired: true, DisabledAt: now, PasswordHash: hash, CreatedAt: now, UpdatedAt: now,
		}
		if d := cmp.Diff(ana, *f.user("ana@acme.example"), cmpopts.IgnoreFields(storage.User{}, "ID"), cmpopts.IgnoreUnexported(storage.User{})); d != "" {
			t.Error(d)
		}
		control := storage.Client{
			ID: "remote-control", Name: "Take Control", SecretHash: storage.Hash("remote control's secret"), AuthMethod: "client_secret_post",
			RedirectURIs:           []string{"https://control.acme.example/callback?x=1", "com.example.app:/callback", "http://127.0.0.1/callback"},
			PostLogoutRedirectURIs: []string{"https://control.acme.example/"}, BackchannelLogoutURI: "https://control.acme.example/logout",
			GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "offline_access"}, IDTokenAlg: "ES256",
			PKCEOptional: true, Native: true, FirstParty: true, RequireTwoFactors: true, RequireTwoFactorsOf: []string{"acme"},
			MinACR: "urn:sallyport:acr:2fa", Orgs: []string{"acme", "other"}, Kinds: []string{"staff"},
			PolicyURI: "https://control.acme.example/privacy", TermsURI: "https://control.acme.example/terms",
			Origins: []string{"https://control.acme.example", "http://127.0.0.1"}, CreatedAt: now, UpdatedAt: now,
		}
		if d := cmp.Diff(control, *f.client("remote-control")); d != "" {
			t.Error(d)
		}
		dashboard := storage.Client{
			ID: "dashboard", Name: "Dashboard", SecretHash: storage.Hash("dashboard's secret"), AuthMethod: "client_secret_basic",
			RedirectURIs: []string{"http://localhost:8081/callback"}, GrantTypes: []string{"authorization_code"},
			Scopes: []string{"openid", "profile", "email", "roles"}, IDTokenAlg: "RS256", Origins: []string{"http://localhost:8081"}, CreatedAt: now, UpdatedAt: now,
		}
		if d := cmp.Diff(dashboard, *f.client("dashboard")); d != "" {
			t.Error(d)
		}
	})
}

func TestASecondTimeChangesNothing(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(everything)
		before := f.dump()
		f.opts.Now = now.Add(time.Hour)
		if out := f.apply(everything); out != "Nothing to change.\n" {
			t.Error(out)
		}
		if after := f.dump(); after != before {
			t.Errorf("changed:\n%s\n%s", before, after)
		}
		report, err := f.try(everything)
		if err != nil {
			t.Fatal(err)
		}
		var verbose strings.Builder
		if err := report.Write(&verbose, true); err != nil {
			t.Fatal(err)
		}
		if want := "= company acme\n= company other\n= product dashboard\n= product remote-control\n= person Ana@acme.example\n= person olga@acme.example\nNothing to change.\n"; verbose.String() != want {
			t.Error(verbose.String())
		}
	})
}

func TestADryRunWritesNothing(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply("companies: [{id: acme, name: Acme}]\npeople: [{email: ana@acme.example, company: acme}]")
		session := f.sign("ana@acme.example")
		before := f.dump()
		f.opts.DryRun = true
		out := f.apply(everything)
		for _, line := range []string{"~ company acme: rules.staff.mode required", "~ person ana@acme.example: name Ana Maria Example", "password set",
			"A set-up link for olga@acme.example would be made.\n", "Dry run: nothing was written.\n"} {
			if !strings.Contains(out, line) {
				t.Errorf("%s\nwant %q", out, line)
			}
		}
		if strings.Contains(out, "token=") {
			t.Errorf("a link that doesn't work: %s", out)
		}
		if after := f.dump(); after != before {
			t.Errorf("changed:\n%s\n%s", before, after)
		}
		if got := f.stands(session); got != "session" {
			t.Errorf("the session ended: %q", got)
		}
		if _, err := f.db.Client(t.Context(), "dashboard"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a product that isn't there: %v", err)
		}
		// What a file would refuse, a dry run refuses.
		f.refuse("people: [{email: bo@acme.example, company: nowhere}]", "no such company")
	})
}

func TestChangesInWords(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(everything)
		f.opts.Now = now.Add(time.Hour)
		out := f.apply(`
companies:
  - { id: acme, name: Acme Inc, rules: { staff: {mode: optional, grace: 36h, from: 2026-01-01} } }
people:
  - { email: ana@ACME.example, nickname: "", phone: +41791234568, disabled: false, roles: {remote-control: [viewer]}, address: {locality: Bern} }
products:
  - { id: dashboard, secret_hash: ` + storage.Hash("another secret") + `, first_party: true, kinds: [staff] }
  - { id: remote-control, require_two_factors: false, require_two_factors_of: [], auth_method: none, pkce: required }
`)
		want := `~ company acme: name Acme → Acme Inc, rules.staff.mode required → optional, rules.staff.grace 14d → 36h0m0s, rules.clients.mode off removed, rules.administrators.mode required removed, rules.network.mode everywhere_except removed, rules.network.ranges [10.0.0.0/8, 192.0.2.7/32] removed, rules.sign_in_from [10.0.0.0/8, 2001:db8::/32] removed, rules.methods [totp, webauthn] removed, rules.email_code_fulfils true → false, rules.recovery_only true → false
~ product dashboard: secret_hash replaced, first_party false → true, kinds [staff]
~ product remote-control: auth_method client_secret_post → none, secret_hash removed, pkce optional → required, require_two_factors true → false, require_two_factors_of [acme] removed
~ person Ana@acme.example: nickname Ani removed, address.formatted "Weg 1\n8000 Zürich" removed, address.street_address Weg 1 removed, address.locality Zürich → Bern, address.region ZH removed, address.postal_code 8000 removed, address.country CH removed, phone +41791234567 → +41791234568, phone_verified true → false, roles remote-control: [remote-operator, viewer] → remote-control: [viewer], disabled true → false
`
		if d := cmp.Diff(want, out); d != "" {
			t.Error(d)
		}
		// What wasn't mentioned is as it was.
		if u := f.user("ana@acme.example"); u.Profile.GivenName != "Ana" || u.Kind != "client" || !u.TwoStepRequired || u.PasswordHash != hash || !u.CreatedAt.Equal(now) {
			t.Errorf("%+v", u)
		}
		if c := f.client("remote-control"); c.SecretHash != "" || len(c.RedirectURIs) != 3 || !c.Native {
			t.Errorf("%+v", c)
		}
		// The audit knows what happened and who did it, and nothing personal.
		audit := f.rows("SELECT event, result, actor, org_id, client_id, reason FROM audit WHERE event LIKE '%.changed' ORDER BY event, client_id")
		want = `company.changed|ok|command line|acme||name Acme → Acme Inc|
networks.changed|ok|command line|acme||rules.sign_in_from [10.0.0.0/8, 2001:db8::/32] removed|
person.changed|ok|command line|acme||nickname, address.formatted, address.street_address, address.locality, address.region, address.postal_code, address.country, phone, phone_verified true → false, roles remote-control: [remote-operator, viewer] → remote-control: [viewer], disabled true → false|
product.changed|ok|command line||dashboard|secret_hash replaced, first_party false → true, kinds [staff]|
product.changed|ok|command line||remote-control|auth_method client_secret_post → none, secret_hash removed, pkce optional → required, require_two_factors true → false, require_two_factors_of [acme] removed|
rules.changed|ok|command line|acme||rules.staff.mode required → optional, rules.staff.grace 14d → 36h0m0s, rules.clients.mode off removed, rules.administrators.mode required removed, rules.network.mode everywhere_except removed, rules.network.ranges [10.0.0.0/8, 192.0.2.7/32] removed, rules.methods [totp, webauthn] removed, rules.email_code_fulfils true → false, rules.recovery_only true → false|
`
		if d := cmp.Diff(want, audit); d != "" {
			t.Error(d)
		}
	})
}
