package server_test

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// One test for each thing that the OpenID library, left alone, would do wrong:
// see docs/decisions/0001.

func TestTrap01PKCE(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p := member(t, d, ana)
		for _, id := range []string{first, public} {
			rp := rp(t, d, id)
			for name, more := range map[string]url.Values{
				"none":           {"code_challenge": {""}, "code_challenge_method": {""}},
				"plain":          {"code_challenge_method": {"plain"}},
				"no method":      {"code_challenge_method": {""}},
				"unknown":        {"code_challenge_method": {"S512"}},
				"small letters":  {"code_challenge_method": {"s256"}},
				"method alone":   {"code_challenge": {""}},
				"short":          {"code_challenge": {"tooshort"}},
				"no base64url":   {"code_challenge": {strings.Repeat("+", 43)}},
				"longer by one":  {"code_challenge": {strings.Repeat("a", 44)}},
				"plain verifier": {"code_challenge": {rp.Verifier + "."}},
			} {
				t.Run(id+" "+name, func(t *testing.T) {
					mustError(t, d, answered(t, p.Go(rp.AuthorizeURL(more))), "invalid_request")
				})
			}
			for name, verifier := range map[string]string{"no verifier": "", "wrong verifier": storage.NewSecret(), "the challenge itself": challenge(rp)} {
				t.Run(id+" "+name, func(t *testing.T) {
					status, a := rp.Exchange(codeFor(t, p, rp, nil), url.Values{"code_verifier": {verifier}})
					mustRefuse(t, status, a, 400, "invalid_grant")
				})
			}
		}
		without := url.Values{"code_challenge": {""}, "code_challenge_method": {""}}
		rp := rp(t, d, lenient)
		if status, a := rp.Exchange(codeFor(t, p, rp, without), url.Values{"code_verifier": {""}}); status != 200 {
			t.Errorf("optional: %d %v", status, a)
		}
		status, a := rp.Exchange(codeFor(t, p, rp, without), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = rp.Exchange(codeFor(t, p, rp, nil), url.Values{"code_verifier": {""}})
		mustRefuse(t, status, a, 400, "invalid_grant")
	})
}

// challenge is the code_challenge that AuthorizeURL sends.
func challenge(rp *servertest.RP) string {
	u, _ := url.Parse(rp.AuthorizeURL(nil))
	return u.Query().Get("code_challenge")
}

func TestTrap02CodeOnce(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, rp := member(t, d, ana), rp(t, d, first)
		code := codeFor(t, p, rp, nil)
		status, tokens := rp.Exchange(code, nil)
		if status != 200 {
			t.Fatalf("%d %v", status, tokens)
		}
		if status, _ := rp.Userinfo(tokens.String("access_token")); status != 200 {
			t.Fatalf("userinfo: %d", status)
		}
		status, a := rp.Exchange(code, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = rp.Userinfo(tokens.String("access_token"))
		mustRefuse(t, status, a, 401, "invalid_token")
		status, a = rp.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")

		// Whatever was wrong, the code is spent.
		code = codeFor(t, p, rp, nil)
		status, a = rp.Exchange(code, url.Values{"code_verifier": {storage.NewSecret()}})
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = rp.Exchange(code, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")

		// In parallel there is one success.
		code = codeFor(t, p, rp, nil)
		if n := succeed(16, func(int) bool { status, _ := rp.Exchange(code, nil); return status == 200 }); n != 1 {
			t.Errorf("%d redemptions of one code", n)
		}
	})
}

