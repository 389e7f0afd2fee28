package server_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// API clients: the operator's, and one of Acme's.
const (
	operators = "operators"
	acmes     = "acmes"
)

// machines registers the API clients.
func machines(t testing.TB, d *servertest.Demo) (ofOperator, ofAcme *servertest.RP) {
	t.Helper()
	declare(t, d, `products:
  - { id: operators, name: Provisioning, secret_hash: `+storage.Hash(secret)+`, grant_types: [client_credentials], scopes: ["people:read", "people:write", "keys:read"] }
  - { id: acmes, name: "Acme's import", company: acme, secret_hash: `+storage.Hash(secret)+`, grant_types: [client_credentials], scopes: ["people:read", "people:write"] }
`)
	return servertest.NewRP(t, d.Instance, operators, secret, ""), servertest.NewRP(t, d.Instance, acmes, secret, "")
}

// byItself asks for a token by client credentials.
func byItself(rp *servertest.RP, scope string) (int, servertest.Answer) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return rp.Post("/token", form)
}

// machineToken is byItself where it must succeed.
func machineToken(t testing.TB, rp *servertest.RP) string {
	t.Helper()
	status, a := byItself(rp, "")
	if status != 200 || a.String("access_token") == "" {
		t.Fatalf("%s: %d %v", rp.ClientID, status, a)
	}
	return a.String("access_token")
}

// active is what introspection by a client says of a token.
func active(t testing.TB, by *servertest.RP, token string) bool {
	t.Helper()
	status, a := by.Post("/introspect", url.Values{"token": {token}})
	if status != 200 {
		t.Fatalf("introspection: %d %v", status, a)
	}
	yes, _ := a["active"].(bool)
	if !yes && len(a) != 1 {
		t.Fatalf("inactive, with more: %v", a)
	}
	return yes
}

// RFC 6749 section 4.4: a token and nothing more, for at most what is
// registered.
func TestRFC6749Section4_4ClientCredentials(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		machine, _ := machines(t, d)
		for asked, want := range map[string]string{
			"": "people:read people:write keys:read", "people:read": "people:read", "keys:read people:read": "keys:read people:read", "keys:read keys:read": "keys:read",
		} {
			status, a := byItself(machine, asked)
			secret := a.String("access_token")
			delete(a, "access_token")
			if d := cmp.Diff(servertest.Answer{"token_type": "Bearer", "expires_in": 300.0, "scope": want}, a); status != 200 || len(secret) != 43 || d != "" {
				t.Errorf("%q: %d %q\n%s", asked, status, secret, d)
			}
		}
		// No file may register a public client for it; a row could.
		put(t, d, public, func(c *storage.Client) { c.GrantTypes = append(c.GrantTypes, "client_credentials") })
		for name, c := range map[string]struct {
			by     *servertest.RP
			scope  string
			status int
			code   string
		}{
			"openid":                {machine, "openid people:read", 400, "invalid_scope"},
			"offline_access":        {machine, "offline_access", 400, "invalid_scope"},
			"not registered for it": {machine, "audit:read", 400, "invalid_scope"},
			"unknown":               {machine, `people:read "x"`, 400, "invalid_scope"},
			"another grant":         {rp(t, d, first), "", 400, "unauthorized_client"},
			"a public client":       {rp(t, d, public), "", 401, "invalid_client"},
			"a wrong secret":        {servertest.NewRP(t, d.Instance, operators, secret+"x", ""), "", 401, "invalid_client"},
			"no secret":             {servertest.NewRP(t, d.Instance, operators, "", ""), "", 401, "invalid_client"},
		} {
			t.Run(name, func(t *testing.T) {
				status, a := byItself(c.by, c.scope)
				mustRefuse(t, status, a, c.status, c.code)
			})
		}
		if p := visitor(t).Go(machine.AuthorizeURL(url.Values{"redirect_uri": {site + "/callback"}})); p.Status != 400 || !strings.Contains(p.Text(), "nobody signs in to it") {
			t.Errorf("a sign-in to a machine: %d\n%s", p.Status, p.Text())
		}
		rows := audits(t, d, storage.AuditQuery{ClientID: operators, Event: "token.machine_issued"})
		if len(rows) != 4 || rows[0].OrgID != "" || rows[0].UserID != "" || rows[0].IP == "" {
			t.Errorf("audit: %+v", rows)
		}
	})
}

