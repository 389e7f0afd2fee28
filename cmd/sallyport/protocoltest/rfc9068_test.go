package protocoltest_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/interop/resourceserver"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// RFC 9068 section 2: the header and the claims of a token for a person.
func TestRFC9068Section2_2DataStructure(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		signedIn := float64(w.Clock.Now().Unix())
		p, rp := w.member(t, ana), w.rp(t, "shop")
		w.later(time.Minute)
		a := tokensFor(t, p, rp, forOrders())
		header, c := signedWith(t, fetchedKeys(t, w), a.String("access_token"))
		if header.ExtraHeaders["typ"] != "at+jwt" || header.Algorithm != "ES256" {
			t.Errorf("header: %+v", header)
		}
		id := w.read(t, a.String("id_token"), "JWT")
		now := float64(w.Clock.Now().Unix())
		want := servertest.Answer{
			"iss": w.URL, "sub": id["sub"], "aud": orders, "client_id": "shop", "scope": "orders:read orders:write",
			"iat": now, "exp": now + 300, "jti": c["jti"], "sid": id["sid"],
			"auth_time": signedIn, "acr": "urn:sallyport:acr:1fa", "amr": []any{"pwd"}, "amr_times": map[string]any{"pwd": signedIn},
			"roles": []any{"clerk"},
		}
		if d := cmp.Diff(want, c); d != "" {
			t.Error(d)
		}
		if jti, _ := c["jti"].(string); len(jti) < 22 {
			t.Errorf("jti %q", jti)
		}
		if a["expires_in"] != 300.0 || a["token_type"] != "Bearer" {
			t.Errorf("%v", a)
		}
		// Without the scope roles none are said.
		if c := w.read(t, tokensFor(t, p, rp, forOrders("scope", "openid orders:read")).String("access_token"), "at+jwt"); c["roles"] != nil {
			t.Errorf("%v", c)
		}
	})
}

// RFC 9068 section 2.2: by client credentials the subject is the client, and
// nobody signed in.
func TestRFC9068Section2_2ClientCredentials(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		_, a := byItself(w.rp(t, "robot"), forOrders("scope", ""))
		c, now := w.read(t, a.String("access_token"), "at+jwt"), float64(w.Clock.Now().Unix())
		want := servertest.Answer{
			"iss": w.URL, "sub": "robot", "aud": orders, "client_id": "robot", "scope": "orders:read orders:write", "iat": now, "exp": now + 300, "jti": c["jti"],
		}
		if d := cmp.Diff(want, c); d != "" {
			t.Error(d)
		}
	})
}

// RFC 9068 section 2.2.1: what a token says of the sign-in stays what it was
// when the code was issued, however often it is refreshed.
func TestRFC9068Section2_2_1AuthenticationInformation(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		// She has an app, and isn't asked for it.
		key := w.twoFactors(t, w.member(t, ana))
		w.change(t, func(tx *storage.Tx) error {
			u, err := tx.UserByEmail(t.Context(), ana)
			if err != nil {
				return err
			}
			return tx.SetTwoStep(t.Context(), u.ID, false, w.Clock.Now())
		})
		p, rp := w.member(t, ana), w.rp(t, "shop")
		said := func(a servertest.Answer) map[string]any {
			c := w.read(t, a.String("access_token"), "at+jwt")
			maps.DeleteFunc(c, func(name string, _ any) bool {
				return !slices.Contains([]string{"auth_time", "acr", "amr", "mfa_time", "amr_times", "sid", "sub"}, name)
			})
			return c
		}
		tokens := tokensFor(t, p, rp, forOrders())
		was := said(tokens)
		// The session rises; what was given before stays as it was.
		w.later(2 * time.Minute)
		p.Go(rp.AuthorizeURL(url.Values{"acr_values": {"urn:sallyport:acr:2fa"}})).MustBeAt("/login/totp").
			Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		high := tokensFor(t, p, rp, forOrders())
		now := said(high)
		if now["acr"] == was["acr"] || now["mfa_time"] == nil || now["auth_time"] == nil || was["mfa_time"] != nil {
			t.Fatalf("was %v, now %v", was, now)
		}
		for range 3 {
			w.later(time.Minute)
			_, tokens = rp.Refresh(tokens.String("refresh_token"), nil)
			_, high = rp.Refresh(high.String("refresh_token"), nil)
			if d := cmp.Diff(was, said(tokens)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(now, said(high)); d != "" {
				t.Error(d)
			}
		}
	})
}

