package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// stillIn says whether a browser is signed in.
func stillIn(t testing.TB, d *servertest.Demo, p *servertest.Person) bool {
	t.Helper()
	return answered(t, p.Go(rp(t, d, first).AuthorizeURL(url.Values{"prompt": {"none"}}))).Has("code")
}

// A product that shows an ID token of this very session signs out at once;
// everybody else only with the person's word.
func TestLogoutByProduct(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		token := func(p *servertest.Person, id string) string {
			return tokensFor(t, p, rp(t, d, id), nil).String("id_token")
		}
		to := func(q url.Values) string { return d.URL + "/logout?" + q.Encode() }
		bye := site + "/bye"

		p := member(t, d, ana)
		tokens := tokensFor(t, p, r, nil)
		p.Go(to(url.Values{"id_token_hint": {tokens.String("id_token")}, "post_logout_redirect_uri": {bye}, "state": {"a state&more"}}))
		if p.URL.String() != bye+"?state=a+state%26more" {
			t.Errorf("at %s", p.URL)
		}
		if stillIn(t, d, p) {
			t.Error("still signed in")
		}
		status, a := r.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		// The same hint again: nobody is signed in, and the person goes back.
		if p.Go(to(url.Values{"id_token_hint": {tokens.String("id_token")}, "post_logout_redirect_uri": {bye}})); p.URL.String() != bye {
			t.Errorf("again: at %s", p.URL)
		}

		// A hint that has expired is as good; without a redirect there is a page.
		p = member(t, d, ana)
		hint := token(p, first)
		d.Clock.Advance(20 * time.Minute)
		p.Go(to(url.Values{"id_token_hint": {hint}, "client_id": {first}})).MustRead("You are signed out")

		// By POST, which comes from another site without cookies.
		p = member(t, d, ana)
		form := url.Values{"id_token_hint": {token(p, first)}, "post_logout_redirect_uri": {bye}, "form_token": {"guessed"}}
		req, err := http.NewRequest(http.MethodPost, d.URL+"/logout", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) > 0 || strings.Contains(resp.Header.Get("Location"), "form_token") {
			t.Errorf("POST: %d %v", resp.StatusCode, resp.Header)
		}
		if !stillIn(t, d, p) {
			t.Error("signed out without cookies")
		}
		if p.Go(d.URL + resp.Header.Get("Location")); p.URL.String() != bye || stillIn(t, d, p) {
			t.Errorf("POST: at %s", p.URL)
		}

		// Whoever isn't sure asks.
		p = member(t, d, ana)
		own, others := token(p, first), token(member(t, d, ben), first)
		earlier := token(member(t, d, ana), first) // her own, of another browser
		parts := strings.Split(own, ".")
		for name, c := range map[string]struct {
			q        url.Values
			redirect string // after the person's word
		}{
			"no hint":         {url.Values{}, ""},
			"client alone":    {url.Values{"client_id": {first}, "post_logout_redirect_uri": {bye}, "state": {"s"}}, bye + "?state=s"},
			"redirect alone":  {url.Values{"post_logout_redirect_uri": {bye}}, ""},
			"forged":          {url.Values{"id_token_hint": {parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))}, "post_logout_redirect_uri": {bye}}, ""},
			"no JWT":          {url.Values{"id_token_hint": {"x"}, "client_id": {first}, "post_logout_redirect_uri": {bye}}, ""},
			"other person's":  {url.Values{"id_token_hint": {others}, "post_logout_redirect_uri": {bye}}, bye},
			"other session's": {url.Values{"id_token_hint": {earlier}, "post_logout_redirect_uri": {bye}}, bye},
			"other client's":  {url.Values{"id_token_hint": {own}, "client_id": {elliptic}, "post_logout_redirect_uri": {bye}}, ""},
		} {
			t.Run(name, func(t *testing.T) {
				p := member(t, d, ana)
				if name == "forged" || name == "no JWT" || name == "other client's" {
					// Nothing of such a request is believed, nor shown.
					if p.Go(to(c.q)); strings.Contains(p.Text(), "First") || strings.Contains(p.Text(), "Elliptic") {
						t.Errorf("names a product: %s", p.Text())
					}
				}
				p.Go(to(c.q)).MustBeAt("/logout").MustRead("Sign out?")
				if !stillIn(t, d, p) {
					t.Fatal("signed out without a word")
				}
				p.Go(to(c.q)).Submit(map[string]string{"logout": "1"})
				if c.redirect == "" {
					p.MustRead("You are signed out")
				} else if p.URL.String() != c.redirect {
					t.Errorf("at %s", p.URL)
				}
				if stillIn(t, d, p) {
					t.Error("still signed in")
				}
			})
		}

		// A redirect that isn't registered is no redirect, and no sign-out.
		for _, evil := range []string{"https://evil.example/", bye + "/", bye + "?x", site + "/callback"} {
			for _, hint := range []string{own, ""} {
				p.Go(to(url.Values{"id_token_hint": {hint}, "client_id": {first}, "post_logout_redirect_uri": {evil}})).MustBeAt("/logout").MustRead("post_logout_redirect_uri")
				if p.Status != http.StatusBadRequest || !stillIn(t, d, p) {
					t.Errorf("%s: %d", evil, p.Status)
				}
			}
		}
		for name, q := range map[string]string{"duplicates": "client_id=first&client_id=first", "unknown client": "client_id=nobody"} {
			if p.Go(d.URL + "/logout?" + q); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, p.Status)
			}
		}
		// A form of another browser isn't the person's word.
		p.Post(d.URL+"/logout", url.Values{"logout": {"1"}, "form_token": {fieldOf(t, member(t, d, ben).Go(d.URL+"/logout"), "form_token")}})
		if !stillIn(t, d, p) {
			t.Error("signed out by another browser's form")
		}
	})
}

