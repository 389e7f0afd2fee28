package protocoltest_test

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// more are further first-party products, for those who sign in to several.
const more = `
products:
  - {id: second, name: Second, first_party: true, secret_hash: "${SECRET_HASH}", scopes: [openid, offline_access], grant_types: [authorization_code, refresh_token], redirect_uris: ["https://rp.example/callback"]}
  - {id: third, name: Third, first_party: true, secret_hash: "${SECRET_HASH}", redirect_uris: ["https://rp.example/callback"]}
`

// amend changes the settings of a product.
func amend(t testing.TB, w *world, id string, set func(c *storage.Client)) {
	t.Helper()
	w.change(t, func(tx *storage.Tx) error {
		was, err := tx.Client(t.Context(), id)
		if err != nil {
			return err
		}
		c := *was
		set(&c)
		return tx.PutClient(t.Context(), c, w.Clock.Now())
	})
}

// framed has a product signed out of through the browser.
func framed(t testing.TB, w *world, id, uri string, session bool) {
	t.Helper()
	amend(t, w, id, func(c *storage.Client) { c.FrontchannelLogoutURI, c.FrontchannelSession = uri, session })
}

var frameSource = regexp.MustCompile(`<iframe [^>]*src="([^"]*)"`)

// frames are the addresses of the frames on a page, sorted.
func frames(p *servertest.Person) []string {
	var all []string
	for _, m := range frameSource.FindAllStringSubmatch(p.Source(), -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	slices.Sort(all)
	return all
}

// refreshes is where a page goes on by itself.
func refreshes(p *servertest.Person) string {
	m := regexp.MustCompile(`http-equiv="refresh" content="5;url=([^"]*)"`).FindStringSubmatch(p.Source())
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// framePolicy is the frame-src of a page, empty where it may frame nothing.
func framePolicy(p *servertest.Person) string {
	for _, d := range strings.Split(p.Header.Get("Content-Security-Policy"), "; ") {
		if rest, ok := strings.CutPrefix(d, "frame-src "); ok {
			return rest
		}
	}
	return ""
}

// OpenID Connect Front-Channel Logout 1.0 section 3: whatever was reached in
// the session is opened in a frame, with iss and sid where it wants them, and
// then the browser goes back.
func TestFrontChannelLogoutSection3(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		framed(t, w, "first", "https://first.example/out?a=b%20c", true)
		framed(t, w, "second", "https://second.example:8443/out", false)
		framed(t, w, "third", "https://third.example/out", true) // nobody signs in to it
		p := w.member(t, ana)
		tokens := tokensFor(t, p, w.rp(t, "first"), nil)
		tokensFor(t, p, w.rp(t, "second"), nil)
		codeFor(t, p, w.rp(t, "third"), nil) // and a code that nobody redeems is nothing
		sid := servertest.Claims(t, tokens.String("id_token")).String("sid")

		p.Go(w.URL + "/logout?" + url.Values{"id_token_hint": {tokens.String("id_token")}, "post_logout_redirect_uri": {site + "/bye"}, "state": {`a "state"&more`}}.Encode())
		p.MustBeAt("/logout").MustRead("First").MustRead("Second")
		want := []string{"https://first.example/out?a=b%20c&iss=" + url.QueryEscape(w.URL) + "&sid=" + sid, "https://second.example:8443/out"}
		if got := frames(p); !slices.Equal(got, want) {
			t.Errorf("frames %q, not %q", got, want)
		}
		if got := framePolicy(p); got != "https://first.example https://second.example:8443" {
			t.Errorf("frame-src %s", got)
		}
		back := site + "/bye?state=" + url.QueryEscape(`a "state"&more`)
		if got := refreshes(p); got != back {
			t.Errorf("goes on to %q, not %q", got, back)
		}
		if strings.Contains(p.Text(), "Third") {
			t.Error("names a product that wasn't signed in to")
		}
		if !p.Has("[href=" + back + "]") {
			t.Error("no link to go on at once")
		}
		if signedIn(t, w, p) {
			t.Error("still signed in")
		}
		// There is nothing left to tell.
		p.Go(w.URL + "/logout?" + url.Values{"id_token_hint": {tokens.String("id_token")}, "post_logout_redirect_uri": {site + "/bye"}}.Encode())
		if p.URL.String() != site+"/bye" {
			t.Errorf("again: at %s", p.URL)
		}
	})
}

// signedIn says whether a browser still is.
func signedIn(t testing.TB, w *world, p *servertest.Person) bool {
	t.Helper()
	return p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"none"}})).URL.Query().Has("code")
}

// The same by every way of signing out of a browser.
func TestFrontChannelLogoutEverySignOut(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		framed(t, w, "first", "https://first.example/out", false)
		enter := func() *servertest.Person {
			p := w.member(t, ana)
			tokensFor(t, p, w.rp(t, "first"), nil)
			return p
		}
		told := func(name string, p *servertest.Person) {
			t.Helper()
			if got := frames(p); !slices.Equal(got, []string{"https://first.example/out"}) {
				t.Errorf("%s: frames %q on %s\n%s", name, got, p.URL, p.Text())
			}
		}
		p := enter()
		told("logout", p.Go(w.URL+"/logout").Submit(map[string]string{"logout": "1"}))
		if refreshes(p) != "" {
			t.Error("goes on though nobody asked for it")
		}
		p.MustRead("You are signed out")

		p = enter()
		told("this session", p.Go(w.URL+"/account").Submit(map[string]string{"all": "1"}))
		p.MustRead("You are signed out")

		p = enter()
		told("the head of the account", p.Go(w.URL+"/account").SubmitTo("/logout"))

		// Leaving a set-up that can't be put off.
		p = enter()
		w.Apply(`companies: [{id: acme, rules: {staff: {mode: required}, clients: {mode: required}}}]`)
		w.Clock.Advance(time.Second)
		p.Go(w.rp(t, "first").AuthorizeURL(nil))
		if p.URL.Path == "/login/password" {
			p.Submit(map[string]string{"password": demo.Password})
		}
		told("set-up", p.MustBeAt("/login/why").SubmitTo("/login/sign-out"))
		p.Go(w.URL + refreshes(p))
		if p.URL.Query().Get("error") != "access_denied" {
			t.Errorf("the product is told %s", p.URL)
		}
	})
}

// Other pages frame nothing, and a product that isn't of the web isn't framed.
func TestFrontChannelLogoutFramesNothingElse(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		framed(t, w, "second", "app:/out", true)
		p := w.member(t, ana)
		if p.Go(w.URL + "/account"); framePolicy(p) != "" {
			t.Errorf("the account may frame %s", framePolicy(p))
		}
		tokensFor(t, p, w.rp(t, "second"), nil)
		p.Go(w.URL + "/logout")
		if framePolicy(p) != "" || len(frames(p)) > 0 {
			t.Errorf("asks with frames: %s", framePolicy(p))
		}
		if p.Submit(map[string]string{"logout": "1"}); framePolicy(p) != "" {
			t.Errorf("frames %s", framePolicy(p))
		}
	})
}
