package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// others are a confidential and a public product beside the first.
const others = `
products:
  - id: other
    name: Other
    first_party: true
    secret_hash: ${SECRET_HASH}
    redirect_uris: ["https://rp.example/callback"]
  - id: public
    name: Public
    first_party: true
    auth_method: none
    redirect_uris: ["https://rp.example/callback"]
`

func TestRFC9126Section2_2Pushed(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		status, a := rp.Post("/par", parametersOf(rp, nil))
		uri := a.String("request_uri")
		if status != http.StatusCreated || a["expires_in"] != 90.0 || len(a) != 2 || len(strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")) != len(storage.NewSecret()) {
			t.Fatalf("%d %v", status, a)
		}
		code := mustCode(t, w.member(t, ana).Go(w.byReference("first", uri)))
		status, tokens := rp.Exchange(code, nil)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, tokens)
		}
		if claims := servertest.Claims(t, tokens.String("id_token")); claims["nonce"] != "some nonce" {
			t.Errorf("%v", claims)
		}
		// A public product says who it is, and no more.
		public := servertest.NewRP(t, w.Instance, "public", "", callback)
		mustCode(t, w.member(t, ana).Go(w.byReference("public", push(t, public, nil))))
	})
}

func TestRFC9126Section2_1Authenticates(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		wrong, nobody := *rp, *rp
		wrong.Secret, nobody.Secret = "wrong", ""
		for _, c := range []*servertest.RP{&wrong, &nobody} {
			status, a := c.Post("/par", parametersOf(rp, nil))
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		}
		status, a := w.rp(t, "other").Post("/par", parametersOf(rp, nil)) // client_id: first
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		status, a = rp.Post("/par", parametersOf(rp, url.Values{"request_uri": {push(t, rp, nil)}}))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		resp, err := http.Get(w.URL + "/par")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET: %s", resp.Status)
		}
	})
}