// succeed calls try n times at once and counts the successes.
func succeed(n int, try func(i int) bool) (won int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			if try(i) {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	close(begin)
	all.Wait()
	return won
}

func TestTrap03RefreshReuse(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rp := rp(t, d, first)
		one := tokensFor(t, member(t, d, ana), rp, nil)
		status, two := rp.Refresh(one.String("refresh_token"), nil)
		if status != 200 || two.String("refresh_token") == one.String("refresh_token") || two.String("refresh_token") == "" {
			t.Fatalf("not rotated: %d %v", status, two)
		}
		d.Clock.Advance(11 * time.Second)
		status, a := rp.Refresh(one.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = rp.Refresh(two.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = rp.Userinfo(two.String("access_token"))
		mustRefuse(t, status, a, 401, "invalid_token")
	})
}

func TestTrap04WayBackIsBound(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rp := rp(t, d, first)
		// Ana's browser has signed in and would now go back; it is held there.
		victim := servertest.NewPerson(t, d.URL+"/authorize/continue")
		victim.Go(rp.AuthorizeURL(nil))
		signIn(victim, ana).MustBeAt("/authorize/continue")
		back := victim.URL.String()

		// Another browser, signed in or not, gets nothing by her address.
		for _, other := range []*servertest.Person{visitor(t), member(t, d, ben)} {
			other.Go(back)
			if other.URL.Query().Has("code") || other.Status != http.StatusForbidden {
				t.Errorf("another browser: %d at %s", other.Status, other.URL)
			}
		}
		// Hers gets one code, once.
		got := servertest.NewPerson(t, site)
		got.Client().Jar = victim.Client().Jar
		if answered(t, got.Go(back)).Get("code") == "" {
			t.Fatalf("no code: %s", got.URL)
		}
		got.Go(back).MustRead("finished")
		if got.Status != http.StatusGone {
			t.Errorf("again: %d", got.Status)
		}

		// Nor is an error, with the state of her product, for anybody else.
		victim.Go(rp.AuthorizeURL(url.Values{"prompt": {"select_account"}})).SubmitTo("/login/cancel").MustBeAt("/authorize/continue")
		back = victim.URL.String()
		other := visitor(t).Go(back)
		if other.URL.Query().Has("state") || other.Status != http.StatusForbidden {
			t.Errorf("another browser: %d at %s", other.Status, other.URL)
		}
		mustError(t, d, answered(t, got.Go(back)), "access_denied")
	})
}

func TestTrap05DeviceCodes(t *testing.T) {
	d := start(t)
	const grant = "urn:ietf:params:oauth:grant-type:device_code"
	for path, form := range map[string]url.Values{"/device_authorization": {}, "/token": {"grant_type": {grant}, "device_code": {"x"}}} {
		status, a := rp(t, d, first).Post(path, form)
		mustRefuse(t, status, a, 400, "unauthorized_client")
	}
}

func discovery(t testing.TB, d *servertest.Demo) servertest.Answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, d.URL+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	status, _, doc := rp(t, d, first).Do(req)
	if status != 200 {
		t.Fatalf("discovery: %d", status)
	}
	return doc
}

func TestTrap06RedirectURI(t *testing.T) {
	d := start(t)
	p := member(t, d, ana)
	for _, c := range []struct {
		client, uri string
		good        bool
	}{
		{first, site + "/callback", true},
		{first, site + "/a%2Fb?c=d", true},
		{first, site + "/a%2fb?c=d", false},
		{first, site + "/a/b?c=d", false},
		{first, site + "/a%2Fb", false},
		{first, site + "/callback/", false},
		{first, site + "/callback?", false},
		{first, site + "/callback?x=1", false},
		{first, site + "/callback#x", false},
		{first, site + "/Callback", false},
		{first, "HTTPS://rp.example/callback", false},
		{first, "https://RP.example/callback", false},
		{first, "https://rp.example:443/callback", false},
		{first, "https://u@rp.example/callback", false},
		{first, site + "/%63allback", false},
		{first, site + "/x/../callback", false},
		{first, site + ".evil.example/callback", false},
		{first, "http://rp.example/callback", false},
		{first, site + "/callback\n", false},
		{first, "http://127.0.0.1:9/callback", false},
		{first, "", false},
		{brief, "http://127.0.0.1:4711/brief", true},
		{brief, "http://127.0.0.1:4712/brief", false}, // no native client
		{native, "http://127.0.0.1/callback", true},
		{native, "http://127.0.0.1:1/callback", true},
		{native, "http://127.0.0.1:65535/callback", true},
		{native, "http://[::1]:5/callback?x=1", true},
		{native, "com.example.app:/callback", true},
		{native, "http://[::1]:5/callback?x=2", false},
		{native, "http://127.0.0.1:5/other", false},
		{native, "http://127.0.0.1:/callback", false},
		{native, "http://127.0.0.1:5@evil.example/callback", false},
		{native, "http://127.0.0.1:123456/callback", false},
		{native, "http://127.0.0.1.evil.example/callback", false},
		{native, "http://127.0.0.2:5/callback", false},
		{native, "http://localhost:5/callback", false},
		{native, "https://127.0.0.1:5/callback", false},
		{native, "http://127.0.0.1:5/callback/", false},
		{native, "com.example.app:/callback2", false},
		{native, "com.example.app://callback", false},
	} {
		t.Run(c.client+" "+c.uri, func(t *testing.T) {
			// A fresh RP, for the challenge alone.
			p.Go(rp(t, d, c.client).AuthorizeURL(url.Values{"redirect_uri": {c.uri}, "scope": {"openid"}}))
			switch {
			case c.good && answered(t, p).Get("code") == "":
				t.Errorf("refused: %s", p.URL)
			case c.good && !strings.HasPrefix(p.URL.String(), c.uri):
				t.Errorf("redirected to %s", p.URL)
			case !c.good:
				p.MustBeAt("/authorize").MustRead("redirect_uri")
				if p.Status != http.StatusBadRequest {
					t.Errorf("status %d", p.Status)
				}
			}
		})
	}

	// The code is bound to the address it was asked for.
	rp := rp(t, d, first)
	status, a := rp.Exchange(codeFor(t, p, rp, nil), url.Values{"redirect_uri": {site + "/a%2Fb?c=d"}})
	mustRefuse(t, status, a, 400, "invalid_grant")
}

