package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// RFC 9101 section 5.2 and OpenID Connect Core section 6.2: an object is fetched
// from where the product registered that it keeps it, and from nowhere else.
func TestRFC9101Section5_2ByReference(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
	var fetched atomic.Int64
	answer := func(rw http.ResponseWriter) { rw.Write([]byte(k.sign(typObject, object(rp, nil)) + "\n")) }
	address := servertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fetched.Add(1)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(rw, r, "/object", http.StatusFound)
		case "/gone":
			http.NotFound(rw, r)
		case "/long":
			rw.Write([]byte(strings.Repeat("x", 64<<10+1)))
		case "/unsigned":
			rw.Write([]byte("eyJhbGciOiJub25lIn0.e30."))
		case "/text":
			rw.Write([]byte("x"))
		default:
			answer(rw)
		}
	}))
	w.set(t, "first", func(c *storage.Client) {
		c.RequestURIs = []string{"ftp://127.0.0.1/object", address + "/object", address + "/object#v1", address + "/moved", address + "/gone", address + "/long", address + "/unsigned", address + "/text"}
	})
	by := func(uri string) string { return w.at(url.Values{"client_id": {"first"}, "request_uri": {uri}}) }
	for _, uri := range []string{"/object", "/object#v1"} {
		mustCode(t, p.Go(by(address+uri)))
	}
	if n := fetched.Load(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
	for path, code := range map[string]string{
		"/moved": "invalid_request_uri", "/gone": "invalid_request_uri", "/long": "invalid_request_uri", "/unsigned": "request_not_supported", "/text": "invalid_request_object",
	} {
		mustSeeError(t, w, p.Go(by(address+path)), code)
		mustBeTold(t, w, mustArrive(t, p.Go(w.at(parametersOf(rp, url.Values{"request_uri": {address + path}})))), code)
	}
	mustSeeError(t, w, p.Go(by("ftp://127.0.0.1/object")), "invalid_request_uri")
	// Only what is inside counts.
	outside := parametersOf(rp, url.Values{"request_uri": {address + "/object"}, "state": {"outside"}, "redirect_uri": {"https://evil.example/"}})
	if q := mustArrive(t, p.Go(w.at(outside))); q.Get("state") != "some state" {
		t.Errorf("%v", q)
	}
	// It is as good as any signed request, and isn't pushed.
	w.set(t, "first", func(c *storage.Client) { c.RequireSignedRequest = true })
	mustCode(t, p.Go(by(address+"/object")))
	before := fetched.Load()
	w.set(t, "first", func(c *storage.Client) { c.RequirePAR = true })
	mustSeeError(t, w, p.Go(by(address+"/object")), "invalid_request")
	w.set(t, "first", func(c *storage.Client) { c.RequirePAR = false })
	for _, uri := range []string{address, address + "/object#v2", address + "/object?", address + "/else", "https://evil.example/object", "urn:something", "x", ""} {
		mustBeTold(t, w, mustArrive(t, p.Go(w.at(parametersOf(rp, nil))+"&"+url.Values{"request_uri": {uri}}.Encode())), "request_uri_not_supported")
	}
	mustSeeError(t, w, p.Go(w.at(url.Values{"client_id": {"other"}, "request_uri": {address + "/object"}})), "request_uri_not_supported")
	mustSeeError(t, w, p.Go(by(address+"/object")+"&request=x"), "invalid_request")
	if fetched.Load() != before {
		t.Error("it was fetched")
	}
}
