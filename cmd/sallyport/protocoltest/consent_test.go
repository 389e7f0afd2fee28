package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// theirs is a product of somebody else that calls an API.
const theirs = `
products:
  - {id: fleet, name: Fleet, secret_hash: "${SECRET_HASH}", redirect_uris: ["https://fleet.example/callback"]}
  - id: theirs
    name: Theirs
    secret_hash: "${SECRET_HASH}"
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access]
    redirect_uris: ["https://rp.example/callback"]
    policy_uri: https://theirs.example/privacy
    tos_uri: https://theirs.example/terms
`

// described gives the product what is said of it, and an API to call.
func described(t testing.TB, w *world) {
	t.Helper()
	amend(t, w, "fleet", func(c *storage.Client) {
		c.API = &storage.API{Resource: "https://fleet.example/api", Scopes: []storage.APIScope{{ID: "fleet:read", Name: "See where your cars are"}}}
	})
	amend(t, w, "theirs", func(c *storage.Client) {
		c.Resources, c.ClientURI, c.LogoURI, c.Contacts = []string{"https://fleet.example/api"}, "https://theirs.example/about", "https://cdn.example:8443/logo.png", []string{"help@theirs.example"}
	})
}

// OpenID Connect Core section 3.1.2.4: the page says who asks, for what, in
// words, and where the answer goes.
func TestCoreSection3_1_2_4ConsentInWords(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		described(t, w)
		r := w.rp(t, "theirs")
		p := w.member(t, ana).Go(r.AuthorizeURL(url.Values{"scope": {"openid email offline_access fleet:read"}})).MustBeAt("/login/consent")
		for _, words := range []string{
			"Theirs", "Know that it's you when you sign in", "See your e-mail address", "Keep its access while you aren't there, until you withdraw it in your account",
			"See where your cars are", "By theirs.example", "help@theirs.example", "You go back to rp.example", "Privacy policy", "Terms of service",
		} {
			p.MustRead(words)
		}
		if strings.Contains(p.Text(), "fleet:read") {
			t.Error("names the scope by its id")
		}
		for _, link := range []string{"https://theirs.example/about", "https://theirs.example/privacy", "https://theirs.example/terms"} {
			if !p.Has("[href=" + link + "]") {
				t.Errorf("no link to %s", link)
			}
		}
		if csp := p.Header.Get("Content-Security-Policy"); !p.Has("[src=https://cdn.example:8443/logo.png]") || !strings.Contains(csp, "img-src 'self' data: https://cdn.example:8443;") {
			t.Errorf("logo: %s", csp)
		}
		if got := p.Go(w.URL + "/account").Header.Get("Content-Security-Policy"); strings.Contains(got, "cdn.example") {
			t.Errorf("another page: %s", got)
		}
	})
}

// The logo is the browser's to fetch, never ours.
func TestCoreSection3_1_2_4LogoIsNotFetched(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		calls := 0
		site := servertest.Serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
		amend(t, w, "theirs", func(c *storage.Client) {
			c.LogoURI, c.ClientURI, c.PolicyURI, c.TermsURI = site+"/logo.png", site+"/about", site+"/privacy", site+"/terms"
		})
		p := w.member(t, ana).Go(w.rp(t, "theirs").AuthorizeURL(nil)).MustBeAt("/login/consent")
		if calls != 0 || p.Has("img") {
			t.Errorf("%d calls; a picture that isn't https is drawn: %v", calls, p.Has("img"))
		}
	})
}

