package demo_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// testProvider is a small OpenID provider that works as the standard says and
// can be told to misbehave in one respect. It signs everybody in at once.
type testProvider struct {
	*httptest.Server
	t     *testing.T
	clock *testClock
	key   *ecdsa.PrivateKey

	mu       sync.Mutex
	down     bool
	asked    []url.Values        // authorization requests, in order
	ended    []url.Values        // end-session requests, in order
	grants   map[string]grant    // by code
	person   map[string]any      // claims of whoever signs in
	grow     func(url.Values)    // changes person once acr_values were asked for
	answer   func(url.Values)    // spoils the authorization response
	token    func(claims)        // spoils the ID token
	signWith *ecdsa.PrivateKey   // signs the ID token with another key
	userInfo func(claims)        // spoils UserInfo
	metadata func(claims)        // spoils the discovery document
	redeemed map[string]struct{} // codes presented
}

type claims = map[string]any

type grant struct {
	request url.Values
	claims  claims
}

const (
	clientID     = "the-product"
	clientSecret = "a secret/with+signs%"
)

func newTestProvider(t *testing.T) *testProvider {
	t.Helper()
	p := &testProvider{
		t: t, clock: &testClock{now: time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)},
		key: newKey(t), grants: make(map[string]grant), redeemed: make(map[string]struct{}),
		person: claims{"sub": "ana", "name": "Ana Silva", "sid": "sid-1", "acr": "urn:sallyport:acr:1fa", "amr": []string{"pwd"}, "roles": []string{"remote-operator"}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.redeem)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		info := claims{"sub": p.person["sub"], "email": "ana@example.com"}
		if p.userInfo != nil {
			p.userInfo(info)
		}
		reply(w, info)
	})
	mux.HandleFunc("GET /end", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		q := r.URL.Query()
		p.ended = append(p.ended, q)
		http.Redirect(w, r, q.Get("post_logout_redirect_uri")+"?state="+url.QueryEscape(q.Get("state")), http.StatusSeeOther)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *testProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	m := claims{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/end",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
	}
	if p.metadata != nil {
		p.metadata(m)
	}
	reply(w, m)
}

func (p *testProvider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	p.asked = append(p.asked, q)
	if q.Get("acr_values") != "" && p.grow != nil {
		p.grow(q)
	}
	code := rand.Text()
	p.grants[code] = grant{q, maps.Clone(p.person)}
	a := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	if p.answer != nil {
		p.answer(a)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+a.Encode(), http.StatusFound)
}

func (p *testProvider) redeem(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := r.PostFormValue("code")
	g, ok := p.grants[code]
	delete(p.grants, code)
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if _, again := p.redeemed[code]; again {
		p.t.Errorf("code %s was presented twice", code)
	}
	p.redeemed[code] = struct{}{}
	switch {
	case !ok, id != clientID, secret != clientSecret, g.request.Get("client_id") != clientID,
		g.request.Get("redirect_uri") != r.PostFormValue("redirect_uri"),
		g.request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]):
		replyWith(w, http.StatusBadRequest, claims{"error": "invalid_grant"})
		return
	}
	now := p.clock.Now().Unix()
	c := g.claims
	maps.Copy(c, claims{"iss": p.URL, "aud": clientID, "iat": now, "exp": now + 300, "auth_time": now, "nonce": g.request.Get("nonce")})
	if p.token != nil {
		p.token(c)
	}
	key := p.key
	if p.signWith != nil {
		key = p.signWith
	}
	reply(w, claims{"access_token": "at-" + code, "token_type": "Bearer", "expires_in": 300, "id_token": sign(p.t, key, "JWT", c)})
}

// logoutToken is a good one; spoil may change its claims.
func (p *testProvider) logoutToken(typ string, spoil func(claims)) string {
	now := p.clock.Now().Unix()
	c := claims{
		"iss": p.URL, "aud": clientID, "iat": now, "exp": now + 120, "jti": rand.Text(), "sub": "ana", "sid": "sid-1",
		"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}},
	}
	if spoil != nil {
		spoil(c)
	}
	return sign(p.t, p.key, typ, c)
}

// requests are the authorization requests so far.
func (p *testProvider) requests() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.asked...)
}

// set changes the provider between two requests.
func (p *testProvider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key *ecdsa.PrivateKey, typ string, c claims) string {
	t.Helper()
	options := new(jose.SignerOptions).WithHeader("kid", "k")
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(c)
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

func reply(w http.ResponseWriter, v any) { replyWith(w, http.StatusOK, v) }

func replyWith(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// testClock is a clock that only tests move.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