func TestTrap07Duplicates(t *testing.T) {
	d := start(t)
	p, rp := member(t, d, ana), rp(t, d, first)
	for _, name := range []string{"response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age",
		"response_mode", "acr_values", "claims", "login_hint", "id_token_hint", "ui_locales", "anything"} {
		q := answered(t, p.Go(rp.AuthorizeURL(nil)+"&"+url.Values{name: {"query", "query"}}.Encode()))
		if q.Get("error") != "invalid_request" || q.Has("code") || !strings.Contains(q.Get("error_description"), name) {
			t.Errorf("%s twice: %v", name, q)
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		same := url.Values{"client_id": {first}, "redirect_uri": {rp.RedirectURI}}
		p.Go(rp.AuthorizeURL(nil) + "&" + name + "=" + url.QueryEscape(same.Get(name))).MustBeAt("/authorize").MustRead(name)
		if p.Status != http.StatusBadRequest {
			t.Errorf("%s twice: %d", name, p.Status)
		}
	}
	code := codeFor(t, p, rp, nil)
	for _, name := range []string{"grant_type", "code", "redirect_uri", "code_verifier", "client_id", "anything"} {
		status, a := rp.Exchange(code, url.Values{name: {"x", "x"}})
		mustRefuse(t, status, a, 400, "invalid_request")
	}
	for _, path := range []string{"/introspect", "/revoke"} {
		status, a := rp.Post(path, url.Values{"token": {"x", "y"}})
		mustRefuse(t, status, a, 400, "invalid_request")
	}
	if status, a := rp.Exchange(code, nil); status != 200 {
		t.Errorf("the code was touched: %d %v", status, a)
	}
}

func TestTrap08TokenRequestForm(t *testing.T) {
	d := start(t)
	p := member(t, d, ana)
	rp := rp(t, d, poster)
	form := func() url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "code": {codeFor(t, p, rp, nil)}, "redirect_uri": {rp.RedirectURI}, "code_verifier": {rp.Verifier},
			"client_id": {poster}, "client_secret": {secret}}
	}
	send := func(method, query, media, body string) (int, http.Header, servertest.Answer) {
		req, err := http.NewRequest(method, d.URL+"/token"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", media)
		return rp.Do(req)
	}
	const urlencoded = "application/x-www-form-urlencoded"
	status, h, a := send(http.MethodGet, "?"+form().Encode(), urlencoded, "")
	mustRefuse(t, status, a, 405, "invalid_request")
	if h.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", h.Get("Allow"))
	}
	status, _, a = send(http.MethodPut, "", urlencoded, form().Encode())
	mustRefuse(t, status, a, 405, "invalid_request")
	status, _, a = send(http.MethodPost, "?"+form().Encode(), urlencoded, "")
	mustRefuse(t, status, a, 400, "invalid_request")
	f := form()
	f.Del("client_secret")
	status, _, a = send(http.MethodPost, "?client_secret="+url.QueryEscape(secret), urlencoded, f.Encode())
	mustRefuse(t, status, a, 400, "invalid_request")
	status, _, a = send(http.MethodPost, "", "application/json", `{"grant_type":"authorization_code"}`)
	mustRefuse(t, status, a, 400, "invalid_request")
	status, _, a = send(http.MethodPost, "", "text/plain", form().Encode())
	mustRefuse(t, status, a, 400, "invalid_request")
	status, _, a = send(http.MethodPost, "", urlencoded, form().Encode()+"&x="+strings.Repeat("x", 64<<10))
	mustRefuse(t, status, a, 400, "invalid_request")
	if status, _, a = send(http.MethodPost, "", urlencoded+"; charset=utf-8", form().Encode()); status != 200 {
		t.Errorf("the right way: %d %v", status, a)
	}
}