// What a machine's token is worth, to whom, and until when (RFC 7662 section
// 2.2, RFC 9068 section 2.2, RFC 7009 section 2).
func TestMachineTokenStands(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		machine, other := machines(t, d)
		token, now := machineToken(t, machine), d.Clock.Now().Unix()
		for _, by := range []*servertest.RP{machine, rp(t, d, first)} {
			_, a := by.Post("/introspect", url.Values{"token": {token}})
			want := servertest.Answer{
				"active": true, "iss": d.URL, "sub": operators, "aud": operators, "client_id": operators, "token_type": "Bearer",
				"scope": "people:read people:write keys:read", "iat": float64(now), "exp": float64(now + 300),
			}
			if d := cmp.Diff(want, a); d != "" {
				t.Errorf("to %s: %s", by.ClientID, d)
			}
		}
		for _, by := range []*servertest.RP{other, rp(t, d, third)} {
			if active(t, by, token) {
				t.Errorf("%s learns of another's token", by.ClientID)
			}
		}
		status, a := rp(t, d, first).Userinfo(token)
		mustRefuse(t, status, a, 401, "invalid_token")

		revoke := func(by *servertest.RP) {
			t.Helper()
			if status, a := by.Post("/revoke", url.Values{"token": {token}}); status != 200 {
				t.Fatalf("revocation: %d %v", status, a)
			}
		}
		revoke(other)
		if !active(t, machine, token) {
			t.Error("another client revoked it")
		}
		revoke(machine)
		if active(t, machine, token) {
			t.Error("revoked, and active")
		}
		revoked := audits(t, d, storage.AuditQuery{Event: "token.revoked"})
		if len(revoked) != 1 || revoked[0].ClientID != operators {
			t.Errorf("audit: %+v", revoked)
		}

		token = machineToken(t, machine)
		d.Clock.Advance(5*time.Minute - time.Second)
		if !active(t, machine, token) {
			t.Error("ended before its time")
		}
		d.Clock.Advance(time.Second)
		if active(t, machine, token) {
			t.Error("active beyond its end")
		}
	})
}

// Whoever takes something from a machine takes it at once.
func TestMachineLosesItAtOnce(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		machine, _ := machines(t, d)
		judge := rp(t, d, first)
		token := machineToken(t, machine)
		declare(t, d, `products: [{ id: operators, scopes: ["people:read", "audit:read"] }]`)
		if _, a := judge.Post("/introspect", url.Values{"token": {token}}); a.String("scope") != "people:read" {
			t.Errorf("a scope taken away, and: %v", a)
		}
		declare(t, d, `products: [{ id: operators, secret_hash: `+storage.Hash("another")+` }]`)
		if active(t, judge, token) {
			t.Error("a new secret, and a token by the old one is active")
		}
		machine.Secret = "another"
		token = machineToken(t, machine)
		declare(t, d, `products: [{ id: operators, grant_types: [authorization_code], scopes: [openid], redirect_uris: ["https://rp.example/callback"] }]`)
		if active(t, judge, token) {
			t.Error("no grant, and a token by it is active")
		}
		status, a := byItself(machine, "")
		mustRefuse(t, status, a, 400, "unauthorized_client")
		declare(t, d, `products: [{ id: operators, delete: true }]`)
		if active(t, judge, token) {
			t.Error("deleted, and active")
		}
		status, a = byItself(machine, "")
		mustRefuse(t, status, a, 401, "invalid_client")
	})
}

