package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// RFC 8707 section 2.1: the resources of the authorization request; what can't
// be had is refused there.
func TestRFC8707Section2_1AuthorizationRequest(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		for name, resource := range map[string][]string{
			"not registered":            {"https://other.example"},
			"registered with a slash":   {orders + "/"},
			"one of two not registered": {orders, "https://other.example"},
			"relative":                  {"/v1"},
			"with a fragment":           {orders + "#x"},
			"empty":                     {orders, ""},
		} {
			q := p.Go(rp.AuthorizeURL(url.Values{"resource": resource})).URL.Query()
			if q.Get("error") != "invalid_target" || q.Has("code") || q.Get("error_description") == "" {
				t.Errorf("%s: %v", name, q)
			}
		}
		// Nobody, or two, serve the resource: nobody knows who would get the token.
		w.put(t, "stock", func(c *storage.Client) { c.API.Resource = orders })
		if q := p.Go(rp.AuthorizeURL(url.Values{"resource": {orders}})).URL.Query(); q.Get("error") != "invalid_target" {
			t.Errorf("served by two: %v", q)
		}
		w.put(t, "stock", func(c *storage.Client) { c.API = nil })
		if q := p.Go(rp.AuthorizeURL(url.Values{"resource": {stock}})).URL.Query(); q.Get("error") != "invalid_target" {
			t.Errorf("served by nobody: %v", q)
		}
	})
}

// RFC 8707 section 2.2: each token is for one resource, and has the scopes of
// that one alone.
func TestRFC8707Section2_2AccessTokenRequest(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		two := url.Values{"resource": {orders, stock}, "scope": {everything}}
		status, a := rp.Exchange(codeFor(t, p, rp, two), url.Values{"resource": {orders}})
		if status != http.StatusOK || a["scope"] != "orders:read orders:write" {
			t.Fatalf("%d %v", status, a)
		}
		if c := w.read(t, a.String("access_token"), "at+jwt"); c["aud"] != orders || c["scope"] != "orders:read orders:write" {
			t.Errorf("%v", c)
		}
		// The same grant, the other resource.
		status, b := rp.Refresh(a.String("refresh_token"), url.Values{"resource": {stock}})
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, b)
		}
		if c := w.read(t, b.String("access_token"), "at+jwt"); c["aud"] != stock || c["scope"] != "stock:read" {
			t.Errorf("%v", c)
		}
		// Neither: a token for this provider.
		status, c := rp.Refresh(b.String("refresh_token"), nil)
		if status != http.StatusOK || strings.Contains(c.String("access_token"), ".") || c["scope"] != everything {
			t.Errorf("%d %v", status, c)
		}
		if status, claims := rp.Userinfo(c.String("access_token")); status != http.StatusOK || claims["email"] != ana {
			t.Errorf("%d %v", status, claims)
		}
		// One resource in the authorization request is the default.
		if a := tokensFor(t, p, rp, forOrders()); w.read(t, a.String("access_token"), "at+jwt")["aud"] != orders {
			t.Errorf("%v", a)
		}
		// None there: any that is registered, at the token endpoint.
		status, a = rp.Exchange(codeFor(t, p, rp, url.Values{"scope": {everything}}), url.Values{"resource": {stock}})
		if status != http.StatusOK || w.read(t, a.String("access_token"), "at+jwt")["aud"] != stock {
			t.Errorf("%d %v", status, a)
		}
		if a := tokensFor(t, p, rp, url.Values{"scope": {everything}}); strings.Contains(a.String("access_token"), ".") {
			t.Errorf("a JWT that nobody asked for: %v", a)
		}
		// A scope of an API that wasn't asked for isn't given.
		if a := tokensFor(t, p, rp, forOrders("scope", "openid orders:read stock:read")); a["scope"] != "orders:read" {
			t.Errorf("%v", a)
		}

		for name, c := range map[string]struct{ granted, asked []string }{
			"not of the grant":  {[]string{orders}, []string{stock}},
			"not registered":    {nil, []string{"https://other.example"}},
			"several":           {[]string{orders, stock}, []string{orders, stock}},
			"several, the same": {nil, []string{orders, orders}},
			"empty":             {nil, []string{"", ""}},
		} {
			form := url.Values{"resource": c.asked}
			status, a := rp.Exchange(codeFor(t, p, rp, url.Values{"scope": {everything}, "resource": append([]string{}, c.granted...)}), form)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_target")
			if name == "several" && !strings.Contains(a.String("error_description"), "one resource") {
				t.Errorf("it doesn't help: %v", a)
			}
		}
		// A refresh with a wrong resource costs nothing.
		a = tokensFor(t, p, rp, forOrders())
		status, e := rp.Refresh(a.String("refresh_token"), url.Values{"resource": {stock}})
		mustRefuse(t, status, e, http.StatusBadRequest, "invalid_target")
		if status, a = rp.Refresh(a.String("refresh_token"), nil); status != http.StatusOK || a["scope"] != "orders:read orders:write" {
			t.Errorf("%d %v", status, a)
		}
		// A registration that ended ends new tokens, whatever the grant says.
		w.put(t, "shop", func(c *storage.Client) { c.Resources = []string{stock} })
		status, e = rp.Refresh(a.String("refresh_token"), nil)
		mustRefuse(t, status, e, http.StatusBadRequest, "invalid_target")
	})
}

