package stepup_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

type object = map[string]any

// testProvider is the part of a provider that an API talks to. It can be told
// to misbehave.
type testProvider struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	now      time.Time
	down     bool
	keys     map[string]crypto.Signer // by kid
	opaque   map[string]object        // answers of introspection
	metadata func(object)
	calls    map[string]int // by path
}

const (
	resource  = "https://control.example.com"
	apiID     = "control api" // with what must be escaped in basic authentication
	apiSecret = "a secret/with+signs%"
)

func newProvider(t *testing.T) *testProvider {
	t.Helper()
	p := &testProvider{t: t, now: nine, keys: map[string]crypto.Signer{"k": newKey(t)}, opaque: make(map[string]object), calls: make(map[string]int)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		m := object{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "introspection_endpoint": p.URL + "/introspect"}
		if p.metadata != nil {
			p.metadata(m)
		}
		reply(w, m)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		var set jose.JSONWebKeySet
		for id, k := range p.keys {
			alg := map[bool]string{true: "ES256", false: "RS256"}[id != "rsa"]
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public(), KeyID: id, Algorithm: alg, Use: "sig"})
		}
		reply(w, set)
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
		if id != apiID || secret != apiSecret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer, ok := p.opaque[r.PostFormValue("token")]
		if !ok {
			answer = object{"active": false}
		}
		reply(w, answer)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls[r.URL.Path]++
		if p.down {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *testProvider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *testProvider) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *testProvider) asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

func (p *testProvider) verifier() *Verifier {
	return &Verifier{Issuer: p.URL, Audience: []string{resource}, ClientID: apiID, ClientSecret: apiSecret, Now: p.clock}
}

// claims are those of a good access token.
func (p *testProvider) claims() object {
	now := p.clock().Unix()
	return object{
		"iss": p.URL, "sub": "ana", "client_id": "desk", "aud": resource, "scope": "sessions:start sessions:read", "jti": rand.Text(),
		"iat": now, "exp": now + 300, "acr": ACR2FA, "amr": []string{"pwd", "otp", "mfa"}, "auth_time": now - 60, "mfa_time": now - 30,
	}
}

// jwt signs a good access token that spoil may change.
func (p *testProvider) jwt(spoil func(object)) string {
	c := p.claims()
	if spoil != nil {
		spoil(c)
	}
	return p.sign("k", "at+jwt", c)
}

func (p *testProvider) sign(kid, typ string, c object) string {
	return sign(p.t, jose.ES256, p.keys[kid], new(jose.SignerOptions).WithHeader("kid", kid).WithType(jose.ContentType(typ)), c)
}

// token makes introspection know a good token that spoil may change.
func (p *testProvider) token(spoil func(object)) string {
	c := object{"active": true, "token_type": "Bearer"}
	maps.Copy(c, p.claims())
	delete(c, "jti")
	if spoil != nil {
		spoil(c)
	}
	token := rand.Text()
	p.set(func() { p.opaque[token] = c })
	return token
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, options *jose.SignerOptions, c object) string {
	t.Helper()
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// call is a request to an API behind RequireBearer, and what came of it.
func call(v *Verifier, scope string, need Need, headers ...string) (*httptest.ResponseRecorder, *Token) {
	r := httptest.NewRequest("POST", "/api/machines/front-desk/sessions?dry=1", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	var token *Token
	w := httptest.NewRecorder()
	RequireBearer(v, scope, need)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = FromContext(r.Context())
		w.WriteHeader(http.StatusCreated)
	})).ServeHTTP(w, r)
	return w, token
}

func with(token string) []string { return []string{"Authorization", "Bearer " + token} }
