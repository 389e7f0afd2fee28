package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// scripts is a product by which an owner's own programs call the API.
const scripts = `
products:
  - { id: scripts, name: Scripts, first_party: true, secret_hash: "${SECRET}", redirect_uris: ["https://rp.example/callback"], scopes: [openid, "people:write"] }
`

// calling is an API call by the person in a browser, with what they have
// proved so far and whatever more is asked for.
func calling(t *testing.T, d *servertest.Demo, p *servertest.Person, more url.Values) *servertest.Caller {
	t.Helper()
	ask := url.Values{"scope": {"openid people:write"}}
	for k, v := range more {
		ask[k] = v
	}
	return d.NewCaller(t, tokensFor(t, p, rp(t, d, "scripts"), ask).String("access_token"))
}

// What an owner does by pages, their scripts do by the API: by the same rules.
func TestRecoveryCodeForScripts(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declareScripts(t, d)
		h := owned(t, d)
		path := func(email string) string { return "/companies/acme/people/" + idOf(t, d, email) + "/recovery-code" }
		by := calling(t, d, h.Person, nil)
		out := by.Do("POST", path(ana), nil)
		answer := out.JSON(t)
		until, err := time.Parse(time.RFC3339, answer.String("until"))
		if out.Status != http.StatusCreated || err != nil || !until.Equal(d.Clock.Now().Add(time.Hour)) || !redeem(t, d, ana, answer.String("code")) {
			t.Errorf("%d %s %v", out.Status, out.Body, err)
		}
		if out.Header.Get("Cache-Control") != "no-store" {
			t.Error("an answer that may be kept")
		}
		idle(t, d, ana).mustLog("recovery_code.issued")
		h.mustLog("recovery_code.given")
		mustPost(t, d, ana+": A recovery code was issued for you", oskar+": A recovery code was issued for Ana Operator")

		mustRefuseCall(t, by.Do("POST", path(gus), nil), http.StatusNotFound, "not_found")
		mustRefuseCall(t, by.Do("POST", "/companies/acme/people/nobody/recovery-code", nil), http.StatusNotFound, "not_found")
		mustRefuseCall(t, by.Do("POST", path(olga), nil), http.StatusForbidden, "self")
		// A browser that another site leads gets nothing by its cookie.
		resp, err := h.Client().PostForm(d.URL+"/api/v1"+path(ana), url.Values{"form_token": {h.token}})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("with a cookie alone: %d", resp.StatusCode)
		}
		d.Clock.Advance(policy.FreshFor + time.Second)
		by = calling(t, d, h.Person, nil) // a token lives no longer either
		mustRefuseCall(t, by.Do("POST", path(ana), nil), http.StatusUnauthorized, "not_fresh")
		lock(t, d, ana)
		mustRefuseCall(t, by.Do("POST", "/companies/acme/people/"+idOf(t, d, ana)+"/unlock", nil), http.StatusUnauthorized, "not_fresh")
		lock(t, d, olga)
		mustRefuseCall(t, by.Do("POST", path(ana), nil), http.StatusForbidden, "locked")
		mustPost(t, d)
	})
}

// Nor does a token of somebody who proved a password alone.
func TestRecoveryCodeForScriptsTakesTwoFactors(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declareScripts(t, d)
		p := member(t, d, olga)
		out := calling(t, d, p, nil).Do("POST", "/companies/acme/people/"+idOf(t, d, ana)+"/recovery-code", nil)
		mustRefuseCall(t, out, http.StatusUnauthorized, "two_factors")
		if idle(t, d, ana).logged("recovery_code.issued") {
			t.Error("a code was issued")
		}
	})
}

func declareScripts(t *testing.T, d *servertest.Demo) {
	t.Helper()
	declare(t, d, strings.Replace(scripts, "${SECRET}", storage.Hash(secret), 1))
}

// mustRefuseCall fails unless an answer of the API is a problem.
func mustRefuseCall(t *testing.T, out *servertest.Called, status int, code string) {
	t.Helper()
	if got := out.JSON(t).String("type"); out.Status != status || got != "/api/v1/problems/"+code {
		t.Errorf("%d %s, want %d %s", out.Status, out.Body, status, code)
	}
}
