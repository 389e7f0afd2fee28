package idp

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

// Whatever is sent as an assertion, nobody gets in without a key, and the
// answer is that of a client that failed to authenticate.
func FuzzClientAssertion(f *testing.F) {
	key := clientKey(f, "EdDSA")
	p := &Provider{Issuer: "https://id.example", Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	client := &storage.Client{ID: "c", AuthMethod: storage.PrivateKeyJWT, ClientProtocol: storage.ClientProtocol{
		JWKS: jwks(f, jose.JSONWebKey{Key: key.Public()}),
	}}
	encode := base64.RawURLEncoding.EncodeToString
	f.Add(signed(f, key, "EdDSA", "")) // no claims: never good
	f.Add(encode([]byte(`{"alg":"EdDSA"}`)) + "." + encode([]byte(`{"iss":"c","sub":"c","aud":"https://id.example","exp":1700000060,"jti":"j"}`)) + ".AAAA")
	f.Add(encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(`{"iss":"c","sub":"c"}`)) + ".")
	f.Add(encode([]byte(`{"alg":"HS256","typ":"JWT","crit":["b64"],"b64":false}`)) + "." + encode([]byte(`{"iss":"c","sub":"c","aud":["a",1]}`)) + ".AA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.PostForm = url.Values{"client_assertion_type": {jwtBearer}, "client_assertion": {text}}
		cred, err := credentialsOf(r)
		if err == nil {
			if cred.clientID == "" || cred.sent != assertion {
				t.Fatalf("%+v", cred)
			}
			cred.algs = asymmetric
			err = p.checkAssertion(t.Context(), client, cred)
		}
		var refused *oauthError
		if !errors.As(err, &refused) || refused.code != invalidClient || refused.status != http.StatusUnauthorized {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// RFC 6749 section 2.3: a client says who it is in one way.
func TestRFC6749Section2_3OneWay(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("c:s"))
	for name, test := range map[string]struct {
		header string
		form   url.Values
		want   string
	}{
		"header and form":       {basic, url.Values{"client_secret": {"s"}}, invalidRequest},
		"header and assertion":  {basic, url.Values{"client_assertion": {"x"}}, invalidRequest},
		"header and its type":   {basic, url.Values{"client_assertion_type": {jwtBearer}}, invalidRequest},
		"form and assertion":    {"", url.Values{"client_id": {"c"}, "client_secret": {"s"}, "client_assertion": {"x"}, "client_assertion_type": {jwtBearer}}, invalidRequest},
		"another client_id":     {basic, url.Values{"client_id": {"d"}}, invalidRequest},
		"another scheme":        {"Bearer x", nil, invalidClient},
		"no secret":             {"Basic " + base64.StdEncoding.EncodeToString([]byte("c:")), nil, invalidClient},
		"header":                {basic, nil, ""},
		"header with client_id": {basic, url.Values{"client_id": {"c"}}, ""},
		"form":                  {"", url.Values{"client_id": {"c"}, "client_secret": {"s"}}, ""},
		"neither":               {"", url.Values{"client_id": {"c"}}, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.PostForm = test.form
		if test.header != "" {
			r.Header.Set("Authorization", test.header)
		}
		cred, err := credentialsOf(r)
		var refused *oauthError
		if errors.As(err, &refused); test.want == "" && (err != nil || cred.clientID != "c") || test.want != "" && (refused == nil || refused.code != test.want) {
			t.Errorf("%s: %+v %v", name, cred, err)
		}
	}
}
