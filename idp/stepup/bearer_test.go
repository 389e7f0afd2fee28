package stepup_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

var start = Need{ACR: ACR2FA, MFAAge: 15 * time.Minute}

func TestTokensThatAreGood(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	listed := func(c object) { c["aud"] = []string{"https://other.example", resource} }
	for name, token := range map[string]string{
		"JWT": p.jwt(nil), "JWT for several": p.jwt(listed), "opaque": p.token(nil), "opaque for several": p.token(listed),
		"JWT, typ in full": p.sign("k", "application/AT+JWT", p.claims()),
	} {
		t.Run(name, func(t *testing.T) {
			w, got := call(v, "sessions:start", start, with(token)...)
			if w.Code != http.StatusCreated {
				t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			if got.Subject != "ana" || got.ClientID != "desk" || got.Issuer != p.URL || !got.Has("sessions:read") || got.Has("sessions") ||
				got.ACR != ACR2FA || got.MFATime != nine.Unix()-30 || !got.Expires.Equal(nine.Add(5*time.Minute)) {
				t.Errorf("%+v", got)
			}
			var more struct {
				AMR []string `json:"amr"`
			}
			if err := got.Decode(&more); err != nil || !slices.Contains(more.AMR, "otp") {
				t.Errorf("%v %v", more, err)
			}
		})
	}
	if FromContext(t.Context()) != nil {
		t.Error("a token without a call")
	}
}

// Each rule that refuses a token, for tokens of both kinds.
func TestTokensThatAreRefused(t *testing.T) {
	p := newProvider(t)
	set := func(name string, value any) func(object) { return func(c object) { c[name] = value } }
	without := func(name string) func(object) { return func(c object) { delete(c, name) } }
	tokens := make(map[string]string)
	for name, spoil := range map[string]func(object){
		"another issuer":            set("iss", "https://evil.example"),
		"issuer with a slash":       set("iss", p.URL+"/"),
		"no issuer":                 without("iss"),
		"another audience":          set("aud", "https://other.example"),
		"other audiences":           set("aud", []string{"https://other.example", resource + "/"}),
		"no audience":               without("aud"),
		"audience is a number":      set("aud", 1),
		"expired this second":       set("exp", nine.Unix()),
		"never expires":             without("exp"),
		"no subject":                without("sub"),
		"no client":                 without("client_id"),
		"not yet":                   set("nbf", nine.Unix()+11),
		"issued in the future":      set("iat", nine.Unix()+11),
		"bound to a key":            set("cnf", object{"jkt": "thumbprint"}),
		"bound to a certificate":    set("cnf", object{"x5t#S256": "thumbprint"}),
		"bound to both":             set("cnf", object{"jkt": "thumbprint", "x5t#S256": "thumbprint"}),
		"bound to nothing we know":  set("cnf", object{}),
		"acr is a list":             set("acr", []string{ACR2FA}),
		"mfa_time is text":          set("mfa_time", "now"),
		"expires beyond all bounds": set("exp", 1e300),
	} {
		tokens["JWT, "+name] = p.jwt(spoil)
		tokens["opaque, "+name] = p.token(spoil)
	}
	tokens["opaque, revoked"] = p.token(set("active", false))
	tokens["opaque, unknown"] = "invented"
	tokens["opaque, of type DPoP"] = p.token(set("token_type", "DPoP"))
	tokens["JWT, no jti"] = p.jwt(without("jti"))
	tokens["JWT, no iat"] = p.jwt(without("iat"))
	tokens["ID token"] = p.sign("k", "JWT", p.claims())
	tokens["logout token"] = p.sign("k", "logout+jwt", p.claims())
	tokens["no typ"] = sign(t, jose.ES256, p.keys["k"], new(jose.SignerOptions).WithHeader("kid", "k"), p.claims())
	tokens["no kid"] = sign(t, jose.ES256, p.keys["k"], new(jose.SignerOptions).WithType("at+jwt"), p.claims())
	tokens["unknown kid"] = sign(t, jose.ES256, newKey(t), new(jose.SignerOptions).WithHeader("kid", "x").WithType("at+jwt"), p.claims())
	tokens["another key"] = sign(t, jose.ES256, newKey(t), new(jose.SignerOptions).WithHeader("kid", "k").WithType("at+jwt"), p.claims())
	tokens["key of its own"] = sign(t, jose.ES256, newKey(t), (&jose.SignerOptions{EmbedJWK: true}).WithType("at+jwt"), p.claims())
	tokens["HMAC with the public key"] = sign(t, jose.HS256, thumbprintable(t, p), new(jose.SignerOptions).WithHeader("kid", "k").WithType("at+jwt"), p.claims())
	tokens["alg none"] = unsigned(t, object{"alg": "none", "typ": "at+jwt", "kid": "k"}, p.claims())
	good := p.jwt(nil)
	tokens["signature cut"] = good[:len(good)-4]
	tokens["signature removed"] = good[:strings.LastIndexByte(good, '.')+1]
	v := p.verifier()
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			w, got := call(v, "", Need{}, with(token)...)
			if w.Code != http.StatusUnauthorized || got != nil || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), `Bearer error="invalid_token", error_description="`) {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}
	if w, _ := call(v, "", Need{}, with(good)...); w.Code != http.StatusCreated { // it isn't that everything is refused
		t.Errorf("a good one: %d %s", w.Code, w.Body)
	}
}

