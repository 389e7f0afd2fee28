package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"
)

// OpenID Connect Core section 5.5: what isn't understood in it is ignored. What
// decides whether somebody may sign in is not.
func TestCoreSection5_5Ignored(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, p := w.rp(t, "first"), w.member(t, ana)
	for _, claims := range []string{
		`{"userinfo":{"x":true}}`, `{"id_token":{"x":1,"email":"a","acr":{"essential":true,"x":[]}}}`, `{"userinfo":{"acr":3,"sub":true,"name":{"essential":"yes"}},"verified":{}}`,
	} {
		status, tokens := rp.Exchange(mustCode(t, p.Go(rp.AuthorizeURL(url.Values{"claims": {claims}}))), nil)
		if status != http.StatusOK {
			t.Errorf("%s: %d %v", claims, status, tokens)
		}
	}
	for _, claims := range []string{`{"id_token":{"acr":true}}`, `{"id_token":{"sub":"x"}}`, `{"id_token":{"mfa_time":1}}`, `{"id_token":{"acr":{"essential":"yes"}}}`, `{"id_token":[]}`, `{"userinfo":true}`} {
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(url.Values{"claims": {claims}}))), "invalid_request")
	}
}