func TestTrap09Discovery(t *testing.T) {
	d := start(t)
	at := func(path string) any { return d.URL + path }
	list := func(s ...string) any {
		out := make([]any, len(s))
		for i := range s {
			out[i] = s[i]
		}
		return out
	}
	methods := list("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
	assertions := list("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
	want := servertest.Answer{
		"issuer":                   d.URL,
		"authorization_endpoint":   at("/authorize"),
		"token_endpoint":           at("/token"),
		"userinfo_endpoint":        at("/userinfo"),
		"introspection_endpoint":   at("/introspect"),
		"revocation_endpoint":      at("/revoke"),
		"end_session_endpoint":     at("/logout"),
		"jwks_uri":                 at("/keys"),
		"scopes_supported":         list("openid", "profile", "email", "phone", "address", "roles", "offline_access", "people:read", "people:write", "rules:read", "rules:write", "products:read", "products:write", "audit:read", "companies:read", "companies:write", "keys:read", "keys:write", "delivery:read", "delivery:write"),
		"response_types_supported": list("code", "id_token", "code id_token"),
		"response_modes_supported": list("query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"),
		"grant_types_supported": list("authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
			"urn:ietf:params:oauth:grant-type:token-exchange", "implicit"),
		"device_authorization_endpoint": at("/device_authorization"),
		"acr_values_supported": list("urn:sallyport:acr:1fa", "https://refeds.org/profile/sfa", "urn:sallyport:acr:2sv", "urn:sallyport:acr:2fa",
			"https://refeds.org/profile/mfa", "http://schemas.openid.net/pape/policies/2007/06/multi-factor", "phr"),
		"subject_types_supported":                                  list("public", "pairwise"),
		"userinfo_signing_alg_values_supported":                    list("RS256", "ES256", "PS256", "EdDSA"),
		"introspection_signing_alg_values_supported":               list("RS256", "ES256", "PS256", "EdDSA"),
		"id_token_signing_alg_values_supported":                    list("RS256", "ES256", "PS256", "EdDSA"),
		"token_endpoint_auth_methods_supported":                    methods,
		"revocation_endpoint_auth_methods_supported":               methods,
		"introspection_endpoint_auth_methods_supported":            list("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"),
		"token_endpoint_auth_signing_alg_values_supported":         assertions,
		"revocation_endpoint_auth_signing_alg_values_supported":    assertions,
		"introspection_endpoint_auth_signing_alg_values_supported": assertions,
		"claim_types_supported":                                    list("normal"),
		"claims_supported": list("acr", "address", "amr", "amr_times", "at_hash", "aud", "auth_time", "birthdate", "c_hash", "email", "email_verified", "exp",
			"family_name", "gender", "given_name", "iat", "iss", "locale", "mfa_time", "middle_name", "name", "nickname", "nonce", "phone_number",
			"phone_number_verified", "picture", "preferred_username", "profile", "roles", "sid", "sub", "updated_at", "website", "zoneinfo"),
		"claims_parameter_supported":                     true,
		"code_challenge_methods_supported":               list("S256"),
		"ui_locales_supported":                           list("en", "de"),
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"frontchannel_logout_supported":                  true,
		"frontchannel_logout_session_supported":          true,
		"check_session_iframe":                           at("/session/check"),
		"dpop_signing_alg_values_supported":              list("ES256", "PS256", "EdDSA"),
		"authorization_response_iss_parameter_supported": true,
		"prompt_values_supported":                        list("none", "login", "consent", "select_account"),
		"request_parameter_supported":                    true,
		"request_object_signing_alg_values_supported":    list("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
		"pushed_authorization_request_endpoint":          at("/par"),
		"authorization_signing_alg_values_supported":     list("RS256", "ES256", "PS256", "EdDSA"),
		"request_uri_parameter_supported":                true,
		"require_request_uri_registration":               true,
	}
	got := discovery(t, d)
	for _, doc := range []servertest.Answer{got, want} {
		for _, v := range doc {
			if l, ok := v.([]any); ok {
				slices.SortFunc(l, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("discovery (-want +got):\n%s", diff)
	}

	// What isn't listed isn't there.
	rp := rp(t, d, first)
	for _, grant := range []string{"urn:ietf:params:oauth:grant-type:jwt-bearer", "password", "device_code", "token-exchange", "implicit", "AUTHORIZATION_CODE"} {
		for _, more := range []url.Values{{}, {"assertion": {"a.b.c"}, "subject_token": {"x"}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}} {
			more.Set("grant_type", grant)
			status, a := rp.Post("/token", more)
			mustRefuse(t, status, a, 400, "unsupported_grant_type")
		}
	}
	status, a := rp.Post("/token", url.Values{"code": {"x"}})
	mustRefuse(t, status, a, 400, "invalid_request")
	p := member(t, d, ana)
	for _, kind := range []string{"token", "id_token", "id_token token", "code id_token", "code token", "none", "CODE"} {
		q := answered(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {kind}})))
		if p.URL.Fragment != "" { // that is where answers with an ID token go
			q, _ = url.ParseQuery(p.URL.Fragment)
		}
		mustError(t, d, q, "unsupported_response_type")
	}
}

func TestTrap10IDTokenIsNoAccessToken(t *testing.T) {
	d := start(t)
	rp := rp(t, d, first)
	tokens := tokensFor(t, member(t, d, ana), rp, nil)
	for _, kind := range []string{"id_token", "refresh_token"} {
		status, a := rp.Userinfo(tokens.String(kind))
		mustRefuse(t, status, a, 401, "invalid_token")
		if _, a := rp.Post("/introspect", url.Values{"token": {tokens.String(kind)}}); a["active"] != false || len(a) != 1 {
			t.Errorf("%s: %v", kind, a)
		}
	}
	if status, _ := rp.Userinfo(tokens.String("access_token")); status != 200 {
		t.Errorf("access token: %d", status)
	}
	// Nor is an access token a refresh token.
	status, a := rp.Refresh(tokens.String("access_token"), nil)
	mustRefuse(t, status, a, 400, "invalid_grant")
}

func TestTrap11TokensAreRandom(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, rp := member(t, d, ana), rp(t, d, first)
		seen := map[string]bool{}
		for range 3 {
			code := codeFor(t, p, rp, nil)
			_, tokens := rp.Exchange(code, nil)
			for _, token := range []string{code, tokens.String("access_token"), tokens.String("refresh_token")} {
				raw, err := base64.RawURLEncoding.DecodeString(token)
				if err != nil || len(raw) != 32 || seen[token] {
					t.Errorf("%q: %d bytes, %v, seen %v", token, len(raw), err, seen[token])
				}
				seen[token] = true
			}
			// A token is its hash and nothing else: a changed bit is another token.
			access := tokens.String("access_token")
			if _, err := d.DB.Token(t.Context(), storage.Hash(access)); err != nil {
				t.Errorf("not kept by its hash: %v", err)
			}
			if _, err := d.DB.Token(t.Context(), access); err == nil {
				t.Error("kept in clear")
			}
			for _, bent := range []string{access[:42], access + "A", strings.ToUpper(access), "A" + access[1:]} {
				if status, _ := rp.Userinfo(bent); status != 401 && bent != access {
					t.Errorf("%q passes for %q", bent, access)
				}
			}
		}
	})
}

func TestTrap12RequestObjects(t *testing.T) {
	d := start(t)
	p, rp := member(t, d, ana), rp(t, d, first)
	// {"alg":"none"} . {"client_id":"first"} .
	object := "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(`{"client_id":"first","redirect_uri":"https://evil.example/"}`)) + "."
	mustError(t, d, answered(t, p.Go(rp.AuthorizeURL(url.Values{"request": {object}}))), "request_not_supported")
	mustError(t, d, answered(t, p.Go(rp.AuthorizeURL(url.Values{"request_uri": {"https://evil.example/object"}}))), "request_uri_not_supported")
	mustError(t, d, answered(t, p.Go(rp.AuthorizeURL(url.Values{"registration": {"{}"}}))), "registration_not_supported")

	code := codeFor(t, p, rp, nil)
	bare := *rp
	bare.Secret = ""
	for _, client := range []string{"", first} {
		status, a := bare.Exchange(code, url.Values{"client_id": {client}, "client_assertion": {object},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}})
		mustRefuse(t, status, a, 401, "invalid_client")
	}
	if status, a := rp.Exchange(code, nil); status != 200 {
		t.Errorf("the code was touched: %d %v", status, a)
	}
}

