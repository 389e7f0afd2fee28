package demo_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSignIn(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	ana.get("/").mustShow(t, 200, `id="sign-in"`, "/login")
	if ana.signedIn() {
		t.Fatal("signed in before the first sign-in")
	}

	home := ana.get("/login")
	home.mustShow(t, 200, "Ana Silva", `id="remote-control"`, `id="claims"`, `id="sign-out"`)
	if home.url.Path != "/" || home.url.RawQuery != "" {
		t.Errorf("ended up at %s", home.url)
	}
	asked := op.requests()[0]
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": ana.base + "/callback",
		"scope": "openid profile email roles", "code_challenge_method": "S256", "acr_values": "",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("asked with %s=%q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(asked.Get(name)) < 22 {
			t.Errorf("%s is %q: too short to be unguessable", name, asked.Get(name))
		}
	}
	ana.get("/claims").mustShow(t, 200, "urn:sallyport:acr:1fa", "&#34;sid&#34;: &#34;sid-1&#34;", "ana@example.com")
}

func TestCookieIsNewAtEachSignInAndHidden(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	base, _ := url.Parse(ana.base)
	var set []*http.Cookie
	ana.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		set = append(set, req.Response.Cookies()...)
		return nil
	}
	ana.get("/login")
	if len(set) != 2 || set[0].Value == set[1].Value {
		t.Fatalf("cookies set: %v; want one before and a new one after the sign-in", set)
	}
	for _, c := range set {
		if c.Name != "demo-dashboard" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %v", c)
		}
	}
	// The cookie from before is worth nothing now.
	planted := newPerson(t, startDashboard(t, op))
	planted.base = ana.base
	planted.Jar.SetCookies(base, set[:1])
	if planted.signedIn() {
		t.Error("the cookie of before the sign-in is signed in")
	}
	if !ana.signedIn() {
		t.Error("the cookie of after the sign-in is not")
	}
}

func TestSignInNamesComeFromUserInfoWhereTheTokenHasNone(t *testing.T) {
	op := newTestProvider(t)
	delete(op.person, "name")
	newPerson(t, startDashboard(t, op)).get("/login").mustShow(t, 200, `<span id="name">ana@example.com</span>`)
}

func TestAnswersThatAreRefused(t *testing.T) {
	tests := map[string]struct {
		spoil func(*testProvider)
		show  string
	}{
		"wrong state":                 {func(p *testProvider) { p.answer = func(a url.Values) { a.Set("state", rand.Text()) } }, "can&#39;t be continued"},
		"no state":                    {func(p *testProvider) { p.answer = func(a url.Values) { a.Del("state") } }, "can&#39;t be continued"},
		"no iss":                      {func(p *testProvider) { p.answer = func(a url.Values) { a.Del("iss") } }, "couldn&#39;t be trusted"},
		"wrong iss":                   {func(p *testProvider) { p.answer = func(a url.Values) { a.Set("iss", "https://evil.example") } }, "couldn&#39;t be trusted"},
		"wrong iss, not advertised":   {func(p *testProvider) { notAdvertised(p); p.answer = func(a url.Values) { a.Set("iss", p.URL+"/") } }, "couldn&#39;t be trusted"},
		"iss twice":                   {func(p *testProvider) { p.answer = func(a url.Values) { a.Add("iss", p.URL) } }, "couldn&#39;t be trusted"},
		"error with wrong iss":        {func(p *testProvider) { p.answer = func(a url.Values) { a.Set("error", "e"); a.Set("iss", "x") } }, "couldn&#39;t be trusted"},
		"wrong code":                  {func(p *testProvider) { p.answer = func(a url.Values) { a.Set("code", "guessed") } }, "invalid_grant"},
		"wrong nonce":                 {func(p *testProvider) { p.token = func(c claims) { c["nonce"] = "another" } }, "couldn&#39;t be trusted"},
		"no nonce":                    {func(p *testProvider) { p.token = func(c claims) { delete(c, "nonce") } }, "couldn&#39;t be trusted"},
		"another audience":            {func(p *testProvider) { p.token = func(c claims) { c["aud"] = "another" } }, "couldn&#39;t be trusted"},
		"another authorized party":    {func(p *testProvider) { p.token = func(c claims) { c["azp"] = "another" } }, "couldn&#39;t be trusted"},
		"two audiences without azp":   {func(p *testProvider) { p.token = func(c claims) { c["aud"] = []string{clientID, "b"} } }, "couldn&#39;t be trusted"},
		"another issuer in the token": {func(p *testProvider) { p.token = func(c claims) { c["iss"] = "https://evil.example" } }, "couldn&#39;t be trusted"},
		"expired token":               {func(p *testProvider) { p.token = func(c claims) { c["exp"] = p.clock.Now().Unix() - 1 } }, "couldn&#39;t be trusted"},
		"no subject":                  {func(p *testProvider) { p.token = func(c claims) { delete(c, "sub") } }, "couldn&#39;t be trusted"},
		"at_hash of another token":    {func(p *testProvider) { p.token = func(c claims) { c["at_hash"] = "AAAA" } }, "couldn&#39;t be trusted"},
		"another key":                 {func(p *testProvider) { p.signWith = newKey(p.t) }, "couldn&#39;t be trusted"},
		"UserInfo of somebody else":   {func(p *testProvider) { p.userInfo = func(c claims) { c["sub"] = "ben" } }, "couldn&#39;t be trusted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			op := newTestProvider(t)
			test.spoil(op)
			ana := newPerson(t, startDashboard(t, op))
			ana.get("/login").mustShow(t, 400, test.show, `id="try-again"`)
			if ana.signedIn() {
				t.Error("signed in nevertheless")
			}
		})
	}
}

