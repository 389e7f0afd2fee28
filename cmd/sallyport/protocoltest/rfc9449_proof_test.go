package protocoltest_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

// Section 4.3: each thing that is asked of a proof is asked.
func TestRFC9449Section4_3Refused(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "bank", secret)
		k, other := rp.key, w.newProofKey(t)
		at := func(d time.Duration) int64 { return w.Clock.Now().Add(d).Unix() }
		said := func(with change) []string { return []string{k.proof("/token", with)} }
		headed := func(with change) []string {
			return []string{k.sign(changed(k.header(), with), k.claims(http.MethodPost, "/token", ""))}
		}
		good := k.proof("/token", nil)
		parts := strings.Split(good, ".")
		broken, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		broken[40] ^= 1
		rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
		rs := w.proofKeyOf(t, "RS256", rsaKey, err)
		short, err := rsa.GenerateKey(rand.Reader, 1024)
		weak := w.proofKeyOf(t, "PS256", short, err)
		p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		_, edKey, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		shared := []byte("a secret of 32 bytes, not more..")
		byHMAC := func(jwk map[string]any) string {
			return jwtOf(t, map[string]any{"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk}, k.claims(http.MethodPost, "/token", ""), func(in []byte) []byte {
				h := hmac.New(sha256.New, shared)
				h.Write(in)
				return h.Sum(nil)
			})
		}
		unsigned := jwtOf(t, map[string]any{"typ": "dpop+jwt", "alg": "none", "jwk": k.jwk()}, k.claims(http.MethodPost, "/token", ""), func([]byte) []byte { return nil })
		issuer, err := url.Parse(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		for name, proofs := range map[string][]string{
			"empty":                      {""},
			"no JWT":                     {"nonsense"},
			"two headers":                {good, k.proof("/token", nil)},
			"the same twice":             {good, good},
			"two in one":                 {good + ", " + good},
			"too long":                   said(change{"more": strings.Repeat("x", 9000)}),
			"no typ":                     headed(change{"typ": nil}),
			"typ of an ID token":         headed(change{"typ": "JWT"}),
			"typ of an access token":     headed(change{"typ": "at+jwt"}),
			"no alg":                     headed(change{"alg": nil}),
			"alg none":                   {unsigned},
			"alg none, signed":           headed(change{"alg": "none"}),
			"HS256 with a symmetric key": {byHMAC(jwkOf(t, shared))},
			"HS256 with a public key":    {byHMAC(k.jwk())},
			"RS256":                      {rs.proof("/token", nil)},
			"an RSA key of 1024 bits":    {weak.proof("/token", nil)},
			"ES384":                      headed(change{"alg": "ES384", "jwk": jwkOf(t, p384.Public())}),
			"ES256 with a key of P-384":  headed(change{"jwk": jwkOf(t, p384.Public())}),
			"PS256 with an EC key":       headed(change{"alg": "PS256"}),
			"EdDSA with an EC key":       headed(change{"alg": "EdDSA"}),
			"no jwk":                     headed(change{"jwk": nil}),
			"jwk null":                   headed(change{"jwk": any(map[string]any(nil))}),
			"a symmetric jwk":            headed(change{"jwk": jwkOf(t, shared)}),
			"a private jwk":              headed(change{"jwk": jwkOf(t, k.key)}),
			"a private jwk of Ed25519":   {w.proofKeyOf(t, "EdDSA", edKey, nil).sign(map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwkOf(t, edKey)}, k.claims(http.MethodPost, "/token", ""))},
			"a jwk with a part of one":   headed(change{"jwk": changed(k.jwk(), change{"p": "AQAB"})}),
			"a jwk off the curve":        headed(change{"jwk": changed(k.jwk(), change{"y": k.jwk()["x"]})}),
			"another's jwk":              headed(change{"jwk": other.jwk()}),
			"a header to be understood":  headed(change{"crit": []string{"of ours"}, "of ours": true}),
			"b64 false":                  headed(change{"crit": []string{"b64"}, "b64": false}),
			"a broken signature":         {parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(broken)},
			"no signature":               {parts[0] + "." + parts[1] + "."},
			"claims of another proof":    {parts[0] + "." + strings.Split(k.proof("/token", nil), ".")[1] + "." + parts[2]},
			"no htm":                     said(change{"htm": nil}),
			"htm GET":                    said(change{"htm": "GET"}),
			"htm in small letters":       said(change{"htm": "post"}),
			"no htu":                     said(change{"htu": nil}),
			"htu a number":               said(change{"htu": 1}),
			"htu a path":                 said(change{"htu": "/token"}),
			"htu another path":           said(change{"htu": w.URL + "/userinfo"}),
			"htu a longer path":          said(change{"htu": w.URL + "/token/"}),
			"htu a path in capitals":     said(change{"htu": w.URL + "/TOKEN"}),
			"htu another host":           said(change{"htu": "http://evil.example:" + issuer.Port() + "/token"}),
			"htu another port":           said(change{"htu": "http://localhost:1/token"}),
			"htu no port":                said(change{"htu": "http://localhost/token"}),
			"htu another scheme":         said(change{"htu": "https://" + issuer.Host + "/token"}),
			"htu with a person":          said(change{"htu": "http://a@" + issuer.Host + "/token"}),
			"htu the host's other name":  said(change{"htu": "http://127.0.0.1:" + issuer.Port() + "/token"}),
			"no iat":                     said(change{"iat": nil}),
			"iat as text":                said(change{"iat": "now"}),
			"iat a minute ago":           said(change{"iat": at(-time.Minute)}),
			"iat an hour ago":            said(change{"iat": at(-time.Hour)}),
			"iat 16 s ahead":             said(change{"iat": at(16 * time.Second)}),
			"iat an hour ahead":          said(change{"iat": at(time.Hour)}),
			"iat beyond all time":        said(change{"iat": 1e300}),
			"iat before all time":        said(change{"iat": -1e300}),
			"exp over":                   said(change{"exp": at(0)}),
			"nbf to come":                said(change{"nbf": at(time.Minute)}),
			"no jti":                     said(change{"jti": nil}),
			"jti empty":                  said(change{"jti": ""}),
			"jti a number":               said(change{"jti": 7}),
		} {
			status, _, a := rp.send("/token", rp.codeForm("no code"), proofs...)
			if status != http.StatusBadRequest || a.String("error") != "invalid_dpop_proof" || a.String("error_description") == "" {
				t.Errorf("%s: %d %v", name, status, a)
			}
		}
	})
}

