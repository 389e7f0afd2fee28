package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// One thing of single use, presented by many callers at once over HTTP, does
// its work once. (The same at the storage alone, for many more rounds, is in
// storage.)
const (
	callers = 50
	rounds  = 6
)

// reply is an answer that was read.
type reply struct {
	status int
	to     string // Location
	body   string
}

// crowd sends a request of each of n callers at once.
type crowd struct {
	t         testing.TB
	transport *http.Transport
}

func newCrowd(t testing.TB) *crowd {
	c := &crowd{t: t, transport: &http.Transport{MaxIdleConnsPerHost: callers, MaxConnsPerHost: callers}}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

func (c *crowd) send(n int, request func(i int) *http.Request) []reply {
	c.t.Helper()
	replies, requests := make([]reply, n), make([]*http.Request, n)
	for i := range n {
		requests[i] = request(i)
	}
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i, req := range requests {
		all.Go(func() {
			<-begin
			resp, err := c.transport.RoundTrip(req)
			if err != nil {
				c.t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				c.t.Error(err)
			}
			replies[i] = reply{resp.StatusCode, resp.Header.Get("Location"), string(body)}
		})
	}
	close(begin)
	all.Wait()
	return replies
}

// request makes one with the cookies of a browser; form is nil for GET.
func request(t testing.TB, jar http.CookieJar, address string, form url.Values) *http.Request {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if jar != nil {
		for _, cookie := range jar.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
	}
	return req
}

// once fails unless exactly one reply is a success and all others have the
// status of a refusal. It returns the success.
func once(t testing.TB, round int, replies []reply, success func(reply) bool, refused int) (won reply) {
	t.Helper()
	n := 0
	for _, r := range replies {
		switch {
		case success(r):
			n++
			won = r
		case r.status != refused:
			t.Errorf("round %d: %d %s", round, r.status, r.body)
		}
	}
	if n != 1 {
		t.Fatalf("round %d: %d successes", round, n)
	}
	return won
}

func ok(r reply) bool { return r.status == http.StatusOK }

// tokenRequest is a form of the client "first" to the token endpoint.
func tokenRequest(t testing.TB, d *servertest.Demo, form url.Values) func(int) *http.Request {
	return func(int) *http.Request {
		req := request(t, nil, d.URL+"/token", form)
		req.SetBasicAuth(first, url.QueryEscape(secret))
		return req
	}
}

func TestConcurrentCode(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		p, r, c := member(t, d, ana), rp(t, d, first), newCrowd(t)
		for round := range rounds {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {codeFor(t, p, r, nil)}, "redirect_uri": {r.RedirectURI}, "code_verifier": {r.Verifier}}
			once(t, round, c.send(callers, tokenRequest(t, d, form)), ok, http.StatusBadRequest)
		}
	})
}

func TestConcurrentRefresh(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		r, c := rp(t, d, first), newCrowd(t)
		tokens := tokensFor(t, member(t, d, ana), r, nil)
		for round := range rounds {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.String("refresh_token")}}
			won := once(t, round, c.send(callers, tokenRequest(t, d, form)), ok, http.StatusBadRequest)
			if err := json.Unmarshal([]byte(won.body), &tokens); err != nil {
				t.Fatal(err)
			}
		}
		// Nobody was taken for a thief.
		if status, a := r.Userinfo(tokens.String("access_token")); status != 200 {
			t.Errorf("%d %v", status, a)
		}
	})
}

func TestConcurrentContinue(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		p, r, c := member(t, d, ana), rp(t, d, first), newCrowd(t)
		held := servertest.NewPerson(t, d.URL+"/authorize/continue")
		held.Client().Jar = p.Client().Jar
		for round := range rounds {
			held.Go(r.AuthorizeURL(url.Values{"prompt": {"select_account"}})).Submit(map[string]string{"account": "this"}).MustBeAt("/authorize/continue")
			replies := c.send(callers, func(int) *http.Request { return request(t, p.Client().Jar, held.URL.String(), nil) })
			won := once(t, round, replies, func(r reply) bool { return strings.Contains(r.to, "code=") }, http.StatusSeeOther)
			if !strings.HasPrefix(won.to, site) {
				t.Errorf("round %d: to %s", round, won.to)
			}
		}
		if n := grants(t, d, ana); n != rounds+1 {
			t.Errorf("%d grants of %d requests", n, rounds+1)
		}
	})
}