// TestIssMayBeMissingWhereNotAdvertised shows that the refusals above come from
// what they say, not from a product that refuses everything.
func TestIssMayBeMissingWhereNotAdvertised(t *testing.T) {
	op := newTestProvider(t)
	notAdvertised(op)
	op.answer = func(a url.Values) { a.Del("iss") }
	ana := newPerson(t, startDashboard(t, op))
	ana.get("/login")
	if !ana.signedIn() {
		t.Error("not signed in at a provider without RFC 9207")
	}
}

func notAdvertised(p *testProvider) {
	p.metadata = func(c claims) { delete(c, "authorization_response_iss_parameter_supported") }
}

func TestAnswerIsTakenOnceAndOnlyByTheBrowserThatAsked(t *testing.T) {
	op := newTestProvider(t)
	product := startDashboard(t, op)
	ana, mallory := newPerson(t, product), newPerson(t, product)
	stopAt := func(p *person) string {
		var callback string
		p.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
			if req.URL.Path == "/callback" {
				callback = req.URL.RequestURI()
				return http.ErrUseLastResponse
			}
			return nil
		}
		p.get("/login")
		p.CheckRedirect = nil
		return callback
	}
	hers := stopAt(mallory)
	stopAt(ana) // so that Ana's browser has a cookie of its own
	ana.get(hers).mustShow(t, 400, "can&#39;t be continued")
	if ana.signedIn() {
		t.Error("signed in with an answer to somebody else's request")
	}
	mallory.get(hers).mustShow(t, 200, "Ana Silva")
	mallory.get(hers).mustShow(t, 400, "can&#39;t be continued")

	late := stopAt(ana)
	op.clock.Advance(61 * time.Minute)
	ana.get(late).mustShow(t, 400, "took too long")
}

func TestErrorsOfTheProviderAreShownKindly(t *testing.T) {
	op := newTestProvider(t)
	op.answer = func(a url.Values) {
		a.Del("code")
		a.Set("error", "access_denied")
		a.Set("error_description", "<b>the person said no</b>")
	}
	ana := newPerson(t, startDashboard(t, op))
	page := ana.get("/login")
	page.mustShow(t, 400, "The sign-in was cancelled", `<code id="error-code">access_denied</code>`, "&lt;b&gt;the person said no", ana.base+"/login")
	page.mustNotShow(t, "watch.js", "http-equiv=\"refresh\"") // would ask for the spent answer again

	op.set(func() { op.answer = nil })
	ana.get("/login").mustShow(t, 200, "Ana Silva")
}

func TestProviderThatStartsLater(t *testing.T) {
	op := newTestProvider(t)
	op.down = true
	ana := newPerson(t, startDashboard(t, op))
	ana.get("/").mustShow(t, 200, `id="sign-in"`)
	ana.get("/login").mustShow(t, 502, "Sallyport doesn&#39;t answer")
	op.set(func() { op.down = false })
	ana.get("/login").mustShow(t, 200, "Ana Silva")
}

func TestSignOut(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	home := ana.get("/login")

	resp, err := ana.PostForm(ana.base+"/logout", url.Values{"form_token": {"guessed"}})
	ana.read(resp, err).mustShow(t, 403, "too old")
	if !ana.signedIn() {
		t.Fatal("signed out by a form that this product didn't make")
	}

	after := ana.press(home, "/logout")
	after.mustShow(t, 200, `id="sign-in"`, "signed out of this product and of Sallyport")
	after.mustNotShow(t, "You were signed out by Sallyport")
	if after.url.RawQuery != "" {
		t.Errorf("the state stayed in the address: %s", after.url)
	}
	q := op.ended[0]
	if q.Get("post_logout_redirect_uri") != ana.base+"/" || q.Get("state") == "" || strings.Count(q.Get("id_token_hint"), ".") != 2 {
		t.Errorf("end-session request %v", q)
	}
	if ana.signedIn() {
		t.Error("still signed in")
	}
	ana.get("/claims").mustNotShow(t, "Ana Silva")
}

func TestSignOutEndsHereEvenIfTheProviderDoesNotComeBack(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	home := ana.get("/login")
	ana.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ana.press(home, "/logout")
	ana.get("/?state=guessed")
	page := ana.get("/")
	page.mustShow(t, 200, "You are signed out of this product.")
	page.mustNotShow(t, "and of Sallyport")
}

func TestCrossSiteFormsAreRefused(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	ana.get("/login")
	req, _ := http.NewRequest("POST", ana.base+"/logout", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := ana.Do(req)
	if page := ana.read(resp, err); page.status != 403 || !ana.signedIn() {
		t.Errorf("status %d", page.status)
	}
}

func TestProductSessionRunsOut(t *testing.T) {
	op := newTestProvider(t)
	ana := newPerson(t, startDashboard(t, op))
	ana.get("/login")
	op.clock.Advance(8*time.Hour + time.Second)
	ana.get("/").mustShow(t, 200, `id="sign-in"`, "ran out")
}
