package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// RFC 7009 section 2.1: every kind of token, whatever the hint says.
func TestRFC7009Section2_1Request(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, shop, robot, api := w.member(t, ana), w.rp(t, "shop"), w.rp(t, "robot"), w.rp(t, "orders")
		revoke := func(by *servertest.RP, token, hint string) {
			t.Helper()
			form := url.Values{"token": {token}}
			if hint != "" {
				form.Set("token_type_hint", hint)
			}
			if status, a := by.Post("/revoke", form); status != http.StatusOK || len(a) != 0 {
				t.Fatalf("revocation: %d %v", status, a)
			}
		}
		machine := func(more url.Values) string {
			t.Helper()
			status, a := byItself(robot, more)
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, a)
			}
			return a.String("access_token")
		}
		for _, hint := range []string{"", "access_token", "refresh_token", "urn:example:unknown"} {
			one, other := tokensFor(t, p, shop, forOrders()), tokensFor(t, p, shop, nil)
			for _, token := range []string{one.String("access_token"), other.String("access_token")} {
				mustActive(t, shop, token, true)
				revoke(shop, token, hint)
				mustActive(t, shop, token, false)
				revoke(shop, token, hint) // again: no error
			}
			mustActive(t, api, one.String("access_token"), false)
			// The rest of the grant lives on, until its refresh token is revoked.
			status, again := shop.Refresh(one.String("refresh_token"), nil)
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, again)
			}
			mustActive(t, api, again.String("access_token"), true)
			revoke(shop, again.String("refresh_token"), hint)
			mustActive(t, api, again.String("access_token"), false)
			status, a := shop.Refresh(again.String("refresh_token"), nil)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")

			for _, token := range []string{machine(forOrders("scope", "")), machine(url.Values{})} {
				mustActive(t, robot, token, true)
				revoke(robot, token, hint)
				mustActive(t, robot, token, false)
			}
		}
		// Another client's token is left alone, and nobody learns that it exists:
		// not even the product that serves its API may end it.
		token, robots := tokensFor(t, p, shop, forOrders()), machine(forOrders("scope", ""))
		for _, by := range []*servertest.RP{api, robot, w.rp(t, "first")} {
			revoke(by, token.String("access_token"), "")
			revoke(by, token.String("refresh_token"), "")
		}
		revoke(shop, robots, "")
		mustActive(t, api, token.String("access_token"), true)
		mustActive(t, api, robots, true)
		// Nor does a JWT that isn't ours say anything.
		for _, no := range []string{"a.b.c", token.String("id_token"), token.String("access_token") + "x"} {
			revoke(shop, no, "")
		}
		mustActive(t, api, token.String("access_token"), true)
		rows, err := w.DB.AuditSearch(t.Context(), storage.AuditQuery{Everywhere: true, ClientID: "shop", Event: "token.revoked", Limit: 100})
		if err != nil || len(rows) != 4*5 {
			t.Errorf("%d revocations in the audit, %v", len(rows), err)
		}
	})
}
