package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// RFC 7662 section 2.1: a form, from a client that can prove who it is.
func TestRFC7662Section2_1Request(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		rp := w.rp(t, "shop")
		token := tokensFor(t, w.member(t, ana), rp, nil).String("access_token")
		// A hint of the type is not believed, right or wrong.
		for _, hint := range []string{"access_token", "refresh_token", "urn:example:unknown"} {
			if _, a := rp.Post("/introspect", url.Values{"token": {token}, "token_type_hint": {hint}}); a["active"] != true {
				t.Errorf("%s: %v", hint, a)
			}
		}
		status, a := rp.Post("/introspect", url.Values{})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		status, a = servertest.NewRP(t, w.Instance, "shop", "wrong", callback).Post("/introspect", url.Values{"token": {token}})
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		w.put(t, "shop", func(c *storage.Client) { c.AuthMethod = "none" })
		status, a = servertest.NewRP(t, w.Instance, "shop", "", callback).Post("/introspect", url.Values{"token": {token}})
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
	})
}

// RFC 7662 section 2.2: what is said of a token for an API.
func TestRFC7662Section2_2Response(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		api := w.rp(t, "orders")
		tokens := tokensFor(t, w.member(t, ana), w.rp(t, "shop"), forOrders())
		c := w.read(t, tokens.String("access_token"), "at+jwt")
		want := servertest.Answer{"active": true, "token_type": "Bearer"}
		for name, value := range c {
			if name != "jti" && name != "roles" {
				want[name] = value
			}
		}
		if d := cmp.Diff(want, introspected(t, api, tokens.String("access_token"))); d != "" {
			t.Error(d)
		}
		// By client credentials.
		_, machine := byItself(w.rp(t, "robot"), forOrders("scope", "orders:read"))
		now := float64(w.Clock.Now().Unix())
		want = servertest.Answer{
			"active": true, "iss": w.URL, "sub": "robot", "aud": orders, "client_id": "robot", "scope": "orders:read", "token_type": "Bearer", "iat": now, "exp": now + 300,
		}
		if d := cmp.Diff(want, introspected(t, api, machine.String("access_token"))); d != "" {
			t.Error(d)
		}
		// Of what isn't an access token of ours nothing is said.
		for name, token := range map[string]string{
			"refresh token": tokens.String("refresh_token"), "ID token": tokens.String("id_token"), "unknown": "x", "no JWT": "a.b.c",
			"changed": tokens.String("access_token")[:len(tokens.String("access_token"))-6] + "AAAAAA",
		} {
			if a := introspected(t, api, token); a["active"] != false {
				t.Errorf("%s: %v", name, a)
			}
		}
	})
}

// RFC 7662 section 4: nobody but the client that holds a token and the product
// that serves its API learns of it; of one for this provider, first-party
// products do too.
func TestRFC7662Section4WhoLearns(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		forAPI := tokensFor(t, p, w.rp(t, "shop"), forOrders()).String("access_token")
		forUs := tokensFor(t, p, w.rp(t, "shop"), nil).String("access_token")
		_, a := byItself(w.rp(t, "robot"), forOrders("scope", ""))
		robots := a.String("access_token")
		_, a = byItself(w.rp(t, "robot"), url.Values{})
		robotsForUs := a.String("access_token")
		for id, learns := range map[string]map[string]bool{
			"shop":   {forAPI: true, forUs: true, robots: false, robotsForUs: true},
			"orders": {forAPI: true, forUs: false, robots: true, robotsForUs: false},
			"stock":  {forAPI: false, forUs: false, robots: false, robotsForUs: false},
			"first":  {forAPI: false, forUs: true, robots: false, robotsForUs: true},
			"robot":  {forAPI: false, forUs: false, robots: true, robotsForUs: true},
		} {
			for token, want := range learns {
				mustActive(t, w.rp(t, id), token, want)
			}
		}
	})
}