func TestTrap13CausesStayInside(t *testing.T) {
	databaseURL := storagetest.URL(t, "sqlite")
	db := storagetest.Open(t, databaseURL, storage.Options{})
	i := servertest.StartOn(t, db)
	i.Apply(`products: [{ id: first, name: First, secret_hash: ` + storage.Hash(secret) + `, redirect_uris: ["https://rp.example/callback"] }]`)
	rp := servertest.NewRP(t, i, first, secret, site+"/callback")
	raw, err := sql.Open("sqlite", strings.TrimPrefix(databaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	if err == nil {
		_, err = raw.Exec(`ALTER TABLE grants RENAME TO hidden_grants; ALTER TABLE auth_requests RENAME TO hidden_requests`)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	status, a := rp.Exchange("a code", nil)
	mustRefuse(t, status, a, 500, "server_error")
	for _, inside := range []string{"grants", "sql", "SQL", "table", "redeem"} {
		if strings.Contains(a.String("error_description"), inside) {
			t.Errorf("%q shows: %v", inside, a)
		}
	}
	_, id, _ := strings.Cut(a.String("error_description"), "request id ")
	if id == "" || !strings.Contains(i.Log.String(), "no such table: grants") || !strings.Contains(i.Log.String(), id) {
		t.Errorf("the log doesn't tell (%q):\n%s", id, i.Log)
	}
	q := answered(t, visitor(t).Go(rp.AuthorizeURL(nil)))
	if q.Get("error") != "server_error" || strings.Contains(q.Get("error_description"), "table") || q.Get("state") != "some state" || q.Get("iss") != i.URL {
		t.Errorf("%v", q)
	}
}

func TestTrap14CORS(t *testing.T) {
	d := start(t)
	ask := func(method, path, origin string) http.Header {
		req, err := http.NewRequest(method, d.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header
	}
	const allow = "Access-Control-Allow-Origin"
	for _, path := range []string{"/.well-known/openid-configuration", "/keys"} {
		if got := ask(http.MethodGet, path, "https://evil.example").Get(allow); got != "*" {
			t.Errorf("%s: %q", path, got)
		}
	}
	for _, path := range []string{"/token", "/userinfo"} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			h := ask(method, path, site)
			if h.Get(allow) != site || !slices.Contains(h.Values("Vary"), "Origin") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") {
				t.Errorf("%s %s of a product: %v", method, path, h)
			}
			for _, evil := range []string{"https://evil.example", "null", "http://rp.example", "https://rp.example.evil.example", "https://rp.example:444", "com.example.app://", d.URL} {
				if h := ask(method, path, evil); h.Get(allow) != "" {
					t.Errorf("%s %s of %s: %v", method, path, evil, h)
				}
			}
		}
	}
	for _, path := range []string{"/authorize", "/introspect", "/revoke", "/logout", "/login", "/account", "/", "/authorize/continue"} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
			if h := ask(method, path, site); h.Get(allow) != "" {
				t.Errorf("%s %s: %v", method, path, h)
			}
		}
	}
	for _, path := range []string{"/keys", "/token", "/userinfo", "/authorize"} {
		if h := ask(http.MethodOptions, path, site); h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s allows cookies", path)
		}
	}
}

