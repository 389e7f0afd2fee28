package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const bye = site + "/bye"

// logout is a logout request; empty parameters are left out.
func logout(w *world, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return w.URL + "/logout?" + q.Encode()
}

// hintOf is an ID token of a product for a browser's session.
func hintOf(t testing.TB, w *world, p *servertest.Person, id string) string {
	t.Helper()
	return tokensFor(t, p, w.rp(t, id), nil).String("id_token")
}

// OpenID Connect RP-Initiated Logout 1.0 section 2: with a hint of this very
// session it ends without a question, also where the subject is one that only
// this client knows, and where the ID token expired long ago.
func TestRPInitiatedLogoutSection2Hint(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		amend(t, w, "first", func(c *storage.Client) { c.Pairwise, c.Sector = true, "rp.example" })
		for _, id := range []string{"first", "second"} {
			if id == "second" {
				amend(t, w, id, func(c *storage.Client) { c.PostLogoutRedirectURIs = []string{bye} })
			}
			p := w.member(t, ana)
			hint := hintOf(t, w, p, id)
			w.Clock.Advance(30 * time.Minute)
			if p.Go(logout(w, "id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "xyz")); p.URL.String() != bye+"?state=xyz" {
				t.Fatalf("%s: at %s\n%s", id, p.URL, p.Text())
			}
			if signedIn(t, w, p) {
				t.Errorf("%s: still signed in", id)
			}
			// The session is over: the same request leads back all the same.
			if p.Go(logout(w, "id_token_hint", hint, "client_id", id, "post_logout_redirect_uri", bye)); p.URL.String() != bye {
				t.Errorf("%s: again at %s", id, p.URL)
			}
		}
		// A pairwise subject is no other client's.
		a, b := w.member(t, ana), w.member(t, "ben@acme.example")
		if p := a.Go(logout(w, "id_token_hint", hintOf(t, w, b, "first"), "post_logout_redirect_uri", bye)); p.URL.Path != "/logout" {
			t.Errorf("somebody else's hint leads to %s", p.URL)
		}
		if !signedIn(t, w, a) || !signedIn(t, w, b) {
			t.Error("somebody else's hint signed out")
		}
	})
}

// Section 2: a session that is over for another reason, by a hint with its
// sid; and the session that came after it isn't ended by the old hint.
func TestRPInitiatedLogoutSection2SessionOver(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		p := w.member(t, ana)
		hint := hintOf(t, w, p, "first")
		w.Clock.Advance(13 * time.Hour)
		if p.Go(logout(w, "id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "1")); p.URL.String() != bye+"?state=1" {
			t.Errorf("at %s", p.URL)
		}
		p.Go(w.rp(t, "first").AuthorizeURL(nil))
		signIn(p, ana)
		p.Go(logout(w, "id_token_hint", hint, "post_logout_redirect_uri", bye)).MustBeAt("/logout").MustRead("Sign out?")
		if !signedIn(t, w, p) {
			t.Error("an old hint signed out")
		}
	})
}