// What is wrong is told when it is pushed, to the product, and nothing is kept.
func TestRFC9126Section2_3Errors(t *testing.T) {
	w := start(t, "sqlite", others)
	rp := w.rp(t, "first")
	for name, c := range map[string]struct {
		more url.Values
		code string
	}{
		"no redirect_uri":       {url.Values{"redirect_uri": {""}}, "invalid_request"},
		"redirect_uri":          {url.Values{"redirect_uri": {"https://evil.example/"}}, "invalid_request"},
		"no PKCE":               {url.Values{"code_challenge": {""}, "code_challenge_method": {""}}, "invalid_request"},
		"PKCE plain":            {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"scope":                 {url.Values{"scope": {"profile"}}, "invalid_scope"},
		"response_type":         {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"response_type missing": {url.Values{"response_type": {""}}, "invalid_request"},
		"response_mode":         {url.Values{"response_mode": {"pigeon"}}, "invalid_request"},
		"prompt":                {url.Values{"prompt": {"none login"}}, "invalid_request"},
		"max_age":               {url.Values{"max_age": {"-1"}}, "invalid_request"},
		"claims":                {url.Values{"claims": {"{"}}, "invalid_request"},
		"id_token_hint":         {url.Values{"id_token_hint": {"x"}}, "invalid_request"},
		"dpop_jkt":              {url.Values{"dpop_jkt": {"short"}}, "invalid_request"},
		"resource":              {url.Values{"resource": {"https://api.example"}}, "invalid_target"},
		"resource malformed":    {url.Values{"resource": {"https://api.example#part"}}, "invalid_target"},
		"a parameter twice":     {url.Values{"state": {"a", "b"}}, "invalid_request"},
		"request":               {url.Values{"request": {"x"}}, "invalid_request_object"},
		"state too long":        {url.Values{"state": {strings.Repeat("x", 2<<10+1)}}, "invalid_request"},
		"nonce too long":        {url.Values{"nonce": {strings.Repeat("x", 2<<10+1)}}, "invalid_request"},
		"login_hint too long":   {url.Values{"login_hint": {strings.Repeat("x", 2<<10+1)}}, "invalid_request"},
		"all too long":          {url.Values{"ui_locales": {strings.Repeat("en ", 2<<10)}, "scope": {"openid" + strings.Repeat(" x", 1<<10)}}, "invalid_request"},
		"registration":          {url.Values{"registration": {"{}"}}, "registration_not_supported"},
	} {
		t.Run(name, func(t *testing.T) {
			status, a := rp.Post("/par", parametersOf(rp, c.more))
			mustRefuse(t, status, a, http.StatusBadRequest, c.code)
			if a["request_uri"] != nil {
				t.Errorf("%v", a)
			}
		})
	}
	machine := servertest.NewRP(t, w.Instance, "machine", secret, callback)
	w.Apply(`products: [{ id: machine, name: Machine, secret_hash: ` + storage.Hash(secret) + `, grant_types: [client_credentials], scopes: ["people:read"] }]`)
	status, a := machine.Post("/par", parametersOf(machine, nil))
	mustRefuse(t, status, a, http.StatusBadRequest, "unauthorized_client")
}

// At the authorization endpoint only client_id and request_uri count.
func TestRFC9126Section4OthersAreIgnored(t *testing.T) {
	w := start(t, "sqlite", others)
	rp := w.rp(t, "first")
	p := w.member(t, ana)
	q := parametersOf(rp, url.Values{
		"request_uri": {push(t, rp, url.Values{"scope": {"openid"}})}, "redirect_uri": {"https://evil.example/"}, "state": {"another"},
		"scope": {"openid profile email"}, "request": {"x"}, "response_mode": {"fragment"}, "prompt": {"none login"},
	})
	answer := mustArrive(t, p.Go(w.at(q)))
	if answer.Get("state") != "some state" {
		t.Errorf("%v", answer)
	}
	_, tokens := rp.Exchange(answer.Get("code"), nil)
	if tokens.String("scope") != "openid" {
		t.Errorf("%v", tokens)
	}
	uri := push(t, rp, nil)
	mustSeeError(t, w, p.Go(w.byReference("first", uri)+"&client_id=first"), "invalid_request")
	mustSeeError(t, w, p.Go(w.byReference("first", uri)+"&request_uri=x"), "invalid_request")
	mustCode(t, p.Go(w.byReference("first", uri)))
}

// An unknown, expired, used or another product's reference leads nowhere.
func TestRFC9126Section4References(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		p := w.member(t, ana)
		uri := push(t, rp, nil)
		w.set(t, "other", func(c *storage.Client) { c.RequireSignedRequest = true }) // what it would be told of isn't looked at
		mustSeeError(t, w, p.Go(w.byReference("other", uri)), "invalid_request_uri")
		mustSeeError(t, w, p.Go(w.byReference("first", uri+"x")), "invalid_request_uri")
		mustSeeError(t, w, p.Go(w.byReference("first", "urn:ietf:params:oauth:request_uri:")), "invalid_request_uri")
		with := parametersOf(rp, url.Values{"request_uri": {uri + "x"}})
		mustSeeError(t, w, p.Go(w.at(with)), "invalid_request_uri") // though there is a good redirect_uri beside it
		w.Clock.Advance(89 * time.Second)
		mustCode(t, p.Go(w.byReference("first", uri)))
		mustSeeError(t, w, p.Go(w.byReference("first", uri)), "invalid_request_uri")
		late := push(t, rp, nil)
		w.Clock.Advance(90 * time.Second)
		w.set(t, "first", func(c *storage.Client) { c.RequireSignedRequest = true })
		mustSeeError(t, w, p.Go(w.byReference("first", late)), "invalid_request_uri")
		w.set(t, "first", func(c *storage.Client) { c.RequireSignedRequest = false })
		silent := push(t, rp, url.Values{"prompt": {"none"}})
		mustBeTold(t, w, mustArrive(t, w.visitor(t).Go(w.byReference("first", silent))), "login_required")
		mustSeeError(t, w, p.Go(w.byReference("first", silent)), "invalid_request_uri")
	})
}

// A reload in the same browser goes on with the same sign-in; anybody else who
// has the address gets nothing.
func TestRFC9126Section4Reload(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		uri := push(t, rp, nil)
		p := w.visitor(t)
		page := p.Go(w.byReference("first", uri)).MustBeAt("/login/password").URL.String()
		if again := p.Go(w.byReference("first", uri)).MustBeAt("/login/password").URL.String(); again != page {
			t.Errorf("%s, then %s", page, again)
		}
		w.Clock.Advance(5 * time.Minute) // the reference has long expired, the sign-in hasn't
		p.Go(w.byReference("first", uri)).MustBeAt("/login/password")
		mustSeeError(t, w, w.visitor(t).Go(w.byReference("first", uri)), "invalid_request_uri")
		mustSeeError(t, w, w.member(t, ana).Go(w.byReference("first", uri)), "invalid_request_uri")
		mustCode(t, signIn(p.Go(page), ana))
		mustSeeError(t, w, p.Go(w.byReference("first", uri)), "invalid_request_uri")
	})
}