// A key is good for the algorithm that it was published for (RFC 8725 section
// 3.1).
func TestKeysAreForOneAlgorithm(t *testing.T) {
	p := newProvider(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.keys["rsa"] = key
	v := p.verifier()
	for alg, status := range map[jose.SignatureAlgorithm]int{jose.RS256: http.StatusCreated, jose.PS256: http.StatusUnauthorized, jose.RS512: http.StatusUnauthorized} {
		token := sign(t, alg, key, new(jose.SignerOptions).WithHeader("kid", "rsa").WithType("at+jwt"), p.claims())
		if w, _ := call(v, "", Need{}, with(token)...); w.Code != status {
			t.Errorf("%s: %d", alg, w.Code)
		}
	}
}

func thumbprintable(t *testing.T, p *testProvider) []byte {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKey{Key: p.keys["k"].Public()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unsigned(t *testing.T, header, claims object) string {
	t.Helper()
	var parts []string
	for _, o := range []object{header, claims} {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(b))
	}
	return strings.Join(parts, ".") + "."
}

func TestSecondsThatCount(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	for name, test := range map[string]struct {
		spoil func(object)
		good  bool
	}{
		"expires in a second":    {func(c object) { c["exp"] = nine.Unix() + 1 }, true},
		"expires now":            {func(c object) { c["exp"] = nine.Unix() }, false},
		"valid in ten seconds":   {func(c object) { c["nbf"] = nine.Unix() + 10 }, true},
		"valid in eleven":        {func(c object) { c["nbf"] = nine.Unix() + 11 }, false},
		"issued in ten seconds":  {func(c object) { c["iat"] = nine.Unix() + 10 }, true},
		"issued in eleven":       {func(c object) { c["iat"] = nine.Unix() + 11 }, false},
		"second factor on time":  {func(c object) { c["mfa_time"] = ago(15 * time.Minute) }, true},
		"second factor too late": {func(c object) { c["mfa_time"] = ago(15*time.Minute + time.Second) }, false},
	} {
		for kind, token := range map[string]string{"JWT": p.jwt(test.spoil), "opaque": p.token(test.spoil)} {
			if w, _ := call(v, "", start, with(token)...); (w.Code == http.StatusCreated) != test.good {
				t.Errorf("%s, %s: %d %s", name, kind, w.Code, w.Body)
			}
		}
	}
}

// The header of each refusal, to the letter.
func TestChallenges(t *testing.T) {
	p := newProvider(t)
	weak := p.jwt(func(c object) { c["acr"] = ACR1FA; delete(c, "mfa_time") })
	stale := p.jwt(func(c object) { c["mfa_time"] = ago(time.Hour) })
	machine := p.jwt(func(c object) {
		for _, name := range []string{"acr", "amr", "auth_time", "mfa_time"} {
			delete(c, name)
		}
	})
	const insufficient = `Bearer error="insufficient_user_authentication", error_description="`
	const invalid = `Bearer error="invalid_token", error_description="the access token isn't valid here: it is unknown, expired, revoked or not meant for this API"`
	for name, test := range map[string]struct {
		scope     string
		need      Need
		headers   []string
		status    int
		challenge string
	}{
		"no token":          {"", start, nil, 401, `Bearer`},
		"another scheme":    {"", start, []string{"Authorization", "Basic YTpi"}, 401, `Bearer`},
		"two tokens":        {"", start, append(with(weak), with(weak)...), 400, `Bearer error="invalid_request", error_description="the Authorization header must be sent once, with one token"`},
		"an empty token":    {"", start, with(""), 400, `Bearer error="invalid_request", error_description="the Authorization header must be sent once, with one token"`},
		"not a token":       {"", start, with("a b"), 400, `Bearer error="invalid_request", error_description="the Authorization header must be sent once, with one token"`},
		"unknown":           {"", start, with("invented"), 401, invalid},
		"scope":             {"sessions:start machines:wipe", start, with(stale), 403, `Bearer error="insufficient_scope", error_description="the token's scope doesn't allow this", scope="sessions:start machines:wipe"`},
		"scope before acr":  {"machines:wipe", start, with(weak), 403, `Bearer error="insufficient_scope", error_description="the token's scope doesn't allow this", scope="machines:wipe"`},
		"acr":               {"", Need{ACR: ACR2FA}, with(weak), 401, insufficient + `urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:1fa", acr_values="urn:sallyport:acr:2fa"`},
		"acr and age":       {"", start, with(weak), 401, insufficient + `urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:1fa", acr_values="urn:sallyport:acr:2fa", max_age="900", mfa_max_age="900"`},
		"mfa_time":          {"", start, with(stale), 401, insufficient + `the second factor must have been proved at most 15m0s ago", acr_values="urn:sallyport:acr:2fa", max_age="900", mfa_max_age="900"`},
		"auth_time":         {"", Need{AuthAge: 59 * time.Second}, with(weak), 401, insufficient + `the sign-in must be at most 59s old", max_age="59"`},
		"auth and mfa_time": {"", Need{AuthAge: 59 * time.Second, MFAAge: 5 * time.Second}, with(stale), 401, insufficient + `the sign-in must be at most 59s old", max_age="5"`},
		"a machine":         {"", Need{ACR: ACR1FA}, with(machine), 401, insufficient + `urn:sallyport:acr:1fa or better is needed, and the sign-in is worth nothing that it names", acr_values="urn:sallyport:acr:1fa"`},
	} {
		t.Run(name, func(t *testing.T) {
			w, got := call(p.verifier(), test.scope, test.need, test.headers...)
			if diff := cmp.Diff([]string{test.challenge}, w.Header().Values("WWW-Authenticate")); diff != "" || w.Code != test.status || got != nil {
				t.Errorf("%d %s", w.Code, diff)
			}
			var body map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body["error_description"] == "" ||
				strings.Contains(test.challenge, "error=") != strings.Contains(test.challenge, `error="`+body["error"]+`"`) {
				t.Errorf("%v %s", err, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%v", w.Header())
			}
		})
	}
}

// A token in an address or in a form is no token.
func TestTokensElsewhereAreNotLookedAt(t *testing.T) {
	p := newProvider(t)
	token := p.jwt(nil)
	r := httptest.NewRequest("POST", "/?access_token="+token, strings.NewReader("access_token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	RequireBearer(p.verifier(), "", Need{})(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// Who may is asked between the two doors; a proof that was good at the first
// isn't spent twice.
func TestRequireBearerBehindItself(t *testing.T) {
	p := newProvider(t)
	c := caller{p, newKey(t)}
	v, other := p.verifier(), p.verifier()
	v.BaseURL, other.Audience = resource, []string{"https://other.example"}
	weak := p.jwt(func(claims object) { c.bound(claims); claims["acr"] = ACR1FA })
	strong := p.jwt(c.bound)
	for name, test := range map[string]struct {
		token  string
		inner  *Verifier
		scope  string
		may    bool
		status int
	}{
		"weak, may not":      {weak, v, "", false, http.StatusForbidden},
		"weak, may":          {weak, v, "", true, http.StatusUnauthorized},
		"strong, may":        {strong, v, "", true, http.StatusCreated},
		"strong, less scope": {strong, v, "machines:wipe", true, http.StatusForbidden},
		"another's token":    {strong, other, "", true, http.StatusUnauthorized},
	} {
		inner := RequireBearer(test.inner, test.scope, start)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if FromContext(r.Context()).KeyThumbprint != c.thumbprint() {
				t.Errorf("%s: another token", name)
			}
			w.WriteHeader(http.StatusCreated)
		}))
		outer := RequireBearer(v, "sessions:start", Need{})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !test.may {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			inner.ServeHTTP(w, r)
		}))
		r := httptest.NewRequest("POST", "/api/machines/front-desk/sessions", nil)
		r.Header.Set("Authorization", "DPoP "+test.token)
		r.Header.Set("DPoP", c.proof(test.token, nil))
		w := httptest.NewRecorder()
		if outer.ServeHTTP(w, r); w.Code != test.status {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
}

func TestOpaqueTokensNeedSomebodyToAsk(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	v.ClientID = ""
	if w, _ := call(v, "", Need{}, with(p.token(nil))...); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
	if n := p.asked("/introspect"); n != 0 {
		t.Errorf("asked %d times without credentials", n)
	}
	if w, _ := call(v, "", Need{}, with(p.jwt(nil))...); w.Code != http.StatusCreated {
		t.Errorf("a JWT: %d", w.Code)
	}
}

func TestRevokedTokensAreRefusedAtTheNextCall(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	v.AlwaysIntrospect = true
	opaque, jwt := p.token(nil), p.jwt(nil)
	p.set(func() { p.opaque[jwt] = p.opaque[opaque] })
	for _, token := range []string{opaque, jwt} {
		if w, _ := call(v, "", start, with(token)...); w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		p.set(func() { p.opaque[token] = object{"active": false} })
		if w, _ := call(v, "", start, with(token)...); w.Code != http.StatusUnauthorized {
			t.Errorf("revoked, and %d", w.Code)
		}
	}
	// Being active doesn't make a JWT good that isn't.
	spoiled := p.jwt(func(c object) { c["aud"] = "https://other.example" })
	p.set(func() { p.opaque[spoiled] = object{"active": true} })
	if w, _ := call(v, "", Need{}, with(spoiled)...); w.Code != http.StatusUnauthorized {
		t.Errorf("for another API, and %d", w.Code)
	}
}
