package protocoltest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// posted is what a form on the page carries to the product.
func posted(t testing.TB, w *world, p *servertest.Person) url.Values {
	t.Helper()
	if !strings.HasPrefix(p.URL.String(), w.URL) || !strings.Contains(p.Header.Get("Content-Security-Policy"), "form-action 'self' "+site) {
		t.Fatalf("no form: at %s, under %s", p.URL, p.Header.Get("Content-Security-Policy"))
	}
	return formFields(t, p, callback)
}

// jwtOnly is the JWT of a response that is nothing else.
func jwtOnly(t testing.TB, q url.Values) string {
	t.Helper()
	if len(q) != 1 || q.Get("response") == "" {
		t.Fatalf("not a response and no more: %v", q)
	}
	return q.Get("response")
}

// JARM section 2.3: each mode carries the same, success and error alike.
func TestJARMSection2_3Modes(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		registerTypes(t, w, "first", "code", "code id_token")
		arrives := map[string]func(*servertest.Person) url.Values{
			"query":     func(p *servertest.Person) url.Values { return mustArrive(t, p) },
			"fragment":  func(p *servertest.Person) url.Values { return fragment(t, p) },
			"form_post": func(p *servertest.Person) url.Values { return posted(t, w, p) },
		}
		for _, c := range []struct{ kind, mode, in string }{
			{"code", "jwt", "query"}, {"code", "query.jwt", "query"}, {"code", "fragment.jwt", "fragment"}, {"code", "form_post.jwt", "form_post"},
			{"code id_token", "jwt", "fragment"}, {"code id_token", "fragment.jwt", "fragment"}, {"code id_token", "form_post.jwt", "form_post"},
		} {
			t.Run(c.kind+" "+c.mode, func(t *testing.T) {
				more := url.Values{"response_type": {c.kind}, "response_mode": {c.mode}}
				claims := w.mustVerify(t, jwtOnly(t, arrives[c.in](p.Go(rp.AuthorizeURL(more)))))
				lasts := claims["exp"].(float64) - float64(w.Clock.Now().Unix())
				if claims["iss"] != w.URL || claims["aud"] != "first" || lasts <= 0 || lasts > 600 || claims["state"] != "some state" || claims["sub"] != nil {
					t.Errorf("%v", claims)
				}
				if (claims["id_token"] != nil) != (c.kind == "code id_token") {
					t.Errorf("%v", claims)
				}
				if status, tokens := rp.Exchange(claims.String("code"), nil); status != 200 {
					t.Errorf("%d %v", status, tokens)
				}
				more.Set("scope", "profile")
				claims = w.mustVerify(t, jwtOnly(t, arrives[c.in](p.Go(rp.AuthorizeURL(more)))))
				if claims["error"] != "invalid_scope" || claims["state"] != "some state" || claims["iss"] != w.URL || claims["code"] != nil {
					t.Errorf("%v", claims)
				}
			})
		}
		mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {"code id_token"}, "response_mode": {"query.jwt"}}))), "invalid_request")
	})
}

// Section 2.2: by the algorithm that the product is registered for, else by
// that of its ID tokens; through login as well, and where it was cancelled.
func TestJARMSection2_2Signing(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		for _, c := range []struct{ registered, idToken, want string }{
			{"", "RS256", "RS256"}, {"", "ES256", "ES256"}, {"PS256", "RS256", "PS256"}, {"EdDSA", "RS256", "EdDSA"},
		} {
			w.set(t, "first", func(s *storage.Client) { s.AuthorizationAlg, s.IDTokenAlg = c.registered, c.idToken })
			p := signIn(w.visitor(t).Go(rp.AuthorizeURL(url.Values{"response_mode": {"jwt"}})), ana)
			token := jwtOnly(t, mustArrive(t, p))
			if header := string(mustDecode(t, strings.Split(token, ".")[0])); !strings.Contains(header, `"alg":"`+c.want+`"`) {
				t.Errorf("%v: %s", c, header)
			}
			if w.mustVerify(t, token)["code"] == nil {
				t.Error("no code")
			}
		}
		// A response is no ID token, whoever sends it back as one.
		p := w.member(t, ana)
		response := jwtOnly(t, mustArrive(t, p.Go(rp.AuthorizeURL(url.Values{"response_mode": {"jwt"}}))))
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(url.Values{"id_token_hint": {response}}))), "invalid_request")
		w.Clock.Advance(time.Second)
		p.Go(rp.AuthorizeURL(url.Values{"response_mode": {"jwt"}, "prompt": {"none"}, "max_age": {"0"}}))
		if claims := w.mustVerify(t, jwtOnly(t, mustArrive(t, p))); claims["error"] != "login_required" {
			t.Errorf("%v", claims)
		}
	})
}

// Section 4.
func TestJARMSection4Metadata(t *testing.T) {
	w := start(t, "sqlite", "")
	_, _, doc := w.rp(t, "first").Do(mustGet(t, w.URL+"/.well-known/openid-configuration"))
	has := func(name, value string) bool {
		all, _ := doc[name].([]any)
		for _, v := range all {
			if v == value {
				return true
			}
		}
		return false
	}
	for _, mode := range []string{"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"} {
		if !has("response_modes_supported", mode) {
			t.Errorf("%s isn't there", mode)
		}
	}
	for _, alg := range []string{"RS256", "ES256", "PS256", "EdDSA"} {
		if !has("authorization_signing_alg_values_supported", alg) {
			t.Errorf("%s isn't there", alg)
		}
	}
}
