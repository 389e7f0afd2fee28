package demo_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
)

// startProduct serves a product over HTTP, with the test provider as its own.
func startProduct(t *testing.T, p *testProvider, build func(demo.Product) http.Handler) *httptest.Server {
	t.Helper()
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	h = build(demo.Product{
		Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, BaseURL: srv.URL,
		OtherURL: "http://other.example", InboxURL: "http://inbox.example", Clock: p.clock.Now,
	})
	return srv
}

func startDashboard(t *testing.T, p *testProvider) *httptest.Server {
	return startProduct(t, p, demo.NewDashboard)
}

func startRemoteControl(t *testing.T, p *testProvider) *httptest.Server {
	return startProduct(t, p, func(pr demo.Product) http.Handler {
		return demo.NewRemoteControl(pr, []string{"front-desk", "orchard server"})
	})
}

// person is a browser with cookies.
type person struct {
	t    *testing.T
	base string
	http.Client
}

func newPerson(t *testing.T, product *httptest.Server) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, base: product.URL, Client: http.Client{Jar: jar}}
}

// shown is a page as a person sees it, and where they ended up.
type shown struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (p *person) get(path string) shown {
	p.t.Helper()
	resp, err := p.Get(p.base + path)
	return p.read(resp, err)
}

// press posts a form with the form token of the page it is on.
func (p *person) press(on shown, path string) shown {
	p.t.Helper()
	token := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindStringSubmatch(on.body)
	if token == nil {
		p.t.Fatalf("no form on %s:\n%s", on.url, on.body)
	}
	resp, err := p.PostForm(p.base+path, url.Values{"form_token": {token[1]}})
	return p.read(resp, err)
}

func (p *person) read(resp *http.Response, err error) shown {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return shown{resp.StatusCode, resp.Request.URL, resp.Header, string(body)}
}

func (p *person) signedIn() bool {
	p.t.Helper()
	status := p.get("/status.json").body
	home := p.get("/").body
	in := strings.Contains(status, `"signed_in":true`)
	if in != strings.Contains(home, `id="sign-out"`) || in == strings.Contains(home, `id="sign-in"`) {
		p.t.Fatalf("status.json says %s but the page is\n%s", status, home)
	}
	return in
}

// mustShow checks status and words of a page.
func (s shown) mustShow(t *testing.T, status int, parts ...string) {
	t.Helper()
	if s.status != status {
		t.Fatalf("status %d, want %d, at %s:\n%s", s.status, status, s.url, s.body)
	}
	for _, part := range parts {
		if !strings.Contains(s.body, part) {
			t.Errorf("%s doesn't show %q:\n%s", s.url, part, s.body)
		}
	}
}

func (s shown) mustNotShow(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(s.body, part) {
			t.Errorf("%s shows %q:\n%s", s.url, part, s.body)
		}
	}
}