func TestTrap15Headers(t *testing.T) {
	d := start(t)
	r := rp(t, d, first)
	tokens := tokensFor(t, member(t, d, ana), r, nil)
	request := func(path string, form url.Values, user, pass string) *http.Request {
		req, err := http.NewRequest(http.MethodPost, d.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			req.SetBasicAuth(user, pass)
		}
		return req
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.String("refresh_token")}}
	for name, c := range map[string]struct {
		req    *http.Request
		status int
	}{
		"token":            {request("/token", refresh, first, url.QueryEscape(secret)), 200},
		"token refused":    {request("/token", url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {"x"}}, first, url.QueryEscape(secret)), 400},
		"introspect":       {request("/introspect", url.Values{"token": {"x"}}, first, url.QueryEscape(secret)), 200},
		"revoke":           {request("/revoke", url.Values{"token": {"x"}}, first, url.QueryEscape(secret)), 200},
		"wrong secret":     {request("/token", refresh, first, "wrong"), 401},
		"no such client":   {request("/token", refresh, "nobody", "wrong"), 401},
		"no secret":        {request("/introspect", url.Values{"token": {"x"}, "client_id": {first}}, "", ""), 401},
		"public":           {request("/introspect", url.Values{"token": {"x"}, "client_id": {public}}, "", ""), 401},
		"broken basic":     {request("/token", refresh, "%zz", "x"), 401},
		"revoke, wrong":    {request("/revoke", url.Values{"token": {"x"}}, first, "wrong"), 401},
		"userinfo, wrong":  {request("/userinfo", url.Values{"access_token": {"x"}}, "", ""), 401},
		"userinfo, none":   {request("/userinfo", url.Values{}, "", ""), 401},
		"userinfo by form": {request("/userinfo", url.Values{"access_token": {tokens.String("access_token")}}, "", ""), 200},
	} {
		t.Run(name, func(t *testing.T) {
			status, h, a := r.Do(c.req)
			if status != c.status {
				t.Errorf("status %d, not %d: %v", status, c.status, a)
			}
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers: %v", h)
			}
			scheme, _, _ := strings.Cut(h.Get("WWW-Authenticate"), " ")
			want := ""
			switch {
			case status == 401 && strings.HasPrefix(name, "userinfo"):
				want = "Bearer"
			case status == 401:
				want = "Basic"
				if a.String("error") != "invalid_client" {
					t.Errorf("%v", a)
				}
			}
			if scheme != want {
				t.Errorf("WWW-Authenticate: %q", h.Get("WWW-Authenticate"))
			}
		})
	}
	// RFC 6750 section 3.1: no error code where no token came.
	_, h, _ := r.Do(request("/userinfo", url.Values{}, "", ""))
	if strings.Contains(h.Get("WWW-Authenticate"), "error") {
		t.Errorf("no token came: %q", h.Get("WWW-Authenticate"))
	}
	_, h, _ = r.Do(request("/userinfo", url.Values{"access_token": {"x"}}, "", ""))
	if !strings.Contains(h.Get("WWW-Authenticate"), `error="invalid_token"`) {
		t.Errorf("a wrong token came: %q", h.Get("WWW-Authenticate"))
	}
}

