package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/login/page"
)

// directive is the sources of a directive of a page's policy.
func directive(t *testing.T, p page.Page, name string) string {
	t.Helper()
	rec, _ := draw(t, mustRenderer(t), page.Frame{}, p)
	for _, d := range strings.Split(rec.Header().Get("Content-Security-Policy"), "; ") {
		if rest, ok := strings.CutPrefix(d, name); ok && (rest == "" || rest[0] == ' ') {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// A page frames the products it signs out of, and nobody else.
func TestFramesOfSignedOut(t *testing.T) {
	told := func(frames ...string) page.SignedOut {
		p := page.SignedOut{Next: "https://back.example/"}
		for _, f := range frames {
			p.Products = append(p.Products, page.Told{Product: "Board", Frame: f})
		}
		return p
	}
	for name, c := range map[string]struct {
		page page.SignedOut
		want string
	}{
		"none":             {told(), ""},
		"origins alone":    {told("https://a.example/out?x=1;script-src%20*", "https://B.example:8443/out"), "https://a.example https://b.example:8443"},
		"once":             {told("https://a.example/out", "https://a.example:443/in"), "https://a.example"},
		"this machine":     {told("http://localhost:3000/out"), "http://localhost:3000"},
		"not of the web":   {told("javascript:alert(1)", "data:text/html,x", "app:/out", "//a.example/out"), ""},
		"nothing is ended": {told("https://a.example;script-src *", "https://*/out", "https://u@a.example/"), ""},
	} {
		if got := directive(t, c.page, "frame-src"); got != c.want {
			t.Errorf("%s: frame-src %q, not %q", name, got, c.want)
		}
	}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, told("https://a.example/out?iss=x&sid=y", "javascript:alert(1)"))
	var frames []string
	for _, n := range elements(doc, "iframe") {
		src, _ := attr(n, "src")
		frames = append(frames, src)
		if _, hidden := attr(n, "hidden"); !hidden {
			t.Errorf("seen: %s", render(n))
		}
		if sandbox, _ := attr(n, "sandbox"); sandbox == "" || strings.Contains(sandbox, "top-navigation") {
			t.Errorf("may lead away: %s", render(n))
		}
	}
	if len(frames) != 2 || frames[0] != "https://a.example/out?iss=x&sid=y" || strings.HasPrefix(frames[1], "javascript:") {
		t.Errorf("frames %q", frames)
	}
}

// It goes on without a script, to wherever was registered, and at once by the
// link.
func TestSignedOutGoesOn(t *testing.T) {
	for next, want := range map[string]string{
		"https://back.example/bye?a=b&state=x%22%3By": "https://back.example/bye?a=b&state=x%22%3By",
		"com.example.app:/bye?state=1":                "com.example.app:/bye?state=1",
		"/login?r=req_1":                              "/login?r=req_1",
	} {
		_, doc := draw(t, mustRenderer(t), page.Frame{Product: "Board"}, page.SignedOut{Next: next, Back: true})
		content := ""
		for _, n := range elements(doc, "meta") {
			if equiv, _ := attr(n, "http-equiv"); equiv == "refresh" {
				content, _ = attr(n, "content")
			}
		}
		if content != "5;url="+want {
			t.Errorf("%s: refreshes %q", next, content)
		}
		link := find(doc, "data-when-framed")
		if href, _ := attr(link, "href"); href != want || !strings.Contains(text(link), "Board") {
			t.Errorf("%s: the link is %s", next, render(link))
		}
	}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.SignedOut{SignIn: "/account"})
	for _, n := range elements(doc, "meta") {
		if _, has := attr(n, "http-equiv"); has {
			t.Errorf("goes on though there is nowhere to go: %s", render(n))
		}
	}
}

// A logo is drawn from https, and no other page draws what isn't ours.
func TestLogo(t *testing.T) {
	const ours = "'self' data:"
	for logo, want := range map[string]string{
		"":                                  ours,
		"https://cdn.example/logo.png?x=1":  ours + " https://cdn.example",
		"http://cdn.example/logo.png":       ours,
		"data:image/svg+xml,<svg/>":         ours,
		"https://cdn.example;script-src */": ours,
	} {
		p := page.Consent{LogoURI: logo}
		if got := directive(t, p, "img-src"); got != want {
			t.Errorf("%q: img-src %q", logo, got)
		}
		_, doc := draw(t, mustRenderer(t), page.Frame{}, p)
		if drawn := len(elements(doc, "img")) > 0; drawn != (want != ours) {
			t.Errorf("%q: drawn %v", logo, drawn)
		}
	}
	if got := directive(t, page.SignIn{}, "img-src"); got != ours {
		t.Errorf("the sign-in draws %q", got)
	}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.Consent{ClientURI: "javascript:alert(1)"})
	if len(elements(doc, "a")) > 0 {
		t.Error("links to a script")
	}
}

// The page that products keep in a frame may be framed by all, and shows and
// does nothing.
func TestCheckSessionPage(t *testing.T) {
	serve, err := page.CheckSession("__Host-state")
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	serve(rec, httptest.NewRequest("GET", "/session/check", nil))
	doc, err := html.Parse(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	csp := rec.Header().Get("Content-Security-Policy")
	if strings.Contains(csp, "frame-ancestors") || rec.Header().Get("X-Frame-Options") != "" {
		t.Errorf("can't be framed: %v", rec.Header())
	}
	if csp != "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'" {
		t.Errorf("policy %q", csp)
	}
	if root := elements(doc, "html")[0]; len(elements(doc, "form", "a", "button")) > 0 || find(doc, "data-cookie") != root {
		t.Errorf("the page is %s", render(doc))
	}
	checkNothingInline(t, doc)
	script, _ := attr(elements(doc, "script")[0], "src")
	asset := httptest.NewRecorder()
	if page.Static().ServeHTTP(asset, httptest.NewRequest("GET", script, nil)); asset.Code != http.StatusOK {
		t.Errorf("its script %s: %d", script, asset.Code)
	}
}
