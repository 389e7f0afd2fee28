package server_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// handle serves one request without a network, as whoever the cookies say.
func handle(t testing.TB, d *servertest.Demo, req *http.Request, cookies []*http.Cookie) *http.Response {
	t.Helper()
	req.RemoteAddr = "127.0.0.1:1"
	for _, c := range cookies {
		req.AddCookie(c)
	}
	w := httptest.NewRecorder()
	d.Server.Handler().ServeHTTP(w, req)
	return w.Result()
}

// mustBeSafe fails on what no request may get: a 500, or a redirect to an
// address nobody registered.
func mustBeSafe(t *testing.T, d *servertest.Demo, resp *http.Response, about string) {
	t.Helper()
	if resp.StatusCode >= 500 {
		t.Fatalf("%d for %s\n%s", resp.StatusCode, about, d.Log)
	}
	to := resp.Header.Get("Location")
	if to == "" {
		return
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatalf("redirected to %q by %s", to, about)
	}
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, "/\\") {
		return // a page of ours
	}
	clients, err := d.DB.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		for _, uri := range c.RedirectURIs {
			base, _, _ := strings.Cut(uri, "?")
			got, _, _ := strings.Cut(to, "?")
			if got == base {
				return
			}
			// RFC 8252 section 7.3: a native client's port is its own choice.
			if r, err := url.Parse(uri); err == nil && c.Native && r.Scheme == "http" && u.Scheme == "http" && u.User == nil &&
				u.Hostname() == r.Hostname() && u.EscapedPath() == r.EscapedPath() {
				return
			}
		}
	}
	t.Fatalf("redirected to %q by %s", to, about)
}

// fuzzed is the provider that all inputs of a fuzz test go to.
func fuzzed(f *testing.F, engine string) (d *servertest.Demo, signedIn []*http.Cookie) {
	d = quiet(f, storagetest.URL(f, engine), nil)
	return d, member(f, d, ana).Cookies(d.URL)
}

func FuzzAuthorize(f *testing.F) {
	d, cookies := fuzzed(f, fuzzEngine)
	for _, id := range []string{first, third, public, native, lenient, strict, foreign} {
		for _, more := range []url.Values{
			nil, {"prompt": {"none"}}, {"prompt": {"login"}}, {"prompt": {"consent select_account"}}, {"max_age": {"0"}}, {"response_mode": {"form_post"}},
			{"acr_values": {acr2FA + " phr"}}, essential2FA, essential(`"mfa_time":{"essential":true,"max_age":900},"sub":{"value":"x"}`),
			{"redirect_uri": {"http://127.0.0.1:4711/callback"}}, {"redirect_uri": {"com.example.app:/callback"}}, {"redirect_uri": {site + "/a%2Fb?c=d"}},
			{"redirect_uri": {"https://evil.example/callback"}}, {"id_token_hint": {"eyJhbGciOiJub25lIn0.e30."}}, {"ui_locales": {"de xx"}, "login_hint": {"ana"}},
			{"request": {"x"}}, {"scope": {"openid offline_access \x00"}}, {"state": {"\xff\r\nLocation: https://evil.example"}}, {"client_id": {"sallyport-account"}, "response_type": {"none"}},
			{"nonce": {strings.Repeat("n", 5000)}}, {"response_type": {"none"}},
		} {
			u, _ := url.Parse(rp(f, d, id).AuthorizeURL(more))
			f.Add(u.RawQuery, true, false)
			f.Add(u.RawQuery, false, true)
		}
	}
	for _, odd := range []string{"", "%zz", "client_id=%00", "client_id=first&redirect_uri=%ff", "a;b", "&&&", "client_id=first&client_id=third"} {
		f.Add(odd, true, false)
	}
	f.Fuzz(func(t *testing.T, query string, signedIn, post bool) {
		req := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/authorize", RawQuery: query}, Header: http.Header{}, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
		if post {
			req = httptest.NewRequest(http.MethodPost, "/authorize", strings.NewReader(query))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		var as []*http.Cookie
		if signedIn {
			as = cookies
		}
		resp := handle(t, d, req.WithContext(t.Context()), as)
		mustBeSafe(t, d, resp, query)
		// Where it leads to a page of ours, that page is safe too.
		for range 4 {
			to := resp.Header.Get("Location")
			if !strings.HasPrefix(to, "/") {
				return
			}
			next := httptest.NewRequest(http.MethodGet, to, nil)
			as = append(slices.Clip(as), resp.Cookies()...)
			resp = handle(t, d, next.WithContext(t.Context()), as)
			mustBeSafe(t, d, resp, query+" at "+to)
		}
	})
}

func FuzzToken(f *testing.F) {
	d, cookies := fuzzed(f, fuzzEngine)
	p := servertest.NewPerson(f, site)
	u, err := url.Parse(d.URL)
	if err != nil {
		f.Fatal(err)
	}
	p.Client().Jar.SetCookies(u, cookies)
	r := rp(f, d, first)
	tokens := tokensFor(f, p, r, nil)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(first+":"+secret))
	for _, path := range []string{"/token", "/introspect", "/revoke", "/userinfo"} {
		for _, form := range []url.Values{
			{"grant_type": {"authorization_code"}, "code": {codeFor(f, p, r, nil)}, "redirect_uri": {r.RedirectURI}, "code_verifier": {r.Verifier}},
			{"grant_type": {"refresh_token"}, "refresh_token": {tokens.String("refresh_token")}, "scope": {"openid email"}},
			{"grant_type": {"refresh_token"}, "refresh_token": {"\x00"}, "client_id": {"\x00\xff"}},
			{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {"a.b.c"}},
			{"grant_type": {"client_credentials"}, "client_id": {poster}, "client_secret": {secret}},
			{"client_id": {public}, "client_assertion": {"a.b.c"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}},
			{"token": {tokens.String("access_token")}, "token_type_hint": {"access_token"}},
			{"access_token": {tokens.String("access_token")}},
			{},
		} {
			f.Add(path, form.Encode(), basic)
			f.Add(path, form.Encode(), "Bearer "+tokens.String("access_token"))
			f.Add(path, form.Encode(), "")
		}
	}
	f.Add("/token", "grant_type=refresh_token;x&%zz", "Basic !")
	f.Fuzz(func(t *testing.T, path, form, authorization string) {
		switch path {
		case "/token", "/introspect", "/revoke", "/userinfo":
		default:
			path = "/token"
		}
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form)).WithContext(t.Context())
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp := handle(t, d, req, nil)
		mustBeSafe(t, d, resp, path+" "+form)
		if resp.Header.Get("Location") != "" || resp.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			t.Fatalf("%s %q: %d %v", path, form, resp.StatusCode, resp.Header)
		}
	})
}

// fuzzEngine is PostgreSQL, which is stricter about what a text may be. Each
// fuzzing process has a server of its own.
const fuzzEngine = "postgres"
