package protocoltest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// browserState is the cookie that the frame compares; empty where there is
// none.
func browserState(w *world, p *servertest.Person) string {
	for _, c := range p.Cookies(w.URL) {
		if c.Name == "sallyport-state" {
			return c.Value
		}
	}
	return ""
}

// compared is what the frame answers to a product at an origin.
func compared(w *world, p *servertest.Person, client, origin, state string) bool {
	sum, salt, ok := strings.Cut(state, ".")
	want := sha256.Sum256([]byte(client + " " + origin + " " + browserState(w, p) + " " + salt))
	return ok && salt != "" && sum == hex.EncodeToString(want[:])
}

// OpenID Connect Session Management 1.0 section 3: session_state in every
// successful answer, right until somebody signs in or out.
func TestSessionManagementSection3SessionState(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		state := p.URL.Query().Get("session_state") // of the answer that came after signing in
		if !compared(w, p, "first", site, state) {
			t.Fatalf("%s isn't the state of this browser", state)
		}
		if compared(w, p, "second", site, state) || compared(w, p, "first", "https://other.example", state) {
			t.Error("right for another product too")
		}
		// A hash of its own every time, for whoever compares what they were given.
		silent := p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"none"}})).URL.Query().Get("session_state")
		if silent == state || !compared(w, p, "first", site, silent) || !compared(w, p, "first", site, state) {
			t.Errorf("prompt=none: %s", silent)
		}
		p.Go(w.rp(t, "second").AuthorizeURL(url.Values{"response_mode": {"form_post"}}))
		if posted := p.All("form"); len(posted) == 0 || !p.Has("[name=session_state]") {
			t.Error("not in an answer by form_post")
		}
		// Proving more is no other session; signing in as somebody else is.
		was := browserState(w, p)
		w.Clock.Advance(time.Second)
		p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"login"}}))
		p.Submit(map[string]string{"password": demo.Password})
		if browserState(w, p) != was {
			t.Error("changed by signing in anew")
		}
		other := w.member(t, ana)
		hers := other.URL.Query().Get("session_state")
		w.Clock.Advance(time.Second)
		signIn(other.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"login"}})).SubmitTo("/login/switch"), "ben@acme.example")
		if compared(w, other, "first", site, hers) || !compared(w, other, "first", site, other.URL.Query().Get("session_state")) {
			t.Errorf("unchanged by somebody else's sign-in, at %s", other.URL)
		}
		p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
		if compared(w, p, "first", site, state) || browserState(w, p) != "" {
			t.Error("unchanged by signing out")
		}
		refused := p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"none"}})).URL.Query()
		if refused.Get("error") != "login_required" || refused.Has("session_state") {
			t.Errorf("signed out: %v", refused)
		}
		p.Go(w.rp(t, "first").AuthorizeURL(nil))
		signIn(p, ana)
		if again := browserState(w, p); again == "" || again == was || compared(w, p, "first", site, state) {
			t.Error("a new session has the state of the one before")
		}
	})
}

// Who isn't signed in has nothing changed by the address for signing out, which
// any site can open without a person's cookies.
func TestSessionManagementSection3_2SignOutUnasked(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		set := func(query string, cookies ...*http.Cookie) (names []string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/logout"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cookies {
				req.AddCookie(c)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode >= http.StatusBadRequest {
				t.Errorf("%s: %d", query, resp.StatusCode)
			}
			for _, c := range resp.Cookies() {
				names = append(names, c.Name)
			}
			slices.Sort(names)
			return names
		}
		for _, query := range []string{"", "?client_id=first&post_logout_redirect_uri=" + url.QueryEscape(site+"/bye")} {
			if got := set(query); len(got) > 0 {
				t.Errorf("%q: sets %v", query, got)
			}
		}
		// Of a session that is over, the browser is rid.
		if got := set("", &http.Cookie{Name: "sallyport", Value: "over"}); !slices.Equal(got, []string{"sallyport", "sallyport-state"}) {
			t.Errorf("sets %v", got)
		}
	})
}

// Section 3.2: the cookie is the browser's own, no secret of ours, and can be
// read by a script; the session's can't.
func TestSessionManagementSection3_2Cookie(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		p := w.visitor(t)
		p.Go(w.rp(t, "first").AuthorizeURL(nil))
		var set []*http.Cookie
		p.Client().Transport = watching(func(resp *http.Response) { set = append(set, resp.Cookies()...) })
		signIn(p, ana)
		at := slices.IndexFunc(set, func(c *http.Cookie) bool { return c.Name == "sallyport-state" })
		secret := slices.IndexFunc(set, func(c *http.Cookie) bool { return c.Name == "sallyport" })
		if at < 0 || secret < 0 {
			t.Fatalf("set %v", set)
		}
		state, session := set[at], set[secret]
		if state.HttpOnly || state.SameSite != http.SameSiteLaxMode || len(state.Value) < 40 || strings.Contains(session.Value, state.Value) {
			t.Errorf("state %v", state)
		}
		if !session.HttpOnly {
			t.Error("a script can read the session")
		}
		// It opens nothing.
		thief := w.visitor(t)
		at1, err := url.Parse(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		thief.Client().Jar.SetCookies(at1, []*http.Cookie{{Name: "sallyport", Value: state.Value}, {Name: "sallyport-state", Value: state.Value}})
		if signedIn(t, w, thief) {
			t.Error("signed in by the browser state")
		}
	})
}

// watching sees every answer that a browser gets.
type watching func(*http.Response)

// RoundTrip implements http.RoundTripper.
func (see watching) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		see(resp)
	}
	return resp, err
}

// Section 3.3: discovery names the frame, and anybody may frame it.
func TestSessionManagementSection3_3Discovery(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		p := w.visitor(t).Go(w.URL + "/session/check")
		csp := p.Header.Get("Content-Security-Policy")
		if p.Status != http.StatusOK || strings.Contains(csp, "frame-ancestors") || !strings.Contains(csp, "default-src 'none'") || p.Header.Get("X-Frame-Options") != "" {
			t.Errorf("%d %v", p.Status, p.Header)
		}
		if !p.Has("[data-cookie=sallyport-state]") || len(p.Cookies(w.URL)) > 0 {
			t.Errorf("the frame is %s", p.Source())
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, doc := w.rp(t, "first").Do(req)
		if doc.String("check_session_iframe") != w.URL+"/session/check" || doc["frontchannel_logout_supported"] != true || doc["frontchannel_logout_session_supported"] != true {
			t.Errorf("discovery says %v", doc)
		}
		// All other pages can't be framed.
		for _, path := range []string{"/logout", "/account", "/session/other"} {
			if csp := p.Go(w.URL + path).Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("%s: %s", path, csp)
			}
		}
	})
}
