package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const introspectionJWT = "application/token-introspection+jwt"

// RFC 9701 section 4: whoever asks by Accept gets a JWT; section 6: so does
// whoever is registered for one, by its algorithm, and doesn't ask for JSON. Section 5 says what is in it.
func TestRFC9701Section5IntrospectionResponse(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		api, p := w.rp(t, "orders"), w.member(t, ana)
		active := tokensFor(t, p, w.rp(t, "shop"), forOrders()).String("access_token")
		foreign := tokensFor(t, p, w.rp(t, "shop"), nil).String("access_token")
		ask := func(token, accept string) (string, string) {
			t.Helper()
			req := formOf(t, api, "/introspect", url.Values{"token": {token}})
			if accept != "" {
				req.Header.Set("Accept", accept)
			}
			status, h, body := plain(t, req)
			if status != http.StatusOK || h.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v %s", status, h, body)
			}
			return h.Get("Content-Type"), body
		}
		for accept, want := range map[string]string{
			"": "application/json", "*/*": "application/json", "application/json": "application/json", "application/jwt": "application/json",
			introspectionJWT: introspectionJWT, "application/json;q=0.5, " + introspectionJWT: introspectionJWT, "text/html, " + introspectionJWT + ";q=0.9": introspectionJWT,
			"application/json, " + introspectionJWT + ";q=0.5": "application/json", introspectionJWT + ";q=0": "application/json",
		} {
			if got, body := ask(active, accept); got != want {
				t.Errorf("Accept: %q: %s\n%s", accept, got, body)
			}
		}
		// An inactive token, and one that is no business of the caller's, alike.
		for token, want := range map[string]servertest.Answer{active: introspected(t, api, active), foreign: {"active": false}, "unknown": {"active": false}} {
			_, body := ask(token, introspectionJWT)
			c := w.read(t, body, "token-introspection+jwt")
			envelope := servertest.Answer{"iss": w.URL, "aud": "orders", "iat": float64(w.Clock.Now().Unix()), "token_introspection": map[string]any(want)}
			if d := cmp.Diff(envelope, c); d != "" {
				t.Error(d)
			}
		}
		// By default RS256; or what is registered, without being asked.
		_, body := ask(active, introspectionJWT)
		if header, _ := signedWith(t, fetchedKeys(t, w), body); header.Algorithm != "RS256" {
			t.Errorf("by default %s", header.Algorithm)
		}
		for _, alg := range []string{"RS256", "ES256", "PS256", "EdDSA"} {
			w.put(t, "orders", func(c *storage.Client) { c.IntrospectionAlg = alg })
			for _, accept := range []string{"", "*/*", introspectionJWT, "application/json;q=0.5, " + introspectionJWT} {
				got, body := ask(active, accept)
				if header, _ := signedWith(t, fetchedKeys(t, w), body); got != introspectionJWT || header.Algorithm != alg {
					t.Errorf("%s, Accept: %q: %s by %s", alg, accept, got, header.Algorithm)
				}
			}
			// Whoever asks for JSON by name gets that.
			for _, accept := range []string{"application/json", "text/html, application/json;q=0.1", "application/json, " + introspectionJWT + ";q=0.5"} {
				if got, body := ask(active, accept); got != "application/json" {
					t.Errorf("%s, Accept: %q: %s\n%s", alg, accept, got, body)
				}
			}
		}
	})
}

// RFC 9701 section 8.1: the answer can't be passed off as an access token.
func TestRFC9701Section8_1CrossJWTConfusion(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		api := w.rp(t, "orders")
		token := tokensFor(t, w.member(t, ana), w.rp(t, "shop"), forOrders()).String("access_token")
		req := formOf(t, api, "/introspect", url.Values{"token": {token}})
		req.Header.Set("Accept", introspectionJWT)
		_, _, answer := plain(t, req)
		if c := w.read(t, answer, "token-introspection+jwt"); c["sub"] != nil || c["exp"] != nil || c["scope"] != nil {
			t.Errorf("%v", c)
		}
		mustActive(t, api, answer, false)
	})
}