// receiver is a product's back-channel logout endpoint.
type receiver struct {
	mu     sync.Mutex
	answer []int // one for each call, then 200
	got    []*http.Request
	tokens []string
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got, c.tokens = append(c.got, r), append(c.tokens, r.PostFormValue("logout_token"))
	status := http.StatusOK
	if len(c.answer) > 0 {
		status, c.answer = c.answer[0], c.answer[1:]
	}
	if status == http.StatusFound {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(status)
}

func (c *receiver) calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tokens)
}

// listen has a client told of ended sessions.
func listen(t testing.TB, d *servertest.Demo, client string, answer ...int) *receiver {
	t.Helper()
	c := &receiver{answer: answer}
	declare(t, d, `products: [{ id: `+client+`, backchannel_logout_uri: "`+servertest.Serve(t, c)+`/logout" }]`)
	return c
}

// deliver delivers what is due, and fails unless that makes n calls so far.
func deliver(t testing.TB, d *servertest.Demo, c *receiver, n int) {
	t.Helper()
	if _, err := d.Server.DeliverLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(c.calls()); got != n {
		t.Fatalf("%d calls, not %d", got, n)
	}
}

func TestBackchannelLogoutToken(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		rs, es := listen(t, d, first), listen(t, d, elliptic)
		p := member(t, d, ana)
		tokens := tokensFor(t, p, rp(t, d, first), nil)
		tokensFor(t, p, rp(t, d, elliptic), nil)
		codeFor(t, p, rp(t, d, poster), nil)
		id := servertest.Claims(t, tokens.String("id_token"))
		signOut(t, d, p)
		deliver(t, d, rs, 1)
		deliver(t, d, es, 1)
		for name, c := range map[string]*receiver{first: rs, elliptic: es} {
			request, token := c.got[0], c.calls()[0]
			if request.Method != http.MethodPost || request.URL.Path != "/logout" || request.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || request.Header.Get("Cookie") != "" {
				t.Errorf("%s: %v", name, request)
			}
			mustVerify(t, published(t, d), token)
			if typ := mustParse(t, token).Signatures[0].Header.ExtraHeaders["typ"]; typ != "logout+jwt" {
				t.Errorf("%s: typ %v", name, typ)
			}
			claims := servertest.Claims(t, token)
			now := float64(d.Clock.Now().Unix())
			events, _ := json.Marshal(claims["events"])
			if claims["iss"] != d.URL || claims["aud"] != name || claims["sub"] != id["sub"] || claims["sid"] != id["sid"] || claims["iat"] != now || claims["exp"] != now+120 ||
				claims["jti"] == nil || string(events) != `{"http://schemas.openid.net/event/backchannel-logout":{}}` || len(claims) != 8 {
				t.Errorf("%s: %v", name, claims)
			}
			if _, has := claims["nonce"]; has {
				t.Error("a nonce")
			}
			// It is no ID token, for us neither.
			mustError(t, d, answered(t, visitor(t).Go(rp(t, d, first).AuthorizeURL(url.Values{"id_token_hint": {token}}))), "invalid_request")
		}
		if claims, other := servertest.Claims(t, rs.calls()[0]), servertest.Claims(t, es.calls()[0]); claims["jti"] == other["jti"] {
			t.Error("one jti for two")
		}
		// Told once.
		d.Clock.Advance(10 * time.Minute)
		deliver(t, d, rs, 1)
		deliver(t, d, es, 1)
	})
}