// A product by itself asks for a resource with its scopes, or all of them; its
// scopes for this provider's own API don't go together with those.
func TestRFC8707Section2ClientCredentials(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		robot := w.rp(t, "robot")
		for asked, want := range map[string]string{"": "orders:read orders:write", "orders:write": "orders:write"} {
			status, a := byItself(robot, forOrders("scope", asked))
			if status != http.StatusOK || a["scope"] != want || a["refresh_token"] != nil || a["id_token"] != nil {
				t.Errorf("%q: %d %v", asked, status, a)
			}
		}
		for name, more := range map[string]url.Values{
			"another resource":             {"resource": {stock}},
			"several":                      {"resource": {orders, stock}},
			"its scope, without resource":  {"scope": {"orders:read"}},
			"scope of the provider":        {"resource": {orders}, "scope": {"people:read"}},
			"both":                         {"resource": {orders}, "scope": {"orders:read people:read"}},
			"scope of another API":         {"resource": {orders}, "scope": {"stock:read"}},
			"scope of people":              {"resource": {orders}, "scope": {"openid"}},
			"resource of nobody, no scope": {"resource": {"https://other.example"}},
		} {
			code := "invalid_scope"
			if !more.Has("scope") {
				code = "invalid_target"
			}
			status, a := byItself(robot, more)
			if status != http.StatusBadRequest || a["error"] != code || a["access_token"] != nil {
				t.Errorf("%s: %d %v", name, status, a)
			}
		}
		if status, a := byItself(robot, url.Values{}); status != http.StatusOK || a["scope"] != "people:read" || strings.Contains(a.String("access_token"), ".") {
			t.Errorf("%d %v", status, a)
		}
	})
}

// Whoever may not enter the product that serves an API gets no token for it by
// way of another product.
func TestRFC8707APIDecidesWhoEnters(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		a := tokensFor(t, p, rp, forOrders())
		mustActive(t, w.rp(t, "orders"), a.String("access_token"), true)
		for name, change := range map[string]func(c *storage.Client){
			"closed to her company": func(c *storage.Client) { c.Orgs = []string{"nobody"} },
			"two factors":           func(c *storage.Client) { c.MinACR = "urn:sallyport:acr:2fa" },
		} {
			w.put(t, "orders", change)
			status, e := rp.Exchange(codeFor(t, p, rp, forOrders()), nil)
			mustRefuse(t, status, e, http.StatusBadRequest, "invalid_target")
			status, e = rp.Refresh(a.String("refresh_token"), nil)
			mustRefuse(t, status, e, http.StatusBadRequest, "invalid_target")
			mustActive(t, w.rp(t, "orders"), a.String("access_token"), false)
			w.put(t, "orders", func(c *storage.Client) { c.Orgs, c.MinACR = nil, "" })
			if mustActive(t, w.rp(t, "orders"), a.String("access_token"), true); t.Failed() {
				t.Fatal(name)
			}
		}
	})
}
