package protocoltest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// keyPair is a client's key.
type keyPair struct {
	crypto.Signer
	alg, kid string
}

func newKeyPair(t testing.TB, alg, kid string) keyPair {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg[:2] {
	case "RS", "PS":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "Ed":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]
		key, err = ecdsa.GenerateKey(curve, rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{key, alg, kid}
}

func (k keyPair) jwk() jose.JSONWebKey { return jose.JSONWebKey{Key: k.Public(), KeyID: k.kid} }

// jwksOf is the keys' public halves, as they are registered.
func jwksOf(t testing.TB, keys ...keyPair) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sign makes a JWS of claims, with more in its header.
func (k keyPair) sign(t testing.TB, claims map[string]any, header ...string) string {
	t.Helper()
	return signJWS(t, k.alg, jose.JSONWebKey{Key: k.Signer, KeyID: k.kid}, claims, header...)
}

func signJWS(t testing.TB, alg string, key any, claims map[string]any, header ...string) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for n := 0; n+1 < len(header); n += 2 {
		options.WithHeader(jose.HeaderKey(header[n]), header[n+1])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// machineBy is a product that fetches tokens for itself, with what else is to
// be registered.
func machineBy(id, more string) string {
	return fmt.Sprintf(`
products:
  - id: %s
    name: Machine
    first_party: true
    grant_types: [client_credentials]
    scopes: [people:read]
    %s
`, id, more)
}

func byKeys(t testing.TB, id string, keys ...keyPair) string {
	return machineBy(id, "auth_method: private_key_jwt\n    jwks: "+jwksOf(t, keys...))
}

// claimsFor are a good assertion's, with more that win; nil leaves one out.
func claimsFor(w *world, id string, more map[string]any) map[string]any {
	now := w.Clock.Now().Unix()
	claims := map[string]any{"iss": id, "sub": id, "aud": w.URL, "exp": now + 60, "iat": now, "jti": storage.NewID()}
	for name, v := range more {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	return claims
}

// fetch asks for a token of a client's own with an assertion, and more in the
// form.
func (w *world) fetch(t testing.TB, assertion string, more url.Values) (int, servertest.Answer) {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {assertion}}
	for name, values := range more {
		form[name] = values
	}
	return w.call(t, "/token", form)
}

// call posts a form by nobody in particular.
func (w *world) call(t testing.TB, path string, form url.Values, header ...string) (int, servertest.Answer) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for n := 0; n+1 < len(header); n += 2 {
		req.Header.Set(header[n], header[n+1])
	}
	status, _, a := w.rp(t, "first").Do(req)
	return status, a
}

// OpenID Connect Core section 9 and RFC 7523 section 2.2: every algorithm, at
// every endpoint, by any of our names.
func TestRFC7523Section2_2PrivateKeyJWT(t *testing.T) {
	keys := []keyPair{}
	for _, alg := range []string{"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA"} {
		keys = append(keys, newKeyPair(t, alg, "key of "+alg))
	}
	both(t, byKeys(t, "machine", keys...), func(t *testing.T, w *world) {
		must := func(name string, status int, a servertest.Answer) {
			t.Helper()
			if status != http.StatusOK || a.String("access_token") == "" {
				t.Errorf("%s: %d %v", name, status, a)
			}
		}
		for _, k := range keys {
			status, a := w.fetch(t, k.sign(t, claimsFor(w, "machine", nil)), nil)
			must(k.alg, status, a)
		}
		k := keys[0]
		for name, more := range map[string]map[string]any{
			"token endpoint":       {"aud": w.URL + "/token"},
			"a list":               {"aud": []string{w.URL}},
			"a list of several":    {"aud": []string{"https://other.example", w.URL + "/token"}},
			"no iat":               {"iat": nil},
			"nbf":                  {"nbf": w.Clock.Now().Unix()},
			"a clock that is fast": {"iat": w.Clock.Now().Unix() + 10, "nbf": w.Clock.Now().Unix() + 10},
			"an hour":              {"exp": w.Clock.Now().Unix() + 3600},
			"times with fractions": {"exp": float64(w.Clock.Now().Unix()) + 59.5},
		} {
			status, a := w.fetch(t, k.sign(t, claimsFor(w, "machine", more)), nil)
			must(name, status, a)
		}
		status, a := w.fetch(t, k.sign(t, claimsFor(w, "machine", nil), "typ", "client-authentication+jwt"), url.Values{"client_id": {"machine"}})
		must("typ and client_id", status, a)

		token := a.String("access_token")
		for _, aud := range []string{w.URL, w.URL + "/token", w.URL + "/introspect"} {
			form := url.Values{"token": {token}, "client_assertion_type": {jwtBearer}, "client_assertion": {k.sign(t, claimsFor(w, "machine", map[string]any{"aud": aud}))}}
			if status, a := w.call(t, "/introspect", form); status != http.StatusOK || a["active"] != true {
				t.Errorf("introspection with aud %s: %d %v", aud, status, a)
			}
		}
		form := url.Values{"token": {token}, "client_assertion_type": {jwtBearer}, "client_assertion": {k.sign(t, claimsFor(w, "machine", nil))}}
		if status, a := w.call(t, "/revoke", form); status != http.StatusOK {
			t.Errorf("revocation: %d %v", status, a)
		}
	})
}

// RFC 7523 section 3: what is wrong with an assertion is for the log; the
// client is told what one must be like.
func TestRFC7523Section3Refusals(t *testing.T) {
	k, theirs, unregistered := newKeyPair(t, "ES256", "k"), newKeyPair(t, "ES256", "k"), newKeyPair(t, "ES256", "k")
	rsaKey := newKeyPair(t, "RS256", "r")
	both(t, byKeys(t, "machine", k, rsaKey)+strings.TrimPrefix(byKeys(t, "other", theirs), "\nproducts:"), func(t *testing.T, w *world) {
		now := w.Clock.Now().Unix()
		good := func(more map[string]any) map[string]any { return claimsFor(w, "machine", more) }
		der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
		if err != nil {
			t.Fatal(err)
		}
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		unsigned := func(alg string) string {
			payload, err := json.Marshal(good(nil))
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+alg+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
		}
		parts := strings.Split(k.sign(t, good(nil)), ".")
		for name, assertion := range map[string]string{
			"wrong aud":                 k.sign(t, good(map[string]any{"aud": "https://other.example"})),
			"aud like ours":             k.sign(t, good(map[string]any{"aud": w.URL + "/"})),
			"aud of another endpoint":   k.sign(t, good(map[string]any{"aud": w.URL + "/introspect"})),
			"aud empty":                 k.sign(t, good(map[string]any{"aud": []string{}})),
			"aud a number":              k.sign(t, good(map[string]any{"aud": 1})),
			"no aud":                    k.sign(t, good(map[string]any{"aud": nil})),
			"expired":                   k.sign(t, good(map[string]any{"exp": now})),
			"far exp":                   k.sign(t, good(map[string]any{"exp": now + 3600 + 61})),
			"exp beyond time":           k.sign(t, good(map[string]any{"exp": 1e300})),
			"exp as text":               k.sign(t, good(map[string]any{"exp": "soon"})),
			"no exp":                    k.sign(t, good(map[string]any{"exp": nil})),
			"not yet":                   k.sign(t, good(map[string]any{"nbf": now + 61})),
			"issued in the future":      k.sign(t, good(map[string]any{"iat": now + 61})),
			"no jti":                    k.sign(t, good(map[string]any{"jti": nil})),
			"empty jti":                 k.sign(t, good(map[string]any{"jti": ""})),
			"no iss":                    k.sign(t, good(map[string]any{"iss": nil})),
			"no sub":                    k.sign(t, good(map[string]any{"sub": nil})),
			"iss of another":            k.sign(t, good(map[string]any{"iss": "other"})),
			"of another client":         k.sign(t, claimsFor(w, "other", nil)),
			"of nobody":                 k.sign(t, claimsFor(w, "nobody", nil)),
			"of no text":                k.sign(t, claimsFor(w, "machine\x00", nil)),
			"another client's key":      theirs.sign(t, good(nil)),
			"unregistered key":          unregistered.sign(t, good(nil)),
			"unknown kid":               keyPair{k.Signer, "ES256", "unknown"}.sign(t, good(nil)),
			"alg none":                  unsigned("none"),
			"no signature":              unsigned("ES256"),
			"alg none, in capitals":     unsigned("None"),
			"HS256 with the public key": signJWS(t, "HS256", jose.JSONWebKey{Key: public, KeyID: "r"}, good(nil)),
			"HS256 with its DER":        signJWS(t, "HS256", der, good(nil)),
			"a key of its own":          signJWS(t, "ES256", unregistered.Signer, good(nil), "jwk", "x"),
			"changed afterwards":        parts[0] + "." + strings.Split(k.sign(t, good(map[string]any{"jti": "x"})), ".")[1] + "." + parts[2],
			"a request object":          k.sign(t, good(nil), "typ", "oauth-authz-req+jwt"),
			"a DPoP proof":              k.sign(t, good(nil), "typ", "dpop+jwt"),
			"an unknown crit":           k.sign(t, good(nil), "crit", "x"),
			"JSON":                      `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
			"no JWT":                    "x",
			"empty":                     "",
		} {
			t.Run(name, func(t *testing.T) {
				status, a := w.fetch(t, assertion, nil)
				mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
			})
		}
		for name, more := range map[string]url.Values{
			"another type":          {"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}},
			"no type":               {"client_assertion_type": {}},
			"another client_id":     {"client_id": {"other"}},
			"a secret too":          {"client_secret": {secret}},
			"the assertion missing": {"client_assertion": {}, "client_assertion_type": {"x"}},
		} {
			t.Run(name, func(t *testing.T) {
				status, a := w.fetch(t, k.sign(t, good(nil)), more)
				mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
			})
		}
		t.Run("Basic too", func(t *testing.T) {
			form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {jwtBearer}, "client_assertion": {k.sign(t, good(nil))}}
			status, a := w.call(t, "/token", form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("machine:"+secret)))
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		})
		// What was refused for another reason has spent nothing.
		claims := good(nil)
		status, a := w.fetch(t, unregistered.sign(t, claims), nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		if status, a = w.fetch(t, k.sign(t, claims), nil); status != http.StatusOK {
			t.Errorf("a forger has spent the jti: %d %v", status, a)
		}
		// The same jti of another client is another one.
		claims["iss"], claims["sub"] = "other", "other"
		if status, a = w.fetch(t, theirs.sign(t, claims), nil); status != http.StatusOK {
			t.Errorf("another client's jti counts: %d %v", status, a)
		}
	})
}

// The registered method is accepted, no other.
func TestOIDCCoreSection9OnlyTheRegisteredMethod(t *testing.T) {
	k := newKeyPair(t, "ES256", "k")
	products := byKeys(t, "machine", k) + strings.TrimPrefix(machineBy("basic", "secret_hash: ${SECRET_HASH}"), "\nproducts:")
	both(t, products, func(t *testing.T, w *world) {
		for name, form := range map[string]url.Values{
			"a secret":       {"client_id": {"machine"}, "client_secret": {secret}},
			"nothing":        {"client_id": {"machine"}},
			"nobody":         {},
			"its own secret": {"client_assertion_type": {jwtBearer}, "client_assertion": {signJWS(t, "HS256", []byte(secret), claimsFor(w, "machine", nil))}},
			"an assertion":   {"client_assertion_type": {jwtBearer}, "client_assertion": {signJWS(t, "HS256", []byte(secret), claimsFor(w, "basic", nil))}},
			"a key":          {"client_assertion_type": {jwtBearer}, "client_assertion": {k.sign(t, claimsFor(w, "basic", nil))}},
		} {
			form.Set("grant_type", "client_credentials")
			status, a := w.call(t, "/token", form)
			t.Run(name, func(t *testing.T) { mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client") })
		}
		w.set(t, "machine", func(c *storage.Client) { c.AuthSigningAlg = "PS256" })
		status, a := w.fetch(t, k.sign(t, claimsFor(w, "machine", nil)), nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		w.set(t, "machine", func(c *storage.Client) { c.AuthSigningAlg = "ES256" })
		if status, a := w.fetch(t, k.sign(t, claimsFor(w, "machine", nil)), nil); status != http.StatusOK {
			t.Errorf("%d %v", status, a)
		}
	})
}

// RFC 7523 section 3: of many who present one assertion at once, one is let in,
// and none later.
func TestRFC7523Section3JTIOnce(t *testing.T) {
	k := newKeyPair(t, "ES256", "k")
	both(t, byKeys(t, "machine", k), func(t *testing.T, w *world) {
		assertion := k.sign(t, claimsFor(w, "machine", map[string]any{"exp": w.Clock.Now().Unix() + 3600}))
		var in, out atomic.Int64
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				switch status, a := w.fetch(t, assertion, nil); {
				case status == http.StatusOK:
					in.Add(1)
				case status == http.StatusUnauthorized && a.String("error") == "invalid_client":
					out.Add(1)
				default:
					t.Errorf("%d %v", status, a)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 || out.Load() != 49 {
			t.Errorf("%d were let in, %d refused", in.Load(), out.Load())
		}
		// Forgotten no sooner than it ends.
		w.Clock.Advance(time.Hour - time.Second)
		if _, err := w.DB.Clean(t.Context(), "test", w.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		status, a := w.fetch(t, assertion, nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		w.Clock.Advance(time.Second)
		status, a = w.fetch(t, assertion, nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
	})
}

// FAPI 2.0 Security Profile sections 5.3.2.1 and 5.4.1: a client that is
// registered as that profile asks for is held to its narrower rules.
func TestFAPI2Section5_3_2_1Assertions(t *testing.T) {
	es, rs := newKeyPair(t, "ES256", "es"), newKeyPair(t, "RS256", "rs")
	ps := keyPair{rs.Signer, "PS256", "rs"}
	products := machineBy("machine", "auth_method: private_key_jwt\n    require_pushed_authorization_requests: true\n    dpop_bound_access_tokens: true\n    jwks: "+jwksOf(t, es, rs))
	both(t, products, func(t *testing.T, w *world) {
		// Introspection needs no proof of possession.
		ask := func(assertion string) (int, servertest.Answer) {
			return w.call(t, "/introspect", url.Values{"token": {"x"}, "client_assertion_type": {jwtBearer}, "client_assertion": {assertion}})
		}
		for _, k := range []keyPair{es, ps} {
			if status, a := ask(k.sign(t, claimsFor(w, "machine", nil))); status != http.StatusOK {
				t.Errorf("%s with the issuer as aud: %d %v", k.alg, status, a)
			}
		}
		for name, assertion := range map[string]string{
			"the endpoint as aud": es.sign(t, claimsFor(w, "machine", map[string]any{"aud": w.URL + "/introspect"})),
			"token endpoint":      es.sign(t, claimsFor(w, "machine", map[string]any{"aud": w.URL + "/token"})),
			"a list":              es.sign(t, claimsFor(w, "machine", map[string]any{"aud": []string{w.URL}})),
			"RS256":               rs.sign(t, claimsFor(w, "machine", nil)),
		} {
			status, a := ask(assertion)
			t.Run(name, func(t *testing.T) { mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client") })
		}
	})
}

// OpenID Connect Core section 9, client_secret_jwt: the secret signs and is
// never sent; a new one is made without an outage.
func TestOIDCCoreSection9ClientSecretJWT(t *testing.T) {
	const long = secret + secret // as long as HS512 wants
	next, last := storage.NewSecret(), storage.NewSecret()+storage.NewSecret()
	both(t, machineBy("machine", "secret_hash: "+storage.Hash(long)), func(t *testing.T, w *world) {
		w.set(t, "machine", func(c *storage.Client) { c.AuthMethod, c.Secret = storage.ClientSecretJWT, long })
		by := func(alg, secret string) (int, servertest.Answer) {
			return w.fetch(t, signJWS(t, alg, []byte(secret), claimsFor(w, "machine", nil)), nil)
		}
		must := func(status int, a servertest.Answer) {
			t.Helper()
			if status != http.StatusOK {
				t.Errorf("%d %v", status, a)
			}
		}
		refused := func(status int, a servertest.Answer) {
			t.Helper()
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		}
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			must(by(alg, long))
		}
		refused(by("HS256", storage.Hash(long)))
		refused(w.call(t, "/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {long}}))
		refused(w.fetch(t, newKeyPair(t, "ES256", "").sign(t, claimsFor(w, "machine", nil)), nil))

		w.change(t, func(tx *storage.Tx) error {
			return tx.RotateSecret(t.Context(), "machine", next, w.Clock.Now().Add(time.Hour), w.Clock.Now())
		})
		must(by("HS256", next))
		must(by("HS256", long))
		w.Clock.Advance(time.Hour)
		refused(by("HS256", long))
		must(by("HS256", next))
		w.change(t, func(tx *storage.Tx) error {
			return tx.RotateSecret(t.Context(), "machine", last, w.Clock.Now(), w.Clock.Now())
		})
		refused(by("HS256", next))
		must(by("HS256", last))
		w.set(t, "machine", func(c *storage.Client) { c.AuthSigningAlg = "HS512" })
		refused(by("HS256", last))
		must(by("HS512", last))
	})
}

// Keys that a client rotates at its jwks_uri are found when they are used.
func TestRFC7523Section3KeysByURI(t *testing.T) {
	first, second := newKeyPair(t, "ES256", "1"), newKeyPair(t, "ES256", "2")
	both(t, "", func(t *testing.T, w *world) {
		var set atomic.Value
		set.Store(jwksOf(t, first))
		var asked atomic.Int64
		site := servertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				http.Redirect(rw, r, "/jwks", http.StatusFound)
				return
			}
			asked.Add(1)
			rw.Write([]byte(set.Load().(string)))
		}))
		w.Apply(machineBy("machine", "auth_method: private_key_jwt\n    jwks_uri: "+site+"/jwks"))
		fetch := func(k keyPair) (int, servertest.Answer) {
			return w.fetch(t, k.sign(t, claimsFor(w, "machine", nil)), nil)
		}
		must := func(status int, a servertest.Answer) {
			t.Helper()
			if status != http.StatusOK {
				t.Errorf("%d %v", status, a)
			}
		}
		must(fetch(first))
		set.Store(jwksOf(t, second))
		w.Clock.Advance(time.Minute)
		must(fetch(second))
		for range 5 {
			status, a := fetch(first)
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("the keys were fetched %d times, not twice", n)
		}
		w.set(t, "machine", func(c *storage.Client) { c.JWKSURI = site + "/moved" })
		status, a := fetch(second)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		if !strings.Contains(w.Log.String(), "redirects are not followed") {
			t.Error("the log doesn't say why")
		}
	})
}
