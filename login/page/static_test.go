package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/login/page"
)

func TestStatic(t *testing.T) {
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.SignIn{})
	types := make(map[string]string)
	static := page.Static()
	get := func(url string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		static.ServeHTTP(rec, httptest.NewRequest("GET", url, nil))
		return rec
	}
	for _, n := range elements(doc, "link", "script") {
		url, ok := attr(n, "href")
		if !ok {
			url, _ = attr(n, "src")
		}
		rec := get(url)
		types[url[strings.LastIndex(url, ".")+1:]] = rec.Header().Get("Content-Type")
		if got := rec.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", url, got)
		}
		if got := rec.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", url, got)
		}
	}
	for ext, want := range map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"} {
		if types[ext] != want {
			t.Errorf("%s: Content-Type %q, want %q", ext, types[ext], want)
		}
	}
	// A name without its hash must not be cached for ever, so it isn't served.
	for _, url := range []string{"/static/", "/static/style.css", "/static/../render.go", "/static/style.0000000000000000.css"} {
		if rec := get(url); rec.Code != http.StatusNotFound || rec.Header().Get("Cache-Control") != "" {
			t.Errorf("%s: status %d, Cache-Control %q", url, rec.Code, rec.Header().Get("Cache-Control"))
		}
	}
}
