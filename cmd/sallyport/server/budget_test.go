package server_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// The hot paths keep to their budgets of SQL statements, the row of the audit
// counted, while products, companies and keys are in memory.
func TestStatementBudget(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		_, machine := machines(t, d)
		var code, alone string
		var tokens servertest.Answer
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
			step.do() // warms the caches; what is spent is got anew below
			if step.name == "code exchange" {
				code = codeFor(t, p, r, nil)
			}
			before := d.DB.Statements()
			step.do()
			if n := d.DB.Statements() - before; n > step.budget {
				t.Errorf("%s: %d statements, %d over budget", step.name, n, n-step.budget)
			} else {
				t.Logf("%s: %d of %d", step.name, n, step.budget)
			}
			if tokens != nil && tokens["access_token"] == nil {
				t.Fatalf("%s: %v", step.name, tokens)
			}
		}
	})
}