func TestRFC9126Section4OneSignIn(t *testing.T) {
	const callers = 50
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		for name, uri := range map[string]string{"at once": push(t, rp, nil), "by login": push(t, rp, url.Values{"prompt": {"login"}})} {
			p := w.member(t, ana)
			w.Clock.Advance(time.Second) // so that her sign-in is none anew
			var arrived sync.Map
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					resp, err := p.Client().Get(w.byReference("first", uri))
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					to := resp.Request.URL.String()
					if location := resp.Header.Get("Location"); location != "" {
						to = location
					}
					if resp.StatusCode != http.StatusBadRequest {
						arrived.Store(to, true)
					}
				})
			}
			all.Wait()
			var signIns []string
			arrived.Range(func(to, _ any) bool { signIns = append(signIns, to.(string)); return true })
			if len(signIns) != 1 {
				t.Errorf("%s: %d sign-ins: %v", name, len(signIns), signIns)
			}
		}
	})
}

// Section 6: a product, or the provider, may refuse what wasn't pushed.
func TestRFC9126Section6Required(t *testing.T) {
	t.Run("by the product", func(t *testing.T) {
		w := start(t, "sqlite", others)
		p := w.member(t, ana)
		w.set(t, "first", func(c *storage.Client) { c.RequirePAR = true })
		mustRequirePushing(t, w, p, w.rp(t, "first"))
		mustCode(t, p.Go(w.rp(t, "other").AuthorizeURL(nil)))
	})
	t.Run("by the provider", func(t *testing.T) {
		w := start(t, "sqlite", others, "protocol-require-pushed-authorization-requests=true")
		rp := w.rp(t, "other")
		p := w.visitor(t).Go(w.byReference("other", push(t, rp, nil)))
		mustCode(t, signIn(p, ana))
		mustRequirePushing(t, w, p, rp)
		w.visitor(t).Go(w.URL + "/account").MustBeAt("/login/password") // our own pages push nothing
		if _, _, doc := rp.Do(mustGet(t, w.URL+"/.well-known/openid-configuration")); doc["require_pushed_authorization_requests"] != true {
			t.Errorf("%v", doc)
		}
	})
}

func mustRequirePushing(t *testing.T, w *world, p *servertest.Person, rp *servertest.RP) {
	t.Helper()
	mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(nil))), "invalid_request")
	// A long POST is kept here, and yet nobody pushed it.
	mustBeTold(t, w, mustArrive(t, p.Post(w.URL+"/authorize", parametersOf(rp, url.Values{"ignored": {strings.Repeat("x", 8<<10)}}))), "invalid_request")
	mustCode(t, p.Go(w.byReference(rp.ClientID, push(t, rp, nil))))
}

func mustGet(t testing.TB, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// A request too long for a query is posted, and kept until the browser comes
// back with its cookies.
func TestCoreSection3_1_2_1LongPost(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		long := parametersOf(rp, url.Values{"ignored": {strings.Repeat("x", 8<<10)}})
		req, err := http.NewRequest(http.MethodPost, w.URL+"/authorize", strings.NewReader(long.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultTransport.RoundTrip(req) // from another site: without cookies
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		to := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusSeeOther || len(to) > 300 || len(resp.Cookies()) > 0 {
			t.Fatalf("%s to %s", resp.Status, to)
		}
		mustCode(t, p.Go(w.URL+to))
		mustSeeError(t, w, p.Go(w.URL+to), "invalid_request_uri")
		long.Set("scope", "profile")
		mustBeTold(t, w, mustArrive(t, p.Post(w.URL+"/authorize", long)), "invalid_scope")
		long.Set("redirect_uri", "https://evil.example")
		mustSeeError(t, w, p.Post(w.URL+"/authorize", long), "invalid_request")
		pushed := url.Values{"client_id": {"first"}, "request_uri": {push(t, rp, nil)}, "ignored": {strings.Repeat("x", 8<<10)}}
		mustCode(t, p.Post(w.URL+"/authorize", pushed))
	})
}

// What is kept holds no secret of the product.
func TestRFC9126Section7NothingSecretIsKept(t *testing.T) {
	w := start(t, "sqlite", others)
	w.set(t, "first", func(c *storage.Client) { c.AuthMethod = storage.ClientSecretPost })
	rp := w.rp(t, "first")
	rp.Secret = ""
	uri := push(t, rp, url.Values{"client_secret": {secret}, "state": {"kept"}})
	row, err := w.DB.PushedRequest(t.Context(), storage.Hash(strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")))
	if err != nil {
		t.Fatal(err)
	}
	if kept := string(row.Params); strings.Contains(kept, secret) || strings.Contains(kept, "client_secret") || !strings.Contains(kept, "kept") {
		t.Errorf("%s", kept)
	}
}