// What was allowed is remembered, for the same or less; prompt=consent asks
// again; first-party products don't ask unless they say so.
func TestCoreSection3_1_2_4ConsentRemembered(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		described(t, w)
		r := w.rp(t, "theirs")
		p := w.member(t, ana)
		wide := url.Values{"scope": {"openid email fleet:read"}}
		cancelled(t, p.Go(r.AuthorizeURL(wide)).MustBeAt("/login/consent"))
		if p.URL.Query().Get("error") != "access_denied" {
			t.Errorf("at %s", p.URL)
		}
		p.Go(r.AuthorizeURL(wide)).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"}) // a no isn't remembered
		codeFor(t, p, r, wide)
		codeFor(t, p, r, url.Values{"scope": {"openid email"}})
		p.Go(r.AuthorizeURL(url.Values{"scope": {"openid email profile"}})).MustBeAt("/login/consent")
		p.Go(r.AuthorizeURL(url.Values{"scope": {"openid email"}, "prompt": {"consent"}})).MustBeAt("/login/consent")
		q := p.Go(r.AuthorizeURL(url.Values{"scope": {"openid profile"}, "prompt": {"none"}})).URL.Query()
		if q.Get("error") != "consent_required" {
			t.Errorf("prompt=none: %v", q)
		}
		codeFor(t, p, w.rp(t, "first"), nil)
		p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"consent"}})).MustBeAt("/login/consent")
	})
}

// A scope is an API's: a yes to one API is none to another that calls its scope
// the same, in whatever way the two are asked for.
func TestCoreSection3_1_2_4ConsentIsForOneAPI(t *testing.T) {
	both(t, theirs+`  - {id: trucks, name: Trucks, secret_hash: "${SECRET_HASH}", redirect_uris: ["https://trucks.example/callback"]}`+"\n", func(t *testing.T, w *world) {
		described(t, w)
		amend(t, w, "trucks", func(c *storage.Client) {
			c.API = &storage.API{Resource: "https://trucks.example/api", Scopes: []storage.APIScope{{ID: "fleet:read", Name: "Steer your trucks"}}}
		})
		amend(t, w, "theirs", func(c *storage.Client) { c.Resources = append(c.Resources, "https://trucks.example/api") })
		r, p := w.rp(t, "theirs"), w.member(t, ana)
		of := func(resources ...string) url.Values {
			return url.Values{"scope": {"openid fleet:read"}, "resource": resources}
		}
		fleet, trucks := "https://fleet.example/api", "https://trucks.example/api"
		p.Go(r.AuthorizeURL(of(fleet))).MustBeAt("/login/consent").MustRead("See where your cars are")
		if strings.Contains(p.Text(), "Steer your trucks") {
			t.Error("names the API that isn't asked for")
		}
		p.Submit(map[string]string{"allow": "1"})
		codeFor(t, p, r, of(fleet))
		for name, more := range map[string]url.Values{"the other": of(trucks), "both": of(fleet, trucks), "any": {"scope": {"openid fleet:read"}}} {
			if p.Go(r.AuthorizeURL(more)).URL.Path != "/login/consent" {
				t.Fatalf("%s: at %s", name, p.URL)
			}
			p.MustRead("Steer your trucks")
		}
		p.Go(r.AuthorizeURL(of(fleet, trucks))).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		codeFor(t, p, r, of(fleet, trucks))
		codeFor(t, p, r, of(trucks))
		p.Go(w.URL + "/account").MustRead("See where your cars are").MustRead("Steer your trucks")
		// Another API at the place of one: nobody was asked about that.
		w.put(t, "trucks", func(c *storage.Client) { c.API.Resource = "https://trucks.example/v2" })
		w.put(t, "theirs", func(c *storage.Client) { c.Resources[1] = "https://trucks.example/v2" })
		p.Go(w.URL + "/account").MustRead("See where your cars are").MustRead("fleet:read")
		p.Go(r.AuthorizeURL(of("https://trucks.example/v2"))).MustBeAt("/login/consent")
	})
}