// Section 3: redirected only to a registered URI, character by character, of a
// client that is known; state comes back as it was, beside a query of the URI.
func TestRPInitiatedLogoutSection3Redirect(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		amend(t, w, "first", func(c *storage.Client) {
			c.PostLogoutRedirectURIs = []string{bye, site + "/bye?b=2&a=%20", "app.example:/bye"}
		})
		for uri, want := range map[string]string{
			bye:                     bye + "?state=a+%26%3D%23%E2%9C%93",
			site + "/bye?b=2&a=%20": site + "/bye?b=2&a=%20&state=a+%26%3D%23%E2%9C%93",
		} {
			p := w.member(t, ana)
			if p.Go(logout(w, "id_token_hint", hintOf(t, w, p, "first"), "post_logout_redirect_uri", uri, "state", "a &=#✓")); p.URL.String() != want {
				t.Errorf("%s: at %s", uri, p.URL)
			}
		}
		p := w.member(t, ana)
		hint := hintOf(t, w, p, "first")
		forged := hint[:strings.LastIndexByte(hint, '.')+1] + strings.Repeat("A", 86)
		for name, c := range map[string]struct {
			request string
			status  int
			reads   string
		}{
			"not registered":          {logout(w, "id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/"), 400, "post_logout_redirect_uri"},
			"a query added":           {logout(w, "id_token_hint", hint, "post_logout_redirect_uri", bye+"?x=1"), 400, "post_logout_redirect_uri"},
			"other letters":           {logout(w, "id_token_hint", hint, "post_logout_redirect_uri", "HTTPS://rp.example/bye"), 400, "post_logout_redirect_uri"},
			"of a sign-in":            {logout(w, "id_token_hint", hint, "post_logout_redirect_uri", callback), 400, "post_logout_redirect_uri"},
			"another client's":        {logout(w, "client_id", "second", "post_logout_redirect_uri", bye), 400, "post_logout_redirect_uri"},
			"no client":               {logout(w, "post_logout_redirect_uri", bye), 200, "Sign out?"},
			"nothing":                 {logout(w), 200, "Sign out?"},
			"unknown client":          {logout(w, "client_id", "nobody", "post_logout_redirect_uri", bye), 400, "client_id"},
			"our own pages":           {logout(w, "client_id", "sallyport-account"), 400, "client_id"},
			"hint of another client":  {logout(w, "id_token_hint", hint, "client_id", "second", "post_logout_redirect_uri", bye), 200, "Sign out?"},
			"forged hint":             {logout(w, "id_token_hint", forged, "post_logout_redirect_uri", bye), 200, "Sign out?"},
			"forged hint with client": {logout(w, "id_token_hint", forged, "client_id", "first", "post_logout_redirect_uri", bye), 200, "Sign out?"},
			"sent twice":              {logout(w, "id_token_hint", hint) + "&state=1&state=2", 400, "state"},
		} {
			p.Go(c.request).MustBeAt("/logout").MustRead(c.reads)
			if p.Status != c.status || refreshes(p) != "" {
				t.Errorf("%s: %d, and goes on to %q", name, p.Status, refreshes(p))
			}
		}
		if !signedIn(t, w, p) {
			t.Fatal("one of them signed out")
		}
		// After a wrong hint the person's word signs out, and leads nowhere.
		p.Go(logout(w, "id_token_hint", forged, "client_id", "first", "post_logout_redirect_uri", bye)).Submit(map[string]string{"logout": "1"}).MustRead("You are signed out")
		if signedIn(t, w, p) {
			t.Error("still signed in")
		}
	})
}

// Section 2: by POST too, and in the language that is asked for; the
// parameters survive the question.
func TestRPInitiatedLogoutSection2Parameters(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		p := w.member(t, ana)
		p.Post(w.URL+"/logout", url.Values{"client_id": {"first"}, "post_logout_redirect_uri": {bye}, "state": {"s"}, "ui_locales": {"de fr"}, "logout_hint": {ana}})
		p.MustBeAt("/logout").MustRead("Abmelden?").MustRead("First")
		if p.Submit(map[string]string{"logout": "1"}); p.URL.String() != bye+"?state=s" {
			t.Errorf("at %s", p.URL)
		}
		// A logout_hint alone signs nobody out, whoever it names.
		p = w.member(t, ana)
		p.Go(logout(w, "client_id", "first", "logout_hint", ana)).MustRead("Sign out?")
		if !signedIn(t, w, p) {
			t.Error("signed out by a logout_hint")
		}
		if resp, err := http.Post(w.URL+"/logout", "text/plain", strings.NewReader("x")); err != nil || resp.StatusCode >= 500 {
			t.Errorf("a body that is no form: %v %v", resp, err)
		} else {
			resp.Body.Close()
		}
	})
}