// What fails is tried again, later each time, by a token of its own; a
// redirect is a failure, and is not followed.
func TestBackchannelLogoutRetries(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		c := listen(t, d, first, 500, http.StatusFound, 400, 204)
		p := member(t, d, ana)
		tokensFor(t, p, rp(t, d, first), nil)
		signOut(t, d, p)
		deliver(t, d, c, 1)
		for n, wait := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
			d.Clock.Advance(wait - time.Millisecond)
			deliver(t, d, c, n+1)
			d.Clock.Advance(time.Millisecond)
			deliver(t, d, c, n+2)
		}
		d.Clock.Advance(time.Hour)
		deliver(t, d, c, 4)
		seen := map[any]bool{}
		for i, token := range c.calls() {
			claims := servertest.Claims(t, token)
			if c.got[i].URL.Path != "/logout" || seen[claims["jti"]] {
				t.Errorf("call %d: %s, %v", i, c.got[i].URL, claims)
			}
			seen[claims["jti"]] = true
		}
	})
}

// A provider that isn't allowed to calls nothing on its own machine or
// network, by whatever name.
func TestOutboundAddresses(t *testing.T) {
	called := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "100.64.0.1", "[64:ff9b::7f00:1]"} {
		resp, err := idp.NewOutbound(false).Get("http://" + host + ":" + port + "/")
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, idp.ErrPrivateAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if called {
		t.Error("called")
	}
	resp, err := idp.NewOutbound(true).Get(s.URL)
	if err != nil || !called {
		t.Fatalf("not called though it is allowed: %v", err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if idp.NewOutbound(true).Transport.(*http.Transport).Proxy != nil {
		t.Error("goes through a proxy of the environment")
	}
}

func TestBackchannelLogoutToLoopback(t *testing.T) {
	d := quiet(t, storagetest.URL(t, "sqlite"), map[string]string{"outbound-allow-private": "false"})
	c := listen(t, d, first)
	p := member(t, d, ana)
	tokensFor(t, p, rp(t, d, first), nil)
	signOut(t, d, p)
	deliver(t, d, c, 0)
	if !strings.Contains(d.Log.String(), "outbound.allow_private") {
		t.Errorf("the log doesn't say what to do:\n%s", d.Log)
	}
}

// Who is told: every product that holds something of the session, when it ends
// by whatever hand.
func TestBackchannelLogoutCauses(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		c := listen(t, d, first)
		n := 0
		for name, end := range map[string]func(p *servertest.Person){
			"signed out": func(p *servertest.Person) { signOut(t, d, p) },
			"another person signs in": func(p *servertest.Person) {
				d.Clock.Advance(time.Second)
				p.Go(rp(t, d, poster).AuthorizeURL(url.Values{"prompt": {"login"}})).SubmitTo("/login/switch")
				answered(t, signIn(p, ben))
			},
			"disabled": func(p *servertest.Person) {
				declare(t, d, `people: [{ email: ana@acme.example, disabled: true }]`)
				declare(t, d, `people: [{ email: ana@acme.example, disabled: false }]`)
			},
			"set up a factor": func(p *servertest.Person) {
				p.Go(rp(t, d, strict).AuthorizeURL(nil))
				enrol(t, d, p)
				change(t, d, ana, func(tx *storage.Tx, id string) error {
					_, err := tx.DeleteFactors(t.Context(), id, "")
					if err == nil {
						err = tx.SetTwoStep(t.Context(), id, false, d.Clock.Now())
					}
					return err
				})
			},
		} {
			p := member(t, d, ana)
			sid := servertest.Claims(t, tokensFor(t, p, rp(t, d, first), nil).String("id_token"))["sid"]
			end(p)
			n++
			deliver(t, d, c, n)
			if got := servertest.Claims(t, c.calls()[n-1])["sid"]; got != sid {
				t.Errorf("%s: told of %v, not of %v", name, got, sid)
			}
		}
	})
}