// OpenID Connect Core section 5.5: a claim that is asked for by name is asked of
// the person in the words of the scope that covers it, and given; nothing else
// of that scope is, and nothing that the product isn't registered for.
func TestCoreSection5_5ClaimsByName(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		amend(t, w, "theirs", func(c *storage.Client) { c.Scopes = []string{"openid", "profile", "email"} })
		named := url.Values{"scope": {"openid"}, "claims": {`{"userinfo":{"name":{"essential":true},"phone_number":null},"id_token":{"email":null}}`}}
		r, p := w.rp(t, "theirs"), w.member(t, ana)
		p.Go(r.AuthorizeURL(url.Values{"scope": {"openid"}})).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		if q := p.Go(r.AuthorizeURL(url.Values{"scope": {"openid"}, "claims": named["claims"], "prompt": {"none"}})).URL.Query(); q.Get("error") != "consent_required" {
			t.Errorf("prompt=none: %v", q)
		}
		p.Go(r.AuthorizeURL(named)).MustBeAt("/login/consent").MustRead("See your name").MustRead("See your e-mail address")
		p.Submit(map[string]string{"allow": "1"})
		status, tokens := r.Exchange(p.URL.Query().Get("code"), nil)
		if status != http.StatusOK || tokens["scope"] != nil && tokens["scope"] != "openid" {
			t.Fatalf("%d %v", status, tokens)
		}
		id := w.read(t, tokens.String("id_token"), "JWT")
		status, claims := r.Userinfo(tokens.String("access_token"))
		if status != http.StatusOK || claims["name"] == nil || id["email"] != ana {
			t.Errorf("%d %v %v", status, claims, id)
		}
		for _, name := range []string{"email", "updated_at", "given_name", "phone_number"} {
			if claims[name] != nil {
				t.Errorf("%s wasn't asked for, or can't be: %v", name, claims)
			}
		}
		codeFor(t, p, r, named)
		// The registration ends it, whatever was asked then.
		w.put(t, "theirs", func(c *storage.Client) { c.Scopes = []string{"openid"} })
		if status, claims := r.Userinfo(tokens.String("access_token")); status != http.StatusOK || claims["name"] != nil {
			t.Errorf("%d %v", status, claims)
		}
		// Who needs no consent is given them without.
		first := w.rp(t, "first")
		if _, claims := first.Userinfo(tokensFor(t, p, first, named).String("access_token")); claims["name"] == nil || claims["email"] != nil {
			t.Errorf("first-party: %v", claims)
		}
	})
}

// What was allowed is taken back in the account, in the same words: what the
// product holds ends, and it has to ask anew.
func TestCoreSection3_1_2_4ConsentWithdrawn(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		described(t, w)
		r := w.rp(t, "theirs")
		p := w.member(t, ana)
		scope := url.Values{"scope": {"openid offline_access fleet:read"}, "prompt": {"consent"}}
		p.Go(r.AuthorizeURL(scope)).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		status, tokens := r.Exchange(p.URL.Query().Get("code"), nil)
		if status != http.StatusOK || tokens.String("refresh_token") == "" {
			t.Fatalf("%d %v", status, tokens)
		}
		p.Go(w.URL + "/account").MustRead("Theirs").MustRead("See where your cars are")
		p.SubmitTo("/account/products/withdraw")
		p.MustBeAt("/account")
		status, a := r.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		if status, _ := r.Userinfo(tokens.String("access_token")); status != http.StatusUnauthorized {
			t.Errorf("userinfo: %d", status)
		}
		p.Go(r.AuthorizeURL(url.Values{"scope": {"openid"}})).MustBeAt("/login/consent")
	})
}

// A yes to less doesn't hide what was allowed before: the account still shows
// it, and it isn't asked for again.
func TestCoreSection3_1_2_4ConsentToLess(t *testing.T) {
	both(t, theirs, func(t *testing.T, w *world) {
		r, p := w.rp(t, "theirs"), w.member(t, ana)
		for _, scope := range []string{"openid email profile", "openid"} {
			p.Go(r.AuthorizeURL(url.Values{"scope": {scope}, "prompt": {"consent"}})).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		}
		codeFor(t, p, r, url.Values{"scope": {"openid email profile"}, "prompt": {"none"}})
	})
}