func TestTrap16AuthorizeAnswers(t *testing.T) {
	d := start(t)
	p, rp := member(t, d, ana), rp(t, d, first)
	for _, mode := range []string{"", "query", "form_post"} {
		for _, wrong := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, error %v", mode, wrong), func(t *testing.T) {
				more := url.Values{"response_mode": {mode}, "redirect_uri": {site + "/a%2Fb?c=d"}}
				if wrong {
					more.Set("scope", "profile")
				}
				p.Go(rp.AuthorizeURL(more))
				var q url.Values
				if mode == "form_post" {
					q = formPost(t, p, rp.AuthorizeURL(more), site+"/a%2Fb?c=d")
				} else {
					q = answered(t, p)
					if q.Get("c") != "d" || p.URL.Fragment != "" || p.URL.EscapedPath() != "/a%2Fb" {
						t.Errorf("the registered address was changed: %s", p.URL)
					}
				}
				if q.Get("state") != "some state" || q.Get("iss") != d.URL || q.Has("code") == wrong || q.Has("error") != wrong {
					t.Errorf("%v", q)
				}
				if p.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("Cache-Control: %q", p.Header.Get("Cache-Control"))
				}
			})
		}
	}
	for _, mode := range []string{"web_message", "FORM_POST", "query.jws", ".jwt"} {
		mustError(t, d, answered(t, p.Go(rp.AuthorizeURL(url.Values{"response_mode": {mode}}))), "invalid_request")
	}
}

