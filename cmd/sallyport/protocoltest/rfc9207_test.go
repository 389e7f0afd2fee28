package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// RFC 9207 section 2: iss is in every answer, of every kind and mode, success
// and error, and nowhere twice.
func TestRFC9207Section2EveryAnswer(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		registerTypes(t, w, "first", "code", "id_token", "code id_token")
		for _, kind := range []string{"code", "id_token", "code id_token"} {
			for _, mode := range []string{"", "query", "fragment", "form_post", "jwt", "fragment.jwt", "form_post.jwt"} {
				for _, scope := range []string{"openid", "profile"} {
					more := url.Values{"response_type": {kind}, "response_mode": {mode}, "scope": {scope}}
					p.Go(rp.AuthorizeURL(more))
					var q url.Values
					switch {
					case p.URL.Fragment != "":
						q = fragment(t, p)
					case strings.HasPrefix(p.URL.String(), site):
						q = mustArrive(t, p)
					default:
						q = posted(t, w, p)
					}
					if token := q.Get("response"); token != "" {
						if claims := w.mustVerify(t, token); claims["iss"] != w.URL || q.Has("iss") || (claims["error"] == nil) != (scope == "openid" && !(kind != "code" && mode == "query")) {
							t.Errorf("%v: %v", more, claims)
						}
						continue
					}
					if got := q["iss"]; len(got) != 1 || got[0] != w.URL || q.Has("error") != (scope != "openid" || kind != "code" && mode == "query") || q.Get("state") != "some state" {
						t.Errorf("%v: %v", more, q)
					}
				}
			}
		}
		if _, _, doc := rp.Do(mustGet(t, w.URL+"/.well-known/oauth-authorization-server")); doc["authorization_response_iss_parameter_supported"] != true {
			t.Errorf("%v", doc)
		}
	})
}

// OAuth 2.0 Form Post Response Mode: a form that goes to the product by itself,
// or by its button where there is no JavaScript, and nowhere else.
func TestFormPostResponseMode(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, p := w.rp(t, "first"), w.member(t, ana)
	p.Go(rp.AuthorizeURL(url.Values{"response_mode": {"form_post"}, "state": {`"><script>alert(1)</script>`}}))
	if q := posted(t, w, p); q.Get("code") == "" || q.Get("state") != `"><script>alert(1)</script>` {
		t.Errorf("%v", q)
	}
	policy := p.Header.Get("Content-Security-Policy")
	if p.Status != http.StatusOK || !p.Has("button") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", p.Status, policy)
	}
	mustBeTold(t, w, posted(t, w, p.Go(rp.AuthorizeURL(url.Values{"response_mode": {"form_post"}, "scope": {"x"}}))), "invalid_scope")
}
