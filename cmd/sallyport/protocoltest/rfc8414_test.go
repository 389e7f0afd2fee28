package protocoltest_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// RFC 8414 section 3 and OpenID Connect Discovery section 4: one document, at
// both places.
func TestRFC8414Section3BothPlaces(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	var bodies []string
	for _, place := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		resp, err := http.Get(w.URL + place)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s %v %v", place, resp.Status, resp.Header, err)
		}
		bodies = append(bodies, string(body))
	}
	if bodies[0] != bodies[1] {
		t.Errorf("differ:\n%s\n%s", bodies[0], bodies[1])
	}
}

// RFC 8414 section 2: every endpoint is there, every grant, mode and method that
// is listed is known, and those that aren't are refused.
func TestRFC8414Section2IsTrue(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	rp := w.rp(t, "first")
	document := w.discovered(t)
	endpoints := 0
	for name, value := range document {
		if !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" && name != "check_session_iframe" {
			continue
		}
		endpoints++
		resp, err := http.Get(value.(string))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusNotFound {
			t.Errorf("%s isn't there: %v", name, value)
		}
	}
	if endpoints < 10 {
		t.Errorf("only %d endpoints in %v", endpoints, document)
	}
	for _, grant := range append(listed(t, document, "grant_types_supported"), "password", "urn:ietf:params:oauth:grant-type:jwt-bearer") {
		known := grant != "password" && !strings.HasSuffix(grant, "jwt-bearer")
		if grant == "implicit" {
			continue // has no token endpoint
		}
		_, a := rp.Post("/token", url.Values{"grant_type": {grant}})
		if (a.String("error") == "unsupported_grant_type") == known {
			t.Errorf("%s: %v", grant, a)
		}
	}
	member := w.member(t, ana)
	for _, mode := range append(listed(t, document, "response_modes_supported"), "web_message", "cookie") {
		member.Go(rp.AuthorizeURL(url.Values{"response_mode": {mode}}))
		refused := strings.Contains(member.URL.RawQuery, "error=") || member.Status == http.StatusBadRequest
		if known := mode != "web_message" && mode != "cookie"; known == refused {
			t.Errorf("%s: %d at %s", mode, member.Status, member.URL)
		}
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"} {
		if !slices.Contains(listed(t, document, "token_endpoint_auth_methods_supported"), method) {
			t.Errorf("%s isn't listed", method)
		}
	}
	for _, name := range []string{"introspection_endpoint_auth_methods_supported"} {
		if slices.Contains(listed(t, document, name), "none") {
			t.Errorf("%s lists none", name)
		}
	}
}

func (w *world) discovered(t testing.TB) servertest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, document := w.rp(t, "first").Do(req)
	return document
}

func listed(t testing.TB, document servertest.Answer, name string) (all []string) {
	t.Helper()
	values, ok := document[name].([]any)
	if !ok {
		t.Fatalf("%s is %v", name, document[name])
	}
	for _, v := range values {
		all = append(all, v.(string))
	}
	return all
}