func TestTrap17ParametersAreEnforced(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rp := rp(t, d, first)
		p := member(t, d, ana)
		other := tokensFor(t, member(t, d, ben), rp, nil).String("id_token")
		d.Clock.Advance(time.Second)
		for name, more := range map[string]url.Values{
			"prompt":        {"prompt": {"login"}},
			"max_age":       {"max_age": {"0"}},
			"acr_values":    {"acr_values": {"urn:sallyport:acr:2fa"}},
			"claims":        {"claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`}},
			"id_token_hint": {"id_token_hint": {other}},
		} {
			p.Go(rp.AuthorizeURL(more))
			if p.Status != 200 || !strings.HasPrefix(p.URL.Path, "/login/") {
				t.Errorf("%s: at %s", name, p.URL)
			}
		}

		// What was decided is decided again when the code is given out.
		for name, change := range map[string]string{
			"the product's minimum": `products: [{ id: first, min_acr: "urn:sallyport:acr:2fa" }]`,
			"who may use it":        `products: [{ id: first, companies: [globex] }]`,
			"the company's rule":    `companies: [{ id: acme, rules: { staff: { mode: required } } }]`,
			"the person":            `people: [{ email: ana@acme.example, disabled: true }]`,
		} {
			held := servertest.NewPerson(t, d.URL+"/authorize/continue")
			held.Go(rp.AuthorizeURL(nil))
			signIn(held, ana).MustBeAt("/authorize/continue")
			d.Apply(change)
			got := servertest.NewPerson(t, site)
			got.Client().Jar = held.Client().Jar
			got.Go(held.URL.String())
			if got.URL.Query().Has("code") {
				t.Errorf("%s changed, and a code came", name)
			}
			d.Apply(`{ products: [{ id: first, min_acr: "", companies: [] }], companies: [{ id: acme, rules: {} }], people: [{ email: ana@acme.example, disabled: false }] }`)
		}
	})
}

func TestTrap18LogoutAsks(t *testing.T) {
	d := start(t)
	p := member(t, d, ana)
	p.Go(d.URL + "/logout").MustRead("Sign out?")
	if q := answered(t, p.Go(rp(t, d, first).AuthorizeURL(url.Values{"prompt": {"none"}}))); !q.Has("code") {
		t.Errorf("signed out without a word: %v", q)
	}
	p.Go(d.URL + "/logout?client_id=first&post_logout_redirect_uri=" + url.QueryEscape(site+"/bye")).MustRead("Sign out?").MustRead("First")
}

// The library logs to the default logger, which serve redacts. (Not parallel:
// there is one default logger.)
func TestTrap19LogIsRedacted(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	d := start(t)
	slog.SetDefault(server.NewLogger(d.Log, slog.LevelDebug, "text"))
	p, r := member(t, d, ana), rp(t, d, first)
	code := codeFor(t, p, r, url.Values{"state": {"state-in-no-log"}})
	r.Exchange(code, url.Values{"code_verifier": {"verifier-in-no-log"}})
	wrong := *r
	wrong.Secret = "secret-in-no-log"
	wrong.Exchange("code-in-no-log", nil)
	r.Refresh("refresh-in-no-log", nil)
	r.Userinfo("access-in-no-log")
	p.Go(r.AuthorizeURL(url.Values{"prompt": {"nonsense"}, "state": {"state-in-no-log"}, "id_token_hint": {"hint-in-no-log"}}))
	p.Go(r.AuthorizeURL(url.Values{"id_token_hint": {"hint-in-no-log"}, "state": {"state-in-no-log"}}))
	slog.Warn("from a library", "state", "state-in-no-log", slog.Group("request", "Code", code))
	if !strings.Contains(d.Log.String(), "[redacted]") || !strings.Contains(d.Log.String(), "request refused") {
		t.Errorf("the log isn't here:\n%s", d.Log)
	}
	for _, s := range []string{"in-no-log", code, secret} {
		if strings.Contains(d.Log.String(), s) {
			t.Errorf("%q is in the log:\n%s", s, d.Log)
		}
	}
}

func TestTrap20ClockSkew(t *testing.T) {
	d := start(t)
	p, r := member(t, d, ana), rp(t, d, first)
	signedIn := d.Clock.Now().Unix()
	d.Clock.Advance(90 * time.Second)
	tokens := tokensFor(t, p, r, nil)
	claims, now := servertest.Claims(t, tokens.String("id_token")), d.Clock.Now().Unix()
	for name, want := range map[string]int64{"auth_time": signedIn, "iat": now, "exp": now + 300} {
		if got := claims[name]; got != float64(want) {
			t.Errorf("%s is %v, not %d", name, got, want)
		}
	}
	if tokens["expires_in"] != float64(300) {
		t.Errorf("expires_in: %v", tokens["expires_in"])
	}
	_, a := r.Post("/introspect", url.Values{"token": {tokens.String("access_token")}})
	for name, want := range map[string]int64{"auth_time": signedIn, "iat": now, "exp": now + 300} {
		if a[name] != float64(want) {
			t.Errorf("introspection: %s is %v, not %d", name, a[name], want)
		}
	}
}
