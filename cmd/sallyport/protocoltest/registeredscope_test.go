package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// A scope that a product is no longer registered for is worth nothing: not in
// the tokens it holds, nor in those it gets for what it holds.
func TestScopeEndsWithItsRegistration(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		named := url.Values{"scope": {everything}, "claims": {`{"id_token":{"email":null},"userinfo":{"email":null}}`}}
		code := codeFor(t, p, rp, named)
		held := tokensFor(t, p, rp, named)
		if c := w.read(t, held.String("id_token"), "JWT"); c["email"] != ana || c["roles"] == nil {
			t.Fatalf("%v", c)
		}
		token := held.String("access_token")
		if a := introspected(t, rp, token); a["scope"] != everything || a["username"] != ana {
			t.Fatalf("%v", a)
		}
		w.put(t, "shop", func(c *storage.Client) { c.Scopes = []string{"openid"} })
		w.put(t, "orders", func(c *storage.Client) { c.API.Scopes = c.API.Scopes[:1] })
		const left = "openid orders:read stock:read"

		if a := introspected(t, rp, token); a["scope"] != left || a["username"] != nil {
			t.Errorf("introspection: %v", a)
		}
		if status, c := rp.Userinfo(token); status != http.StatusOK || len(c) != 1 || c["sub"] == nil {
			t.Errorf("userinfo: %d %v", status, c)
		}
		status, redeemed := rp.Exchange(code, nil)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, redeemed)
		}
		status, refreshed := rp.Refresh(held.String("refresh_token"), nil)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, refreshed)
		}
		for name, a := range map[string]map[string]any{"code": redeemed, "refresh": refreshed} {
			id, access := w.read(t, a["id_token"].(string), "JWT"), a["access_token"].(string)
			if a["scope"] != left || id["email"] != nil || id["roles"] != nil || introspected(t, rp, access)["scope"] != left {
				t.Errorf("%s: %v\n%v", name, a, id)
			}
			if _, c := rp.Userinfo(access); len(c) != 1 {
				t.Errorf("%s: userinfo: %v", name, c)
			}
		}
		status, there := rp.Refresh(refreshed.String("refresh_token"), url.Values{"resource": {orders}})
		if c := w.read(t, there.String("access_token"), "at+jwt"); status != http.StatusOK || c["scope"] != "orders:read" || c["roles"] != nil {
			t.Errorf("%d %v", status, c)
		}
	})
}

// RFC 7662 section 2.2: username is an address, so whoever introspects learns it
// only where the token's scope has it.
func TestRFC7662Section2_2Username(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		for _, pairwise := range []bool{false, true} {
			w.put(t, "shop", func(c *storage.Client) {
				if c.Pairwise = pairwise; pairwise {
					c.Sector = "rp.example"
				}
			})
			for scope, want := range map[string]any{"openid": nil, "openid profile roles": nil, "openid email": ana} {
				token := tokensFor(t, p, w.rp(t, "shop"), url.Values{"scope": {scope}}).String("access_token")
				for _, by := range []string{"shop", "first"} {
					if a := introspected(t, w.rp(t, by), token); a["active"] != true || a["username"] != want {
						t.Errorf("pairwise %v, %s to %s: %v", pairwise, scope, by, a)
					}
				}
			}
		}
	})
}