// A secret that is replaced may work for a while beside the new one.
func TestSecretOverlap(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		machine, _ := machines(t, d)
		rotate := func(to string, overlap time.Duration) {
			t.Helper()
			now := d.Clock.Now()
			err := d.DB.Write(t.Context(), func(tx *storage.Tx) error {
				return tx.RotateSecret(t.Context(), operators, to, now.Add(overlap), now)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		works := func(secret string, want bool) {
			t.Helper()
			machine.Secret = secret
			if status, a := byItself(machine, ""); want && status != 200 || !want && (status != 401 || a.String("error") != "invalid_client") {
				t.Errorf("%q: %d %v", secret, status, a)
			}
		}
		token := machineToken(t, machine)
		rotate("second", time.Hour)
		works("second", true)
		works(secret, true)
		works("third", false)
		works(storage.Hash(secret), false)
		if !active(t, rp(t, d, first), token) {
			t.Error("an overlap, and tokens ended")
		}
		// Changing something else keeps it.
		declare(t, d, `products: [{ id: operators, name: Import }]`)
		d.Clock.Advance(time.Hour - time.Second)
		works(secret, true)
		d.Clock.Advance(time.Second)
		works(secret, false)
		works("second", true)

		// At most the one before works, and a rotation at once ends it too.
		rotate("third", time.Hour)
		rotate("fourth", time.Hour)
		works("second", false)
		works("third", true)
		works("fourth", true)
		token = machineToken(t, machine)
		rotate("fifth", 0)
		works("third", false)
		works("fourth", false)
		works("fifth", true)
		if active(t, rp(t, d, first), token) {
			t.Error("rotated at once, and a token by the old secret is active")
		}
		// So does a secret that a file declares.
		rotate("sixth", time.Hour)
		declare(t, d, `products: [{ id: operators, secret_hash: `+storage.Hash("seventh")+` }]`)
		works("fifth", false)
		works("sixth", false)
		works("seventh", true)
	})
}

// A company's API client comes from the company's networks.
func TestMachineNetworks(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		_, machine := machines(t, d)
		rule := func(change func(*policy.Rules)) {
			t.Helper()
			org, err := d.DB.Org(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			var rules policy.Rules
			change(&rules)
			is := *org
			if is.Rules, err = json.Marshal(rules); err != nil {
				t.Fatal(err)
			}
			if err := d.DB.Write(t.Context(), func(tx *storage.Tx) error { return tx.PutOrg(t.Context(), is, d.Clock.Now()) }); err != nil {
				t.Fatal(err)
			}
		}
		required := func(r *policy.Rules) { r.Staff.Mode = policy.Required }
		networks := func(list ...string) func(*policy.Rules) {
			return func(r *policy.Rules) {
				required(r)
				for _, n := range list {
					r.MachineFrom = append(r.MachineFrom, netip.MustParsePrefix(n))
				}
			}
		}
		rule(func(*policy.Rules) {})
		machineToken(t, machine)
		for _, step := range []struct {
			change func(*policy.Rules)
			code   policy.ReasonCode
		}{{required, policy.MachineNetworks}, {networks("192.0.2.0/24"), policy.OutsideMachines}} {
			rule(step.change)
			status, a := byItself(machine, "")
			mustRefuse(t, status, a, 400, "unauthorized_client")
			if !strings.Contains(a.String("error_description"), "an administrator of Acme names this client's addresses under Networks, Machine access") {
				t.Errorf("not said how to mend it: %v", a)
			}
			rows := audits(t, d, storage.AuditQuery{Event: "token.machine_refused", OrgID: "acme"})
			if len(rows) == 0 || rows[0].Decision != string(step.code) || rows[0].Result != storage.Refused || rows[0].ClientID != acmes || rows[0].Reason == "" {
				t.Errorf("audit: %+v", rows)
			}
			d.Clock.Advance(time.Second)
		}
		rule(networks("192.0.2.0/24", "127.0.0.0/8", "::1/128"))
		machineToken(t, machine)
	})
}