// grants counts how often a person entered a product.
func grants(t testing.TB, d *servertest.Demo, email string) (n int) {
	t.Helper()
	u, err := d.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	events, err := d.DB.Activity(t.Context(), u.ID, 10*rounds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Event == "product.entered" && e.Result == storage.OK {
			n++
		}
	}
	return n
}

// browser is one of many on the way to a code, past the password.
type browser struct {
	jar       http.CookieJar
	formToken string
	request   string
}

// browsers are n browsers of one person, each with a sign-in of its own.
func browsers(t testing.TB, n int) []*browser {
	t.Helper()
	all := make([]*browser, n)
	for i := range all {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = &browser{jar: jar}
	}
	return all
}

// begin starts a sign-in.
func (b *browser) begin(t testing.TB, d *servertest.Demo) {
	t.Helper()
	client := &http.Client{Jar: b.jar}
	resp, err := client.Get(rp(t, d, first).AuthorizeURL(nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	b.request = resp.Request.URL.Query().Get("r")
	if b.formToken == "" {
		p := servertest.NewPerson(t)
		p.Client().Jar = b.jar
		b.formToken = fieldOf(t, p.Go(resp.Request.URL.String()), "form_token")
	}
}

// TestConcurrentSecondFactor presents one code by many callers, two of each
// browser. A sign-in that passes is a success; a code must not pass twice.
func TestConcurrentSecondFactor(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		_, key, _ := twoFactors(t, d, ana)
		u, err := d.DB.UserByEmail(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		c, all := newCrowd(t), browsers(t, callers/2)
		for name, code := range map[string]func() string{
			"totp": func() string { return servertest.Code(t, key, d.Clock.Now()) },
			"backup-code": func() string {
				var codes []string
				change(t, d, ana, func(tx *storage.Tx, id string) (err error) {
					codes, err = factor.Backup{}.Make(t.Context(), tx, id, 10, d.Clock.Now())
					return err
				})
				return codes[len(codes)/2]
			},
		} {
			for round := range rounds {
				// Back-off of the round before is over, and so are its browsers' sessions.
				d.Clock.Advance(13 * time.Hour)
				for _, b := range all {
					b.begin(t, d)
				}
				provePassword(t, d, all, u.ID)
				form := url.Values{"code": {code()}}
				replies := c.send(callers, func(i int) *http.Request {
					b := all[i/2]
					return request(t, b.jar, d.URL+"/login/"+name+"?r="+b.request, url.Values{"code": form["code"], "form_token": {b.formToken}})
				})
				for _, r := range replies {
					if r.status != http.StatusSeeOther && r.status != http.StatusUnprocessableEntity {
						t.Errorf("%s: %d %s", name, r.status, r.body)
					}
				}
				passed := 0
				for _, r := range c.send(len(all), func(i int) *http.Request {
					return request(t, all[i].jar, d.URL+"/login?r="+all[i].request, nil)
				}) {
					if strings.HasPrefix(r.to, "/authorize/continue") {
						passed++
					}
				}
				if passed != 1 {
					t.Fatalf("%s, round %d: %d sign-ins passed", name, round, passed)
				}
			}
		}
	})
}

// provePassword notes that the password was proved in each browser. Hashing
// one for each caller and round would take all the time there is.
func provePassword(t testing.TB, d *servertest.Demo, all []*browser, userID string) {
	t.Helper()
	err := d.DB.Write(t.Context(), func(tx *storage.Tx) error {
		for _, b := range all {
			a, err := tx.AuthRequest(t.Context(), b.request)
			if err != nil {
				return err
			}
			a.UserID, a.Proofs = userID, session.Encode(policy.Proofs{{Method: policy.Password, At: d.Clock.Now()}})
			if err := tx.UpdateAuthRequest(t.Context(), a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