// RFC 9068 section 4: a token for an API is worth nothing at this provider, and
// isn't taken for an ID token.
func TestRFC9068Section4Validation(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		a := tokensFor(t, p, rp, forOrders())
		token := a.String("access_token")
		status, e := rp.Userinfo(token)
		mustRefuse(t, status, e, http.StatusUnauthorized, "invalid_token")
		// Nor is its jti, which whoever sees the token knows.
		jti := w.read(t, token, "at+jwt").String("jti")
		status, e = rp.Userinfo(jti)
		mustRefuse(t, status, e, http.StatusUnauthorized, "invalid_token")
		mustActive(t, w.rp(t, "orders"), jti, false)

		_, machine := byItself(w.rp(t, "robot"), forOrders("scope", ""))
		_, own := byItself(w.rp(t, "robot"), url.Values{})
		for what, c := range map[string]struct {
			token  string
			status int
		}{
			"for another API": {machine.String("access_token"), http.StatusUnauthorized},
			"its jti":         {w.read(t, machine.String("access_token"), "at+jwt").String("jti"), http.StatusUnauthorized},
			"a person's":      {token, http.StatusUnauthorized},
			"for this one":    {own.String("access_token"), http.StatusOK},
		} {
			req, err := http.NewRequest(http.MethodGet, w.URL+"/api/v1/companies/acme/people", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+c.token)
			if status, _, body := plain(t, req); status != c.status {
				t.Errorf("administration API, %s: %d %s", what, status, body)
			}
		}
		if q := p.Go(rp.AuthorizeURL(url.Values{"id_token_hint": {token}})).URL.Query(); q.Get("error") != "invalid_request" {
			t.Errorf("taken for an ID token: %v", q)
		}
	})
}

// RFC 9068 section 5: what ends the grant ends the token for whoever asks.
func TestRFC9068Section5EndsAtOnce(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		rp, api := w.rp(t, "shop"), w.rp(t, "orders")
		p := w.member(t, ana)
		token := tokensFor(t, p, rp, forOrders()).String("access_token")
		mustActive(t, api, token, true)
		w.put(t, "shop", func(c *storage.Client) { c.Resources = nil })
		mustActive(t, api, token, false)
		w.put(t, "shop", func(c *storage.Client) { c.Resources = []string{orders, stock} })
		mustActive(t, api, token, true)
		w.signedOut(t, p)
		mustActive(t, api, token, false)

		p = w.member(t, ana)
		token = tokensFor(t, p, rp, forOrders()).String("access_token")
		w.later(5*time.Minute - time.Second)
		mustActive(t, api, token, true)
		w.later(time.Second)
		mustActive(t, api, token, false)

		_, a := byItself(w.rp(t, "robot"), forOrders("scope", ""))
		mustActive(t, api, a.String("access_token"), true)
		w.put(t, "robot", func(c *storage.Client) { c.Resources = []string{stock} })
		mustActive(t, api, a.String("access_token"), false)
		w.put(t, "robot", func(c *storage.Client) { c.Resources = []string{orders} })
		mustActive(t, api, a.String("access_token"), true)
		w.put(t, "robot", func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
		mustActive(t, api, a.String("access_token"), false)
	})
}

// RFC 9068 section 4: an API verifies tokens by itself, and takes nothing else
// for one. (The code is the one that docs/integrate/tokens.md prints.)
func TestRFC9068Section4ResourceServer(t *testing.T) {
	w := start(t, "sqlite", tokenProducts)
	p, rp := w.member(t, ana), w.rp(t, "shop")
	api, err := resourceserver.Connect(t.Context(), w.URL, orders)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token, scope string) (*resourceserver.Token, error) { return api.Verify(t.Context(), token, scope) }
	for _, alg := range allAlgorithms {
		w.put(t, "orders", func(c *storage.Client) { c.IDTokenAlg = alg })
		tokens := tokensFor(t, p, rp, forOrders("scope", "openid orders:read roles"))
		if got, err := verify(tokens.String("access_token"), "orders:read"); err != nil || got.ClientID != "shop" || got.ACR != "urn:sallyport:acr:1fa" || !slices.Equal(got.Roles, []string{"clerk"}) {
			t.Errorf("%s: %+v %v", alg, got, err)
		}
		_, machine := byItself(w.rp(t, "robot"), forOrders("scope", "orders:read"))
		if got, err := verify(machine.String("access_token"), "orders:read"); err != nil || got.Subject != "robot" || got.AuthTime != 0 {
			t.Errorf("%s: %+v %v", alg, got, err)
		}
		req := formOf(t, w.rp(t, "orders"), "/introspect", url.Values{"token": {tokens.String("access_token")}})
		req.Header.Set("Accept", introspectionJWT)
		_, _, introspection := plain(t, req)
		for name, token := range map[string]string{
			"ID token": tokens.String("id_token"), "introspection": introspection, "refresh token": tokens.String("refresh_token"),
			"another API's": tokensFor(t, p, rp, forOrders("resource", stock)).String("access_token"),
			"opaque":        tokensFor(t, p, rp, nil).String("access_token"),
		} {
			if got, err := verify(token, ""); err == nil {
				t.Errorf("%s was taken: %+v", name, got)
			}
		}
		if got, err := verify(tokens.String("access_token"), "orders:write"); err == nil {
			t.Errorf("a scope that it lacks: %+v", got)
		}
	}
}