// The door of this provider's own API.
func TestBearer(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		ofOperator, ofAcme := machines(t, d)
		p := &idp.Provider{DB: d.DB, Now: d.Clock.Now, Issuer: d.URL}
		none := func(token, why string) {
			t.Helper()
			if b, err := p.Bearer(t.Context(), session.Presented{Secret: token}); !errors.Is(err, session.ErrNoBearer) {
				t.Errorf("%s: %+v, %v", why, b, err)
			}
		}
		bearer := func(token string, budget int64) *session.Bearer {
			t.Helper()
			b, err := p.Bearer(t.Context(), session.Presented{Secret: token})
			if err != nil {
				t.Fatal(err)
			}
			// In the background others count statements too: the least of some.
			least := budget + 1
			for range 20 {
				before := d.DB.Statements()
				if _, err := p.Bearer(t.Context(), session.Presented{Secret: token}); err != nil {
					t.Fatal(err)
				}
				least = min(least, d.DB.Statements()-before)
			}
			if least > budget {
				t.Errorf("%d statements, %d over budget", least, least-budget)
			}
			return b
		}
		end := d.Clock.Now().Add(5 * time.Minute)
		token := machineToken(t, ofOperator)
		want := &session.Bearer{ClientID: operators, ClientName: "Provisioning", Scope: []string{"people:read", "people:write", "keys:read"}, ExpiresAt: end}
		if d := cmp.Diff(want, bearer(token, 2)); d != "" {
			t.Error(d)
		}
		want = &session.Bearer{ClientID: acmes, ClientName: "Acme's import", OrgID: "acme", Scope: []string{"people:read", "people:write"}, ExpiresAt: end}
		if d := cmp.Diff(want, bearer(machineToken(t, ofAcme), 2)); d != "" {
			t.Error(d)
		}
		none("unknown", "unknown")
		d.Clock.Advance(5 * time.Minute)
		none(token, "expired")

		declare(t, d, `products: [{ id: strict, scopes: [openid, "people:read", "audit:read"] }]`)
		person, _, _ := twoFactors(t, d, mia)
		tokens := tokensFor(t, person, rp(t, d, strict), url.Values{"scope": {"openid people:read audit:read"}})
		token = tokens.String("access_token")
		b := bearer(token, 1)
		if b.User == nil || b.User.Email != mia || b.OrgID != "acme" || b.ClientID != strict || b.ClientName != "Strict" ||
			b.Level != policy.TwoFactors || b.MFATime.IsZero() || !slices.Equal(b.Scope, []string{"openid", "people:read", "audit:read"}) {
			t.Errorf("%+v", b)
		}
		none(tokens.String("refresh_token"), "a refresh token")
		none(tokens.String("id_token"), "an ID token")
		declare(t, d, `products: [{ id: strict, scopes: [openid, "people:read"] }]`)
		if b := bearer(token, 1); !slices.Equal(b.Scope, []string{"openid", "people:read"}) {
			t.Errorf("a scope taken away: %v", b.Scope)
		}
		// Behind the provider's back, so that the token itself isn't revoked.
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, true, d.Clock.Now()) })
		none(token, "disabled")
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, false, d.Clock.Now()) })
		bearer(token, 1)
		put(t, d, strict, func(c *storage.Client) { c.People = []string{"somebody else"} })
		none(token, "a closed product")
		put(t, d, strict, func(c *storage.Client) { c.People = nil })
		bearer(token, 1)
		change(t, d, mia, func(tx *storage.Tx, id string) error {
			_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: id}, d.Clock.Now())
			return err
		})
		none(token, "an ended session")
	})
}

// put changes a product behind everybody's back.
func put(t testing.TB, d *servertest.Demo, id string, change func(*storage.Client)) {
	t.Helper()
	err := d.DB.Write(t.Context(), func(tx *storage.Tx) error {
		c, err := tx.Client(t.Context(), id)
		if err != nil {
			return err
		}
		is := *c
		change(&is)
		return tx.PutClient(t.Context(), is, d.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// audits searches the audit of everybody.
func audits(t testing.TB, d *servertest.Demo, q storage.AuditQuery) []*storage.Event {
	t.Helper()
	q.Everywhere = q.OrgID == ""
	rows, err := d.DB.AuditSearch(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
