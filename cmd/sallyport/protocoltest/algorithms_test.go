package protocoltest_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

var allAlgorithms = []string{"RS256", "ES256", "PS256", "EdDSA"}

// OpenID Connect Core section 2: ID tokens by the algorithm that a client
// registered, with the hash of their access token (section 3.1.3.6) by that
// algorithm's own, which for Ed25519 is SHA-512.
func TestCoreSection2SigningAlgorithms(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		for _, alg := range allAlgorithms {
			w.put(t, "shop", func(c *storage.Client) { c.IDTokenAlg = alg })
			for _, resource := range []string{"", orders} {
				a := tokensFor(t, p, rp, url.Values{"resource": {resource}})
				header, c := signedWith(t, fetchedKeys(t, w), a.String("id_token"))
				sum := sha256.Sum256([]byte(a.String("access_token")))
				half := sum[:16]
				if alg == "EdDSA" {
					sum := sha512.Sum512([]byte(a.String("access_token")))
					half = sum[:32]
				}
				if header.Algorithm != alg || c["at_hash"] != base64.RawURLEncoding.EncodeToString(half) {
					t.Errorf("%s: by %s, at_hash %v", alg, header.Algorithm, c["at_hash"])
				}
				if c["azp"] != nil || c["aud"] != "shop" {
					t.Errorf("one audience needs no azp: %v", c)
				}
			}
		}
	})
}

// RFC 9068 section 2.1: a JWT access token is signed by the algorithm that the
// product which serves the API is registered for, whatever its client is.
func TestRFC9068Section2_1Algorithms(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, shop, robot := w.member(t, ana), w.rp(t, "shop"), w.rp(t, "robot")
		for _, alg := range allAlgorithms {
			w.put(t, "orders", func(c *storage.Client) { c.IDTokenAlg = alg })
			_, machine := byItself(robot, forOrders("scope", ""))
			for _, a := range []servertest.Answer{tokensFor(t, p, shop, forOrders()), machine} {
				if header, _ := signedWith(t, fetchedKeys(t, w), a.String("access_token")); header.Algorithm != alg {
					t.Errorf("%s: by %s", alg, header.Algorithm)
				}
				mustActive(t, w.rp(t, "orders"), a.String("access_token"), true)
			}
		}
	})
}

// OpenID Connect Core section 5.3.2: signed userinfo says the same as plain,
// with iss and aud, to whom is registered for it or asks.
func TestCoreSection5_3_2SignedUserinfo(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		p, rp := w.member(t, ana), w.rp(t, "shop")
		token := tokensFor(t, p, rp, nil).String("access_token")
		_, want := rp.Userinfo(token)
		want["iss"], want["aud"] = w.URL, "shop"
		ask := func(accept string) (string, string) {
			t.Helper()
			req, err := http.NewRequest(http.MethodGet, w.URL+"/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			if accept != "" {
				req.Header.Set("Accept", accept)
			}
			status, h, body := plain(t, req)
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			return h.Get("Content-Type"), body
		}
		for accept, want := range map[string]string{"": "application/json", "*/*": "application/json", "application/json, application/jwt;q=0.1": "application/json", "application/jwt": "application/jwt"} {
			if got, _ := ask(accept); got != want {
				t.Errorf("Accept: %q: %s", accept, got)
			}
		}
		for _, alg := range allAlgorithms {
			w.put(t, "shop", func(c *storage.Client) { c.UserinfoAlg = alg })
			got, body := ask("application/json")
			header, c := signedWith(t, fetchedKeys(t, w), body)
			if got != "application/jwt" || header.Algorithm != alg {
				t.Errorf("%s: %s by %s", alg, got, header.Algorithm)
			}
			if d := cmp.Diff(want, c); d != "" {
				t.Error(d)
			}
			// It is no ID token.
			if q := p.Go(rp.AuthorizeURL(url.Values{"id_token_hint": {body}})).URL.Query(); q.Get("error") != "invalid_request" {
				t.Errorf("taken for an ID token: %v", q)
			}
		}
	})
}

// RFC 8725 section 3.1: a token that says another algorithm than its key's, or
// none, isn't ours, not even where it is signed by that very key.
func TestRFC8725Section3_1AlgorithmVerification(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		w.put(t, "orders", func(c *storage.Client) { c.IDTokenAlg = "RS256" })
		token := tokensFor(t, w.member(t, ana), w.rp(t, "shop"), forOrders()).String("access_token")
		header, _ := signedWith(t, fetchedKeys(t, w), token)
		parts := strings.Split(token, ".")
		body, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		for alg, want := range map[jose.SignatureAlgorithm]bool{jose.RS256: true, jose.PS256: false, jose.RS512: false} {
			mustActive(t, w.rp(t, "orders"), w.signAs(t, header.KeyID, alg, body), want)
		}
		for _, alg := range []string{"none", "HS256", "ES256", "EdDSA"} {
			parts[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","kid":"` + header.KeyID + `","typ":"at+jwt"}`))
			mustActive(t, w.rp(t, "orders"), strings.Join(parts, "."), false)
			mustActive(t, w.rp(t, "orders"), parts[0]+"."+parts[1]+".", false)
		}
	})
}

// signAs signs by a key of the provider, as whoever has its database and its
// master key could.
func (w *world) signAs(t testing.TB, kid string, alg jose.SignatureAlgorithm, body []byte) string {
	t.Helper()
	keys, err := w.DB.SigningKeysNow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(keys, func(k *storage.SigningKey) bool { return k.ID == kid })
	private, err := x509.ParsePKCS8PrivateKey(keys[i].Private)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: private, KeyID: kid}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
