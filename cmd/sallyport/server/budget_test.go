package server_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// The hot paths keep to their budgets of SQL statements, the row of the audit
// counted, while products, companies and keys are in memory.
func TestStatementBudget(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		_, machine := machines(t, d)
		api, robot := withAPI(t, d)
		var code, alone, aloneThere string
		var tokens, there servertest.Answer
		for _, step := range []struct {
			name   string
			budget int64
			do     func()
		}{
			{"authorize with a running session", 4, func() { code = codeFor(t, p, r, nil) }},
			{"code exchange", 4, func() { _, tokens = r.Exchange(code, nil) }},
			{"refresh", 4, func() { _, tokens = r.Refresh(tokens.String("refresh_token"), nil) }},
			{"userinfo", 1, func() {
				if status, _ := r.Userinfo(tokens.String("access_token")); status != 200 {
					t.Errorf("userinfo: %d", status)
				}
			}},
			{"introspection", 1, func() {
				if _, a := r.Post("/introspect", url.Values{"token": {tokens.String("access_token")}}); a["active"] != true {
					t.Errorf("introspection: %v", a)
				}
			}},
			{"client credentials", 2, func() { alone = machineToken(t, machine) }},
			{"introspection of a machine's token", 2, func() {
				if !active(t, machine, alone) {
					t.Error("a machine's token is not active")
				}
			}},
			{"code exchange for an API", 4, func() { _, there = api.Exchange(code, nil) }},
			{"refresh for an API", 4, func() { _, there = api.Refresh(there.String("refresh_token"), nil) }},
			{"introspection of a JWT", 1, func() {
				if !active(t, api, there.String("access_token")) {
					t.Error("a JWT is not active")
				}
			}},
			{"client credentials for an API", 2, func() {
				_, a := robot.Post("/token", url.Values{"grant_type": {"client_credentials"}, "resource": {apiResource}})
				aloneThere = a.String("access_token")
			}},
			{"introspection of a machine's JWT", 1, func() {
				if !active(t, api, aloneThere) {
					t.Error("a machine's JWT is not active")
				}
			}},
			{"discovery", 0, func() { discovery(t, d) }},
			{"keys", 0, func() { published(t, d) }},
			// Later on, the session is written down as used.
			{"authorize, minutes later", 4, func() { d.Clock.Advance(5 * time.Minute); code = codeFor(t, p, r, nil) }},
			{"code exchange of ES256", 4, func() { tokensFor(t, p, rp(t, d, elliptic), nil) }},
			{"a code nobody knows", 4, func() { r.Exchange("unknown", nil) }},
			{"a token nobody knows", 1, func() { r.Userinfo("unknown") }},
		} {
			if step.name == "code exchange of ES256" {
				step.budget += 4 // with its authorize
			}
			if step.name == "code exchange for an API" {
				code = codeFor(t, p, api, url.Values{"resource": {apiResource}, "scope": {"openid read"}})
			}
			step.do() // warms the caches; what is spent is got anew below
			switch step.name {
			case "code exchange":
				code = codeFor(t, p, r, nil)
			case "code exchange for an API":
				code = codeFor(t, p, api, url.Values{"resource": {apiResource}, "scope": {"openid read"}})
			}
			before := d.DB.Statements()
			step.do()
			if n := d.DB.Statements() - before; n > step.budget {
				t.Errorf("%s: %d statements, %d over budget", step.name, n, n-step.budget)
			} else {
				t.Logf("%s: %d of %d", step.name, n, step.budget)
			}
			for _, a := range []servertest.Answer{tokens, there} {
				if a != nil && a["access_token"] == nil {
					t.Fatalf("%s: %v", step.name, a)
				}
			}
		}
	})
}

// apiResource is the API of withAPI.
const apiResource = "https://api.example"

// withAPI registers a product that serves an API and calls it too, and an API
// client that calls it for itself.
func withAPI(t testing.TB, d *servertest.Demo) (api, robot *servertest.RP) {
	t.Helper()
	declare(t, d, `products:
  - { id: api, name: API, first_party: true, secret_hash: `+storage.Hash(secret)+`, grant_types: [authorization_code, refresh_token], scopes: [openid],
      redirect_uris: ["https://rp.example/callback"], api: { resource: "`+apiResource+`", scopes: [{ id: read, name: Read }] }, resources: ["`+apiResource+`"] }
  - { id: robot, name: Robot, secret_hash: `+storage.Hash(secret)+`, grant_types: [client_credentials], resources: ["`+apiResource+`"] }
`)
	return rp(t, d, "api"), servertest.NewRP(t, d.Instance, "robot", secret, "")
}