// What is as good is accepted: other spellings of the address, other keys,
// clocks that are a little off, and what nobody asked for.
func TestRFC9449Section4_3Accepted(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "bank", secret)
		k := rp.key
		at := func(d time.Duration) int64 { return w.Clock.Now().Add(d).Unix() }
		rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
		ps := w.proofKeyOf(t, "PS256", rsaKey, err)
		_, edKey, err := ed25519.GenerateKey(rand.Reader)
		ed := w.proofKeyOf(t, "EdDSA", edKey, err)
		for name, proof := range map[string]string{
			"PS256":                   ps.proof("/token", nil),
			"EdDSA":                   ed.proof("/token", nil),
			"htu in capitals":         k.proof("/token", change{"htu": strings.Replace(w.URL, "http://localhost", "HTTP://LocalHost", 1) + "/token"}),
			"htu with a query":        k.proof("/token", change{"htu": w.URL + "/token?a=b"}),
			"htu with a fragment":     k.proof("/token", change{"htu": w.URL + "/token#a"}),
			"htu with both":           k.proof("/token", change{"htu": w.URL + "/token?a=b#c"}),
			"htu percent-encoded":     k.proof("/token", change{"htu": w.URL + "/%74oken"}),
			"htu with a dot":          k.proof("/token", change{"htu": w.URL + "/./a/../token"}),
			"iat 59 s ago":            k.proof("/token", change{"iat": at(-59 * time.Second)}),
			"iat 15 s ahead":          k.proof("/token", change{"iat": at(15 * time.Second)}),
			"iat with a fraction":     k.proof("/token", change{"iat": float64(at(0)) + 0.5}),
			"nbf and exp":             k.proof("/token", change{"nbf": at(0), "exp": at(5 * time.Minute)}),
			"more claims":             k.proof("/token", change{"iss": "me", "aud": []string{"you"}}),
			"more headers":            k.sign(changed(k.header(), change{"kid": "x", "foo": "bar"}), k.claims(http.MethodPost, "/token", "")),
			"ath, of nothing in hand": k.proof("/token", change{"ath": "x"}),
		} {
			// It is the code that is refused.
			status, _, a := rp.send("/token", rp.codeForm("no code"), proof)
			if status != http.StatusBadRequest || a.String("error") != "invalid_grant" {
				t.Errorf("%s: %d %v", name, status, a)
			}
		}
		// The header Host says nothing: a proxy may have changed it.
		for host, want := range map[string]string{w.URL: "invalid_grant", "http://evil.example": "invalid_dpop_proof"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/token", strings.NewReader(rp.codeForm("no code").Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "evil.example"
			req.Header.Set("X-Forwarded-Host", "evil.example")
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.SetBasicAuth("bank", url.QueryEscape(secret))
			req.Header.Set("DPoP", k.proof("/token", change{"htu": host + "/token"}))
			if _, _, a := rp.Do(req); a.String("error") != want {
				t.Errorf("htu at %s: %v", host, a)
			}
		}
	})
}

// FuzzRFC9449Proof: whatever is sent as a proof, nothing is given out for it,
// and nothing breaks.
func FuzzRFC9449Proof(f *testing.F) {
	w := start(f, "sqlite", provers)
	k := w.newProofKey(f)
	good := k.proof("/token", change{"jti": "good"})
	for _, seed := range []string{
		good, "", "a.b.c", good + ".", strings.ReplaceAll(good, ".", ".."),
		k.proof("/token", change{"htu": "http://[::1"}), k.proof("/token", change{"iat": -1e308}),
		k.sign(changed(k.header(), change{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}), k.claims(http.MethodPost, "/token", "")),
		k.sign(changed(k.header(), change{"jwk": map[string]any{"kty": "RSA", "n": "AQ", "e": "AQ"}, "alg": "PS256"}), k.claims(http.MethodPost, "/token", "")),
		jwtOf(f, map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jose.JSONWebKey{Key: ed25519.NewKeyFromSeed(make([]byte, 32)).Public()}}, k.claims(http.MethodPost, "/token", ""), func([]byte) []byte { return make([]byte, 64) }),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, proof string) {
		rp := &prover{RP: w.rp(t, "bank"), t: t}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/token", strings.NewReader(rp.codeForm(storage.NewSecret()).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(proof, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return // never reaches a server
		}
		req.Header["Dpop"] = []string{proof}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("bank", url.QueryEscape(secret))
		status, _, a := rp.Do(req)
		// invalid_grant is the code's: the proof was a good one.
		if status != http.StatusBadRequest || a.String("error") != "invalid_dpop_proof" && a.String("error") != "invalid_grant" {
			t.Errorf("%q: %d %v", proof, status, a)
		}
		if signed := good[:strings.LastIndex(good, ".")]; a.String("error") == "invalid_grant" && !strings.HasPrefix(strings.TrimSpace(proof), signed) {
			t.Errorf("%q was accepted", proof)
		}
	})
}
