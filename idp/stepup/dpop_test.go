package stepup_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// caller has a key that tokens are bound to.
type caller struct {
	p   *testProvider
	key *ecdsa.PrivateKey
}

func (c caller) thumbprint() string {
	sum, err := (&jose.JSONWebKey{Key: c.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		c.p.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func (c caller) bound(claims object) { claims["cnf"] = object{"jkt": c.thumbprint()} }

func (c caller) claims(token string) object {
	hash := sha256.Sum256([]byte(token))
	return object{
		"jti": rand.Text(), "htm": "POST", "htu": resource + "/api/machines/front-desk/sessions", "iat": c.p.clock().Unix(),
		"ath": base64.RawURLEncoding.EncodeToString(hash[:]),
	}
}

func (c caller) proof(token string, spoil func(object)) string {
	claims := c.claims(token)
	if spoil != nil {
		spoil(claims)
	}
	return sign(c.p.t, jose.ES256, c.key, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"), claims)
}

func dpop(token string, proofs ...string) []string {
	headers := []string{"Authorization", "DPoP " + token}
	for _, p := range proofs {
		headers = append(headers, "DPoP", p)
	}
	return headers
}

func TestProofOfPossession(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	for kind, token := range map[string]string{
		"JWT":    p.jwt(c.bound),
		"opaque": p.token(func(claims object) { c.bound(claims); claims["token_type"] = "DPoP" }),
	} {
		t.Run(kind, func(t *testing.T) {
			v := p.verifier()
			v.BaseURL = resource
			w, got := call(v, "sessions:start", start, dpop(token, c.proof(token, nil))...)
			if w.Code != http.StatusCreated || got.KeyThumbprint != c.thumbprint() {
				t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			for name, htu := range map[string]string{
				"case and port":      "HTTPS://CONTROL.example.com:443/api/machines/front-desk/sessions",
				"query and fragment": resource + "/api/machines/front-desk/sessions?dry=2#x",
			} {
				if w, _ := call(v, "", start, dpop(token, c.proof(token, func(c object) { c["htu"] = htu }))...); w.Code != http.StatusCreated {
					t.Errorf("%s: %d %s", name, w.Code, w.Body)
				}
			}

			// Stolen, it is worth nothing.
			if w, _ := call(v, "", start, with(token)...); w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("as a bearer token: %d %v", w.Code, w.Header())
			}
			thief := caller{p, newKey(t)}
			if w, _ := call(v, "", start, dpop(token, thief.proof(token, nil))...); w.Code != http.StatusUnauthorized {
				t.Errorf("with another's key: %d", w.Code)
			}
		})
	}
}

func TestProofsThatAreRefused(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	token, other := p.jwt(c.bound), p.jwt(c.bound)
	v := p.verifier()
	v.BaseURL = resource
	set := func(name string, value any) string {
		return c.proof(token, func(c object) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	secret := (&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: c.key}}}).WithType("dpop+jwt")
	for name, proof := range map[string]string{
		"another method":     set("htm", "GET"),
		"method in small":    set("htm", "post"),
		"another path":       set("htu", resource+"/api/machines/vault/sessions"),
		"a path below":       set("htu", resource+"/api/machines/front-desk/sessions/"),
		"another host":       set("htu", "https://evil.example/api/machines/front-desk/sessions"),
		"another port":       set("htu", resource+":8443/api/machines/front-desk/sessions"),
		"in the clear":       set("htu", "http://control.example.com/api/machines/front-desk/sessions"),
		"with a user":        set("htu", "https://a@control.example.com/api/machines/front-desk/sessions"),
		"no address":         set("htu", nil),
		"no token":           set("ath", nil),
		"another token":      c.proof(other, nil),
		"too old":            set("iat", nine.Add(-61*time.Second).Unix()),
		"in the future":      set("iat", nine.Add(11*time.Second).Unix()),
		"no time":            set("iat", nil),
		"no id":              set("jti", nil),
		"another type":       sign(t, jose.ES256, c.key, (&jose.SignerOptions{EmbedJWK: true}).WithType("JWT"), c.claims(token)),
		"no type":            sign(t, jose.ES256, c.key, &jose.SignerOptions{EmbedJWK: true}, c.claims(token)),
		"no key":             sign(t, jose.ES256, c.key, new(jose.SignerOptions).WithType("dpop+jwt"), c.claims(token)),
		"with a private key": sign(t, jose.ES256, c.key, secret, c.claims(token)),
		"not by its key":     sign(t, jose.ES256, newKey(t), (&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: c.key.Public()}}}).WithType("dpop+jwt"), c.claims(token)),
		"alg none":           unsigned(t, object{"alg": "none", "typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: c.key.Public()}}, c.claims(token)),
		"no proof":           "",
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := call(v, "", Need{}, dpop(token, proof)...)
			want := `DPoP error="invalid_dpop_proof", error_description="the DPoP proof doesn't fit", algs="ES256 RS256 PS256 EdDSA"`
			if got := w.Header().Values("WWW-Authenticate"); w.Code != http.StatusUnauthorized || len(got) != 1 || got[0] != want {
				t.Errorf("%d %q", w.Code, got)
			}
		})
	}
	for name, headers := range map[string][]string{"none": dpop(token), "two": dpop(token, c.proof(token, nil), c.proof(token, nil))} {
		if w, _ := call(v, "", Need{}, headers...); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for name, at := range map[string]time.Time{"at its last second": nine.Add(-time.Minute), "as far ahead as may": nine.Add(10 * time.Second)} {
		if w, _ := call(v, "", Need{}, dpop(token, set("iat", at.Unix()))...); w.Code != http.StatusCreated {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestProofIsGoodOnce(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	token := p.jwt(c.bound)
	v := p.verifier()
	v.BaseURL = resource
	// Made as early as it may be, and replayed as late as it would be good.
	proof := c.proof(token, func(c object) { c["iat"] = nine.Add(10 * time.Second).Unix() })
	for i, want := range []int{http.StatusCreated, http.StatusUnauthorized, http.StatusUnauthorized} {
		if w, _ := call(v, "", Need{}, dpop(token, proof)...); w.Code != want {
			t.Errorf("call %d: %d", i, w.Code)
		}
		p.advance(35 * time.Second)
		if w, _ := call(v, "", Need{}, dpop(token, c.proof(token, nil))...); w.Code != http.StatusCreated {
			t.Fatalf("another proof: %d", w.Code)
		}
	}
	if w, _ := call(v, "", Need{}, dpop(token, proof)...); w.Code != http.StatusUnauthorized {
		t.Errorf("when it has expired: %d", w.Code)
	}
}

// What was used is remembered for as long as it would be good, however many
// others come in between.
func TestProofIsRememberedToItsEnd(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	token := p.jwt(c.bound)
	v := p.verifier()
	v.BaseURL = resource
	use := func(proof string, want int) {
		t.Helper()
		if w, _ := call(v, "", Need{}, dpop(token, proof)...); w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
	use(c.proof(token, nil), http.StatusCreated)
	p.advance(time.Minute)
	proof := c.proof(token, func(c object) { c["iat"] = p.clock().Add(10 * time.Second).Unix() })
	use(proof, http.StatusCreated)
	for range 5 {
		p.advance(14 * time.Second)
		use(c.proof(token, nil), http.StatusCreated)
		use(proof, http.StatusUnauthorized)
	}
}

func TestTokenThatIsBoundTwiceIsNotTakenForOneThatIsBoundOnce(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	token := p.jwt(func(claims object) { claims["cnf"] = object{"jkt": c.thumbprint(), "x5t#S256": "thumbprint"} })
	v := p.verifier()
	v.BaseURL = resource
	if w, _ := call(v, "", Need{}, dpop(token, c.proof(token, nil))...); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}

func TestBoundTokensWithoutProofs(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	bound, free := p.jwt(c.bound), p.jwt(nil)
	v := p.verifier() // without BaseURL: no proofs here
	if w, _ := call(v, "", Need{}, dpop(bound, c.proof(bound, nil))...); w.Code != http.StatusUnauthorized || len(w.Header().Values("WWW-Authenticate")) != 1 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	v = p.verifier()
	v.BaseURL = resource
	w, _ := call(v, "", Need{}, dpop(free, c.proof(free, nil))...) // RFC 9449 section 7.1
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("a token that is bound to nothing: %d %v", w.Code, w.Header())
	}
	w, _ = call(v, "", Need{})
	if got := w.Header().Values("WWW-Authenticate"); len(got) != 2 || got[0] != "Bearer" || got[1] != `DPoP algs="ES256 RS256 PS256 EdDSA"` {
		t.Errorf("without a token: %q", got)
	}
}
