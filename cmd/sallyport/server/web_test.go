package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp"
)

// Forms of ours are refused from other sites, by the browser's own word and by
// the form token.
func TestForeignFormsAreRefused(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	ana := servertest.NewPerson(t)
	ana.Go(d.Dashboard).Follow("/login").MustBeAt("/login/password")
	page := ana.URL.String()
	form := url.Values{"username": {"ana@acme.example"}, "password": {demo.Password}}

	for name, header := range map[string][2]string{
		"another site": {"Sec-Fetch-Site", "cross-site"},
		"old browser":  {"Origin", "https://evil.example"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(header[0], header[1])
		resp, err := ana.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	for _, token := range []string{"", "wrong", strings.Repeat("A", 43)} {
		form.Set("form_token", token)
		if ana.Post(page, form); ana.Status != http.StatusForbidden {
			t.Errorf("form token %q: %d", token, ana.Status)
		}
	}
	ana.Go(page).MustBeAt("/login/password")
	signIn(ana, "ana@acme.example").MustRead("Ana Operator")
}

// What a stranger's browser may be told to do, and not.
func TestHeadersOfPages(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	p := servertest.NewPerson(t).Go(d.Dashboard).Follow("/login")
	for name, want := range map[string]string{
		"Content-Security-Policy":    "default-src 'none'",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "same-origin",
		"Cache-Control":              "no-store",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := p.Header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, part := range []string{"frame-ancestors 'none'", "form-action 'self' " + d.Dashboard, "script-src 'self'"} {
		if csp := p.Header.Get("Content-Security-Policy"); !strings.Contains(csp, part) {
			t.Errorf("no %s in %s", part, csp)
		}
	}
	for _, c := range p.Cookies(d.URL) {
		if c.Name == "sallyport" {
			t.Errorf("a session cookie %s before anybody signed in", c.Name)
		}
	}
}

func TestHealthAnswersHead(t *testing.T) {
	d := servertest.Start(t, "sqlite")
	resp, err := http.Head(d.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("HEAD /healthz: %d", resp.StatusCode)
	}
}

// A name must not lead the provider's own calls inside.
func TestOutboundRefusesPrivateAddresses(t *testing.T) {
	called := 0
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer inside.Close()
	if resp, err := idp.NewOutbound(false).Get(inside.URL); !errors.Is(err, idp.ErrPrivateAddress) {
		t.Errorf("a loopback address was called: %v, %v", resp, err)
	}
	if called != 0 {
		t.Fatal("a loopback address was reached")
	}
	resp, err := idp.NewOutbound(true).Get(inside.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if called != 1 || resp.StatusCode != http.StatusFound {
		t.Errorf("called %d times, answered %d: a redirect was followed", called, resp.StatusCode)
	}
}

// PostgreSQL keeps neither NUL nor broken UTF-8: such a form is the sender's
// mistake, not ours.
func TestFormsAreText(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)
		signIn(ana.Go(d.URL+"/account"), "ana@acme.example").MustBeAt("/account")
		for _, id := range []string{"\x00", "\xff"} {
			if ana.Post(d.URL+"/account/sessions/end", url.Values{"id": {id}}); ana.Status != http.StatusBadRequest {
				t.Errorf("%q: %d", id, ana.Status)
			}
		}
		if ana.Post(d.URL+"/account/sessions/end", url.Values{"id": {strings.Repeat("x", 70<<10)}}); ana.Status != http.StatusBadRequest {
			t.Errorf("70 KiB: %d", ana.Status)
		}
	})
}
